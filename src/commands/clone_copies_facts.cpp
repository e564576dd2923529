// The reads of `clone` by method snapshot, and what they say of its source.
#include <fmt/format.h>

#include <algorithm>

#include "base/quantity.h"
#include "commands/clone_checks.h"
#include "commands/clone_copies.h"
#include "commands/vm_argument.h"
#include "status/snapshot_status.h"
#include "status/vm_disks.h"
#include "status/watched.h"

namespace wukong::commands {

namespace {

Result<CopySource> source_of_vm(const CloneNames& names, const CloneFacts& facts, const Scope& at) {
  const std::string words = vm_words(at, names.source);
  if (!facts.source.is_known())
    return unreadable(
        fmt::format("{} cannot be read, so no copy of it can be made", words),
        "ask for: get virtualmachines.kubevirt.io; or use --method native, where KubeVirt reads it",
        facts.source);
  CopySource out{.vm = facts.source.object};
  for (const Json& volume : items(out.vm, {"spec", "template", "spec", "volumes"})) {
    const std::string claim = status::claim_of(volume);
    if (claim.empty()) continue;
    const std::string name(text(volume, {"name"}));
    if (!is_chosen(names.disks, name)) {
      out.disks.push_back({.volume = name});  // nothing more will be asked of it
      continue;
    }
    const auto found = std::find(facts.claim_names.begin(), facts.claim_names.end(), claim);
    const auto index = static_cast<std::size_t>(found - facts.claim_names.begin());
    if (found == facts.claim_names.end() || !facts.claims[index].is_known())
      return unreadable(
          fmt::format("PersistentVolumeClaim {}/{} of {} cannot be read, so no copy of it can be made", at.ns,
                      claim, words),
          "ask for: get persistentvolumeclaims; or use --method native, where KubeVirt reads it",
          found == facts.claim_names.end() ? kube::Fact::absent() : facts.claims[index]);
    const Json& object = facts.claims[index].object;
    out.disks.push_back({.volume = name,
                         .claim = claim,
                         .owned = status::is_templated(out.vm, text(volume, {"dataVolume", "name"})),
                         .claim_spec = fields(object, {"spec"}),
                         .content = content_type(object),
                         .bytes = claim_bytes(object)});
  }
  return out;
}

/// Restore size of a VolumeSnapshot, or 0 when it is not known.
std::int64_t restore_size(const kube::Fact& snapshots, std::string_view name) {
  const Json* snapshot = named(snapshots, name);
  return snapshot == nullptr ? 0 : bytes_at(*snapshot, {"status", "restoreSize"});
}

Result<void> check_snapshot(const CloneNames& names, const CopyFacts& facts, const Scope& at) {
  const std::string words = fmt::format("VirtualMachineSnapshot {}/{}", at.ns, names.source);
  const std::string list = "kubectl get virtualmachinesnapshots " + at.where();
  if (facts.snapshot.is_absent()) return refuse(words + " does not exist", list + " lists what is there");
  if (!facts.snapshot.is_known() || !facts.contents.is_known())
    return unreadable(
        words + " cannot be read, so no copy of it can be made",
        "ask for: get virtualmachinesnapshots, list virtualmachinesnapshotcontents of snapshot.kubevirt.io",
        facts.snapshot.is_known() ? facts.contents : facts.snapshot);
  const Json& snapshot = facts.snapshot.object;
  if (status::snapshot_failed(snapshot))
    return refuse(fmt::format("{} has failed: {}", words, status::snapshot_failure(snapshot, "")),
                  "take another one, or choose one that is ready: " + list);
  if (!text(snapshot, {"metadata", "deletionTimestamp"}).empty())
    return refuse(words + " is being deleted", "choose another one: " + list);
  if (!flag(snapshot, {"status", "readyToUse"}))
    return refuse(words + " is not ready to use",
                  fmt::format("wait for it: kubectl wukong wait vmsnapshot/{} {}", names.source, at.where()),
                  {status::snapshot_problem(snapshot)});
  return {};
}

const Json* content_of(const CloneNames& names, const CopyFacts& facts) {
  const std::string_view wanted =
      text(facts.snapshot.object, {"status", "virtualMachineSnapshotContentName"});
  for (const Json& content : items(facts.contents.object, {"items"}))
    if (!wanted.empty() ? text(content, {"metadata", "name"}) == wanted
                        : text(content, {"spec", "virtualMachineSnapshotName"}) == names.source)
      return &content;
  return nullptr;
}

Result<CopySource> source_of_snapshot(const CloneNames& names, const CopyFacts& facts, const Scope& at) {
  WUKONG_CHECK(check_snapshot(names, facts, at));
  const std::string words = fmt::format("VirtualMachineSnapshot {}/{}", at.ns, names.source);
  const Json* content = content_of(names, facts);
  if (content == nullptr)
    return refuse(words + " has lost its content",
                  "it cannot be restored or cloned any more: choose another one");
  CopySource out{.vm = fields(*content, {"spec", "source", "virtualMachine"})};
  if (status::has_persistent_state(out.vm))
    return refuse(words + " holds persistent TPM or EFI state, which cannot be cloned",
                  "restore it in place");
  WUKONG_CHECK(check_host_disks(words, out.vm));
  const Json& backups = items(*content, {"spec", "volumeBackups"});
  for (const Json& volume : items(out.vm, {"spec", "template", "spec", "volumes"})) {
    if (status::claim_of(volume).empty()) continue;
    const std::string name(text(volume, {"name"}));
    if (!is_chosen(names.disks, name)) {
      out.disks.push_back({.volume = name});  // nothing more will be asked of it
      continue;
    }
    const auto backup = std::find_if(backups.begin(), backups.end(),
                                     [&](const Json& b) { return text(b, {"volumeName"}) == name; });
    if (backup == backups.end())
      return refuse(fmt::format("{} does not hold disk {}", words, name),
                    "a copy without it would lose data: choose a snapshot with all disks");
    const std::string taken(text(*backup, {"volumeSnapshotName"}));
    const Json& spec = fields(*backup, {"persistentVolumeClaim", "spec"});
    out.disks.push_back({.volume = name,
                         .owned = status::is_templated(out.vm, text(volume, {"dataVolume", "name"})),
                         .claim_spec = spec,
                         .content = content_type(fields(*backup, {"persistentVolumeClaim"})),
                         .bytes = std::max(bytes_at(spec, {"resources", "requests", "storage"}),
                                           restore_size(facts.volume_snapshots, taken)),
                         .snapshot = taken});
  }
  return out;
}

kube::Read names_of(const Gvr& gvr, const std::string& ns) {
  return {.gvr = gvr, .ns = ns, .keep = {{"metadata.labels"}}};
}

}  // namespace

Gvr contents_gvr() {
  return {"snapshot.kubevirt.io", "v1beta1", "virtualmachinesnapshotcontents",
          "VirtualMachineSnapshotContent"};
}

std::string unread_sizes_note(const CloneNames& names, const CopyFacts& facts) {
  if (!names.from_snapshot || !facts.volume_snapshots.is_unreadable()) return {};
  return fmt::format("you may not list {}: how large the disks must be was not checked",
                     gvr::volume_snapshot().qualified());
}

std::string content_type(const Json& claim) {
  return std::string(text(claim, {"metadata", "annotations", "cdi.kubevirt.io/storage.contentType"}));
}

std::int64_t claim_bytes(const Json& claim) {
  return std::max(bytes_at(claim, {"spec", "resources", "requests", "storage"}),
                  bytes_at(claim, {"status", "capacity", "storage"}));
}

Result<CopyFacts> gather_copies(const CloneNames& names, CloneFacts base, kube::Api& api,
                                const Scope& scope) {
  CopyFacts facts{.base = std::move(base)};
  std::vector<kube::Read> reads{
      {.gvr = gvr::vm(),
       .ns = names.target_ns,
       .keep = {{"metadata.labels", "spec.template.spec.domain.devices.interfaces", "status.created"}}},
      names_of(gvr::pvc(), names.target_ns)};
  if (names.from_snapshot) {
    reads.push_back(
        {.gvr = speaking(gvr::vm_snapshot(), facts.base.served), .ns = scope.ns, .name = names.source});
    reads.push_back({.gvr = speaking(contents_gvr(), facts.base.served), .ns = scope.ns});
    reads.push_back({.gvr = gvr::volume_snapshot(), .ns = scope.ns, .keep = {{"status.restoreSize"}}});
  }
  WUKONG_TRY(std::vector<kube::Fact> got, kube::fetch(api, std::move(reads)));
  facts.vms = std::move(got[0]);
  facts.claims = std::move(got[1]);
  if (names.from_snapshot) {
    facts.snapshot = std::move(got[2]);
    facts.contents = std::move(got[3]);
    facts.volume_snapshots = std::move(got[4]);
  }
  return facts;
}

Result<CopySource> copy_source(const CloneNames& names, const CopyFacts& facts, const Scope& at) {
  return names.from_snapshot ? source_of_snapshot(names, facts, at) : source_of_vm(names, facts.base, at);
}

}  // namespace wukong::commands
