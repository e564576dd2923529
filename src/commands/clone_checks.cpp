#include "commands/clone_checks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/text.h"
#include "commands/clone_resume.h"
#include "commands/clone_stop.h"
#include "commands/kubevirt_version.h"
#include "commands/vm_argument.h"
#include "kube/discovery.h"
#include "manifest/marks.h"
#include "status/vm_disks.h"
#include "status/watched.h"

namespace wukong::commands {

namespace {

Result<void> check_served(const CloneFacts& facts) {
  if (!facts.served || kube::spoken(gvr::vm_clone(), *facts.served)) return {};
  if (facts.kubevirts.is_absent())
    return refuse("this cluster does not serve KubeVirt",
                  "check the context: kubectl config current-context");
  return refuse(
      "this cluster does not serve clone.kubevirt.io in a version that wukong speaks (v1beta1, v1alpha1)",
      "KubeVirt 0.59 or newer serves it");
}

/// The Snapshot gate guards clones too.
Result<void> check_gate(const CloneFacts& facts) {
  if (gate_is_on(facts.kubevirts, "Snapshot").value_or(true)) return {};
  return refuse("KubeVirt's feature gate Snapshot is off: it cannot clone VMs",
                "add Snapshot to " + list_of_gates(facts.kubevirts));
}

Result<void> check_source(const CloneNames& names, const CloneFacts& facts, const Scope& at) {
  const std::string words = vm_words(at, names.source);
  if (facts.source.is_absent()) return no_such_vm(at, names.source, facts.vm_names);
  if (!facts.source.is_known()) return {};
  const Json& vm = facts.source.object;
  if (!text(vm, {"metadata", "deletionTimestamp"}).empty())
    return refuse(words + " is being deleted", "nothing can be cloned from it any more");
  if (const std::string_view restore = text(vm, {"status", "restoreInProgress"}); !restore.empty())
    return refuse(fmt::format("{} is being restored: a clone of now could hold the disks from before", words),
                  fmt::format("wait for VirtualMachineRestore {}/{}", at.ns, restore));
  if (status::has_persistent_state(vm))
    return refuse(words + " has persistent TPM or EFI state, which KubeVirt cannot clone",
                  "take it away from a copy of the VM's manifest, or restore a snapshot of the VM in place");
  return check_host_disks(words, vm);
}

Result<void> check_claim(const CloneNames& names, const kube::Fact& fact, const std::string& name,
                         const Scope& at) {
  const std::string words = vm_words(at, names.source);
  const std::string claim = fmt::format("PersistentVolumeClaim {}/{}", at.ns, name);
  if (!text(fact.object, {"metadata", "deletionTimestamp"}).empty())
    return refuse(fmt::format("{} has a disk that is being deleted: {}", words, claim),
                  "nothing can be made from it any more");
  if (fact.is_absent())
    return refuse(fmt::format("{} names a disk that does not exist: {}", words, claim),
                  fmt::format("kubectl describe virtualmachine {} {}", names.source, at.where()));
  const std::string_view phase = text(fact.object, {"status", "phase"});
  if (!fact.is_known() || phase == "Bound") return {};
  return refuse(
      fmt::format("{} has a disk without data: {} is {}", words, claim, phase.empty() ? "Pending" : phase),
      fmt::format("a volume that waits for its first consumer is made when the VM first starts: virtctl "
                  "start {} {}",
                  names.source, at.where()));
}

/// Of the disks that are wanted.
Result<void> check_snapshots(const CloneNames& names, const Json& vm, const Scope& at) {
  std::vector<std::string> causes;
  std::vector<std::string> disks;
  for (const status::LeftOut& disk : status::disks_without_snapshot(vm)) {
    if (!is_chosen(names.disks, disk.volume)) continue;
    disks.push_back(disk.volume);
    if (!disk.reason.empty()) causes.push_back(fmt::format("{}: {}", disk.volume, disk.reason));
  }
  if (disks.empty()) return {};
  const std::string words = vm_words(at, names.source);
  if (causes.empty())
    return refuse(fmt::format("KubeVirt has not said yet whether disks of {} can be snapshotted: {}", words,
                              fmt::join(disks, ", ")),
                  "it does so within seconds after a VM was made: try again");
  return refuse(fmt::format("{} has disks that cannot be snapshotted: {}", words, fmt::join(disks, ", ")),
                "give their StorageClass a VolumeSnapshotClass of the same driver: kubectl get "
                "storageclass,volumesnapshotclass",
                std::move(causes));
}

Result<void> check_claims(const CloneNames& names, const CloneFacts& facts, const Scope& at) {
  for (const Json& volume : items(facts.source.object, {"spec", "template", "spec", "volumes"})) {
    if (!is_chosen(names.disks, std::string(text(volume, {"name"})))) continue;
    const std::string claim = status::claim_of(volume);
    const auto found = std::find(facts.claim_names.begin(), facts.claim_names.end(), claim);
    if (found == facts.claim_names.end()) continue;
    const auto index = static_cast<std::size_t>(found - facts.claim_names.begin());
    WUKONG_CHECK(check_claim(names, facts.claims[index], claim, at));
  }
  return {};
}

Result<void> check_disks(const CloneNames& names, const CloneFacts& facts, const Scope& at) {
  // Missing and unbound claims first: KubeVirt then has odd reasons, or none yet, for not snapshotting them.
  WUKONG_CHECK(check_claims(names, facts, at));
  if (!facts.source.is_known()) return {};
  return check_snapshots(names, facts.source.object, at);
}

Result<void> check_target(const CloneNames& names, const CloneFacts& facts, const Scope& at) {
  // KubeVirt reports success for a clone onto a running VM without cloning anything.
  if (facts.target.is_known())
    return refuse(
        fmt::format("{} exists already{}", vm_words(at, names.target), resume_words(facts.target.object)),
        fmt::format("choose another name, or delete it first: kubectl delete virtualmachine {} {}",
                    names.target, at.where()));
  return check_no_clone_to(names.target, facts, at);
}

}  // namespace

Result<void> check_no_clone_to(const std::string& target, const CloneFacts& facts, const Scope& at) {
  for (const Json& clone : items(facts.clones.object, {"items"})) {
    const std::string_view phase = text(clone, {"status", "phase"});
    if (text(clone, {"spec", "target", "name"}) != target || phase == "Succeeded" || phase == "Failed")
      continue;
    const std::string_view other = text(clone, {"metadata", "name"});
    return refuse(fmt::format("VirtualMachineClone {}/{} is making {} already{}", at.ns, other, target,
                              resume_words(clone)),
                  fmt::format("wait for it: kubectl wukong wait vmclone/{} {}; or give it up: kubectl wukong "
                              "cancel vmclone/{} {}",
                              other, at.where(), other, at.where()));
  }
  return {};
}

Result<void> check_own_name(const std::string& vm, const kube::Fact& fact, const Scope& at) {
  if (fact.is_absent()) return {};
  const std::string words = vm_words(at, vm);
  if (fact.is_known())
    return refuse(fmt::format("{} exists: KubeVirt would overwrite it with its own snapshot", words),
                  "choose another name for the new VM");
  return unreadable(
      fmt::format("{} cannot be seen: if it exists, KubeVirt would overwrite it with its own snapshot",
                  words),
      "choose another name for the new VM, or ask for: get, list virtualmachines.kubevirt.io", fact);
}

op::Guard own_name_guard(const std::string& vm, const ObjectRef& made, const Scope& at) {
  const auto check = [vm, at](const std::vector<kube::Fact>& facts, const op::Seen&) -> Result<void> {
    if (!items(facts[1].object, {"items"}).empty()) return {};
    return check_own_name(vm, facts[0], at);
  };
  return {.reads = {{.gvr = gvr::vm(), .ns = at.ns, .name = vm, .keep = {{"metadata.name"}}},
                    {.gvr = made.gvr,
                     .ns = made.ns,
                     .labels = manifest::selector_of(at.operation_id),
                     .fields = "metadata.name=" + made.name,
                     .keep = {{"metadata.name"}}}},
          .check = check,
          .what = fmt::format("that VM {} is still gone", vm),
          .about = made};
}

Result<void> check_host_disks(const std::string& words, const Json& vm) {
  const std::vector<std::string> disks = status::host_disks(vm);
  if (disks.empty()) return {};
  return refuse(fmt::format("{} has files of its node as disks: {}", words, fmt::join(disks, ", ")),
                "the new VM would write the very same files: move them to claims first");
}

CloneApi clone_api(const CloneFacts& facts) {
  return {.clone = speaking(gvr::vm_clone(), facts.served),
          .snapshot = speaking(gvr::vm_snapshot(), facts.served),
          .restore = speaking(gvr::vm_restore(), facts.served)};
}

std::vector<Watched> speaking(const CloneApi& api, std::vector<Watched> watches) {
  for (Watched& watched : watches)
    for (const Gvr& gvr : {api.clone, api.snapshot, api.restore})
      if (watched.gvr.resource == gvr.resource) watched.gvr = gvr;
  return watches;
}

Result<void> check_clone(const CloneNames& names, const CloneFacts& facts, const Scope& at, bool begun) {
  WUKONG_CHECK(check_served(facts));
  if (!names.from_snapshot) WUKONG_CHECK(check_source(names, facts, at));
  if (!begun) WUKONG_CHECK(check_target(names, facts, at));
  WUKONG_CHECK(check_gate(facts));
  return names.from_snapshot ? Result<void>{} : check_disks(names, facts, at);
}

Result<void> check_source_vm(const CloneNames& names, const CloneFacts& facts, const Scope& at) {
  WUKONG_CHECK(check_source(names, facts, at));
  WUKONG_CHECK(check_gate(facts));
  return check_disks(names, facts, at);
}

Result<void> check_source_to_copy(const CloneNames& names, const CloneFacts& facts, const Scope& at) {
  WUKONG_CHECK(check_source(names, facts, at));
  return check_claims(names, facts, at);
}

std::vector<std::string> clone_notes(const CloneNames& names, const CloneFacts& facts, const Scope& at) {
  std::vector<std::string> notes;
  if (facts.source.is_unreadable())
    notes.push_back(
        fmt::format("{} cannot be read, so it was not checked (needs: get virtualmachines.kubevirt.io)",
                    vm_words(at, names.source)));
  const bool blind = std::any_of(facts.claims.begin(), facts.claims.end(),
                                 [](const kube::Fact& f) { return f.is_unreadable(); });
  if (blind)
    notes.emplace_back(
        "the source's claims cannot be read, so they were not checked (needs: get persistentvolumeclaims)");
  if (facts.kubevirts.is_unreadable())
    notes.emplace_back(
        "KubeVirt's feature gates cannot be read, so they were not checked (needs: list "
        "kubevirts.kubevirt.io)");
  if (is_to_stop(names, facts.source.object, at))
    notes.push_back(fmt::format("{} is stopped meanwhile, and started again", names.source));
  else if (is_running(facts.source.object))
    notes.push_back(fmt::format(
        "{} is running: its disks are taken as of one moment, quiesced only when its guest agent answers",
        names.source));
  if (names.disks.type == CloneType::linked) notes.emplace_back(kLinkedNote);
  if (const std::string_view other = text(facts.source.object, {"status", "snapshotInProgress"});
      !other.empty())
    notes.push_back(
        fmt::format("VirtualMachineSnapshot {}/{} is being taken: the clone waits for it", at.ns, other));
  return notes;
}

}  // namespace wukong::commands
