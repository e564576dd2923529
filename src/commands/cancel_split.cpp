#include "commands/cancel_split.h"

#include <algorithm>
#include <array>

#include "commands/cancel.h"
#include "commands/follow.h"
#include "commands/vm_argument.h"
#include "status/object_status.h"
#include "status/vm_disks.h"
#include "status/watched.h"

namespace wukong::commands {

namespace {

/// Whoever runs is in use, whatever its disks say.
bool runs(const Json& vm) {
  constexpr std::array<std::string_view, 5> kUp{"Running", "Paused", "Migrating", "Stopping", "Unknown"};
  return flag(vm, {"status", "ready"}) ||
         std::find(kUp.begin(), kUp.end(), text(vm, {"status", "printableStatus"})) != kUp.end();
}

/// Tells what stays from what goes, the makers first, then their VMs, then the disks of these.
class Sorter {
 public:
  Sorter(const std::vector<ObjectArgument>& members, const Inventory& inventory)
      : members_(members), inventory_(inventory) {
    for (const ObjectKind kind : kInventoryKinds) {
      split_.goes[kind];
      split_.stays[kind];
    }
  }

  CancelSplit sort() {
    for (const ObjectArgument& each : of({ObjectKind::clone, ObjectKind::restore, ObjectKind::vm_export}))
      put(each, is_made(each));
    for (const ObjectArgument& each : of({ObjectKind::vm})) put(each, vm_stays(each));
    look_at_vms();
    const bool results = is_one_result();
    for (const ObjectArgument& each : of({ObjectKind::data_volume})) put(each, results || disk_stays(each));
    for (const ObjectArgument& each : of({ObjectKind::claim})) put(each, results || disk_stays(each));
    split_.unbound = is_unbound();
    return std::move(split_);
  }

 private:
  std::vector<ObjectArgument> of(std::initializer_list<ObjectKind> kinds) const {
    std::vector<ObjectArgument> all;
    for (const ObjectArgument& each : members_)
      if (std::find(kinds.begin(), kinds.end(), each.kind) != kinds.end()) all.push_back(each);
    return all;
  }
  void put(const ObjectArgument& what, bool stays) {
    (stays ? split_.stays : split_.goes)[what.kind].insert(what.name);
  }
  const Json& object(const ObjectArgument& what) const { return *inventory_.find(what.kind, what.name); }

  bool is_made(const ObjectArgument& what) const {
    if (what.kind == ObjectKind::clone) return !check_clone(what, object(what), inventory_);
    if (what.kind == ObjectKind::restore) return !check_restore(what, object(what), inventory_);
    return inventory_.judge(what).state == Verdict::State::done;
  }

  bool is_being_made(const std::string& vm) const {
    for (const ObjectKind kind : {ObjectKind::clone, ObjectKind::restore})
      for (const std::string& maker : split_.goes.at(kind))
        if (target_vm(kind, object({kind, maker})) == vm) return true;
    return false;
  }

  bool is_member(ObjectKind kind, const std::string& name) const {
    return std::find(members_.begin(), members_.end(), ObjectArgument{kind, name}) != members_.end();
  }

  /// True for a disk that the operation has made for the VM, or was to make. One that is not there is known by its name; of a VM
  /// that was changed since, somebody else may have named it.
  bool is_disk_of_clone(const std::string& vm_name, const Json& vm, const std::string& claim) const {
    if (is_member(ObjectKind::claim, claim) || is_member(ObjectKind::data_volume, claim)) return true;
    const Json* made = inventory_.find(ObjectKind::claim, claim);
    if (made != nullptr && !text(*made, {"metadata", "annotations", status::kRestoreName}).empty())
      return true;
    const bool unchanged = integer(vm, {"metadata", "generation"}).value_or(1) <= 1;
    return claim.starts_with(vm_name + "-") && (unchanged || status::is_templated(vm, claim));
  }

  /// All disks that the operation has made for the VM are usable: others, which it was given since, make it no unfinished one.
  bool has_all_disks(const std::string& name, const Json& vm) const {
    bool any = false;
    for (const std::string& claim : status::claims_of(vm)) {
      if (!is_disk_of_clone(name, vm, claim)) continue;
      any = true;
      const bool volume = inventory_.find(ObjectKind::data_volume, claim) != nullptr;
      if (!volume && inventory_.find(ObjectKind::claim, claim) == nullptr) return false;
      const ObjectArgument disk{volume ? ObjectKind::data_volume : ObjectKind::claim, claim};
      if (inventory_.judge(disk).state != Verdict::State::done) return false;
    }
    return any;
  }

