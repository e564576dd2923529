// By which method a clone is made. Pure.
#pragma once

#include <string>

#include "commands/clone.h"

namespace wukong::commands {

/// Errors: `usage` for flags that no method can do together, or not the one that was asked for.
Result<void> check_method_words(const CloneNames& names, const CloneOptions& options);

struct ChosenMethod {
  CloneMethod method{CloneMethod::native};
  std::string reason{};  // "" when it was asked for, or is the one for everything
};

/// The method asked for. For auto: native, where KubeVirt can do all that is asked; a snapshot where the VM shall only
/// differ, for several VMs, or where a snapshot is the source (restores of it where there are no rights on claims); cdi where disks are chosen, changed, copied in full, moved
/// to another namespace, or cannot be snapshotted. `facts` of a snapshot as source tell only what is served.
ChosenMethod choose_method(const CloneNames& names, const CloneOptions& options, const CloneFacts& facts);

}  // namespace wukong::commands
