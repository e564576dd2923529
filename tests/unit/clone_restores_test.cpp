#include "commands/clone_restores.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>

#include "commands/clone_method.h"
#include "commands/clone_resume.h"
#include "manifest/vm_restore.h"
#include "op/dry_run.h"
#include "render/output.h"
#include "support/golden.h"

using namespace wukong;
using namespace wukong::commands;
using kube::Fact;

namespace {

const Scope kScope{.ns = "demo", .utc_stamp = "20260101-000000", .operation_id = "opid1"};

Json web() {
  auto vm = parse_json(
      R"({"metadata": {"name": "web", "namespace": "demo", "labels": {"app": "web", "tier": "front"}},
    "spec": {"runStrategy": "Manual", "template": {"spec": {
      "domain": {"firmware": {"uuid": "u", "serial": "s"}, "devices": {"interfaces": [
        {"name": "default", "macAddress": "02:00:00:00:00:01"}, {"name": "second"}]}},
      "volumes": [{"name": "root", "persistentVolumeClaim": {"claimName": "web-root"}}]}}},
    "status": {"volumeSnapshotStatuses": [{"name": "root", "enabled": true}]}})");
  REQUIRE(vm.has_value());
  return *vm;
}

CopyFacts closed() {
  CopyFacts facts;
  facts.base.served = kube::ServedApis{
      {{"clone.kubevirt.io", {{"v1beta1", {}}}}, {"snapshot.kubevirt.io", {{"v1alpha1", {}}}}}};
  facts.base.source = Fact::known(web());
  facts.base.kubevirts = Fact::absent();
  facts.base.claims = {Fact::unreadable({.code = Code::forbidden})};
  facts.base.claim_names = {"web-root"};
  facts.vms = Fact::known({{"items", Json::array()}});
  facts.claims = Fact::unreadable({.code = Code::forbidden});
  return facts;
}

CloneOptions typed() {
  CloneOptions options{.source = "web", .target = "web-#"};
  options.count = 2;
  options.write.wait = true;
  return options;
}

Result<op::Operation> planned(const CloneOptions& options, const CopyFacts& facts = closed()) {
  WUKONG_TRY(CloneNames names, clone_names(options, kScope));
  const ChosenMethod chosen = choose_method(names, options, facts.base);
  CHECK(chosen.method == CloneMethod::restores);
  names.method = chosen.method;
  names.reason = chosen.reason;
  return plan_restores(options, names, facts, kScope);
}

}  // namespace

TEST_CASE("clone --count without rights on claims: restores of one snapshot") {
  CloneOptions options = typed();
  options.start = true;
  options.shape.new_macs = {"default=02:00:00:00:00:0a"};
  const auto plan = planned(options);
  REQUIRE(plan.has_value());
  CHECK(op::shape_problem(*plan).empty());
  std::string text;
  for (const std::string& note : plan->notes) text += "note: " + note + "\n";
  for (const std::string& line : op::plan_lines(*plan)) text += line + "\n";
  text += "---\n" + render::objects(render::OutputFormat::yaml, op::manifests(*plan));
  CHECK(testing::golden("golden/clone/restores.yaml", text) == text);
}

TEST_CASE("clone --count without rights on claims: chosen disks are refused, with the rights to ask for") {
  CloneOptions options = typed();
  options.disks.without = {"data"};
  const auto plan = planned(options);
  REQUIRE_FALSE(plan.has_value());
  CHECK(plan.error().code == Code::forbidden);
  CHECK(plan.error().message.starts_with("--skip-disks needs rights on claims"));
}

TEST_CASE("clone --count without rights on claims: what a restore cannot be told is patched in afterwards") {
  CloneOptions options = typed();
  options.shape.cpu = 4;
  options.shape.hostname = "web-#";
  options.shape.label_filters = {"nothing"};
  options.shape.set_labels = {"app=copy"};
  const auto plan = planned(options);
  REQUIRE(plan.has_value());
  for (const op::Step& step : plan->steps)
    if (step.id == "shape-web-2")
      CHECK(std::get<Json>(std::get<op::Patch>(step.action).body) == *parse_json(R"({
          "metadata": {"labels": {"app": "copy", "tier": null}},
          "spec": {"template": {"spec": {"hostname": "web-2", "domain": {"cpu": {"cores": 4}}}}}})"));
  CHECK(std::ranges::any_of(plan->steps, [](const op::Step& s) { return s.id == "shape-web-2"; }));
}

