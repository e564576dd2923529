// What `clone` refuses, and what it says beforehand. Pure; Facts that cannot be read do not refuse.
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

/// Errors: `precondition`: a VirtualMachineClone of the source's namespace makes a VM `target` there.
Result<void> check_no_clone_to(const std::string& target, const CloneFacts& facts, const Scope& at);

/// For a snapshot that is restored under the name of its own VM, which must be gone: KubeVirt overwrites it in place where it is there,
/// and tells no difference. `vm`: what is known of it. Errors: `precondition`; `forbidden` when it cannot be seen.
Result<void> check_own_name(const std::string& vm, const kube::Fact& fact, const Scope& at);

/// The same once more, right before `made` is created, which restores it; unless this operation has created that before.
op::Guard own_name_guard(const std::string& vm, const ObjectRef& made, const Scope& at);

/// Errors: `precondition` for a VM (called `words`) with disks of kind hostDisk, which no copy can have for itself.
Result<void> check_host_disks(const std::string& words, const Json& vm);

/// What `--type linked` comes to.
inline constexpr const char* kLinkedNote =
    "linked: the disks are made by the storage, from snapshots or clones; whether blocks are shared with the "
    "source is its "
    "driver's matter";

/// What the user must know although it is no reason to refuse.
std::vector<std::string> clone_notes(const CloneNames& names, const CloneFacts& facts, const Scope& at);

}  // namespace wukong::commands
