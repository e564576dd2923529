// How `cancel operation/ID` takes back what one run of a command has made.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <initializer_list>
#include <set>

#include "base/text.h"
#include "commands/cancel.h"
#include "commands/cancel_attached.h"
#include "commands/cancel_split.h"
#include "commands/clone_stop.h"
#include "commands/follow.h"
#include "commands/vm_argument.h"
#include "status/object_status.h"
#include "status/watched.h"

namespace wukong::commands {

namespace {

constexpr std::initializer_list<ObjectKind> kMade{ObjectKind::clone,       ObjectKind::restore,
                                                  ObjectKind::vm_export,   ObjectKind::vm,
                                                  ObjectKind::data_volume, ObjectKind::claim};

/// Errors: `forbidden` (else `precondition`) where it cannot be told whether the operation has finished: what is complete must
/// stay.
Result<void> check_told(const ObjectArgument& what, const std::vector<ObjectArgument>& members,
                        const Inventory& inventory) {
  const bool vms = inventory.is_unseen(ObjectKind::vm);
  if (!vms && !inventory.is_unseen(ObjectKind::claim)) return {};
  for (const ObjectArgument& each : members)
    if (!vms && (each.kind == ObjectKind::clone || each.kind == ObjectKind::restore) &&
        inventory.judge(each).state == Verdict::State::working)
      return {};
  const ObjectKind unseen = vms ? ObjectKind::vm : ObjectKind::claim;
  const bool forbidden = inventory.is_forbidden(unseen);
  return Error{.code = forbidden ? Code::forbidden : Code::precondition,
               .message = fmt::format("it cannot be told whether operation {} in namespace {} has finished",
                                      what.name, inventory.ns),
               .hint = role_hint("cancel:operation", inventory.where()),
               .causes = {forbidden ? "not allowed: list " + gvr_of(unseen).qualified()
                                    : inventory.shelves.at(gvr_of(unseen).resource)->why.message}};
}

/// "web-1, web-2 are usable"
std::string complete_words(const CancelSplit& split, const Inventory& inventory) {
  const std::set<std::string>& vms = split.stays.at(ObjectKind::vm);
  if (vms.empty()) return "what it made is complete";
  return fmt::format("{} {} {}", fmt::join(vms, ", "), vms.size() == 1 ? "is" : "are",
                     split.all_done                             ? "usable"
                     : inventory.is_readable(ObjectKind::claim) ? "usable or in use"
                                                                : "perhaps usable (claims may not be read)");
}

std::string removal_hint(const CancelSplit& split, const Inventory& inventory) {
  const std::set<std::string>& vms = split.stays.at(ObjectKind::vm);
  const std::set<std::string>& volumes = split.stays.at(ObjectKind::data_volume);
  const auto hint = [&](ObjectKind kind, const std::set<std::string>& names) {
    return fmt::format("to remove what it made: kubectl delete {} {} {}", lower(gvr_of(kind).kind),
                       fmt::join(names, " "), inventory.where());
  };
  if (!vms.empty()) return hint(ObjectKind::vm, vms);
  return volumes.empty() ? std::string{} : hint(ObjectKind::data_volume, volumes);
}

/// What stays, in words: VMs by name, and disks that none of these has (any more).
void note_what_stays(const CancelSplit& split, const Inventory& inventory, CancelPlan& plan) {
  const std::set<std::string>& vms = split.stays.at(ObjectKind::vm);
  if (!vms.empty())
    plan.operation.notes.push_back(fmt::format("{}, and {}; {}", complete_words(split, inventory),
                                               vms.size() == 1 ? "stays" : "stay",
                                               removal_hint(split, inventory)));
  std::set<std::string> theirs;
  for (const std::string& vm : vms)
    for (std::string& claim : status::claims_of(*inventory.find(ObjectKind::vm, vm)))
      theirs.insert(std::move(claim));
  std::vector<std::string> others;
  for (const ObjectKind kind : {ObjectKind::data_volume, ObjectKind::claim})
    for (const std::string& name : split.stays.at(kind))
      if (!theirs.contains(name)) others.push_back(ObjectArgument{kind, name}.words());
  if (!others.empty())
    plan.operation.notes.push_back(fmt::format("{} may hold data that is in use, and {}",
                                               fmt::join(others, ", "),
                                               others.size() == 1 ? "stays" : "stay"));
}

/// The row that a member belongs to: a VM's disks are shown with it.
std::string row_of(ObjectKind kind, const std::string& name, const CancelSplit& split,
                   const Inventory& inventory) {
  if (kind == ObjectKind::claim || kind == ObjectKind::data_volume)
    for (const std::string& vm : split.goes.at(ObjectKind::vm)) {
      const std::vector<std::string> claims = status::claims_of(*inventory.find(ObjectKind::vm, vm));
      if (std::find(claims.begin(), claims.end(), name) != claims.end())
        return ObjectArgument{ObjectKind::vm, vm}.words();
    }
  return ObjectArgument{kind, name}.words();
}

/// Lists again what the split was made from. Errors: `precondition` when something that was to go is complete by now; with
/// `copies` that go, when there is one more VM, which may need them.
op::Guard still_goes(const ObjectArgument& what, const CancelSplit& split, bool copies,
                     const Inventory& inventory) {
  std::vector<Watched> watches;
  for (Watched& each : inventory_watches(inventory.ns, inventory.served))
    for (const ObjectKind kind : kMade)
      if (each.gvr.resource == gvr_of(kind).resource) watches.push_back(each);
  const auto check = [what, copies, goes = split.goes](const Inventory& now) -> Result<void> {
    const CancelSplit then = split_members(members_of(what.name, now), now);
    for (const ObjectKind kind :
         {ObjectKind::vm, ObjectKind::vm_export, ObjectKind::data_volume, ObjectKind::claim})
      for (const std::string& name : then.stays.at(kind))
        if (goes.at(kind).contains(name))
          return refuse(fmt::format("{} has become usable meanwhile", ObjectArgument{kind, name}.words()),
                        fmt::format("kubectl wukong cancel {} {} leaves it, and removes the rest",
                                    what.words(), now.where()));
    if (!copies) return {};
    for (const CancelSplit::Names& names : {then.goes, then.stays})
      for (const std::string& vm : names.at(ObjectKind::vm))
        if (!goes.at(ObjectKind::vm).contains(vm))
          return refuse(fmt::format("vm/{} has been made meanwhile, and may need what was copied for it", vm),
                        status_hint(now));
    return {};
  };
  return still(inventory, std::move(watches), check,
               fmt::format("that nothing more of {} has finished meanwhile", what.words()));
}

/// The VM is taken back by what makes it.
bool goes_with_maker(const Json& vm, const CancelSplit& split) {
  return !text(vm, {"metadata", "annotations", status::kLastRestore}).empty() &&
         split.goes_any({ObjectKind::clone, ObjectKind::restore});
}

/// VMs first, then what made their disks, then the disks: each would be made again by the one before. The last steps.
std::vector<std::string> delete_members(const ObjectArgument& what, const CancelSplit& split,
                                        const std::vector<Attached>& attached, std::size_t number,
                                        const Inventory& inventory, CancelPlan& plan) {
  std::vector<op::Step> deletions;
  const auto add = [&](const std::string& id, std::vector<std::string> needs, const ObjectRef& ref,
                       std::string uid, std::string group) {
    deletions.push_back({.id = id,
                         .needs = std::move(needs),
                         .action = op::Delete{.ref = ref, .uid = std::move(uid)},
                         .group = std::move(group)});
  };
  const std::string guard = fmt::format("{}-unfinished", number);
  std::vector<std::string> before{guard};
  for (const Attached& each : attached) plan.add_going(each.ref, each.uid);
  for (op::Step& step : delete_attached(attached, number, {guard})) deletions.push_back(std::move(step));
  for (const ObjectKind kind :
       {ObjectKind::vm, ObjectKind::vm_export, ObjectKind::data_volume, ObjectKind::claim}) {
    std::vector<std::string> these;
    for (const std::string& name : split.goes.at(kind)) {
      const Json& object = *inventory.find(kind, name);
      const ObjectRef ref{speaking(gvr_of(kind), inventory.served), inventory.ns, name};
      plan.add_going(ref, object);
      const bool goes_with_owner = !owner_of(object, "VirtualMachine").empty() ||
                                   !owner_of(object, "DataVolume").empty() ||
                                   !owner_of(object, "PersistentVolumeClaim").empty();
      if (goes_with_owner || (kind == ObjectKind::vm && goes_with_maker(object, split))) continue;
      these.push_back(fmt::format("{}-{}-{}", number, word_of(kind), name));
      add(these.back(), before, ref, std::string(text(object, {"metadata", "uid"})),
          row_of(kind, name, split, inventory));
    }
    if (!these.empty()) before = std::move(these);
  }
  if (deletions.empty()) return {};
  const bool copies =
      std::any_of(attached.begin(), attached.end(), [](const Attached& each) { return each.copy; });
  plan.operation.steps.push_back(
      {.id = guard, .action = still_goes(what, split, copies, inventory), .group = what.words()});
  for (op::Step& step : deletions) plan.operation.steps.push_back(std::move(step));
  return before;
}

/// The VMs that go, with what makes them or by themselves.
std::set<std::string> vms_that_go(const CancelSplit& split, const Inventory& inventory) {
  std::set<std::string> vms = split.goes.at(ObjectKind::vm);
  for (const ObjectKind kind : {ObjectKind::clone, ObjectKind::restore})
    for (const std::string& maker : split.goes.at(kind))
      vms.insert(target_vm(kind, *inventory.find(kind, maker)));
  return vms;
}

/// The claims that go: those of the operation, and those that its VMs that go have made.
std::set<std::string> claims_that_go(const CancelSplit& split, const Inventory& inventory) {
  std::set<std::string> claims = split.goes.at(ObjectKind::claim);
  claims.insert(split.goes.at(ObjectKind::data_volume).begin(), split.goes.at(ObjectKind::data_volume).end());
  for (const std::string& vm : split.goes.at(ObjectKind::vm))
    for (std::string& claim : status::claims_of(*inventory.find(ObjectKind::vm, vm))) {
      const Json* found = inventory.find(ObjectKind::claim, claim);
      const bool made =
          found != nullptr &&
          (!owner_of(*found, "VirtualMachine").empty() || !owner_of(*found, "DataVolume").empty() ||
           !text(*found, {"metadata", "annotations", status::kRestoreName}).empty());
      if (made && !split.stays.at(ObjectKind::claim).contains(claim)) claims.insert(std::move(claim));
    }
  return claims;
}

/// A snapshot that is deleted while a claim from it is Pending hangs.
std::string add_claims_gone(const ObjectArgument& what, const CancelSplit& split,
                            const std::set<std::string>& going, std::size_t number,
                            const Inventory& inventory, std::vector<std::string> needs, CancelPlan& plan) {
  const Watched claims{.gvr = gvr::pvc(), .ns = inventory.ns, .keep = {{"metadata.labels"}}};
  const auto ours = [id = what.name, going, stays = split.stays.at(ObjectKind::claim)](const Json& claim) {
    const std::string name(text(claim, {"metadata", "name"}));
    return going.contains(name) ||
           (text(claim, {"metadata", "labels", mark::kOperation}) == id && !stays.contains(name));
  };
  const std::string id = fmt::format("{}-claims-gone", number);
  plan.operation.steps.push_back(
      {.id = id,
       .needs = std::move(needs),
       .action = plan.until_none_left({gvr::pvc(), inventory.ns, what.name}, claims, "claims", ours),
       .group = what.words(),
       .reason = "until its claims are gone: they still need its snapshot"});
  return id;
}

/// The operation's snapshots: which go, and why others stay.
struct Snapshots {
  std::vector<std::string> go{};
  std::vector<Error> stay{};
};

Snapshots sort_snapshots(const std::vector<ObjectArgument>& members, const CancelSplit& split,
                         const OfOperation& operation, const Inventory& inventory) {
  Snapshots out;
  for (const ObjectArgument& each : members) {
    if (each.kind != ObjectKind::snapshot) continue;
    const Json& snapshot = *inventory.find(each.kind, each.name);
    // One that the user keeps is a result, unless there is no other.
    const bool kept = !is_temporary(snapshot) && (split.stays_any() || !split.goes_any(kMade));
    if (status::is_deleting(snapshot) || kept) continue;
    const bool blind = split.stays_any() && !inventory.is_readable(ObjectKind::claim);
    if (split.unbound || blind)
      out.stay.push_back(
          refuse(fmt::format("VirtualMachineSnapshot {} stays: {}", each.name,
                             blind ? "claims may not be read, and those that stay may still need it"
                                   : "disks that wait for a first start, or are being filled, need it"),
                 fmt::format("once all are bound: {}", delete_command(each, inventory.where()))));
    else if (auto unneeded = check_unneeded(each, snapshot, inventory, operation); !unneeded)
      out.stay.push_back(std::move(unneeded.error()));
    else
      out.go.push_back(each.name);
  }
  return out;
}

/// Of a run that has ended: with all that it made, or with what still needs its snapshot.
Error nothing_to_cancel(const ObjectArgument& what, const CancelSplit& split, const Snapshots& snapshots,
                        const Inventory& inventory) {
  if (!split.stays_any() && !snapshots.stay.empty()) return snapshots.stay.front();
  std::string rest;
  if (split.unbound && !snapshots.stay.empty())
    rest = ", and disks that wait for a first start need its snapshot";
  else if (!snapshots.stay.empty())
    rest = "; " + snapshots.stay.front().message;
  return refuse(
      fmt::format("operation {} has finished: {}{}", what.name, complete_words(split, inventory), rest),
      removal_hint(split, inventory));
}

/// What the operation has stopped runs again, whatever comes of the rest.
void add_starts(const std::vector<StoppedVm>& stopped, std::size_t number, const Inventory& inventory,
                CancelPlan& plan) {
  for (StoppedVm each : stopped) {
    each.ids = fmt::format("{}-{}-", number, each.vm.name);
    add_start(plan.operation, each);
    plan.operation.put_back_command = start_command(each, inventory.where());
    plan.starts.push_back(each.vm.name);
    plan.operation.notes.push_back(
        fmt::format("VM {} is started again: the operation has stopped it", each.vm.name));
  }
}

}  // namespace

Result<void> plan_cancel_operation(const ObjectArgument& what, std::size_t number, const Inventory& inventory,
                                   CancelPlan& plan) {
  const std::vector<ObjectArgument> members = members_of(what.name, inventory);
  std::vector<std::string> unseen = unseen_kinds(inventory);
  for (std::string& resource : unseen_attached(what.name, inventory)) unseen.push_back(std::move(resource));
  const std::vector<StoppedVm> stopped =
      stopped_by(what.name, inventory.ns, inventory.objects(ObjectKind::vm));
  add_starts(stopped, number, inventory, plan);
  if (!has_made_something(what.name, inventory)) {
    if (!stopped.empty()) return {};
    WUKONG_CHECK(check_sight(inventory));
    return refuse(fmt::format("nothing{} in namespace {} belongs to operation {}",
                              unseen.empty() ? "" : " that you may read", inventory.ns, what.name),
                  status_hint(inventory));
  }
  if (members.size() == 1 && members.front().kind == ObjectKind::clone) {
    plan.note_unseen(unseen_kinds(inventory));
    auto planned = plan_cancel_lone_clone(members.front(), number, inventory, plan);
    if (planned || stopped.empty()) return planned;
    plan.operation.notes.push_back(planned.error().message);  // it stays
    return {};
  }
  plan.note_unseen(unseen);
  WUKONG_CHECK(check_told(what, members, inventory));
  const CancelSplit split = split_members(members, inventory);
  OfOperation operation{.id = what.name, .claims = claims_that_go(split, inventory)};
  for (const ObjectKind kind : {ObjectKind::clone, ObjectKind::restore})
    for (const std::string& name : split.goes.at(kind))
      operation.users.insert(ObjectArgument{kind, name}.words());
  const Snapshots snapshots = sort_snapshots(members, split, operation, inventory);
  const bool unfinished = split.goes_any(kMade);
  const AttachedSplit attached = split_attached(what.name, vms_that_go(split, inventory), inventory);
  if (!unfinished && snapshots.go.empty() && attached.go.empty() && stopped.empty())
    return nothing_to_cancel(what, split, snapshots, inventory);
  note_what_stays(split, inventory, plan);
  for (const Error& why : snapshots.stay)
    plan.operation.notes.push_back(why.hint.empty() ? why.message
                                                    : fmt::format("{}; {}", why.message, why.hint));
  for (const std::string& note : attached.notes) plan.operation.notes.push_back(note);

  std::size_t next = (number + 1) * 1000;
  std::vector<std::string> last;
  const auto end_of = [&](Result<void> planned) -> Result<void> {
    if (planned) last.push_back(plan.operation.steps.back().id);
    return planned;
  };
  for (const std::string& name : split.goes.at(ObjectKind::clone)) {
    WUKONG_CHECK(end_of(plan_cancel_clone({ObjectKind::clone, name}, next++, inventory, plan)));
  }
  for (const std::string& name : split.goes.at(ObjectKind::restore)) {
    WUKONG_CHECK(end_of(plan_cancel_restore({ObjectKind::restore, name}, next++, inventory, plan)));
  }
  for (std::string& id : delete_members(what, split, attached.go, number, inventory, plan))
    last.push_back(std::move(id));
  if (unfinished && !snapshots.go.empty())
    operation.needs = {
        add_claims_gone(what, split, operation.claims, number, inventory, std::move(last), plan)};
  for (const std::string& name : snapshots.go) {
    WUKONG_CHECK(plan_cancel_snapshot({ObjectKind::snapshot, name}, next++, inventory, operation, plan));
  }
  return {};
}

}  // namespace wukong::commands