  bool vm_stays(const ObjectArgument& what) {
    const Json& vm = object(what);
    if (status::is_deleting(vm) || is_being_made(what.name)) return false;
    const bool seen = inventory_.is_readable(ObjectKind::claim);
    const bool done = seen && inventory_.judge(what).state == Verdict::State::done;
    const bool stays = done || !seen || runs(vm) || has_all_disks(what.name, vm);
    if (stays && !done) split_.all_done = false;
    return stays;
  }

  /// Of all VMs, whoever made them: a disk may have been given to another one since.
  void look_at_vms() {
    for (const auto& [name, vm] : inventory_.objects(ObjectKind::vm)) {
      if (status::is_deleting(vm) || split_.goes[ObjectKind::vm].contains(name)) continue;
      standing_.insert(name);
      for (std::string& claim : status::claims_of(vm)) used_.insert(std::move(claim));
    }
  }

  bool disk_stays(const ObjectArgument& what) const {
    const Json& disk = object(what);
    if (const std::string volume = owner_of(disk, "DataVolume"); !volume.empty())
      return split_.stays.at(ObjectKind::data_volume).contains(volume) || used_.contains(what.name);
    // One that CDI fills, for a claim of the operation.
    if (const std::string claim = owner_of(disk, "PersistentVolumeClaim"); !claim.empty())
      return used_.contains(claim);
    return used_.contains(what.name) || standing_.contains(owner_of(disk, "VirtualMachine")) ||
           is_named_for_one_that_stays(what.name);
  }

  /// A disk that was detached since is still called "<vm>-<disk>", and may hold what nothing else does.
  bool is_named_for_one_that_stays(const std::string& disk) const {
    const auto longest = [&](const std::set<std::string>& vms) {
      std::size_t most = 0;
      for (const std::string& vm : vms)
        if (disk.starts_with(vm + "-")) most = std::max(most, vm.size());
      return most;
    };
    return longest(split_.stays.at(ObjectKind::vm)) > longest(split_.goes.at(ObjectKind::vm));
  }

  /// True for a clone of a claim that has ended: one disk, which no VM was to have.
  bool is_one_result() const {
    const std::vector<ObjectArgument> volumes = of({ObjectKind::data_volume});
    return volumes.size() == 1 && inventory_.judge(volumes.front()).state == Verdict::State::done &&
           std::all_of(members_.begin(), members_.end(), [&](const ObjectArgument& each) {
             return each == volumes.front() ||
                    each == ObjectArgument{ObjectKind::claim, volumes.front().name};
           });
  }

  bool is_unbound() const {
    const auto is_open = [&](const std::string& claim) {
      const Json* found = inventory_.find(ObjectKind::claim, claim);
      return found != nullptr && text(*found, {"status", "phase"}) == "Pending";
    };
    for (const std::string& vm : split_.stays.at(ObjectKind::vm)) {
      const std::vector<std::string> claims = status::claims_of(object({ObjectKind::vm, vm}));
      if (std::any_of(claims.begin(), claims.end(), is_open)) return true;
    }
    for (const std::string& name : split_.stays.at(ObjectKind::data_volume))
      if (text(object({ObjectKind::data_volume, name}), {"status", "phase"}) != "Succeeded") return true;
    const auto& claims = split_.stays.at(ObjectKind::claim);
    return std::any_of(claims.begin(), claims.end(), is_open);
  }

  const std::vector<ObjectArgument>& members_;
  const Inventory& inventory_;
  CancelSplit split_{};
  std::set<std::string> standing_{};  // VMs
  std::set<std::string> used_{};      // their claims
};

}  // namespace

bool CancelSplit::goes_any(std::initializer_list<ObjectKind> kinds) const {
  return std::any_of(kinds.begin(), kinds.end(), [&](ObjectKind kind) { return !goes.at(kind).empty(); });
}

bool CancelSplit::stays_any() const {
  return std::any_of(stays.begin(), stays.end(), [](const auto& each) { return !each.second.empty(); });
}

std::vector<ObjectArgument> members_of(const std::string& operation, const Inventory& inventory) {
  std::vector<ObjectArgument> members;
  for (const ObjectKind kind : kInventoryKinds)
    for (const auto& [name, object] : inventory.objects(kind))
      if (text(object, {"metadata", "labels", mark::kOperation}) == operation)
        members.push_back({kind, name});
  return members;
}

CancelSplit split_members(const std::vector<ObjectArgument>& members, const Inventory& inventory) {
  return Sorter(members, inventory).sort();
}

}  // namespace wukong::commands
