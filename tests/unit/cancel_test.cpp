#include "commands/cancel.h"

#include <doctest/doctest.h>

#include "support/cancel_plans.h"

using namespace wukong;
using namespace wukong::commands;
using namespace wukong::testing;

TEST_CASE("cancel: a running clone goes with its claims, exactly that one") {
  const auto plan = planned(running_clone(), "vmclone/c1");
  REQUIRE(plan.has_value());
  CHECK(op::shape_problem(plan->operation).empty());
  check_permissions(*plan, "cancel:vmclone");
  CHECK(has(plan->names(), "virtualmachineclone.clone.kubevirt.io/c1"));
  CHECK(has(plan->names(), "persistentvolumeclaim/restore-r-root"));
  CHECK(plan->goes.size() == 2);
  const auto& last = std::get<op::Delete>(plan->operation.steps.back().action);
  CHECK(last.uid == "c1-uid");
  CHECK(plan->operation.cancel_command == "kubectl wukong cancel vmclone/c1 -n demo -y");
}

TEST_CASE(
    "cancel: --timeout limits each wait until something is gone, but not those for a snapshot to be taken") {
  InventoryMaker maker = running_clone();
  maker
      .put(Kind::snapshot, "s1",
           {{"spec", {{"source", {{"name", "web"}}}}}, {"status", {{"phase", "InProgress"}}}})
      .put(Kind::data_volume, "d1", {{"status", {{"phase", "ImportInProgress"}}}})
      .put(Kind::snapshot, "web-o1",
           of_operation("o1", {{"status", {{"phase", "Succeeded"}, {"readyToUse", true}}}}))
      .put(Kind::claim, "web-2-root", of_operation("o1", {{"status", {{"phase", "Pending"}}}}));
  for (const std::chrono::seconds limit : {std::chrono::seconds{0}, std::chrono::seconds{300}})
    for (const char* word : {"vmclone/c1", "vmsnapshot/s1", "dv/d1", "operation/o1"}) {
      const auto plan = planned(maker, word, limit);
      REQUIRE(plan.has_value());
      std::size_t waits = 0;
      for (const op::Step& step : plan->operation.steps)
        if (const auto* wait = std::get_if<op::Await>(&step.action)) {
          CAPTURE(step.id);
          const bool taken = step.id.ends_with("-settled");
          CHECK(wait->timeout == (taken ? std::chrono::seconds{60} : limit));
          if (!taken) ++waits;
        }
      CHECK(waits > 0);
    }
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

TEST_CASE("cancel: a clone that says Succeeded stays, whatever its VM looks like by now") {
  InventoryMaker maker = running_clone();
  maker.put(Kind::clone, "c1", clone_of("web", "copy", "Succeeded"))
      .put(Kind::vm, "copy", vm_on({"restore-r-root", "added"}, "tmp-restore-c1-uid-r"))
      .put(Kind::claim, "restore-r-root", restored_claim("tmp-restore-c1-uid", "r", "Bound"))
      .put(Kind::claim, "added", {{"status", {{"phase", "Bound"}}}});
  CHECK(refused(maker, "vmclone/c1").message ==
        "VirtualMachineClone demo/c1 has finished: VM copy is usable, and stays");
  maker.put(Kind::claim, "restore-r-root", restored_claim("another", "r", "Bound"));
  const Error doubtful = refused(maker, "vmclone/c1");
  CHECK(doubtful.message ==
        "VirtualMachineClone demo/c1 has finished: it reports success, and VM copy may be in use");
  CHECK(doubtful.hint.starts_with("look at VM copy first\nto remove the new VM: kubectl delete"));
}

TEST_CASE("cancel: what has finished by the first deletion stays") {
  SUBCASE("a clone") {
    InventoryMaker maker = running_clone();
    const auto plan = planned(maker, "vmclone/c1");
    REQUIRE(plan.has_value());
    CHECK(is_guarded(*plan));
    CHECK(second_look(*plan, maker).has_value());
    InventoryMaker other = maker;
    other.put(Kind::clone, "c1", {{"metadata", {{"uid", "another"}}}});
    CHECK(second_look(*plan, other).error().message.ends_with("is gone meanwhile: it may have finished"));
    maker.put(Kind::clone, "c1", clone_of("web", "copy", "Succeeded"));
    CHECK(exit_code(second_look(*plan, maker).error().code) == 3);
  }
  SUBCASE("a restore") {
    InventoryMaker maker;
    Json restore = {{"spec", {{"target", {{"name", "web"}}}, {"virtualMachineSnapshotName", "s1"}}},
                    {"status", {{"complete", false}}}};
    maker.put(Kind::restore, "r1", restore);
    const auto plan = planned(maker, "vmrestore/r1");
    REQUIRE(plan.has_value());
    CHECK(is_guarded(*plan));
    CHECK(second_look(*plan, maker).has_value());
    restore["status"]["complete"] = true;
    maker.put(Kind::restore, "r1", restore);
    CHECK(second_look(*plan, maker).error().message.find("has finished") != std::string::npos);
  }
  SUBCASE("a DataVolume") {
    InventoryMaker maker;
    maker.put(Kind::data_volume, "d1", {{"status", {{"phase", "ImportInProgress"}}}});
    const auto plan = planned(maker, "dv/d1");
    REQUIRE(plan.has_value());
    CHECK(is_guarded(*plan));
    CHECK(second_look(*plan, maker).has_value());
    maker.put(Kind::data_volume, "d1", {{"status", {{"phase", "Succeeded"}}}});
    CHECK(second_look(*plan, maker).error().message.ends_with("it holds data"));
  }
}

TEST_CASE("cancel: no claim of a restore goes where it cannot be seen which VMs use it") {
  InventoryMaker maker;
  maker.put(Kind::restore, "r1",
            {{"spec", {{"target", {{"name", "web"}}}, {"virtualMachineSnapshotName", "s1"}}},
             {"status", {{"complete", false}}}});
  const auto plan = planned(maker, "vmrestore/r1");
  REQUIRE(plan.has_value());
  const auto step = [&](const std::string& id) {
    return std::find_if(plan->operation.steps.begin(), plan->operation.steps.end(),
                        [&](const op::Step& each) { return each.id == id; });
  };
  const auto& look = std::get<op::Guard>(step("0-vms")->action);
  const kube::Fact closed = kube::Fact::unreadable({.code = Code::forbidden, .message = "no right"});
  CHECK_FALSE(look.check({closed}, {}).has_value());
  const auto& sweep = std::get<op::Sweep>(step("0-claims")->action);
  Json claim = restored_claim("r1", "r1-uid", "Bound");
  claim["metadata"]["name"] = "restore-x-root";
  op::Seen seen;
  seen.keep("0-vms", Json::array({nullptr}));
  CHECK_FALSE(sweep.pick(claim, seen));
  seen.keep("0-vms", Json::array({{{"items", Json::array()}}}));
  CHECK(sweep.pick(claim, seen));
}

TEST_CASE("cancel: a server dry run asks for each deletion, and for that object only") {
  const auto plan = planned(running_clone(), "vmclone/c1");
  REQUIRE(plan.has_value());
  const kube::Request request = dry_deletion(plan->goes.front());
  CHECK(request.method == kube::Method::del);
  CHECK(request.path.ends_with("/namespaces/demo/virtualmachineclones/c1"));
  CHECK(request.query.front().second == "All");
  const auto body = parse_json(request.body);
  REQUIRE(body.has_value());
  CHECK(items(*body, {"dryRun"}).front() == "All");
  CHECK(text(*body, {"preconditions", "uid"}) == "c1-uid");
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

TEST_CASE("cancel: what only its operation can give up names that, and how to go on with it") {
  const std::string hint =
      "to give up all of its operation: kubectl wukong cancel operation/o1 -n demo\n"
      "to go on with it: the command that made it, with --resume o1";
  InventoryMaker maker;
  Json owner = Json::array();
  owner.push_back({{"kind", "VirtualMachine"}, {"name", "web2"}, {"controller", true}});
  maker.put(Kind::vm, "web2", of_operation("o1", vm_on({"web2-root"})))
      .put(Kind::claim, "web2-root", of_operation("o1", {{"status", {{"phase", "Pending"}}}}))
      .put(Kind::data_volume, "web2-root",
           {{"metadata", {{"ownerReferences", owner}}}, {"status", {{"phase", "CloneInProgress"}}}})
      .put(Kind::snapshot, "web2-o1",
           of_operation("o1", {{"spec", {{"source", {{"name", "web"}}}}},
                               {"status", {{"phase", "Succeeded"}, {"readyToUse", true}}}}));
  for (const char* word : {"vm/web2", "pvc/web2-root", "dv/web2-root", "vmsnapshot/web2-o1"}) {
    CAPTURE(word);
    CHECK(refused(maker, word).hint == hint);
  }
  maker.put(Kind::claim, "web2-root", of_operation("o1", {{"status", {{"phase", "Bound"}}}}))
      .put(Kind::data_volume, "web2-root", {{"status", {{"phase", "Succeeded"}}}});
  CHECK(refused(maker, "vm/web2").hint == "kubectl wukong status -n demo shows what is under way");
}

TEST_CASE("cancel: of several the finished ones are left, and the others go") {
  InventoryMaker maker = running_clone();
  maker.put(Kind::data_volume, "image", {{"status", {{"phase", "Succeeded"}}}});
  const auto cancel = [&](const std::vector<std::string>& words) {
    const auto objects = parse_objects(words);
    REQUIRE(objects.has_value());
    return plan_cancel(*objects, maker.make(), kScope, std::chrono::seconds{60});
  };
  const auto some = cancel({"vm/web", "vmclone/c1", "dv/image"});
  REQUIRE(some.has_value());
  CHECK(op::shape_problem(some->operation).empty());
  CHECK(some->operation.title == "cancel vmclone/c1 in demo");
  CHECK(some->operation.cancel_command == "kubectl wukong cancel vmclone/c1 -n demo -y");
  CHECK(some->names() == planned(maker, "vmclone/c1")->names());
  REQUIRE(some->refused.size() == 2);
  CHECK(some->refused.back().why.message == "DataVolume demo/image has finished: it holds data");
  const auto left = check_none_refused(*some, 3, kScope);
  REQUIRE_FALSE(left.has_value());
  CHECK(exit_code(left.error().code) == 6);
  CHECK(left.error().message == "2 of 3 cannot be cancelled, and are left: vm/web, dv/image");
  CHECK(left.error().hint == "kubectl wukong cancel vm/web -n demo says what can be done");
  CHECK(check_none_refused(*cancel({"vmclone/c1"}), 1, kScope).has_value());

  const auto none = cancel({"vm/web", "dv/image"});
  REQUIRE_FALSE(none.has_value());
  CHECK(exit_code(none.error().code) == 3);
  CHECK(none.error().message == "none of these 2 can be cancelled");
  CHECK(none.error().causes.size() == 2);
  // One that does not exist is misspelt, perhaps, and nothing goes.
  for (const char* unknown : {"vmclone/c2", "operation/zzz"})
    CHECK(cancel({"vmclone/c1", unknown}).error().code == Code::precondition);
  maker.close(Kind::restore);
  CHECK(cancel({"vmclone/c1", "vmrestore/r1"}).error().code == Code::forbidden);
}

TEST_CASE("cancel: every command that it prints names the cluster, as the user did") {
  const std::string flags = " --context prod --as jane";
  InventoryMaker maker = running_clone().in_cluster(flags);
  const auto names_it = [&](const Error& error) {
    std::size_t commands = 0;
    for (std::size_t at = error.hint.find("kubectl "); at != std::string::npos;
         at = error.hint.find("kubectl ", at + 1), ++commands) {
      const std::string line = error.hint.substr(at, error.hint.find_first_of("\n;", at) - at);
      CAPTURE(line);
      CHECK(line.find(flags) != std::string::npos);
    }
    CHECK(commands > 0);
  };
  names_it(refused(maker, "vm/web"));
  names_it(refused(maker, "vmclone/zzz"));
  names_it(refused(maker, "operation/zzz"));
  Json owners = Json::array();
  owners.push_back({{"kind", "VirtualMachineClone"}, {"name", "c1"}, {"controller", true}});
  maker.put(Kind::restore, "inner", {{"metadata", {{"ownerReferences", owners}}}, {"spec", Json::object()}})
      .put(Kind::snapshot, "part", {{"metadata", {{"ownerReferences", owners}}}})
      .put(Kind::snapshot, "taken", {{"status", {{"phase", "Succeeded"}, {"readyToUse", true}}}})
      .put(Kind::data_volume, "image", {{"status", {{"phase", "Succeeded"}}}})
      .put(Kind::restore, "over",
           {{"spec", {{"target", {{"name", "web"}}}}}, {"status", {{"complete", true}}}});
  for (const char* word :
       {"vmrestore/inner", "vmsnapshot/part", "vmsnapshot/taken", "dv/image", "vmrestore/over"})
    names_it(refused(maker, word));
  maker.put(Kind::clone, "c1", clone_of("web", "copy", "Succeeded"));
  names_it(refused(maker, "vmclone/c1"));
  maker.put(Kind::vm, "web-1", of_operation("o1", vm_on({"web-1-root"})))
      .put(Kind::claim, "web-1-root", of_operation("o1", {{"status", {{"phase", "Bound"}}}}));
  names_it(refused(maker, "operation/o1"));
  maker.close(Kind::vm);
  const auto untold = planned(maker, "operation/o1");
  REQUIRE_FALSE(untold.has_value());
  names_it(untold.error());
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
  CHECK_FALSE(has(filled->names(), "virtualmachine.kubevirt.io/web"));
  Json made = vm_on({"restore-x-root"}, "r1-r1-uid");
  made["metadata"]["creationTimestamp"] = "2026-01-01T00:00:06Z";
  maker.put(Kind::vm, "web", made);
  CHECK(has(planned(maker, "vmrestore/r1")->names(), "virtualmachine.kubevirt.io/web"));
  restore_object["status"]["complete"] = true;
  maker.put(Kind::restore, "r1", restore_object);
  refused(maker, "vmrestore/r1");
}

TEST_CASE("cancel operation: VMs, then disks, then the snapshot that the disks come from") {
  InventoryMaker maker;
  maker
      .put(Kind::snapshot, "web-o1",
           of_operation("o1", {{"status", {{"phase", "Succeeded"}, {"readyToUse", true}}}}))
      .put(Kind::vm, "web-1", of_operation("o1", vm_on({"web-1-root", "web-1-data"})))
      .put(Kind::claim, "web-1-root", of_operation("o1", {{"status", {{"phase", "Bound"}}}}))
      .put(Kind::claim, "web-1-data", of_operation("o1", {{"status", {{"phase", "Pending"}}}}))
      .put(Kind::claim, "web-2-root", of_operation("o1", {{"status", {{"phase", "Pending"}}}}));
  const auto plan = planned(maker, "operation/o1");
  REQUIRE(plan.has_value());
  CHECK(op::shape_problem(plan->operation).empty());
  check_permissions(*plan, "cancel:operation");
  CHECK(plan->operation.steps.front().id == "0-unfinished");
  CHECK(deletions(*plan) ==
        std::vector<std::string>{"virtualmachine.kubevirt.io/web-1", "persistentvolumeclaim/web-1-data",
                                 "persistentvolumeclaim/web-1-root", "persistentvolumeclaim/web-2-root",
                                 "virtualmachinesnapshot.snapshot.kubevirt.io/web-o1"});
}

namespace {

/// Two of three are usable, one of them runs; the third waits for its disk.
InventoryMaker partly_done() {
  InventoryMaker maker;
  Json running = vm_on({"web-2-root", "more"});
  running["spec"]["runStrategy"] = "Always";
  running["status"] = {{"printableStatus", "Running"}, {"ready", true}};
  maker
      .put(Kind::snapshot, "web-o1",
           of_operation("o1", {{"status", {{"phase", "Succeeded"}, {"readyToUse", true}}}}))
      .put(Kind::vm, "web-1", of_operation("o1", vm_on({"web-1-root"})))
      .put(Kind::claim, "web-1-root", of_operation("o1", {{"status", {{"phase", "Bound"}}}}))
      .put(Kind::claim, "web-1-data", of_operation("o1", {{"status", {{"phase", "Bound"}}}}))  // detached
      .put(Kind::vm, "web-2", of_operation("o1", running))
      .put(Kind::claim, "web-2-root", of_operation("o1", {{"status", {{"phase", "Bound"}}}}))
      .put(Kind::claim, "more", {{"status", {{"phase", "Bound"}}}})
      .put(Kind::vm, "web-3", of_operation("o1", vm_on({"web-3-root"})))
      .put(Kind::claim, "web-3-root", of_operation("o1", {{"status", {{"phase", "Pending"}}}}));
  return maker;
}

}  // namespace

TEST_CASE("cancel operation: what is usable or runs stays, with its disks, and is named") {
  InventoryMaker maker = partly_done();
  const auto plan = planned(maker, "operation/o1");
  REQUIRE(plan.has_value());
  CHECK(op::shape_problem(plan->operation).empty());
  const std::vector<std::string> third{"virtualmachine.kubevirt.io/web-3",
                                       "persistentvolumeclaim/web-3-root"};
  std::vector<std::string> with_snapshot = third;
  with_snapshot.emplace_back("virtualmachinesnapshot.snapshot.kubevirt.io/web-o1");
  CHECK(deletions(*plan) == with_snapshot);
  REQUIRE(plan->operation.notes.size() == 2);
  CHECK(plan->operation.notes[0].starts_with("web-1, web-2 are usable, and stay; to remove"));
  CHECK(plan->operation.notes[1] == "pvc/web-1-data may hold data that is in use, and stays");

  SUBCASE("the snapshot, too, while one that runs waits for a disk") {
    maker.put(Kind::claim, "web-2-root", of_operation("o1", {{"status", {{"phase", "Pending"}}}}));
    const auto kept = planned(maker, "operation/o1");
    REQUIRE(kept.has_value());
    CHECK(deletions(*kept) == third);
    CHECK(kept->operation.notes.front().starts_with("web-1, web-2 are usable or in use, and stay"));
    CHECK(kept->operation.notes.back().starts_with("VirtualMachineSnapshot web-o1 stays: disks that wait"));
  }
  SUBCASE("a disk that was given to another VM") {
    maker.put(Kind::vm, "other", vm_on({"web-3-root"}));
    const auto kept = planned(maker, "operation/o1");
    REQUIRE(kept.has_value());
    CHECK(deletions(*kept) == std::vector<std::string>{third.front()});
  }
  SUBCASE("a second look stops it when one more is usable") {
    const auto& guard = std::get<op::Guard>(plan->operation.steps.front().action);
    const auto facts = [&](const InventoryMaker& now) {
      std::vector<kube::Fact> all;
      const Inventory inventory = now.make();
      for (const kube::Read& read : guard.reads) {
        Json list = {{"items", Json::array()}};
        for (const auto& [name, object] : inventory.shelves.at(read.gvr.resource)->objects)
          list["items"].push_back(object);
        all.push_back(kube::Fact::known(list));
      }
      return all;
    };
    CHECK(guard.check(facts(maker), {}).has_value());
    maker.put(Kind::claim, "web-3-root", of_operation("o1", {{"status", {{"phase", "Bound"}}}}));
    const auto now = guard.check(facts(maker), {});
    REQUIRE_FALSE(now.has_value());
    CHECK(now.error().message == "vm/web-3 has become usable meanwhile");
  }
  SUBCASE("all of it, when nothing is unfinished") {
    maker.put(Kind::claim, "web-3-root", of_operation("o1", {{"status", {{"phase", "Bound"}}}}));
    const auto leftovers = planned(maker, "operation/o1");
    REQUIRE(leftovers.has_value());
    CHECK(deletions(*leftovers) ==
          std::vector<std::string>{"virtualmachinesnapshot.snapshot.kubevirt.io/web-o1"});
  }
}

TEST_CASE("cancel operation: a disk cloned by itself is a result") {
  InventoryMaker maker;
  maker.put(Kind::data_volume, "copy", of_operation("o1", {{"status", {{"phase", "Succeeded"}}}}))
      .put(Kind::claim, "copy", of_operation("o1", {{"status", {{"phase", "Bound"}}}}));
  CHECK(refused(maker, "operation/o1").message == "operation o1 has finished: what it made is complete");
  maker.put(Kind::data_volume, "copy", of_operation("o1", {{"status", {{"phase", "CloneInProgress"}}}}));
  CHECK(planned(maker, "operation/o1").has_value());
}

TEST_CASE("cancel operation: restores that are given up do not hold their snapshot") {
  InventoryMaker maker;
  Json restore = {{"spec", {{"target", {{"name", "web-2"}}}, {"virtualMachineSnapshotName", "web-o1"}}},
                  {"status", {{"complete", false}}}};
  maker.put(Kind::restore, "r2", of_operation("o1", restore))
      .put(Kind::snapshot, "web-o1",
           of_operation("o1", {{"status", {{"phase", "Succeeded"}, {"readyToUse", true}}}}));
  const auto plan = planned(maker, "operation/o1");
  REQUIRE(plan.has_value());
  CHECK(op::shape_problem(plan->operation).empty());
  CHECK(has(deletions(*plan), "virtualmachinesnapshot.snapshot.kubevirt.io/web-o1"));
}

namespace {

kube::Fact list_of(std::vector<std::pair<std::string, std::string>> names_and_phases) {
  Json list = {{"items", Json::array()}};
  for (const auto& [name, phase] : names_and_phases)
    list["items"].push_back({{"metadata", {{"name", name}}}, {"status", {{"phase", phase}}}});
  return kube::Fact::known(list);
}

Result<CancelPlan> planned_with(Inventory inventory, std::vector<kube::Fact> elsewhere) {
  if (!elsewhere.empty()) inventory.elsewhere["web-o1"] = std::move(elsewhere);
  return plan_cancel({{Kind::operation, "o1"}}, inventory, kScope, std::chrono::seconds{60});
}

}  // namespace

TEST_CASE("cancel operation: a snapshot that disks in another namespace still need stays") {
  Json snapshot = of_operation("o1", {{"status", {{"phase", "Succeeded"}, {"readyToUse", true}}}});
  snapshot["metadata"]["annotations"][mark::kTargetNamespace] = "there";
  InventoryMaker maker;
  maker.put(Kind::snapshot, "web-o1", snapshot);
  const Inventory inventory = maker.make();
  const std::vector<kube::Read> reads = reads_elsewhere(*inventory.find(Kind::snapshot, "web-o1"), inventory);
  REQUIRE(reads.size() == 2);
  CHECK(reads.front().ns == "there");
  CHECK(reads.front().labels == "vm.novasphere.dev/operation=o1");

  const auto pending = planned_with(inventory, {list_of({{"web-root", "Pending"}, {"prime-x", "Lost"}}),
                                                list_of({{"web-root", "PendingPopulation"}})});
  REQUIRE_FALSE(pending.has_value());
  CHECK(pending.error().message ==
        "VirtualMachineSnapshot demo/web-o1 is needed by disks in namespace there that are not filled yet: "
        "web-root");
  CHECK(pending.error().hint.ends_with("kubectl wukong cancel operation/o1 -n there"));

  const auto unread = planned_with(
      inventory, {kube::Fact::unreadable({.code = Code::forbidden, .message = "no"}), list_of({})});
  REQUIRE_FALSE(unread.has_value());
  CHECK(exit_code(unread.error().code) == 4);
  CHECK_FALSE(planned_with(inventory, {}).has_value());  // nobody has looked

  const auto filled =
      planned_with(inventory, {list_of({{"web-root", "Bound"}}),
                               kube::Fact::unreadable({.code = Code::not_found, .message = "no CDI"})});
  REQUIRE(filled.has_value());
  CHECK(has(deletions(*filled), "virtualmachinesnapshot.snapshot.kubevirt.io/web-o1"));
  for (const op::Step& step : filled->operation.steps)
    if (const auto* guard = std::get_if<op::Guard>(&step.action)) CHECK(guard->reads.back().ns == "there");
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
        "to remove what it made: kubectl delete virtualmachine web-1 -n demo");
}

TEST_CASE("cancel operation: a VM that has got another disk since is no unfinished one") {
  InventoryMaker maker;
  Json vm = of_operation("o1", vm_on({"web-1-root", "extra"}));
  maker.put(Kind::vm, "web-1", vm)
      .put(Kind::claim, "web-1-root", of_operation("o1", {{"status", {{"phase", "Bound"}}}}));
  const char* finished = "operation o1 has finished: web-1 is usable or in use";
  CHECK(refused(maker, "operation/o1").message == finished);
  maker.put(Kind::claim, "extra", {{"status", {{"phase", "Pending"}}}});
  CHECK(refused(maker, "operation/o1").message == finished);
  // Its own disks: one that it names, and that is not there yet.
  vm = of_operation("o1", vm_on({"web-1-root", "web-1-data"}));
  vm["metadata"]["generation"] = 1;
  maker.put(Kind::vm, "web-1", vm);
  CHECK(planned(maker, "operation/o1").has_value());
  vm["metadata"]["generation"] = 2;  // or somebody else has named it: the VM was changed since
  maker.put(Kind::vm, "web-1", vm);
  CHECK(refused(maker, "operation/o1").message == finished);
}

TEST_CASE("cancel operation: a source that it has stopped runs again, whatever else there is of it") {
  InventoryMaker maker;
  maker.in_cluster(" --context staging");
  Json source = vm_on({"web-root"});
  source["metadata"]["annotations"] = {{mark::kStoppedBy, "o1"}, {mark::kStoppedFrom, "Always"}};
  maker.put(Kind::vm, "web", source).put(Kind::claim, "web-root", {{"status", {{"phase", "Bound"}}}});
  const auto only_stopped = planned(maker, "operation/o1");
  REQUIRE(only_stopped.has_value());
  CHECK(op::shape_problem(only_stopped->operation).empty());
  CHECK(deletions(*only_stopped).empty());
  CHECK(only_stopped->starts == std::vector<std::string>{"web"});
  CHECK(only_stopped->operation.steps.back().id == "0-web-start-again");
  CHECK(only_stopped->operation.steps.back().phase == op::Phase::put_back);
  CHECK(only_stopped->operation.put_back_command.find("virtualmachine web -n demo --context staging") !=
        std::string::npos);
  check_permissions(*only_stopped, "cancel:operation");

  // All that it made is complete, or is being made.
  maker.put(Kind::vm, "web-1", of_operation("o1", vm_on({"web-1-root"})))
      .put(Kind::claim, "web-1-root", of_operation("o1", {{"status", {{"phase", "Bound"}}}}));
  const auto complete = planned(maker, "operation/o1");
  REQUIRE(complete.has_value());
  CHECK(deletions(*complete).empty());
  maker.put(Kind::claim, "web-1-root", of_operation("o1", {{"status", {{"phase", "Pending"}}}}));
  const auto unfinished = planned(maker, "operation/o1");
  REQUIRE(unfinished.has_value());
  CHECK(op::shape_problem(unfinished->operation).empty());
  CHECK(has(deletions(*unfinished), "virtualmachine.kubevirt.io/web-1"));
  CHECK(refused(maker, "operation/o2").message.find("belongs to operation o2") != std::string::npos);
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
