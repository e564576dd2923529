// `--expose` and `--ingress`: how a new VM is reached.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "commands/context.h"
#include "kube/api.h"
#include "manifest/service.h"
#include "op/operation.h"

namespace CLI {
class App;
}

namespace wukong::commands {

/// What was typed.
struct ExposeOptions {
  std::vector<std::string> ports{};  // [NAME:]PORT[:TARGET][/tcp|udp|sctp]
  std::string ingress{};             // a host; may hold a run of "#", which the number of the VM replaces
  bool any() const { return !ports.empty() || !ingress.empty(); }
};

/// How one VM is reached: by a Service of its name and, with a host, an Ingress of its name.
struct Exposure {
  std::string vm{};
  std::vector<manifest::ServicePort> ports{};
  std::string host{};
};

/// What the cluster said; each fact is known, absent or unreadable.
struct ExposeFacts {
  kube::Fact services{};   // names, of the namespace
  kube::Fact ingresses{};  // names, of the namespace
  kube::Fact kubevirts{};  // which version
};

/// One for each of `vms`, in order; none when nothing was asked for. Errors: `usage`: ports that are none, an Ingress
/// without a TCP port, a host without "#" for several VMs, names that a Service cannot have.
Result<std::vector<Exposure>> settle(const ExposeOptions& options, const std::vector<std::string>& vms);

/// Errors: as kube::fetch.
Result<ExposeFacts> gather_exposures(kube::Api& api, const Scope& scope);

/// Adds to `operation` a Service for each VM, once the step `after(vm)` is done, and its Ingress. What fails here leaves
/// the VM as it is. Errors: `precondition`: a Service or an Ingress of that name exists.
Result<void> add_exposures(op::Operation& operation, const std::vector<Exposure>& exposures,
                           const ExposeFacts& facts,
                           const std::function<std::string(const std::string& vm)>& after,
                           const Scope& scope);

void add_expose_options(CLI::App& app, ExposeOptions& options);

}  // namespace wukong::commands
