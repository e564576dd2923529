#include "sandbox/discovery.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace wukong::sandbox {
namespace {

constexpr const char* kServerVersion = "v1.34.3";
constexpr const char* kSubresources = "subresources.kubevirt.io";

Json version_info(const char* version) {
  return {{"major", "1"},           {"minor", "34"},           {"gitVersion", version},
          {"gitCommit", "sandbox"}, {"gitTreeState", "clean"}, {"buildDate", "1970-01-01T00:00:00Z"},
          {"goVersion", "none"},    {"compiler", "g++"},       {"platform", "linux/amd64"}};
}

Json group_of(std::string_view name, std::string_view version) {
  const Json served = {{"groupVersion", fmt::format("{}/{}", name, version)}, {"version", version}};
  return {{"name", name}, {"versions", Json::array({served})}, {"preferredVersion", served}};
}

/// All groups but the core one, in the order of the table.
Json groups() {
  Json all = Json::array();
  for (const Kind& kind : all_kinds()) {
    const bool seen =
        std::any_of(all.begin(), all.end(), [&](const Json& group) { return group["name"] == kind.group; });
    if (!kind.group.empty() && !seen) all.push_back(group_of(kind.group, kind.version));
  }
  all.push_back(group_of("authorization.k8s.io", "v1"));
  all.push_back(group_of(kSubresources, "v1"));
  return all;
}

Json resource_entry(std::string_view name, std::string_view kind, bool namespaced, Json verbs) {
  return {{"name", name},
          {"singularName", ""},
          {"namespaced", namespaced},
          {"kind", kind},
          {"verbs", std::move(verbs)}};
}

Json resources_of(const std::string& group, const std::string& version) {
  Json all = Json::array();
  for (const Kind& kind : all_kinds()) {
    if (kind.group != group || kind.version != version) continue;
    Json entry = resource_entry(kind.resource, kind.kind, kind.namespaced,
                                {"create", "delete", "get", "list", "patch", "update", "watch"});
    entry["singularName"] = lower(kind.kind);
    if (!kind.short_names.empty()) entry["shortNames"] = split(kind.short_names, ',');
    if (group == "kubevirt.io") entry["categories"] = {"all"};
    all.push_back(std::move(entry));
    if (kind.has_status)
      all.push_back(resource_entry(std::string(kind.resource) + "/status", kind.kind, kind.namespaced,
                                   {"get", "patch", "update"}));
  }
  if (group == "authorization.k8s.io")
    all.push_back(resource_entry("selfsubjectaccessreviews", "SelfSubjectAccessReview", false, {"create"}));
  if (group == kSubresources)
    for (const char* action : {"virtualmachines/start", "virtualmachines/stop"})
      all.push_back(resource_entry(action, "VirtualMachine", true, {"update"}));
  return all;
}

/// Only what kubectl looks for before it sends fieldValidation: that PATCH takes it, per kind.
Json openapi(const std::string& group, const std::string& version) {
  Json paths = Json::object();
  for (const Kind& kind : all_kinds()) {
    if (kind.group != group || kind.version != version) continue;
    paths["/" + std::string(kind.resource)]["patch"] = {
        {"x-kubernetes-group-version-kind", {{"group", group}, {"version", version}, {"kind", kind.kind}}},
        {"parameters",
         {{{"name", "fieldValidation"}, {"in", "query"}}, {{"name", "dryRun"}, {"in", "query"}}}},
        {"responses", Json::object()}};
  }
  return {
      {"openapi", "3.0.0"}, {"info", {{"title", "sandbox"}, {"version", "1"}}}, {"paths", std::move(paths)}};
}

Json openapi_index() {
  Json paths = {{"api/v1", {{"serverRelativeURL", "/openapi/v3/api/v1"}}}};
  for (const Json& group : groups())
    for (const Json& version : group["versions"]) {
      const std::string path = "apis/" + version["groupVersion"].get<std::string>();
      paths[path] = {{"serverRelativeURL", "/openapi/v3/" + path}};
    }
  return {{"paths", std::move(paths)}};
}

std::optional<Json> group_answer(const std::vector<std::string>& parts) {
  for (const Json& group : groups()) {
    if (group["name"] != parts[1]) continue;
    if (parts.size() == 2) {
      Json answer = group;
      answer["kind"] = "APIGroup";
      answer["apiVersion"] = "v1";
      return answer;
    }
    const Json& versions = group["versions"];
    if (parts.size() == 3 && std::any_of(versions.begin(), versions.end(),
                                         [&](const Json& each) { return each["version"] == parts[2]; }))
      return Json{{"kind", "APIResourceList"},
                  {"apiVersion", "v1"},
                  {"groupVersion", parts[1] + "/" + parts[2]},
                  {"resources", resources_of(parts[1], parts[2])}};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Json> discover(const Url& url) {
  const std::string& path = url.path;
  const auto& parts = url.parts;
  if (path == "/version") return version_info(kServerVersion);
  if (path == "/apis/subresources.kubevirt.io/v1/version") return version_info(kKubeVirtVersion);
  if (path == "/api") return Json{{"kind", "APIVersions"}, {"versions", {"v1"}}};
  if (path == "/apis") return Json{{"kind", "APIGroupList"}, {"apiVersion", "v1"}, {"groups", groups()}};
  if (path == "/api/v1")
    return Json{{"kind", "APIResourceList"},
                {"apiVersion", "v1"},
                {"groupVersion", "v1"},
                {"resources", resources_of("", "v1")}};
  if (path == "/openapi/v3") return openapi_index();
  if (path == "/openapi/v3/api/v1") return openapi("", "v1");
  if (parts.size() == 5 && parts[0] == "openapi" && parts[2] == "apis") return openapi(parts[3], parts[4]);
  if (parts.size() >= 2 && parts[0] == "apis") return group_answer(parts);
  return std::nullopt;
}

}  // namespace wukong::sandbox
