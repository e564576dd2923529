// How `cancel operation/ID` takes back what one run of a command has made.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "commands/cancel.h"
#include "commands/follow.h"
#include "commands/vm_argument.h"
#include "status/object_status.h"
#include "status/watched.h"

namespace wukong::commands {

namespace {

/// The members of one operation, by kind, and the claims of its VMs whether labelled or not.
struct Members {
  std::map<ObjectKind, std::vector<std::string>> names{};
  std::set<std::string> claims_of_vms{};

  const std::vector<std::string>& of(ObjectKind kind) const { return names.at(kind); }
};

Members sort_members(const std::vector<ObjectArgument>& all, const Inventory& inventory) {
  Members members;
  for (const ObjectKind kind : kInventoryKinds) members.names[kind];
  for (const ObjectArgument& each : all) members.names[each.kind].push_back(each.name);
  for (const std::string& vm : members.of(ObjectKind::vm))
    for (std::string& claim : status::claims_of(*inventory.find(ObjectKind::vm, vm)))
      members.claims_of_vms.insert(std::move(claim));
  return members;
}

/// How far an operation has come.
struct Progress {
  bool complete{};  // its VMs stand with their disks, and nothing but snapshots is left of it
  bool unbound{};   // disks wait for a first start: they still need the snapshot
  std::vector<std::string> spare{};  // snapshots that nobody keeps or needs
};

bool is_complete(const Members& members, const Inventory& inventory, bool& unbound) {
  for (const ObjectKind kind : {ObjectKind::clone, ObjectKind::restore, ObjectKind::vm_export})
    for (const std::string& name : members.of(kind))
      if (inventory.judge({kind, name}).state != Verdict::State::done) return false;
  for (const ObjectKind kind : {ObjectKind::claim, ObjectKind::data_volume})
    for (const std::string& name : members.of(kind))
      if (!members.claims_of_vms.contains(name)) return false;
  for (const std::string& name : members.of(ObjectKind::vm)) {
    const Verdict verdict = inventory.judge({ObjectKind::vm, name});
    if (verdict.state != Verdict::State::done) return false;
    unbound = unbound || !verdict.recall("unbound").empty();
  }
  return true;
}

Progress progress_of(const Members& members, const Inventory& inventory) {
  Progress progress;
  progress.complete = is_complete(members, inventory, progress.unbound);
  for (const std::string& name : members.of(ObjectKind::snapshot)) {
    const Json& snapshot = *inventory.find(ObjectKind::snapshot, name);
    if (is_temporary(snapshot) && !status::is_deleting(snapshot)) progress.spare.push_back(name);
  }
  return progress;
}

/// Errors: `forbidden` where it cannot be told whether the operation has finished: what is complete must stay.
Result<void> check_told(const ObjectArgument& what, const Members& members, const Inventory& inventory) {
  const bool vms = inventory.is_forbidden(ObjectKind::vm);
  if (!vms && !inventory.is_forbidden(ObjectKind::claim)) return {};
  for (const ObjectKind kind : {ObjectKind::clone, ObjectKind::restore})
    for (const std::string& name : members.of(kind))
      if (!vms && inventory.judge({kind, name}).state == Verdict::State::working) return {};
  return Error{
      .code = Code::forbidden,
      .message = fmt::format("it cannot be told whether operation {} in namespace {} has finished", what.name,
                             inventory.ns),
      .hint = role_hint("cancel:operation", inventory.ns),
      .causes = {"not allowed: list " + gvr_of(vms ? ObjectKind::vm : ObjectKind::claim).qualified()}};
}

/// "web-1, web-2 are usable"
std::string complete_words(const Members& members) {
  const std::vector<std::string>& vms = members.of(ObjectKind::vm);
  if (vms.empty()) return "what it made is complete";
  return fmt::format("{} {} usable", fmt::join(vms, ", "), vms.size() == 1 ? "is" : "are");
}

std::string removal_hint(const Members& members, const std::string& ns) {
  const std::vector<std::string>& vms = members.of(ObjectKind::vm);
  return vms.empty() ? std::string{}
                     : fmt::format("to remove what it made: kubectl delete virtualmachine -n {} {}", ns,
                                   fmt::join(vms, " "));
}

/// The row that a member belongs to: a VM's disks are shown with it.
std::string row_of(ObjectKind kind, const std::string& name, const Members& members,
                   const Inventory& inventory) {
  if (kind == ObjectKind::claim || kind == ObjectKind::data_volume)
    for (const std::string& vm : members.of(ObjectKind::vm)) {
      const std::vector<std::string> claims = status::claims_of(*inventory.find(ObjectKind::vm, vm));
      if (std::find(claims.begin(), claims.end(), name) != claims.end())
        return ObjectArgument{ObjectKind::vm, vm}.words();
    }
  return ObjectArgument{kind, name}.words();
}

/// VMs first, then what made their disks, then the disks: each would be made again by the one before.
std::vector<std::string> delete_members(const Members& members, std::size_t number,
                                        const Inventory& inventory, CancelPlan& plan) {
  std::vector<std::string> before;
  for (const auto& [ref, uid] : inventory.attached) {
    plan.goes.push_back(resource_name(ref));
    plan.operation.steps.push_back(
        {.id = fmt::format("{}-{}-{}", number, ref.gvr.resource, ref.name),
         .action = op::Delete{.ref = ref, .uid = uid},
         .group = ObjectArgument{ObjectKind::vm, ref.name}.words()});  // they have the names of their VMs
  }
  for (const ObjectKind kind :
       {ObjectKind::vm, ObjectKind::vm_export, ObjectKind::data_volume, ObjectKind::claim}) {
    std::vector<std::string> these;
    for (const std::string& name : members.of(kind)) {
      const Json& object = *inventory.find(kind, name);
      const bool goes_with_owner =
          !owner_of(object, "VirtualMachine").empty() || !owner_of(object, "DataVolume").empty();
      const ObjectRef ref{speaking(gvr_of(kind), inventory.served), inventory.ns, name};
      plan.goes.push_back(resource_name(ref));
      if (goes_with_owner) continue;
      these.push_back(fmt::format("{}-{}-{}", number, word_of(kind), name));
      plan.operation.steps.push_back(
          {.id = these.back(),
           .needs = before,
           .action = op::Delete{.ref = ref, .uid = std::string(text(object, {"metadata", "uid"}))},
           .group = row_of(kind, name, members, inventory)});
    }
    if (!these.empty()) before = std::move(these);
  }
  return before;
}

/// A snapshot that is deleted while a claim from it is Pending hangs.
std::string add_claims_gone(const ObjectArgument& what, const Members& members, std::size_t number,
                            const Inventory& inventory, std::vector<std::string> needs, CancelPlan& plan) {
  const Watched claims{.gvr = gvr::pvc(), .ns = inventory.ns, .keep = {{"metadata.labels"}}};
  const auto ours = [id = what.name, names = members.claims_of_vms](const Json& claim) {
    return text(claim, {"metadata", "labels", mark::kOperation}) == id ||
           names.contains(std::string(text(claim, {"metadata", "name"})));
  };
  const std::string id = fmt::format("{}-claims-gone", number);
  plan.operation.steps.push_back(
      {.id = id,
       .needs = std::move(needs),
       .action = op::Await{{gvr::pvc(), inventory.ns, what.name},
                           {claims},
                           status::none_left_judge(claims, "claims", ours, kUntilGone),
                           2 * kUntilGone},
       .group = what.words(),
       .reason = "until its claims are gone: they still need its snapshot"});
  return id;
}

/// Of a run that was cut off after its last VM: these stay, its snapshots go.
Result<void> plan_leftovers(const ObjectArgument& what, const Members& members, const Progress& progress,
                            std::size_t next, const Inventory& inventory, CancelPlan& plan) {
  if (!members.of(ObjectKind::vm).empty())
    plan.operation.notes.push_back(fmt::format("{}, and {}; {}", complete_words(members),
                                               members.of(ObjectKind::vm).size() == 1 ? "stays" : "stay",
                                               removal_hint(members, inventory.ns)));
  for (const std::string& name : progress.spare) {
    WUKONG_CHECK(
        plan_cancel_snapshot({ObjectKind::snapshot, name}, next++, inventory, {.id = what.name}, plan));
  }
  return {};
}

}  // namespace

std::vector<ObjectArgument> members_of(const std::string& operation, const Inventory& inventory) {
  std::vector<ObjectArgument> members;
  for (const ObjectKind kind : kInventoryKinds)
    for (const auto& [name, object] : inventory.objects(kind))
      if (text(object, {"metadata", "labels", mark::kOperation}) == operation)
        members.push_back({kind, name});
  return members;
}

Result<void> plan_cancel_operation(const ObjectArgument& what, std::size_t number, const Inventory& inventory,
                                   CancelPlan& plan) {
  const std::vector<ObjectArgument> all = members_of(what.name, inventory);
  const std::vector<std::string> unseen = unseen_kinds(inventory);
  if (all.empty()) {
    WUKONG_CHECK(check_sight(inventory));
    return refuse(fmt::format("nothing{} in namespace {} belongs to operation {}",
                              unseen.empty() ? "" : " that you may read", inventory.ns, what.name),
                  fmt::format("kubectl wukong status -n {} shows what is under way", inventory.ns));
  }
  if (!unseen.empty())
    plan.operation.notes.push_back(fmt::format(
        "you may not list {}: those that the operation has made are left", fmt::join(unseen, ", ")));
  if (all.size() == 1 && all.front().kind == ObjectKind::clone)
    return plan_cancel_clone(all.front(), number, inventory, plan);
  const Members members = sort_members(all, inventory);
  WUKONG_CHECK(check_told(what, members, inventory));
  const Progress progress = progress_of(members, inventory);
  std::size_t next = (number + 1) * 1000;
  if (progress.complete && (progress.unbound || progress.spare.empty()))
    return refuse(
        fmt::format("operation {} has finished: {}{}", what.name, complete_words(members),
                    progress.unbound ? ", and disks that wait for a first start need its snapshot" : ""),
        removal_hint(members, inventory.ns));
  if (progress.complete) return plan_leftovers(what, members, progress, next, inventory, plan);
  for (const std::string& name : members.of(ObjectKind::clone)) {
    WUKONG_CHECK(plan_cancel_clone({ObjectKind::clone, name}, next++, inventory, plan));
  }
  for (const std::string& name : members.of(ObjectKind::restore)) {
    WUKONG_CHECK(plan_cancel_restore({ObjectKind::restore, name}, next++, inventory, plan));
  }
  std::vector<std::string> deleted = delete_members(members, number, inventory, plan);
  OfOperation operation{.id = what.name, .claims = members.claims_of_vms};
  operation.needs = {add_claims_gone(what, members, number, inventory, std::move(deleted), plan)};
  for (const std::string& claim : members.of(ObjectKind::claim)) operation.claims.insert(claim);
  for (const std::string& name : members.of(ObjectKind::snapshot)) {
    WUKONG_CHECK(plan_cancel_snapshot({ObjectKind::snapshot, name}, next++, inventory, operation, plan));
  }
  return {};
}

}  // namespace wukong::commands
