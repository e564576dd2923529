#include "sandbox/subresources.h"

#include <fmt/format.h>

namespace wukong::sandbox {
namespace {

/// KubeVirt's own answers name the kind in the singular.
constexpr Kind kSingular{.group = "kubevirt.io", .resource = "virtualmachine"};

/// Why a VM with `strategy` refuses; "" when it does not.
std::string problem_of(const std::string& action, const std::string& strategy, bool runs) {
  if (action == "start") {
    if (runs) return "VM is already running";
    if (strategy == "Always" || strategy == "Once")
      return strategy + " does not support manual start requests";
    return {};
  }
  if (!runs) return "VM is not running";
  return strategy == "Halted" ? "Halted only supports manual stop requests with a shorter graceperiod" : "";
}

}  // namespace

Reply<void> change_run_state(Cluster& cluster, const std::string& ns, const std::string& name,
                             const std::string& action, bool dry_run) {
  const Kind& kind = kind_named("virtualmachines");
  const Object vm = cluster.store().find(kind, ns, name);
  if (vm == nullptr) return tl::unexpected(not_found(kSingular, name));
  const bool runs = cluster.find("virtualmachineinstances", ns, name) != nullptr;
  std::string strategy(text(*vm, {"spec", "runStrategy"}));
  if (strategy.empty()) strategy = flag(*vm, {"spec", "running"}) ? "Always" : "Halted";
  if (const std::string problem = problem_of(action, strategy, runs); !problem.empty())
    return tl::unexpected(conflict(kSingular, name, problem));
  if (strategy == "Manual") {
    if (!dry_run)
      cluster.edit_status(kind.resource, *vm, [&](Json& status) {
        status["stateChangeRequests"] = {{{"action", action == "start" ? "Start" : "Stop"}}};
      });
    return {};
  }
  Json next = *vm;
  next["spec"].erase("running");
  next["spec"]["runStrategy"] = action == "start" ? "Always" : "Halted";
  const auto done = cluster.update(kind, std::move(next), dry_run);
  if (done) return {};
  return tl::unexpected(Refusal{500, "InternalError", "Internal error occurred: " + done.error().message});
}

Json review_access(const User& user, Json review) {
  const Json& asked = fields(review, {"spec", "resourceAttributes"});
  std::string resource(text(asked, {"resource"}));
  if (const std::string_view sub = text(asked, {"subresource"}); !sub.empty())
    resource += fmt::format("/{}", sub);
  const Act act{std::string(text(asked, {"verb"})), std::string(text(asked, {"group"})), resource,
                std::string(text(asked, {"namespace"})), std::string(text(asked, {"name"}))};
  const bool reads_path = find(review, {"spec", "nonResourceAttributes"}) != nullptr;
  review["status"] = {{"allowed", reads_path || may(user, act)}};
  return review;
}

}  // namespace wukong::sandbox
