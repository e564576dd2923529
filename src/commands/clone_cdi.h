// `clone` by method cdi: a DataVolume per disk, which CDI fills from the source's claim or from a snapshot of it, and a VM.
// It can what the other methods cannot: other namespaces, classes and sizes, full copies, disks without snapshots.
#pragma once

#include <string>
#include <vector>

#include "commands/clone.h"
#include "commands/clone_copies.h"
#include "commands/clone_refs.h"
#include "status/cloned_volumes_status.h"

namespace wukong::commands {

/// Exactly what the cluster said; each fact is known, absent or unreadable.
struct CdiFacts {
  CopyFacts copies{};     // the source, and what stands in the target namespace
  kube::Fact volumes{};   // names of the DataVolumes of the target namespace
  kube::Fact classes{};   // StorageClasses
  kube::Fact profiles{};  // StorageProfiles: CDI's word on each class
  kube::Fact config{};    // CDIConfig
  kube::Fact target_namespace{};
  std::vector<ReferenceFact> references{};  // of the VM; only for another namespace
};

/// Reads everything else that plan_cdi() wants to know, but `references`. Errors: as kube::fetch.
Result<CdiFacts> gather_cdi(const CloneNames& names, CloneFacts base, kube::Api& api, const Scope& scope);

/// Decides everything and does nothing. Steps: where the source runs, "stop" and "off", or "snapshot", "taken" and
/// "sizes"; for each target t its DataVolumes, "vm-t", with --start "start-t"; then, if it waits, "usable-t"; should t fail,
/// the removal of what was made for it; at the end that of the snapshot.
/// Errors: `precondition`.
Result<op::Operation> plan_cdi(const CloneOptions& options, const CloneNames& names, const CdiFacts& facts,
                               const Scope& at);

/// Errors: `precondition`: everything that CDI would accept and never end.
Result<void> check_cdi(const CloneNames& names, const CopySource& source, const CdiFacts& facts,
                       const Scope& at);

/// For another namespace: CDI asks whether the user may clone out of the source's. Errors: `forbidden`, with the
/// RoleBinding to ask for; as kube::fetch.
Result<void> check_clone_right(const CloneNames& names, const op::Operation& operation, kube::Api& api,
                               const Scope& at);

/// Size of the new disk: of its own or the one asked for, and more where the new class keeps more of a volume for itself.
std::int64_t disk_bytes(const CopySource::Disk& disk, const CdiFacts& facts, std::string_view old_class);

/// Adds what CDI makes beside disks of its own namespace while it fills them: at least one claim, as large as the largest.
/// For disks that wait for a first consumer nothing, unless `at_once`. Source: cdi pkg/controller/clone; seen with 1.65.
void charge_filling(op::Charge& charge, const CdiFacts& facts, bool at_once);

/// How the disks were made, in words: a line per way; `asked`: what had been asked for.
std::vector<std::string> fill_words(const std::vector<status::Fill>& fills, CloneType asked);

}  // namespace wukong::commands