TEST_CASE(
    "clone by restores: gone on with, a target that its restore has made is not undone, for it may be in "
    "use") {
  const CloneOptions options = typed();
  CloneNames names = *clone_names(options, kScope);
  names.method = CloneMethod::restores;
  CopyFacts facts = closed();
  Json restore = skeleton({gvr::vm_restore(), "demo", "web-1-opid1"});
  restore["metadata"]["uid"] = "r1";
  manifest::add_marks(restore, clone_marks(options, names, kScope));
  Json vm = skeleton({gvr::vm(), "demo", "web-1"});
  vm["metadata"]["annotations"]["restore.kubevirt.io/lastRestoreUID"] = "web-1-opid1-r1";
  facts.base.earlier.restores = Fact::known({{"items", {restore}}});
  facts.base.earlier.vms = facts.vms = Fact::known({{"items", {vm}}});
  facts.base.earlier.snapshot = Fact::known(Json::object());
  const auto steps = [&] {
    const auto plan = planned(options, facts);
    if (!plan) FAIL(plan.error().message);
    CHECK(op::shape_problem(*plan).empty());
    return plan->steps;
  };
  const auto has = [](const std::vector<op::Step>& all, const std::string& id) {
    return std::ranges::find(all, id, &op::Step::id) != all.end();
  };
  const auto standing = steps();
  CHECK_FALSE(has(standing, "restore-web-1"));
  CHECK_FALSE(has(standing, "undo-restore-web-1"));
  CHECK(has(standing, "undo-restore-web-2"));
  const auto removed = std::ranges::find(standing, "remove-restore-web-1", &op::Step::id);
  REQUIRE(removed != standing.end());
  CHECK(std::get<op::Delete>(removed->action).uid == "r1");

  SUBCASE("VMs may not be listed: it may be there") {
    facts.base.earlier.vms = Fact::unreadable({.code = Code::forbidden});
    CHECK(has(steps(), "restore-web-1"));
    CHECK_FALSE(has(steps(), "undo-restore-web-1"));
    CHECK(has(steps(), "undo-restore-web-2"));
  }
  SUBCASE("made by another restore") {
    vm["metadata"]["annotations"]["restore.kubevirt.io/lastRestoreUID"] = "other";
    facts.base.earlier.vms = Fact::known({{"items", {vm}}});
    CHECK(has(steps(), "undo-restore-web-1"));
  }
  SUBCASE("all stand, and the snapshot is gone: nothing is made any more, and the restores go") {
    Json second = vm;
    second["metadata"]["name"] = "web-2";
    second["metadata"]["annotations"]["restore.kubevirt.io/lastRestoreUID"] = "web-2-opid1-r2";
    facts.base.earlier.vms = facts.vms = Fact::known({{"items", {vm, second}}});
    facts.base.earlier.snapshot = Fact::absent();
    for (const op::Step& step : steps()) CHECK_FALSE(std::holds_alternative<op::Create>(step.action));
    CHECK(has(steps(), "usable-web-2"));
    CHECK(has(steps(), "remove-restore-web-1"));
    CHECK_FALSE(has(steps(), "remove-restore-web-2"));
  }
}

TEST_CASE(
    "clone by restores: a snapshot comes back under its own VM's name only where that VM is known to be "
    "gone") {
  CloneOptions options = typed();
  options.source = "snapshot/monday";
  CopyFacts facts = closed();
  facts.base.may_make_claims = false;
  facts.base.source = Fact::absent();
  facts.snapshot =
      Fact::known(*parse_json(R"({"metadata": {"name": "monday"}, "status": {"phase": "Succeeded",
      "readyToUse": true, "virtualMachineSnapshotContentName": "c"}})"));
  Json content = *parse_json(R"({"metadata": {"name": "c"}, "spec": {"volumeBackups": [{"volumeName": "root",
      "volumeSnapshotName": "vs", "persistentVolumeClaim": {"spec": {"storageClassName": "fast"}}}]}})");
  content["spec"]["source"]["virtualMachine"] = web();
  content["spec"]["source"]["virtualMachine"]["metadata"]["name"] = "web-2";
  facts.contents = Fact::known({{"items", {content}}});
  const auto plan = planned(options, facts);
  if (!plan) FAIL(plan.error().message);
  CHECK(op::shape_problem(*plan).empty());
  for (const op::Step& step : plan->steps) {
    if (step.id == "restore-web-1") CHECK(step.needs.empty());
    if (step.id == "restore-web-2") CHECK(step.needs == std::vector<std::string>{"still-gone-web-2"});
  }
  facts.vms = Fact::unreadable({.code = Code::forbidden});
  CHECK(planned(options, facts).error().message.starts_with("VirtualMachine demo/web-2 cannot be seen: "));
}

