#include "commands/cancel.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "commands/permission_table.h"
#include "op/dry_run.h"
#include "support/inventories.h"

using namespace wukong;
using namespace wukong::commands;
using namespace wukong::testing;
using Kind = ObjectKind;

namespace {

const Scope kScope{.ns = "demo", .utc_stamp = "20260101-000000", .operation_id = "opid1"};

Result<CancelPlan> planned(const InventoryMaker& maker, const std::string& word) {
  const auto objects = parse_objects({word});
  REQUIRE(objects.has_value());
  return plan_cancel(*objects, maker.make(), kScope);
}

Error refused(const InventoryMaker& maker, const std::string& word) {
  const auto plan = planned(maker, word);
  REQUIRE_FALSE(plan.has_value());
  CHECK(exit_code(plan.error().code) == 3);
  return plan.error();
}

bool has(const std::vector<std::string>& all, const std::string& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

/// A plan needs no more than `doctor --permissions` says of its use.
void check_permissions(const CancelPlan& plan, const std::string& use) {
  std::vector<kube::Permission> printed;
  for (const PermissionRule& rule : rules_of(use))
    for (kube::Permission& permission : permissions_of(rule, "demo"))
      printed.push_back(std::move(permission));
  op::Permissions needed = op::permissions(plan.operation);
  needed.required.insert(needed.required.end(), needed.optional.begin(), needed.optional.end());
  for (kube::Permission permission : needed.required) {
    permission.name.clear();
    CAPTURE(use + ": " + permission.verb + " " + permission.resource);
    CHECK(std::find(printed.begin(), printed.end(), permission) != printed.end());
  }
}

/// In which order things are deleted.
std::vector<std::string> deletions(const CancelPlan& plan) {
  std::vector<std::string> names;
  for (const op::Step& step : plan.operation.steps)
    if (const auto* gone = std::get_if<op::Delete>(&step.action)) names.push_back(resource_name(gone->ref));
  return names;
}

InventoryMaker running_clone() {
  InventoryMaker maker;
  maker.put(Kind::clone, "c1", clone_of("web", "copy", "RestoreInProgress"))
      .put(Kind::claim, "restore-r-root", restored_claim("tmp-restore-c1-uid", "r", "Pending"))
      .put(Kind::vm, "web", vm_on({"web-root"}))
      .put(Kind::claim, "web-root", {{"status", {{"phase", "Bound"}}}});
  return maker;
}

}  // namespace

TEST_CASE("cancel: a running clone goes with its claims, exactly that one") {
  const auto plan = planned(running_clone(), "vmclone/c1");
  REQUIRE(plan.has_value());
  CHECK(op::shape_problem(plan->operation).empty());
  check_permissions(*plan, "cancel:vmclone");
  CHECK(has(plan->goes, "virtualmachineclone.clone.kubevirt.io/c1"));
  CHECK(has(plan->goes, "persistentvolumeclaim/restore-r-root"));
  CHECK(plan->goes.size() == 2);
  const auto& last = std::get<op::Delete>(plan->operation.steps.back().action);
  CHECK(last.uid == "c1-uid");
  CHECK(plan->operation.cancel_command == "kubectl wukong cancel vmclone/c1 -n demo -y");
}

TEST_CASE("cancel: where claims cannot be read they are left, and it says so") {
  InventoryMaker maker = running_clone();
  maker.close(Kind::claim);
  const auto plan = planned(maker, "vmclone/c1");
  REQUIRE(plan.has_value());
  CHECK(plan->operation.notes.size() == 1);
  for (const kube::Permission& p : op::permissions(plan->operation).required)
    CHECK(p.resource != "persistentvolumeclaims");
}

TEST_CASE("cancel: what has finished stays") {
  InventoryMaker maker = running_clone();
  maker.put(Kind::clone, "c1", clone_of("web", "copy", "Succeeded"))
      .put(Kind::vm, "copy", vm_on({"restore-r-root"}, "tmp-restore-c1-uid-r"))
      .put(Kind::claim, "restore-r-root", restored_claim("tmp-restore-c1-uid", "r", "Bound"));
  CHECK(refused(maker, "vmclone/c1").message ==
        "VirtualMachineClone demo/c1 has finished: VM copy is usable, and stays");
  maker.put(Kind::claim, "restore-r-root", restored_claim("tmp-restore-c1-uid", "r", "Pending"));
  const Error unbound = refused(maker, "vmclone/c1");
  CHECK(unbound.message ==
        "VirtualMachineClone demo/c1 has finished, and its claims that are not bound yet need it: "
        "restore-r-root");
  CHECK(
      unbound.hint.starts_with("start VM copy once; then it can go: kubectl delete virtualmachineclone c1"));
}

TEST_CASE("cancel: parts, results and things that are not there") {
  InventoryMaker maker = running_clone();
  Json owner = Json::array();
  owner.push_back({{"kind", "VirtualMachineClone"}, {"name", "c1"}, {"controller", true}});
  maker.put(Kind::snapshot, "tmp-snapshot-c1-uid",
            {{"metadata", {{"ownerReferences", owner}}}, {"status", {{"phase", "InProgress"}}}});
  CHECK(refused(maker, "vmsnapshot/tmp-snapshot-c1-uid").hint == "kubectl wukong cancel vmclone/c1 -n demo");
  CHECK(refused(maker, "vm/copy").code == Code::precondition);
  CHECK(refused(maker, "vm/copy").hint == "kubectl wukong status -n demo shows what is under way");
  CHECK(refused(maker, "vm/web").hint == "kubectl wukong status -n demo shows what is under way");
  CHECK(refused(maker, "pvc/web-root").hint == "kubectl wukong status -n demo shows what is under way");
  maker.put(Kind::vm, "copy", vm_on({"restore-r-root"}));
  CHECK(refused(maker, "vm/copy").hint == "kubectl wukong cancel vmclone/c1 -n demo");
  maker.put(Kind::clone, "copy-of-web", clone_of("web", "copy2", "RestoreInProgress"));
  CHECK(refused(maker, "vmclone/copy-of-wbe").hint == "did you mean vmclone/copy-of-web?");
  CHECK(refused(maker, "operation/zzz").message == "nothing in namespace demo belongs to operation zzz");
}

TEST_CASE("cancel: a snapshot is waited for, unless somebody needs it or it is taken") {
  InventoryMaker maker;
  Json taken = {{"spec", {{"source", {{"name", "web"}}}}}, {"status", {{"phase", "InProgress"}}}};
  maker.put(Kind::snapshot, "s1", taken);
  const auto plan = planned(maker, "vmsnapshot/s1");
  REQUIRE(plan.has_value());
  check_permissions(*plan, "cancel:vmsnapshot");
  CHECK(plan->operation.steps.front().id == "0-settled");
  Json claim_from = {
      {"spec", {{"dataSourceRef", {{"kind", "VolumeSnapshot"}, {"name", "vmsnapshot-s1-uid-volume-root"}}}}},
      {"status", {{"phase", "Pending"}}}};
  maker.put(Kind::claim, "copy-root", claim_from);
  CHECK(refused(maker, "vmsnapshot/s1").message ==
        "VirtualMachineSnapshot demo/s1 is needed by claims that are not bound yet: copy-root");
  maker.put(Kind::claim, "copy-root", {{"status", {{"phase", "Bound"}}}});
  taken["status"] = {{"phase", "Succeeded"}, {"readyToUse", true}};
  maker.put(Kind::snapshot, "s1", taken);
  CHECK(refused(maker, "vmsnapshot/s1").message.ends_with("cancel deletes no snapshot that is taken"));
}

TEST_CASE("cancel: a restore takes the VM that it made, never the one that it fills") {
  InventoryMaker maker;
  Json restore_object = {{"metadata", {{"creationTimestamp", "2026-01-01T00:00:05Z"}}},
                         {"spec", {{"target", {{"name", "web"}}}, {"virtualMachineSnapshotName", "s1"}}},
                         {"status", {{"complete", false}}}};
  maker.put(Kind::restore, "r1", restore_object)
      .put(Kind::vm, "web", vm_on({"restore-x-root"}, "r1-r1-uid"))
      .put(Kind::claim, "restore-x-root", restored_claim("r1", "r1-uid", "Pending"));
  const auto filled = planned(maker, "vmrestore/r1");
  REQUIRE(filled.has_value());
  check_permissions(*filled, "cancel:vmrestore");
  CHECK_FALSE(has(filled->goes, "virtualmachine.kubevirt.io/web"));
  Json made = vm_on({"restore-x-root"}, "r1-r1-uid");
  made["metadata"]["creationTimestamp"] = "2026-01-01T00:00:06Z";
  maker.put(Kind::vm, "web", made);
  CHECK(has(planned(maker, "vmrestore/r1")->goes, "virtualmachine.kubevirt.io/web"));
  restore_object["status"]["complete"] = true;
  maker.put(Kind::restore, "r1", restore_object);
  refused(maker, "vmrestore/r1");
}

TEST_CASE("cancel operation: VMs, then disks, then the snapshot that the disks come from") {
  InventoryMaker maker;
  maker
      .put(Kind::snapshot, "web-o1",
           of_operation("o1", {{"status", {{"phase", "Succeeded"}, {"readyToUse", true}}}}))
      .put(Kind::vm, "web-1", of_operation("o1", vm_on({"web-1-root"})))
      .put(Kind::claim, "web-1-root", of_operation("o1", {{"status", {{"phase", "Bound"}}}}))
      .put(Kind::claim, "web-2-root", of_operation("o1", {{"status", {{"phase", "Pending"}}}}));
  const auto plan = planned(maker, "operation/o1");
  REQUIRE(plan.has_value());
  CHECK(op::shape_problem(plan->operation).empty());
  check_permissions(*plan, "cancel:operation");
  CHECK(deletions(*plan) == std::vector<std::string>{"virtualmachine.kubevirt.io/web-1",
                                                     "persistentvolumeclaim/web-1-root",
                                                     "persistentvolumeclaim/web-2-root",
                                                     "virtualmachinesnapshot.snapshot.kubevirt.io/web-o1"});
}

TEST_CASE("cancel operation: one that has ended well is refused; its kept snapshot is no leftover") {
  InventoryMaker maker;
  maker.put(Kind::vm, "web-1", of_operation("o1", vm_on({"web-1-root"})))
      .put(Kind::claim, "web-1-root", of_operation("o1", {{"status", {{"phase", "Bound"}}}}));
  CHECK(refused(maker, "operation/o1").message == "operation o1 has finished: web-1 is usable");
  Json left = of_operation("o1", {{"status", {{"phase", "Succeeded"}, {"readyToUse", true}}}});
  maker.put(Kind::snapshot, "web-o1", left);
  const auto cut_off = planned(maker, "operation/o1");
  REQUIRE(cut_off.has_value());
  CHECK(deletions(*cut_off) ==
        std::vector<std::string>{"virtualmachinesnapshot.snapshot.kubevirt.io/web-o1"});
  CHECK(cut_off->operation.notes.front().starts_with("web-1 is usable, and stays"));
  left["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
  maker.put(Kind::snapshot, "web-o1", left);
  CHECK(refused(maker, "operation/o1").message == "operation o1 has finished: web-1 is usable");
  left["metadata"].erase("deletionTimestamp");
  left["metadata"]["annotations"][mark::kKept] = "true";
  maker.put(Kind::snapshot, "web-o1", left);
  CHECK(refused(maker, "operation/o1").hint ==
        "to remove what it made: kubectl delete virtualmachine -n demo web-1");
}

TEST_CASE("cancel operation: where VMs or claims may not be read, nothing goes that may be complete") {
  InventoryMaker maker;
  maker.put(Kind::vm, "web-1", of_operation("o1", vm_on({"web-1-root"})))
      .put(Kind::claim, "web-1-root", of_operation("o1", {{"status", {{"phase", "Bound"}}}}));
  InventoryMaker no_claims = maker;
  no_claims.close(Kind::claim);
  const auto refusal = planned(no_claims, "operation/o1");
  REQUIRE_FALSE(refusal.has_value());
  CHECK(exit_code(refusal.error().code) == 4);
  CHECK(refusal.error().message == "it cannot be told whether operation o1 in namespace demo has finished");
  CHECK(refusal.error().causes == std::vector<std::string>{"not allowed: list persistentvolumeclaims"});
  maker.close(Kind::vm);
  CHECK(planned(maker, "operation/o1").error().code == Code::forbidden);
  Json restore = {{"spec", {{"target", {{"name", "web-2"}}}, {"virtualMachineSnapshotName", "s1"}}},
                  {"status", {{"complete", false}}}};
  no_claims.put(Kind::restore, "r2", of_operation("o1", restore));
  const auto unfinished = planned(no_claims, "operation/o1");
  REQUIRE(unfinished.has_value());
  CHECK(unfinished->operation.notes.front() ==
        "you may not list persistentvolumeclaims: those that the operation has made are left");
}

TEST_CASE("cancel operation: what may not be read is not said to be absent") {
  InventoryMaker maker;
  CHECK(refused(maker, "operation/zzz").message == "nothing in namespace demo belongs to operation zzz");
  maker.close(Kind::snapshot);
  CHECK(refused(maker, "operation/zzz").message ==
        "nothing that you may read in namespace demo belongs to operation zzz");
  for (const Kind kind :
       {Kind::clone, Kind::restore, Kind::vm_export, Kind::claim, Kind::data_volume, Kind::volume_snapshot})
    maker.close(kind);
  CHECK(planned(maker, "operation/zzz").error().code == Code::forbidden);
}

TEST_CASE("cancel: a DataVolume under way goes; one that holds data, or belongs to a VM, stays") {
  InventoryMaker maker;
  maker.put(Kind::data_volume, "d1", {{"status", {{"phase", "ImportInProgress"}}}});
  const auto plan = planned(maker, "dv/d1");
  REQUIRE(plan.has_value());
  check_permissions(*plan, "cancel:dv");
  Json owner = Json::array();
  owner.push_back({{"kind", "VirtualMachine"}, {"name", "web"}, {"controller", true}});
  maker.put(Kind::data_volume, "d1",
            {{"metadata", {{"ownerReferences", owner}}}, {"status", {{"phase", "ImportInProgress"}}}});
  CHECK(refused(maker, "dv/d1").message == "DataVolume demo/d1 is part of VirtualMachine web");
  maker.put(Kind::data_volume, "d1", {{"status", {{"phase", "Succeeded"}}}});
  CHECK(refused(maker, "dv/d1").message == "DataVolume demo/d1 has finished: it holds data");
}
