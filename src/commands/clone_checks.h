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
/// `watches` in these versions.
std::vector<Watched> speaking(const CloneApi& api, std::vector<Watched> watches);

/// Errors: `precondition`, for everything that the API would accept and never end, or call a success without cloning.
/// `begun`: the target may be there.
Result<void> check_clone(const CloneNames& names, const CloneFacts& facts, const Scope& at, bool begun);

/// The part of it that is about the source VM and its disks: for every method that takes a snapshot of it.
Result<void> check_source_vm(const CloneNames& names, const CloneFacts& facts, const Scope& at);

/// The part that is about the VM and its claims: for every method that copies them.
Result<void> check_source_to_copy(const CloneNames& names, const CloneFacts& facts, const Scope& at);

/// Errors: `precondition` for a VM (called `words`) with disks of kind hostDisk, which no copy can have for itself.
Result<void> check_host_disks(const std::string& words, const Json& vm);

/// What the user must know although it is no reason to refuse.
std::vector<std::string> clone_notes(const CloneNames& names, const CloneFacts& facts, const Scope& at);

}  // namespace wukong::commands