TEST_CASE("clone --count: with rights on claims, straight from the snapshot") {
  CopyFacts facts = closed();
  facts.base.claims = {Fact::known(Json::object())};
  const CloneOptions options = typed();
  const auto names = clone_names(options, kScope);
  REQUIRE(names.has_value());
  CHECK(choose_method(*names, options, facts.base).method == CloneMethod::snapshot);
  facts.base.may_make_claims = false;
  CHECK(choose_method(*names, options, facts.base).method == CloneMethod::restores);
}

namespace {

/// What the snapshot of this operation holds: web, as it was started, before its first interface was taken away.
Json held() {
  Json vm = web();
  Json& interfaces = vm["spec"]["template"]["spec"]["domain"]["devices"]["interfaces"];
  interfaces = {{{"name", "gone"}, {"macAddress", "02:00:00:00:00:09"}}, interfaces[0]};
  Json content = {{"spec", {{"virtualMachineSnapshotName", "web-opid1"}}}};
  content["spec"]["source"]["virtualMachine"] = vm;
  return {{"items", {content}}};
}

std::vector<std::string> patches_of(const op::Operation& plan, const op::Seen& seen) {
  const auto step = std::ranges::find(plan.steps, "restore-web-1", &op::Step::id);
  REQUIRE(step != plan.steps.end());
  const op::Body& body = std::get<op::Create>(step->action).body;
  const Json made =
      std::holds_alternative<Json>(body) ? std::get<Json>(body) : std::get<1>(body)(seen).value();
  return made["spec"]["patches"];
}

std::string removal(int interface) {
  return fmt::format(
      R"({{"op":"remove","path":"/spec/template/spec/domain/devices/interfaces/{}/macAddress"}})", interface);
}

}  // namespace

TEST_CASE("clone by restores: patches are for what the snapshot holds, not for what the source is now") {
  const auto plan = planned(typed());
  REQUIRE(plan.has_value());
  op::Seen seen;
  seen.keep("held", Json::array({held()}));
  const auto patches = patches_of(*plan, seen);
  CHECK(patches[0] == removal(0));
  CHECK(patches[1] == removal(1));

  const auto guard = std::ranges::find(plan->steps, "held", &op::Step::id);
  REQUIRE(guard != plan->steps.end());
  CHECK(guard->needs == std::vector<std::string>{"sizes"});
  const auto& check = std::get<op::Guard>(guard->action).check;
  CHECK(check({Fact::known(held())}, {}).has_value());
  CHECK_FALSE(check({Fact::known({{"items", Json::array()}})}, {}).has_value());
  CHECK(check({Fact::unreadable({.code = Code::forbidden})}, {}).error().code == Code::forbidden);
}

TEST_CASE("clone by restores: an interface that the source was started without cannot be given an address") {
  CloneOptions options = typed();
  options.shape.new_macs = {"second=02:00:00:00:00:0a"};
  const auto plan = planned(options);
  REQUIRE(plan.has_value());
  const auto guard = std::ranges::find(plan->steps, "held", &op::Step::id);
  REQUIRE(guard != plan->steps.end());
  CHECK(std::get<op::Guard>(guard->action).check({Fact::known(held())}, {}).error().message ==
        "--new-mac: web was started without the interface second");
}

TEST_CASE("clone by restores: who may not read what snapshots hold is told, where it may matter") {
  CopyFacts facts = closed();
  facts.base.may_list_contents = false;
  const auto plan = planned(typed(), facts);
  REQUIRE(plan.has_value());
  CHECK(patches_of(*plan, {})[0] == removal(0));
  const auto warns = [](const op::Operation& operation) {
    return std::ranges::any_of(operation.notes, [](const std::string& note) {
      return note.find("copies may get its MAC addresses") != std::string::npos;
    });
  };
  CHECK_FALSE(warns(*plan));  // it is off: the snapshot holds what it is now
  facts.base.source.object["status"]["created"] = true;
  CHECK(warns(*planned(typed(), facts)));
}

TEST_CASE("identity patches: nothing that KubeVirt's reader would split") {
  manifest::VmShape shape{.macs = {{"second", 0x020000000002}}, .serial = "new", .hostname = "web-1"};
  const auto patches = manifest::identity_patches(web(), shape);
  CHECK(
      patches ==
      std::vector<std::string>{
          R"({"op":"remove","path":"/spec/template/spec/domain/devices/interfaces/0/macAddress"})",
          R"({"op":"add","path":"/spec/template/spec/domain/devices/interfaces/1/macAddress","value":"02-00-00-00-00-02"})",
          R"({"op":"remove","path":"/spec/template/spec/domain/firmware/uuid"})",
          R"({"op":"remove","path":"/spec/template/spec/domain/firmware/serial"})"});
}
