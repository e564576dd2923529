// What judges watch, in small projections, and reads that several of them share.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/view.h"
#include "status/draft.h"

namespace wukong::status {

// Shelves, by the plural names of their kinds.
inline constexpr std::string_view kClones = "virtualmachineclones";
inline constexpr std::string_view kSnapshots = "virtualmachinesnapshots";
inline constexpr std::string_view kRestores = "virtualmachinerestores";
inline constexpr std::string_view kVms = "virtualmachines";
inline constexpr std::string_view kVmis = "virtualmachineinstances";
inline constexpr std::string_view kClaims = "persistentvolumeclaims";
inline constexpr std::string_view kClasses = "storageclasses";
inline constexpr std::string_view kDataVolumes = "datavolumes";

// Marks of a restore on the VM and on the claims that it made; both carry the same last-restore value,
// "<restore name>-<restore uid>". Source: kubevirt pkg/storage/snapshot/restore.go.
inline constexpr std::string_view kLastRestore = "restore.kubevirt.io/lastRestoreUID";
inline constexpr std::string_view kRestoreName = "restore.kubevirt.io/name";

/// On a claim: the node that its first consumer goes to.
inline constexpr std::string_view kSelectedNode = "volume.kubernetes.io/selected-node";

/// Events of a namespace from now on.
Watched watch_events(const std::string& ns);
/// All snapshots or restores of a namespace (empty `name`), or one.
Watched watch_snapshots(const std::string& ns, const std::string& name = {});
Watched watch_restores(const std::string& ns, const std::string& name = {});
/// Claims of a namespace (empty `name`), or one.
Watched watch_claims(const std::string& ns, const std::string& name = {});
/// All storage classes: how they bind.
Watched watch_classes();
/// One VM: state, volumes, marks.
Watched watch_vm(const std::string& ns, const std::string& name);
/// The claims that were ever restored from snapshots of `source_vm`; all claims when that is "" or too long
/// for a label. A claim that no restore made does not carry the label and is not seen.
Watched watch_restored_claims(const std::string& ns, const std::string& source_vm);

/// The object that a wait is about, or nullptr. Remembers its "uid": another one of its name counts as gone.
const Json* find_own(const View& view, std::string_view resource, const std::string& name, Draft& draft);
/// For one that is not there: failed, once that is certain, "<title> does not exist", or "<title> <deleted>" when "uid" or
/// "seen" is remembered.
Verdict judge_absent(const View& view, std::string_view resource, const std::string& title,
                     std::string_view deleted, Draft& draft);

/// True when the shelf is known and its stream flows: only then a missing object really is missing.
bool is_fresh(const View& view, std::string_view resource);
bool is_deleting(const Json& object);
/// True for what controllers say when two of them write at once: the next try, at once, goes well.
bool is_conflict(std::string_view message);
/// The reason of a condition, or "". KubeVirt's snapshot, restore and clone put their texts there, not in message.
std::string_view reason(const Json& object, std::string_view type);
bool has_condition(const Json& object, std::string_view type, std::string_view status);

/// Why a claim cannot be provisioned, from its newest telling event, or "". Old news when the claim is Bound.
std::string claim_problem(const View& view, const std::string& claim);

/// kStillAtWork when the newest event of one of the claims says no more than that, else "".
std::string work_on(const View& view, const std::vector<std::string>& claims);

/// The newest event about an object that tells of trouble, or nullptr. Healthy runs have Warnings, too, and real trouble
/// is told by Normal events: known reasons decide. What the storage is still at work on is no trouble, nor is then what it
/// said before.
const Json* trouble_event(const View& view, std::string_view kind, std::string_view name);

/// Why KubeVirt could not make a DataVolume of the VM's templates, or "": only events of the VM tell.
std::string refused_template(const View& view, const std::string& vm);

/// True when no pod has asked for the claim yet, and its class waits for that. Storage classes may not be readable: then
/// an event tells it.
bool waits_for_consumer(const View& view, const std::string& name, const Json& claim);

/// The claim behind a volume of a VM: of a persistentVolumeClaim, or of a dataVolume, whose claim has its name. "" for
/// cloud-init and the like, and for memory dumps.
std::string claim_of(const Json& volume);

/// Names of the claims of the VM's disks, once each, in spec order: volumes persistentVolumeClaim and dataVolume
/// (its claim has its name). memoryDump and ephemeral claims hold no disk of this VM.
/// `vm`: a VirtualMachine. Source: kubevirt.io/v1 .spec.template.spec.volumes[].
std::vector<std::string> claims_of(const Json& vm);

}  // namespace wukong::status
