// How `cancel` takes a VirtualMachineRestore back.
#include <fmt/format.h>

#include <algorithm>

#include "commands/cancel.h"
#include "commands/follow.h"
#include "commands/vm_argument.h"
#include "status/object_status.h"
#include "status/restore_status.h"
#include "status/watched.h"

namespace wukong::commands {

namespace {

/// What the restore has put its mark on.
struct Marks {
  std::string name{};    // of the restore
  std::string mark{};    // "<name>-<uid>"
  std::string target{};  // VM
  std::string
      since{};  // when the restore was made: an older VM is one that it fills, not one that it has made

  bool is_claim(const Json& claim) const {
    const Json& notes = fields(claim, {"metadata", "annotations"});
    return text(notes, {status::kRestoreName}) == name && text(notes, {status::kLastRestore}) == mark;
  }
  bool is_new_vm(const Json& vm) const {
    return text(vm, {"metadata", "name"}) == target &&
           text(vm, {"metadata", "annotations", status::kLastRestore}) == mark &&
           text(vm, {"metadata", "creationTimestamp"}) >= since;
  }
};

/// A VM that a restore has already switched to its claims keeps them: the old ones may be gone.
bool is_used(const Json& claim, const op::Seen& seen, const std::string& vms_step) {
  const Json* lists = seen.object(vms_step);
  // Not known (a Guard keeps null for what it could not read): left alone.
  if (lists == nullptr || !lists->is_array() || lists->empty()) return true;
  const Json* vms = find(lists->front(), {"items"});
  if (vms == nullptr || !vms->is_array()) return true;
  return std::any_of(vms->begin(), vms->end(), [&](const Json& vm) {
    const std::vector<std::string> claims = status::claims_of(vm);
    return !status::is_deleting(vm) &&
           std::find(claims.begin(), claims.end(), text(claim, {"metadata", "name"})) != claims.end();
  });
}

Result<void> check_vms_read(const std::vector<kube::Fact>& facts, const op::Seen& /*seen*/) {
  if (facts.front().is_known()) return {};
  return unreadable(
      "the claims of the restore stay: VMs cannot be read, so it is not known whether one uses them", "",
      facts.front());
}

/// What its guard lists again.
std::vector<Watched> guarded(const ObjectArgument& what, const std::string& target,
                             const Inventory& inventory) {
  return status::watches_restore({inventory.ns, what.name, target, inventory.source_vm(what)});
}

}  // namespace

Result<void> check_restore(const ObjectArgument& what, const Json& restore, const Inventory& inventory) {
  const std::string title = fmt::format("VirtualMachineRestore {}/{}", inventory.ns, what.name);
  if (const std::string clone = owner_of(restore, "VirtualMachineClone"); !clone.empty())
    return refuse(fmt::format("{} is part of VirtualMachineClone {}", title, clone),
                  fmt::format("kubectl wukong cancel vmclone/{} {}", clone, inventory.where()));
  const Verdict verdict = inventory.judge(what);
  const std::string unbound = verdict.recall("unbound");
  if (flag(restore, {"status", "complete"}) && !unbound.empty())
    return refuse(
        fmt::format("{} has finished, and claims that it has made are not bound yet: {}", title, unbound),
        fmt::format("start VM {} once; they are filled then", target_vm(what.kind, restore)));
  if (flag(restore, {"status", "complete"}))
    return refuse(fmt::format("{} has finished: VM {} has its disks", title, target_vm(what.kind, restore)),
                  "to remove the object only: " + delete_command(what, inventory.where()));
  return {};
}

Result<void> plan_cancel_restore(const ObjectArgument& what, std::size_t number, const Inventory& inventory,
                                 CancelPlan& plan) {
  const Json& restore = *inventory.find(what.kind, what.name);
  WUKONG_CHECK(check_restore(what, restore, inventory));
  const std::string uid(text(restore, {"metadata", "uid"}));
  const Marks marks{what.name, what.name + "-" + uid, target_vm(what.kind, restore),
                    std::string(text(restore, {"metadata", "creationTimestamp"}))};
  const ObjectRef ref{speaking(gvr::vm_restore(), inventory.served), inventory.ns, what.name};
  const auto id = [number](const char* word) { return fmt::format("{}-{}", number, word); };
  const auto step = [&](const char* word, std::vector<std::string> needs, op::Action action,
                        std::string reason = {}) {
    plan.operation.steps.push_back({.id = id(word),
                                    .needs = std::move(needs),
                                    .action = std::move(action),
                                    .group = what.words(),
                                    .reason = std::move(reason)});
  };
  step("unfinished", {},
       still(what, restore, inventory, guarded(what, marks.target, inventory),
             [what](const Json& object, const Inventory& now) { return check_restore(what, object, now); }));
  step("restore", {id("unfinished")}, op::Delete{.ref = ref, .uid = uid});
  step("restore-gone", {id("restore")},
       op::Await{ref, status::watches_object(ref, {{"metadata.finalizers"}}), status::gone_judge(ref),
                 plan.limit});
  step("target", {id("restore-gone")},
       op::Sweep{gvr::vm(), inventory.ns, "",
                 [marks](const Json& vm, const op::Seen&) { return marks.is_new_vm(vm); },
                 fmt::format("VM {}, if this restore made it", marks.target)});
  plan.add_going(ref, restore);
  if (const Json* vm = inventory.find(ObjectKind::vm, marks.target); vm != nullptr && marks.is_new_vm(*vm))
    plan.add_going({gvr::vm(), inventory.ns, marks.target}, *vm);
  if (!inventory.is_readable(ObjectKind::claim)) {
    plan.operation.notes.push_back(
        fmt::format("claims may not be read: those that {} has made are left", what.words()));
    return {};
  }
  const kube::Read vms{.gvr = gvr::vm(), .ns = inventory.ns, .keep = status::watch_vm("", "").keep};
  step("vms", {id("target")},
       op::Guard{.reads = {vms}, .check = check_vms_read, .what = "which claims VMs use by now"});
  step("claims", {id("vms")},
       op::Sweep{gvr::pvc(), inventory.ns, "",
                 [marks, vms_step = id("vms")](const Json& claim, const op::Seen& seen) {
                   return marks.is_claim(claim) && !is_used(claim, seen, vms_step);
                 },
                 "the claims that this restore made and no VM uses"});
  for (const auto& [name, claim] : inventory.objects(ObjectKind::claim))
    if (marks.is_claim(claim)) plan.add_going({gvr::pvc(), inventory.ns, name}, claim);
  return {};
}

}  // namespace wukong::commands
