// What commands that work on VMs have in common: how one is named on the command line, and how one is refused.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "commands/context.h"

namespace wukong::commands {

/// The name in NAME, vm/NAME, virtualmachines.kubevirt.io/NAME …. Errors: `usage` for another kind.
Result<std::string> vm_name(const std::string& typed);

/// Errors: `usage` for a name that no VM can have.
Result<void> check_vm_name(const std::string& name);

/// "VirtualMachine demo/web".
std::string vm_words(const Scope& at, const std::string& name);

/// A refusal before any write (exit 3): what and which object, the next step, the API's words.
Error refuse(std::string message, std::string hint, std::vector<std::string> causes = {});

/// The refusal for want of a fact that must be known: `forbidden` where the user may not read it, else `precondition`.
Error unreadable(std::string message, std::string hint, const kube::Fact& fact);

/// The refusal for a VM that does not exist; `there`: names of those that do, for "did you mean".
Error no_such_vm(const Scope& at, const std::string& name, std::span<const std::string> there);

}  // namespace wukong::commands
