// `clone` by method snapshot: one snapshot of the source, and from it a claim per disk and a VM for each target. It is
// what KubeVirt's clone does underneath, without its controllers, whose one queue makes thirty clones crawl.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "commands/clone.h"

namespace wukong::commands {

/// Exactly what the cluster said; each fact is known, absent or unreadable.
struct CopyFacts {
  CloneFacts base{};      // the source VM, its claims, KubeVirt; unused where a snapshot is the source
  kube::Fact snapshot{};  // VirtualMachineSnapshot; where that is the source
  kube::Fact contents{};  // VirtualMachineSnapshotContents of the namespace; likewise
  kube::Fact volume_snapshots{};  // of the namespace; likewise, they tell sizes
  kube::Fact vms{};               // of the target namespace: names, interfaces, whether they run
  kube::Fact claims{};            // names of all claims of the target namespace
};

/// What the targets are copied from: a VM, or the VM that a snapshot holds.
struct CopySource {
  struct Disk {
    std::string volume{};
    std::string claim{};       // of the source; "" where a snapshot is the source
    bool owned{};              // by a DataVolume of the VM's dataVolumeTemplates
    Json claim_spec = Json();  // of the source's claim
    std::string content{};     // its CDI content type; "": it does not tell
    std::string from_class{};  // StorageClass of the source's claim
    std::int64_t bytes{};      // the larger of request and capacity
    std::string snapshot{};    // its VolumeSnapshot; empty while that is still to be taken
  };
  Json vm = Json();  // metadata and spec
  std::vector<Disk> disks{};
};

/// VirtualMachineSnapshotContents: what snapshots hold.
Gvr contents_gvr();

/// Reads everything else that plan_copies() wants to know. Errors: as kube::fetch.
Result<CopyFacts> gather_copies(const CloneNames& names, CloneFacts base, kube::Api& api, const Scope& scope);

/// All disks of the source. Errors: `precondition`: for a VM, a claim that cannot be read; for a snapshot, missing, not ready, failed, partial.
Result<CopySource> copy_source(const CloneNames& names, const CopyFacts& facts, const Scope& at);

/// What must be said when VolumeSnapshots, which tell how large disks will be, cannot be read; else "".
std::string unread_sizes_note(const CloneNames& names, const CopyFacts& facts);

/// What CDI says that a claim holds: "kubevirt" (a disk), "archive" (files); "" where it says nothing, and a disk is meant.
std::string content_type(const Json& claim);

/// A claim's volume is as large as its capacity, which may be more than was asked for.
std::int64_t claim_bytes(const Json& claim);

/// "<vm>-<volume>".
std::string copied_claim(const std::string& vm, const std::string& volume);
/// Those of all disks.
std::vector<std::string> copied_claims(const CopySource& source, const std::string& vm);

/// Decides everything and does nothing. Steps: unless the source is a snapshot, "snapshot", "taken" and "sizes"; for each
/// target t its claims, "vm-t", with --start "start-t", then "usable-t", with --start "running-t"; should t fail, the
/// removal of what was made for it; at the end that of the snapshot, unless a claim still needs it.
/// Errors: `precondition`, `usage`.
Result<op::Operation> plan_copies(const CloneOptions& options, const CloneNames& names,
                                  const CopyFacts& facts, const Scope& at);

}  // namespace wukong::commands
