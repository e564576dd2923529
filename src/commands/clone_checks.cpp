#include "commands/clone_checks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "commands/vm_argument.h"
#include "kube/discovery.h"
#include "status/vm_disks.h"

namespace wukong::commands {

namespace {

/// The version of a group that both sides speak; the preferred one where the group cannot be read.
Gvr spoken(const Gvr& gvr, const kube::Fact& group) {
  const auto served = group.is_known() ? kube::with_served_version(gvr, group.object) : std::nullopt;
  return served.value_or(gvr);
}

Result<void> check_served(const CloneFacts& facts) {
  if (facts.clone_group.is_unreadable()) return {};
  if (facts.clone_group.is_known() && kube::with_served_version(gvr::vm_clone(), facts.clone_group.object))
    return {};
  if (facts.source.is_absent() && facts.kubevirts.is_absent())
    return refuse("this cluster does not serve KubeVirt",
                  "check the context: kubectl config current-context");
  return refuse(
      "this cluster does not serve clone.kubevirt.io in a version that wukong speaks (v1beta1, v1alpha1)",
      "KubeVirt 0.59 or newer serves it");
}

std::optional<int> number(const std::string& digits) {
  int value = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  return error == std::errc{} && stop == end ? std::optional(value) : std::nullopt;
}

/// {1, 8} from "v1.8.4"; nothing for what does not look so.
std::optional<std::pair<int, int>> version_of(std::string_view text) {
  if (text.starts_with('v')) text.remove_prefix(1);
  const std::vector<std::string> parts = split(text, '.');
  if (parts.size() < 2) return std::nullopt;
  const auto major = number(parts[0]);
  const auto minor = number(parts[1]);
  if (!major || !minor) return std::nullopt;
  return std::pair{*major, *minor};
}

bool lists(const Json& developer, const char* field, std::string_view gate) {
  const Json& gates = items(developer, {field});
  return std::any_of(gates.begin(), gates.end(),
                     [&](const Json& g) { return g.is_string() && g.get_ref<const std::string&>() == gate; });
}

/// The Snapshot gate guards clones too; it is on by itself from 1.9.
Result<void> check_gate(const CloneFacts& facts) {
  const Json& all = items(facts.kubevirts.object, {"items"});
  if (!facts.kubevirts.is_known() || all.empty()) return {};
  const Json& developer = fields(all.front(), {"spec", "configuration", "developerConfiguration"});
  const auto version = version_of(text(all.front(), {"status", "observedKubeVirtVersion"}));
  if (!version || lists(developer, "featureGates", "Snapshot")) return {};
  const bool on_by_itself =
      *version >= std::pair{1, 9} && !lists(developer, "disabledFeatureGates", "Snapshot");
  if (on_by_itself) return {};
  return refuse(
      "KubeVirt's feature gate Snapshot is off: it cannot clone VMs",
      fmt::format("add Snapshot to .spec.configuration.developerConfiguration.featureGates of KubeVirt {}/{}",
                  text(all.front(), {"metadata", "namespace"}), text(all.front(), {"metadata", "name"})));
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
  return {};
}

Result<void> check_claim(const CloneNames& names, const kube::Fact& fact, const std::string& name,
                         const Scope& at) {
  const std::string words = vm_words(at, names.source);
  const std::string claim = fmt::format("PersistentVolumeClaim {}/{}", at.ns, name);
  if (fact.is_absent())
    return refuse(fmt::format("{} names a disk that does not exist: {}", words, claim),
                  fmt::format("kubectl describe virtualmachine {} -n {}", names.source, at.ns));
  const std::string_view phase = text(fact.object, {"status", "phase"});
  if (!fact.is_known() || phase == "Bound") return {};
  return refuse(
      fmt::format("{} has a disk without data: {} is {}", words, claim, phase.empty() ? "Pending" : phase),
      fmt::format("a volume that waits for its first consumer is made when the VM first starts: virtctl "
                  "start {} -n {}",
                  names.source, at.ns));
}

Result<void> check_disks(const CloneNames& names, const CloneFacts& facts, const Scope& at) {
  if (!facts.source.is_known()) return {};
  // Missing and unbound claims first: KubeVirt then has odd reasons, or none yet, for not snapshotting them.
  for (std::size_t i = 0; i < facts.claims.size(); ++i)
    WUKONG_CHECK(check_claim(names, facts.claims[i], facts.claim_names[i], at));

  std::vector<std::string> causes;
  std::vector<std::string> disks;
  for (const status::LeftOut& disk : status::disks_without_snapshot(facts.source.object)) {
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

Result<void> check_target(const CloneNames& names, const CloneFacts& facts, const Scope& at) {
  // Not only a matter of politeness: KubeVirt reports success for a clone onto a running VM without cloning anything.
  if (facts.target.is_known())
    return refuse(
        vm_words(at, names.target) + " exists already",
        fmt::format("choose another name, or delete it first: kubectl delete virtualmachine {} -n {}",
                    names.target, at.ns));
  for (const Json& clone : items(facts.clones.object, {"items"})) {
    const std::string_view phase = text(clone, {"status", "phase"});
    if (text(clone, {"spec", "target", "name"}) != names.target || phase == "Succeeded" || phase == "Failed")
      continue;
    const std::string_view other = text(clone, {"metadata", "name"});
    return refuse(
        fmt::format("VirtualMachineClone {}/{} is making {} already", at.ns, other, names.target),
        fmt::format("wait for it, or give it up: kubectl delete virtualmachineclone {} -n {}", other, at.ns));
  }
  return {};
}

}  // namespace

CloneApi clone_api(const CloneFacts& facts) {
  return {.clone = spoken(gvr::vm_clone(), facts.clone_group),
          .snapshot = spoken(gvr::vm_snapshot(), facts.snapshot_group),
          .restore = spoken(gvr::vm_restore(), facts.snapshot_group)};
}

Result<void> check_clone(const CloneNames& names, const CloneFacts& facts, const Scope& at) {
  WUKONG_CHECK(check_served(facts));
  WUKONG_CHECK(check_source(names, facts, at));
  WUKONG_CHECK(check_target(names, facts, at));
  WUKONG_CHECK(check_gate(facts));
  return check_disks(names, facts, at);
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
  if (flag(facts.source.object, {"status", "created"}))
    notes.push_back(fmt::format(
        "{} is running: its disks are taken as of one moment, quiesced only when its guest agent answers",
        names.source));
  if (const std::string_view other = text(facts.source.object, {"status", "snapshotInProgress"});
      !other.empty())
    notes.push_back(
        fmt::format("VirtualMachineSnapshot {}/{} is being taken: the clone waits for it", at.ns, other));
  return notes;
}

}  // namespace wukong::commands
