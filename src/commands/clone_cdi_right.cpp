// May the user clone disks out of the source's namespace? CDI's webhook asks the same, and answers 422 without a reason.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "commands/clone_cdi.h"

namespace wukong::commands {

namespace {

/// Whom the server takes the user for, or "USER".
std::string user_name(kube::Api& api) {
  const auto name = std::make_shared<std::optional<std::string>>();
  kube::Request request{.method = kube::Method::post,
                        .path = "/apis/authentication.k8s.io/v1/selfsubjectreviews",
                        .body = R"({"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"})"};
  api.request(std::move(request), [name](Result<kube::Response> got) {
    *name = got ? std::string(text(got->body, {"status", "userInfo", "username"})) : std::string();
  });
  if (!kube::turn_until(api, [&] { return name->has_value(); }) || (*name)->empty()) return "USER";
  return **name;
}

}  // namespace

Result<void> check_clone_right(const CloneNames& names, const op::Operation& operation, kube::Api& api,
                               const Scope& at) {
  if (names.target_ns == at.ns) return {};
  const kube::Permission source{.verb = "create",
                                .group = gvr::data_volume().group,
                                .resource = gvr::data_volume().resource,
                                .subresource = "source",
                                .ns = at.ns};
  const kube::Permission pods{.verb = "create", .resource = "pods", .ns = at.ns};
  WUKONG_TRY(const std::vector<kube::Permission> missing, kube::missing_permissions(api, {source, pods}));
  const bool snapshots =
      names.from_snapshot || std::any_of(operation.steps.begin(), operation.steps.end(),
                                         [](const op::Step& s) { return s.id == "snapshot"; });
  const bool by_source = std::find(missing.begin(), missing.end(), source) == missing.end();
  // Who may create pods there may read the claim anyway; of a snapshot that is not true.
  if (by_source || (!snapshots && missing.size() == 1)) return {};
  const std::string user = user_name(api);
  return Error{
      .code = Code::forbidden,
      .message = fmt::format("you may not clone disks out of namespace {}: nothing was changed", at.ns),
      .hint = fmt::format("ask for a RoleBinding in namespace {}:\n"
                          "  kubectl create role clone-source {} --verb=create "
                          "--resource=datavolumes.cdi.kubevirt.io/source\n"
                          "  kubectl create rolebinding clone-source {} --role=clone-source --user={}",
                          at.ns, at.where(), at.where(), user),
      .causes = {
          fmt::format("not allowed: create datavolumes.cdi.kubevirt.io/source in namespace {}", at.ns)}};
}

}  // namespace wukong::commands
