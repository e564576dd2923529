// Pieces of plans for runner tests: claims, VMs, judges that look at one object.
#pragma once

#include <fmt/format.h>

#include <string>

#include "op/operation.h"

namespace wukong::testing {

inline const char* kOperationId = "op-test";

inline Json marked(const ObjectRef& ref) {
  Json manifest = skeleton(ref);
  manifest["metadata"]["labels"][mark::kOperation] = kOperationId;
  return manifest;
}

inline ObjectRef claim(const std::string& name) { return {gvr::pvc(), "demo", name}; }
inline ObjectRef vm(const std::string& name) { return {gvr::vm(), "demo", name}; }
inline ObjectRef snapshot(const std::string& name) { return {gvr::vm_snapshot(), "demo", name}; }
inline ObjectRef subresource(const std::string& name) {
  return {{"subresources.kubevirt.io", "v1", "virtualmachines", "VirtualMachine"}, "demo", name};
}

inline Watched all_of(const Gvr& gvr) { return {.gvr = gvr, .ns = "demo", .required = true}; }

/// Done when `.status.phase` of the object is `phase`, failed when it is "Failed"; a message in
/// `.status.error` is a cause.
inline op::Await phase_is(const ObjectRef& ref, std::string phase,
                          std::chrono::nanoseconds timeout = std::chrono::minutes{30}) {
  const Judge judge = [ref, phase](const View& view, const Verdict&, Duration) {
    const Json* object = view.find(ref.gvr.resource, ref.name);
    const std::string now = object == nullptr ? "" : std::string(text(*object, {"status", "phase"}));
    Verdict verdict{.stage = now.empty() ? "Pending" : now};
    if (now == phase) verdict.state = Verdict::State::done;
    if (now == "Failed") {
      verdict.state = Verdict::State::failed;
      verdict.message = describe(ref) + " failed";
    }
    if (object != nullptr) verdict.cause = std::string(text(*object, {"status", "error"}));
    return verdict;
  };
  return {ref, {all_of(ref.gvr)}, judge, timeout};
}

inline Json phase(const std::string& value) {
  Json patch = Json::object();
  patch["status"]["phase"] = value;
  return patch;
}

inline std::vector<std::string> names(const std::vector<ObjectRef>& refs) {
  std::vector<std::string> out;
  for (const ObjectRef& ref : refs) out.push_back(resource_name(ref));
  return out;
}

}  // namespace wukong::testing
