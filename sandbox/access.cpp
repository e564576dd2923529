#include "sandbox/access.h"

#include <fmt/format.h>

#include <algorithm>

namespace wukong::sandbox {
namespace {

/// As Kubernetes' and KubeVirt's `view` roles in all namespaces: no secrets, nothing of CSI snapshots, nothing that
/// belongs to no namespace but their names.
bool viewer_may(const Act& act) {
  if (act.verb != "get" && act.verb != "list" && act.verb != "watch") return false;
  if (act.group == "subresources.kubevirt.io") return act.resource == "version";
  if (act.group == "snapshot.storage.k8s.io" || act.resource == "secrets") return false;
  if (act.resource == "namespaces") return true;
  const Kind* kind = find_kind(act.group, act.resource.substr(0, act.resource.find('/')));
  return kind != nullptr && kind->namespaced;
}

}  // namespace

bool may(const User& user, const Act& act) {
  if (std::find(user.groups.begin(), user.groups.end(), "system:masters") != user.groups.end()) return true;
  return user.name == kViewer && viewer_may(act);
}

Refusal forbidden_act(const User& user, const Act& act) {
  const std::string scope =
      act.ns.empty() ? "at the cluster scope" : fmt::format("in the namespace \"{}\"", act.ns);
  const std::string resource = act.resource.substr(0, act.resource.find('/'));
  const Kind named{.group = act.group, .resource = resource};
  return forbidden(named, act.name,
                   fmt::format("User \"{}\" cannot {} resource \"{}\" in API group \"{}\" {}", user.name,
                               act.verb, act.resource, act.group, scope));
}

Json review_access(const User& user, Json review) {
  const Json& asked = fields(review, {"spec", "resourceAttributes"});
  std::string resource(text(asked, {"resource"}));
  if (const std::string_view sub = text(asked, {"subresource"}); !sub.empty())
    resource += fmt::format("/{}", sub);
  const Act act{std::string(text(asked, {"verb"})), std::string(text(asked, {"group"})), resource,
                std::string(text(asked, {"namespace"})), std::string(text(asked, {"name"}))};
  const bool reads_path = find(review, {"spec", "nonResourceAttributes"}) != nullptr;
  review["metadata"] = Json::object();
  review["status"] = {{"allowed", reads_path || may(user, act)}};
  return review;
}

}  // namespace wukong::sandbox
