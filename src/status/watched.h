// What judges watch, in small projections, and reads that several of them share.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/view.h"

namespace wukong::status {

// Shelves, by the plural names of their kinds.
inline constexpr std::string_view kClones = "virtualmachineclones";
inline constexpr std::string_view kSnapshots = "virtualmachinesnapshots";
inline constexpr std::string_view kRestores = "virtualmachinerestores";
inline constexpr std::string_view kVms = "virtualmachines";
inline constexpr std::string_view kVmis = "virtualmachineinstances";
inline constexpr std::string_view kClaims = "persistentvolumeclaims";
inline constexpr std::string_view kClasses = "storageclasses";

// Marks of a restore on the VM and on the claims that it made; both carry the same last-restore value,
// "<restore name>-<restore uid>". Source: kubevirt pkg/storage/snapshot/restore.go.
inline constexpr std::string_view kLastRestore = "restore.kubevirt.io/lastRestoreUID";
inline constexpr std::string_view kRestoreName = "restore.kubevirt.io/name";

/// Events of a namespace from now on.
Watched watch_events(const std::string& ns);
/// All snapshots or restores of a namespace (empty `name`), or one.
Watched watch_snapshots(const std::string& ns, const std::string& name = {});
Watched watch_restores(const std::string& ns, const std::string& name = {});
/// One VM: state, volumes, marks.
Watched watch_vm(const std::string& ns, const std::string& name);
/// The claims that were ever restored from snapshots of `source_vm`; all claims when that is "" or too long
/// for a label. A claim that no restore made does not carry the label and is not seen.
Watched watch_restored_claims(const std::string& ns, const std::string& source_vm);

/// True when the shelf is known and its stream flows: only then a missing object really is missing.
bool is_fresh(const View& view, std::string_view resource);
bool is_deleting(const Json& object);
/// The reason of a condition, or "". KubeVirt's snapshot, restore and clone put their texts there, not in message.
std::string_view reason(const Json& object, std::string_view type);
bool has_condition(const Json& object, std::string_view type, std::string_view status);

/// Why a claim cannot be provisioned, from its newest telling event, or "". Old news when the claim is Bound.
std::string claim_problem(const View& view, const std::string& claim);

/// Names of the claims of the VM's disks, once each, in spec order: volumes persistentVolumeClaim and dataVolume
/// (its claim has its name). memoryDump and ephemeral claims hold no disk of this VM.
/// `vm`: a VirtualMachine. Source: kubevirt.io/v1 .spec.template.spec.volumes[].
std::vector<std::string> claims_of(const Json& vm);

}  // namespace wukong::status
