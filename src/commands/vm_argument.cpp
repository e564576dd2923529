#include "commands/vm_argument.h"

#include <fmt/format.h>

#include "base/text.h"

namespace wukong::commands {

Result<std::string> vm_name(const std::string& typed) {
  const auto slash = typed.find('/');
  if (slash == std::string::npos) return typed;
  const std::string kind = lower(typed.substr(0, slash));
  if (kind == "vm" || kind == "vms" || kind == "virtualmachine" || kind == "virtualmachines" ||
      kind == "virtualmachine.kubevirt.io" || kind == "virtualmachines.kubevirt.io")
    return typed.substr(slash + 1);
  return usage(fmt::format("{:?} is no VM", printable(typed)), "write NAME or vm/NAME");
}

Result<void> check_vm_name(const std::string& name) {
  // Longer names are accepted for VMs, but KubeVirt writes them into labels of the restored claims, where 63 is the end.
  std::string problem = subdomain_problem(name);
  if (problem.empty() && name.size() > 63) problem = "it has more than 63 characters";
  if (problem.empty()) return {};
  return usage(fmt::format("{:?} cannot be the name of a VM: {}", printable(name), problem));
}

Error refuse(std::string message, std::string hint, std::vector<std::string> causes) {
  return {.code = Code::precondition,
          .message = std::move(message),
          .hint = std::move(hint),
          .causes = std::move(causes)};
}

Error unreadable(std::string message, std::string hint, const kube::Fact& fact) {
  Error error = refuse(std::move(message), std::move(hint));
  if (fact.why.code == Code::forbidden) error.code = Code::forbidden;
  if (!fact.why.message.empty()) error.causes = {fact.why.message};
  return error;
}

std::string vm_words(const Scope& at, const std::string& name) {
  return fmt::format("VirtualMachine {}/{}", at.ns, name);
}

Error no_such_vm(const Scope& at, const std::string& name, std::span<const std::string> there) {
  const std::string meant = closest(name, there);
  return refuse(vm_words(at, name) + " does not exist",
                meant.empty() ? fmt::format("kubectl get virtualmachines {} lists what is there", at.where())
                              : fmt::format("did you mean {}?", meant));
}

}  // namespace wukong::commands
