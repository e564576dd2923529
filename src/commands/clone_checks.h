// What `clone` refuses, and what it says beforehand. Pure; content with what cannot be read.
#pragma once

#include <string>
#include <vector>

#include "commands/clone.h"

namespace wukong::commands {

/// The kinds that a clone has to do with, in the versions that the server serves.
struct CloneApi {
  Gvr clone{};
  Gvr snapshot{};
  Gvr restore{};
};
CloneApi clone_api(const CloneFacts& facts);

/// Errors: `precondition`, for everything that the API would accept and never end, or call a success without cloning.
Result<void> check_clone(const CloneNames& names, const CloneFacts& facts, const Scope& at);

/// What the user must know although it is no reason to refuse.
std::vector<std::string> clone_notes(const CloneNames& names, const CloneFacts& facts, const Scope& at);

}  // namespace wukong::commands
