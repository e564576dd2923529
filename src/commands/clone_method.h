// By which method a clone is made. Pure.
#pragma once

#include <string>

#include "commands/clone.h"

namespace wukong::commands {

/// Errors: `usage` for flags that no method can do together, or not the one that was asked for.
Result<void> check_method_words(const CloneNames& names, const CloneOptions& options);

struct ChosenMethod {
  CloneMethod method{CloneMethod::native};
  std::string reason{};  // "" when it was asked for
};

/// The method asked for. For auto, one target: native, where KubeVirt can do all that is asked; else cdi, or from a snapshot
/// of the source straight. Several targets: snapshot, or restores where there are no rights on claims. In any case cdi for
/// full copies, other classes and namespaces, and disks that cannot be snapshotted.
ChosenMethod choose_method(const CloneNames& names, const CloneOptions& options, const CloneFacts& facts);

}  // namespace wukong::commands
