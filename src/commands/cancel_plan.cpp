// What `cancel` refuses, and how each kind is taken back.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/text.h"
#include "commands/cancel.h"
#include "commands/cancel_attached.h"
#include "commands/clone_removal.h"
#include "commands/follow.h"
#include "commands/vm_argument.h"
#include "status/clone_undo.h"
#include "status/object_status.h"
#include "status/snapshot_status.h"
#include "status/watched.h"

namespace wukong::commands {

namespace {

ObjectRef ref_of(const ObjectArgument& what, const Inventory& inventory) {
  return {speaking(gvr_of(what.kind), inventory.served), inventory.ns, what.name};
}

/// The judge has less patience than this, unless the server does not answer.
constexpr std::chrono::seconds kUntilSettled{60};

std::string uid_of(const Json& object) { return std::string(text(object, {"metadata", "uid"})); }

/// Removes one object of this uid, and waits until it is gone.
void delete_and_wait(const ObjectArgument& what, const Json& object, std::size_t number,
                     const Inventory& inventory, std::vector<std::string> needs, CancelPlan& plan) {
  const ObjectRef ref = ref_of(what, inventory);
  const std::string id = fmt::format("{}-delete", number);
  plan.add_going(ref, object);
  plan.operation.steps.push_back({.id = id,
                                  .needs = std::move(needs),
                                  .action = op::Delete{.ref = ref, .uid = uid_of(object)},
                                  .group = what.words()});
  plan.operation.steps.push_back(
      {.id = fmt::format("{}-gone", number),
       .needs = {id},
       .action = op::Await{ref, status::watches_object(ref, {{"metadata.finalizers"}}),
                           status::gone_judge(ref), plan.limit},
       .group = what.words()});
}

/// Whose label it carries, or "".
std::string operation_of(const ObjectArgument& what, const Inventory& inventory) {
  const Json* object = inventory.find(what.kind, what.name);
  return object == nullptr ? std::string{}
                           : std::string(text(*object, {"metadata", "labels", mark::kOperation}));
}

Error finished(const ObjectArgument& what, const Inventory& inventory, std::string rest, std::string hint) {
  return refuse(fmt::format("{} has finished{}", describe(ref_of(what, inventory)), rest), std::move(hint));
}

/// Whoever made it would make it again, or needs it.
Result<void> check_own(const ObjectArgument& what, const Json& object, const Inventory& inventory) {
  for (const Json& owner : items(object, {"metadata", "ownerReferences"})) {
    if (!flag(owner, {"controller"})) continue;
    const std::string kind(text(owner, {"kind"}));
    const std::string name(text(owner, {"name"}));
    // A restore is owned by the VM that it fills.
    if (what.kind == ObjectKind::restore && kind == "VirtualMachine") continue;
    const bool clone = kind == "VirtualMachineClone";
    const std::string operation =
        kind == "VirtualMachine" ? operation_of({ObjectKind::vm, name}, inventory) : "";
    if (!operation.empty() && inventory.judge({ObjectKind::vm, name}).state != Verdict::State::done)
      return refuse(fmt::format("{} is part of {} {}", describe(ref_of(what, inventory)), kind, name),
                    operation_hint(operation, inventory));
    return refuse(fmt::format("{} is part of {} {}", describe(ref_of(what, inventory)), kind, name),
                  clone ? fmt::format("kubectl wukong cancel vmclone/{} {}", name, inventory.where())
                        : fmt::format("kubectl get {} {} {} shows it", lower(kind), name, inventory.where()));
  }
  return {};
}

/// Claims that are not bound and get their data from snapshots of the VolumeSnapshots that `prefix` begins.
std::vector<std::string> claims_waiting_for(const std::string& prefix, const Inventory& inventory) {
  std::vector<std::string> waiting;
  for (const auto& [name, claim] : inventory.objects(ObjectKind::claim))
    if (text(claim, {"status", "phase"}) == "Pending" &&
        text(claim, {"spec", "dataSourceRef", "kind"}) == "VolumeSnapshot" &&
        text(claim, {"spec", "dataSourceRef", "name"}).starts_with(prefix))
      waiting.push_back(name);
  return waiting;
}

/// A clone or restore under way, not of `operation`, that is made from the snapshot `name`; "" when there is none.
std::string user_of(const std::string& name, const Inventory& inventory, const OfOperation& operation) {
  for (const ObjectKind kind : {ObjectKind::clone, ObjectKind::restore})
    for (const auto& [user, object] : inventory.objects(kind))
      if (snapshot_behind(kind, object) == name &&
          !operation.users.contains(ObjectArgument{kind, user}.words()) &&
          inventory.judge({kind, user}).state == Verdict::State::working)
        return ObjectArgument{kind, user}.words();
  return {};
}

/// Errors: `precondition` when claims or DataVolumes in another namespace are not filled yet; where these cannot be read, as the
/// API said: a snapshot that is deleted then loses their data for good.
Result<void> check_elsewhere(const ObjectArgument& what, const Json& snapshot, const Inventory& inventory) {
  const std::string ns = target_namespace(snapshot, inventory);
  if (ns.empty()) return {};
  const std::string title = describe(ref_of(what, inventory));
  const std::string id(text(snapshot, {"metadata", "labels", mark::kOperation}));
  const auto facts = inventory.elsewhere.find(what.name);
  std::vector<std::string> waiting;
  for (std::size_t i = 0; i < 2; ++i) {
    const kube::Fact fact = facts == inventory.elsewhere.end() ? kube::Fact::absent() : facts->second.at(i);
    const bool volumes = i == 1;
    if (volumes && fact.is_unreadable() && fact.why.code == Code::not_found) continue;  // there is no CDI
    if (!fact.is_known())
      return unreadable(
          fmt::format("{} is for namespace {}, and it is not known whether {} there still need it", title, ns,
                      volumes ? "DataVolumes" : "claims"),
          fmt::format("have it looked at by somebody who may list them in {}; then: {}", ns,
                      delete_command(what, inventory.where())),
          fact);
    for (const Json& user : items(fact.object, {"items"})) {
      const std::string_view phase = text(user, {"status", "phase"});
      const std::string name(text(user, {"metadata", "name"}));
      // CDI's own claims carry the label, too, and are Lost when they have done their work.
      const bool filled = phase == "Bound" || phase == "Succeeded" || (!volumes && phase == "Lost");
      if (!filled && std::find(waiting.begin(), waiting.end(), name) == waiting.end())
        waiting.push_back(name);
    }
  }
  if (waiting.empty()) return {};
  return refuse(
      fmt::format("{} is needed by disks in namespace {} that are not filled yet: {}", title, ns,
                  fmt::join(waiting, ", ")),
      fmt::format("start their VMs once, or give them up first: kubectl wukong cancel operation/{} {}", id,
                  inventory.where_in(ns)));
}

/// Errors: as check_unneeded(); `precondition` for one that is a part of something, or a result.
Result<void> check_snapshot(const ObjectArgument& what, const Json& snapshot, const Inventory& inventory,
                            const OfOperation& operation) {
  WUKONG_CHECK(check_own(what, snapshot, inventory));
  WUKONG_CHECK(check_unneeded(what, snapshot, inventory, operation));
  if (operation.id.empty() && text(snapshot, {"status", "phase"}) == "Succeeded")
    return finished(what, inventory, ": cancel deletes no snapshot that is taken",
                    is_temporary(snapshot) ? operation_hint(operation_of(what, inventory), inventory)
                                           : "to delete it: " + delete_command(what, inventory.where()));
  return {};
}

/// Lists claims, clones and restores again, and what the snapshot is for in another namespace.
op::Guard still_unneeded(const ObjectArgument& what, const Json& snapshot, const Inventory& inventory,
                         const OfOperation& operation) {
  std::vector<Watched> watches;
  for (Watched& each : inventory_watches(inventory.ns, inventory.served))
    for (const ObjectKind kind :
         {ObjectKind::snapshot, ObjectKind::claim, ObjectKind::clone, ObjectKind::restore})
      if (each.gvr.resource == gvr_of(kind).resource) watches.push_back(each);
  return still(what, snapshot, inventory, std::move(watches),
               [what, operation](const Json& object, const Inventory& now) {
                 return check_unneeded(what, object, now, operation);
               });
}

/// Where an inventory has no such object: absent, unreadable, or not of a kind that can be cancelled.
Error not_there(const ObjectArgument& what, const Inventory& inventory) {
  const Shelf& shelf = *inventory.shelves.at(gvr_of(what.kind).resource);
  if (shelf.sight == Shelf::Sight::unreadable) return not_read(what, inventory, "cancel");
  std::vector<std::string> names;
  for (const auto& [name, unused] : shelf.objects) names.push_back(name);
  const std::string meant = closest(what.name, names);
  return refuse(
      describe(ref_of(what, inventory)) + " does not exist",
      meant.empty() ? status_hint(inventory) : fmt::format("did you mean {}/{}?", word_of(what.kind), meant));
}

/// VMs, claims and VolumeSnapshots are results: what makes them can be cancelled.
Error no_operation(const ObjectArgument& what, const Inventory& inventory) {
  std::string hint = status_hint(inventory);
  const Verdict verdict = inventory.judge(what);
  if (verdict.state == Verdict::State::done && !verdict.recall("unbound").empty())
    hint = "it is complete, and waits for a first start only";
  else if (const std::string id = operation_of(what, inventory);
           !id.empty() && verdict.state != Verdict::State::done)
    hint = operation_hint(id, inventory);
  for (const ObjectKind kind : {ObjectKind::clone, ObjectKind::restore})
    for (const auto& [name, object] : inventory.objects(kind))
      if (what.kind == ObjectKind::vm && target_vm(kind, object) == what.name &&
          inventory.judge({kind, name}).state == Verdict::State::working)
        hint =
            fmt::format("kubectl wukong cancel {} {}", ObjectArgument{kind, name}.words(), inventory.where());
  return refuse(fmt::format("{} is nothing that can be cancelled", describe(ref_of(what, inventory))),
                std::move(hint));
}

Result<void> check_volume(const ObjectArgument& what, const Json& volume, const Inventory& inventory) {
  if (text(volume, {"status", "phase"}) != "Succeeded") return {};
  return finished(what, inventory, ": it holds data",
                  "to delete it and its data: " + delete_command(what, inventory.where()));
}

Result<void> plan_delete(const ObjectArgument& what, const Json& object, std::size_t number,
                         const Inventory& inventory, CancelPlan& plan) {
  WUKONG_CHECK(check_own(what, object, inventory));
  if (what.kind == ObjectKind::data_volume) WUKONG_CHECK(check_volume(what, object, inventory));
  if (what.kind != ObjectKind::data_volume) {
    delete_and_wait(what, object, number, inventory, {}, plan);
    return {};
  }
  const std::string guard = fmt::format("{}-unfinished", number);
  plan.operation.steps.push_back(
      {.id = guard,
       .action = still(
           what, object, inventory, status::watches_object(ref_of(what, inventory), {{"status"}}),
           [what](const Json& volume, const Inventory& now) { return check_volume(what, volume, now); }),
       .group = what.words()});
  delete_and_wait(what, object, number, inventory, {guard}, plan);
  const ObjectRef claim{gvr::pvc(), inventory.ns, what.name};
  if (const Json* found = inventory.find(ObjectKind::claim, what.name)) plan.add_going(claim, *found);
  Watched claims = status::watches_object(claim, {{"metadata.finalizers"}}).front();
  claims.required = false;
  plan.operation.steps.push_back(
      {.id = fmt::format("{}-claim-gone", number),
       .needs = {fmt::format("{}-gone", number)},
       .action = plan.until_none_left(claim, claims, "claims", [](const Json&) { return true; }),
       .group = what.words()});
  return {};
}

/// False for what is misspelt, perhaps: whoever typed that is told of it before anything goes.
bool is_there(const ObjectArgument& what, const Inventory& inventory) {
  return what.kind == ObjectKind::operation ? has_made_something(what.name, inventory)
                                            : inventory.find(what.kind, what.name) != nullptr;
}

Result<void> plan_one(const ObjectArgument& what, std::size_t number, const Inventory& inventory,
                      CancelPlan& plan) {
  if (what.kind == ObjectKind::operation) return plan_cancel_operation(what, number, inventory, plan);
  const Json* object = inventory.find(what.kind, what.name);
  if (object == nullptr) return not_there(what, inventory);
  switch (what.kind) {
    case ObjectKind::clone:
      return plan_cancel_lone_clone(what, number, inventory, plan);
    case ObjectKind::snapshot:
      return plan_cancel_snapshot(what, number, inventory, {}, plan);
    case ObjectKind::restore:
      return plan_cancel_restore(what, number, inventory, plan);
    case ObjectKind::vm_export:
    case ObjectKind::data_volume:
      return plan_delete(what, *object, number, inventory, plan);
    default:
      return no_operation(what, inventory);
  }
}

}  // namespace

Result<void> check_unneeded(const ObjectArgument& what, const Json& snapshot, const Inventory& inventory,
                            const OfOperation& operation) {
  auto waiting = claims_waiting_for(fmt::format("vmsnapshot-{}-volume-", uid_of(snapshot)), inventory);
  std::erase_if(waiting, [&](const std::string& claim) { return operation.claims.contains(claim); });
  if (!waiting.empty())
    return refuse(fmt::format("{} is needed by claims that are not bound yet: {}",
                              describe(ref_of(what, inventory)), fmt::join(waiting, ", ")),
                  "start their VMs once, or delete the claims first");
  if (const std::string user = user_of(what.name, inventory, operation); !user.empty())
    return refuse(fmt::format("{} is in use by {}", describe(ref_of(what, inventory)), user),
                  fmt::format("kubectl wukong cancel {} {}", user, inventory.where()));
  return check_elsewhere(what, snapshot, inventory);
}

bool is_made_by_clone(const Json& vm, const Json& clone) {
  return text(vm, {"metadata", "annotations", status::kLastRestore})
      .starts_with(fmt::format("tmp-restore-{}-", uid_of(clone)));
}

Result<void> check_clone(const ObjectArgument& what, const Json& clone, const Inventory& inventory) {
  const std::string target = target_vm(what.kind, clone);
  const std::string by_hand = fmt::format("to remove the new VM: {}\nto remove the object only: {}",
                                          delete_command({ObjectKind::vm, target}, inventory.where()),
                                          delete_command(what, inventory.where()));
  const Verdict verdict = inventory.judge(what);
  if (verdict.state == Verdict::State::done) {
    if (const std::string unbound = verdict.recall("unbound"); !unbound.empty())
      return finished(what, inventory,
                      fmt::format(", and its claims that are not bound yet need it: {}", unbound),
                      fmt::format("start VM {} once; then it can go: {}", target,
                                  delete_command(what, inventory.where())));
    return finished(what, inventory, fmt::format(": VM {} is usable, and stays", target), by_hand);
  }
  // The judge looks at a moment only, and somebody may have changed the VM since: who deletes it must have seen it.
  if (text(clone, {"status", "phase"}) == "Succeeded")
    return finished(what, inventory, fmt::format(": it reports success, and VM {} may be in use", target),
                    fmt::format("look at VM {} first\n{}", target, by_hand));
  return {};
}

Result<void> plan_cancel_clone(const ObjectArgument& what, std::size_t number, const Inventory& inventory,
                               CancelPlan& plan) {
  const Json& clone = *inventory.find(what.kind, what.name);
  WUKONG_CHECK(check_clone(what, clone, inventory));
  const std::string target = target_vm(what.kind, clone);
  const std::string uid = uid_of(clone);
  const std::string restore = "tmp-restore-" + uid;
  const CloneRemoval removal{
      .wait = {inventory.ns, what.name, target, inventory.source_vm(what)},
      .api = {speaking(gvr::vm_clone(), inventory.served), speaking(gvr::vm_snapshot(), inventory.served),
              speaking(gvr::vm_restore(), inventory.served)},
      .uid = uid,
      .ids = fmt::format("{}-", number),
      .group = what.words(),
      .phase = op::Phase::main,
      .claims_unreadable = !inventory.is_readable(ObjectKind::claim)};
  const std::string guard = removal.ids + "unfinished";
  for (op::Step& step : removal_steps(removal)) {
    const bool first_deletion = step.id == removal.ids + "restore";
    if (first_deletion) {
      std::vector<Watched> watches = status::watches_clone(removal.wait);
      std::erase_if(watches, [](const Watched& w) { return w.gvr.resource == status::kSnapshots; });
      plan.operation.steps.push_back({.id = guard,
                                      .needs = std::exchange(step.needs, {guard}),
                                      .action = still(what, clone, inventory, std::move(watches),
                                                      [what](const Json& object, const Inventory& now) {
                                                        return check_clone(what, object, now);
                                                      }),
                                      .group = what.words()});
    }
    if (auto* wait = std::get_if<op::Await>(&step.action);
        wait != nullptr && step.id != removal.ids + "settled")
      wait->timeout = plan.limit;
    if (step.id == removal.ids + "claims-gone")
      std::get<op::Await>(step.action).judge = status::claims_gone_judge(removal.wait, Duration::max());
    plan.operation.steps.push_back(std::move(step));
  }
  if (removal.claims_unreadable)
    plan.operation.notes.push_back(
        fmt::format("claims may not be read: those that {} has made are left", what.words()));
  plan.add_going(ref_of(what, inventory), clone);
  const Json* vm = inventory.find(ObjectKind::vm, target);
  if (vm != nullptr && is_made_by_clone(*vm, clone)) plan.add_going({gvr::vm(), inventory.ns, target}, *vm);
  for (const auto& [name, claim] : inventory.objects(ObjectKind::claim))
    if (text(claim, {"metadata", "annotations", status::kRestoreName}) == restore)
      plan.add_going({gvr::pvc(), inventory.ns, name}, claim);
  return {};
}

Result<void> plan_cancel_snapshot(const ObjectArgument& what, std::size_t number, const Inventory& inventory,
                                  const OfOperation& operation, CancelPlan& plan) {
  const Json& snapshot = *inventory.find(what.kind, what.name);
  WUKONG_CHECK(check_snapshot(what, snapshot, inventory, operation));
  const status::SnapshotWait wait{inventory.ns, what.name};
  const std::string id = fmt::format("{}-settled", number);
  plan.operation.steps.push_back(
      {.id = id,
       .needs = operation.needs,
       .action =
           op::Await{ref_of(what, inventory), speaking(status::watches_snapshot(wait), inventory.served),
                     status::snapshot_settled_judge(wait), kUntilSettled},
       .group = what.words(),
       .reason = "until it is taken: one deleted meanwhile would hang"});
  const std::string guard = fmt::format("{}-unneeded", number);
  plan.operation.steps.push_back({.id = guard,
                                  .needs = {id},
                                  .action = still_unneeded(what, snapshot, inventory, operation),
                                  .group = what.words()});
  delete_and_wait(what, snapshot, number, inventory, {guard}, plan);
  return {};
}

Result<CancelPlan> plan_cancel(const std::vector<ObjectArgument>& arguments, const Inventory& inventory,
                               const Scope& at, std::chrono::nanoseconds limit) {
  std::vector<std::string> words;
  CancelPlan plan{.limit = limit};
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    CancelPlan one{.limit = limit};
    auto planned = plan_one(arguments[i], i, inventory, one);
    if (planned) {
      words.push_back(arguments[i].words());
      plan.absorb(std::move(one));
    } else if (arguments.size() > 1 && is_there(arguments[i], inventory) &&
               planned.error().code == Code::precondition) {
      plan.refused.push_back({arguments[i], std::move(planned.error())});
    } else {
      return std::move(planned.error());
    }
  }
  if (words.empty()) {
    WUKONG_CHECK(check_none_refused(plan, arguments.size(), at));
  }
  plan.operation.id = at.operation_id;
  plan.operation.title = fmt::format("cancel {} in {}", fmt::join(words, ", "), at.ns);
  plan.operation.cancel_command =
      fmt::format("kubectl wukong cancel {} {} -y", fmt::join(words, " "), at.where());
  return plan;
}

}  // namespace wukong::commands
