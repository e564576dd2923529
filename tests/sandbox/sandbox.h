// A sandbox without sockets, whose clock is turned by hand.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "sandbox/access.h"
#include "sandbox/api.h"
#include "sandbox/controllers/controllers.h"
#include "sandbox/seed.h"

namespace wukong::testing {

class Sandbox {
 public:
  explicit Sandbox(std::string_view profile = "default") { (void)sandbox::seed(cluster, profile); }

  sandbox::Response send(std::string method, std::string target, const Json& body = nullptr,
                         std::string content_type = "application/json") {
    return sandbox::handle(cluster, {.method = std::move(method),
                                     .target = std::move(target),
                                     .accept = "application/json",
                                     .content_type = std::move(content_type),
                                     .body = body.is_null() ? "" : body.dump(),
                                     .user = user});
  }
  /// The answer to a request that must have the status `expected`; otherwise a string that says what came.
  Json ask(int expected, std::string method, std::string target, const Json& body = nullptr,
           std::string content_type = "application/json") {
    const auto response = send(std::move(method), std::move(target), body, std::move(content_type));
    if (response.status != expected)
      return "status " + std::to_string(response.status) + ": " + response.body;
    return Json::parse(response.body, nullptr, false);
  }
  /// Lets everything happen that takes less than `limit`.
  void settle(sandbox::Millis limit = std::chrono::minutes(1)) { sandbox::settle_fully(cluster, limit); }
  Json get(std::string_view resource, std::string_view name, std::string_view ns = "demo") {
    const auto found = cluster.find(resource, ns, name);
    return found == nullptr ? Json(nullptr) : *found;
  }

  sandbox::Cluster cluster{{.running = [] { return sandbox::Millis(0); },
                            .wall = [] { return WallTime(std::chrono::seconds(1'795'152'424)); }},
                           1,
                           7};
  sandbox::User user{.name = sandbox::kAdmin, .groups = {"system:masters"}};
};

inline constexpr const char* kDemoVms = "/apis/kubevirt.io/v1/namespaces/demo/virtualmachines";
inline constexpr const char* kDemoClaims = "/api/v1/namespaces/demo/persistentvolumeclaims";
inline constexpr const char* kDemoClones =
    "/apis/clone.kubevirt.io/v1beta1/namespaces/demo/virtualmachineclones";

inline Json claim_body(const std::string& name) {
  return {{"apiVersion", "v1"},
          {"kind", "PersistentVolumeClaim"},
          {"metadata", {{"name", name}}},
          {"spec",
           {{"accessModes", Json::array({"ReadWriteOnce"})},
            {"resources", {{"requests", {{"storage", "1Gi"}}}}}}}};
}

inline Json clone_body(const std::string& name, const std::string& source, const std::string& target) {
  const auto vm = [](const std::string& called) {
    return Json{{"apiGroup", "kubevirt.io"}, {"kind", "VirtualMachine"}, {"name", called}};
  };
  return {{"apiVersion", "clone.kubevirt.io/v1beta1"},
          {"kind", "VirtualMachineClone"},
          {"metadata", {{"name", name}}},
          {"spec", {{"source", vm(source)}, {"target", vm(target)}}}};
}

}  // namespace wukong::testing
