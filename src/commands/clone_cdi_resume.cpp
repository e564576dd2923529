#include "commands/clone_cdi_resume.h"

#include <fmt/format.h>

#include <algorithm>

#include "commands/clone_parts.h"
#include "commands/clone_resume.h"
#include "commands/vm_argument.h"
#include "manifest/vm_snapshot.h"
#include "status/watched.h"

namespace wukong::commands {

namespace {

const Earlier& earlier_of(const CdiMoment& m) { return m.facts.copies.base.earlier; }

/// Made from the snapshot that is there, and that the others will be made from.
bool is_of_snapshot(const CdiMoment& m, const Json& volume, const CopySource::Disk& disk) {
  const kube::Fact& snapshot = earlier_of(m).snapshot;
  if (!m.snapshots || !snapshot.is_known()) return false;
  const std::string_view uid = text(snapshot.object, {"metadata", "uid"});
  return text(volume, {"spec", "source", "snapshot", "name"}) ==
         manifest::volume_snapshot_name(uid, disk.volume);
}

/// What it holds is decided: it is filled, or will be from a source that is off.
bool is_settled(const CdiMoment& m, const Json& volume) {
  const bool from_claim = !text(volume, {"spec", "source", "pvc", "name"}).empty();
  return text(volume, {"status", "phase"}) == "Succeeded" || (from_claim && m.source_is_off);
}

Result<std::vector<OutdatedVolume>> outdated(const CdiMoment& m, const std::string& target) {
  std::vector<OutdatedVolume> old;
  bool all_settled = true;
  for (const CopySource::Disk& disk : m.source.disks) {
    const std::string name = copied_claim(target, disk.volume);
    WUKONG_TRY(const bool ours,
               was_made(earlier_of(m).volumes, {gvr::data_volume(), m.names.target_ns, name}, m.marks));
    const Json* volume = ours ? named(earlier_of(m).volumes, name) : nullptr;
    all_settled = all_settled && volume != nullptr && is_settled(m, *volume);
    if (volume != nullptr && !is_of_snapshot(m, *volume, disk))
      old.push_back({name, std::string(text(*volume, {"metadata", "uid"}))});
  }
  const bool other_source = old.size() == m.source.disks.size();  // than the snapshot: of all of them
  return all_settled && other_source ? std::vector<OutdatedVolume>{} : old;
}

/// A VM that is made, and may have been used: its disks stay, and what is missing must be of their moment.
Result<void> check_made(const CdiMoment& m, const std::string& target) {
  const bool lost = m.snapshots && earlier_of(m).snapshot.is_absent();
  std::string missing;
  bool some = false;
  bool one_moment = m.snapshots && !lost;
  for (const CopySource::Disk& disk : m.source.disks) {
    const std::string name = copied_claim(target, disk.volume);
    const bool there = has_name(m.facts.volumes, name) || has_name(m.facts.copies.claims, name);
    some = some || there;
    // Those of its templates KubeVirt makes, from what they name.
    if (!there && (lost || !m.templated.contains(disk.volume))) missing = name;
    const Json* volume = named(earlier_of(m).volumes, name);
    one_moment = one_moment && (volume == nullptr || is_of_snapshot(m, *volume, disk));
  }
  if (missing.empty() || one_moment) return {};
  if (lost) return lost_snapshot(target, m.cancel_command);
  if (!some) return {};
  return of_another_moment(fmt::format("disk {} of {} is missing", missing, target), m.cancel_command);
}

}  // namespace

Result<std::map<std::string, std::vector<OutdatedVolume>>> outdated_volumes(
    const CdiMoment& moment, const std::set<std::string>& made) {
  std::map<std::string, std::vector<OutdatedVolume>> all;
  if (moment.names.from_snapshot) return all;
  for (const std::string& target : moment.names.targets) {
    if (made.contains(target)) {
      WUKONG_CHECK(check_made(moment, target));
      continue;
    }
    WUKONG_TRY(std::vector<OutdatedVolume> old, outdated(moment, target));
    if (!old.empty()) all.emplace(target, std::move(old));
  }
  return all;
}

std::string add_removal(op::Operation& operation, const CloneNames& names, const std::string& target,
                        const std::vector<OutdatedVolume>& volumes, const Scope& at) {
  const std::string& ns = names.target_ns;
  TargetSteps steps(operation, {gvr::vm(), ns, target});
  std::vector<std::string> claims;
  for (const OutdatedVolume& volume : volumes) claims.push_back(volume.name);
  const auto unused = [claims, ns, cancel = operation.cancel_command](const std::vector<kube::Fact>& facts,
                                                                      const op::Seen&) -> Result<void> {
    if (!facts.front().is_known())
      return unreadable("VMs cannot be listed, so it is not known whether one uses disks of the earlier run",
                        "ask for: list virtualmachines.kubevirt.io", facts.front());
    for (const Json& vm : items(facts.front().object, {"items"}))
      for (const std::string& claim : status::claims_of(vm))
        if (std::find(claims.begin(), claims.end(), claim) != claims.end())
          return of_another_moment(fmt::format("disk {} of the earlier run is used by VirtualMachine {}/{}",
                                               claim, ns, text(vm, {"metadata", "name"})),
                                   cancel);
    return {};
  };
  const std::string guard = "unused-" + target;
  steps.add(guard, {},
            op::Guard{.reads = {{.gvr = gvr::vm(),
                                 .ns = ns,
                                 .keep = {{"spec.template.spec.volumes.persistentVolumeClaim.claimName",
                                           "spec.template.spec.volumes.dataVolume.name"}}}},
                      .check = unused,
                      .what = "that no VM uses disks of the earlier run"});
  std::vector<std::string> removed;
  for (const OutdatedVolume& volume : volumes) {
    removed.push_back("outdated-" + volume.name);
    steps.add(removed.back(), {guard}, op::Delete{{gvr::data_volume(), ns, volume.name}, "", volume.uid},
              "of an earlier run, and another moment: it is made anew with the others");
  }
  const status::DataVolumesWait wait{.ns = ns,
                                     .source_ns = at.ns,
                                     .names = std::move(claims),
                                     .labels = manifest::selector_of(at.operation_id)};
  std::string gone = "outdated-gone-" + target;
  steps.add(gone, std::move(removed),
            op::Await{{gvr::vm(), ns, target},
                      status::watches_data_volumes(wait),
                      status::data_volumes_gone_judge(wait)});
  return gone;
}

}  // namespace wukong::commands
