#include "commands/clone.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "commands/clone_method.h"
#include "commands/clone_native.h"
#include "commands/clone_resume.h"
#include "commands/permission_table.h"
#include "commands/registry.h"
#include "op/dry_run.h"
#include "render/output.h"
#include "support/fake_api.h"
#include "support/golden.h"

using namespace wukong;
using namespace wukong::commands;
using kube::Fact;

namespace {

const Scope kScope{.ns = "demo", .utc_stamp = "20260101-000000", .operation_id = "opid1"};
const Scope kStaging{
    .ns = "demo", .utc_stamp = "20260101-000000", .operation_id = "opid1", .flags = " --context staging"};

Json parsed(std::string_view text) {
  auto value = parse_json(text);
  REQUIRE(value.has_value());
  return *value;
}

/// A VM with a snapshottable disk "root" on claim web-root and a cloud-init volume.
Json web() {
  return parsed(R"({"kind": "VirtualMachine", "metadata": {"name": "web", "namespace": "demo", "uid": "u1"},
    "spec": {"template": {"spec": {"volumes": [{"name": "root", "persistentVolumeClaim": {"claimName": "web-root"}},
                                               {"name": "ci", "cloudInitNoCloud": {"userData": "x"}}]}}},
    "status": {"volumeSnapshotStatuses": [{"name": "root", "enabled": true},
      {"name": "ci", "enabled": false, "reason": "Snapshot is not supported for this volumeSource type [ci]"}]}})");
}

Json phase(const char* word) { return {{"status", {{"phase", word}}}}; }

CloneFacts sound() {
  CloneFacts facts;
  facts.served = kube::ServedApis{{{"clone.kubevirt.io", {{"v1beta1", {}}, {"v1alpha1", {}}}},
                                   {"snapshot.kubevirt.io", {{"v1beta1", {}}, {"v1alpha1", {}}}}}};
  facts.source = Fact::known(web());
  facts.target = Fact::absent();
  facts.clones = Fact::known(parsed(R"({"items": []})"));
  facts.kubevirts =
      Fact::known(parsed(R"({"items": [{"metadata": {"namespace": "kubevirt", "name": "kubevirt"},
    "spec": {"configuration": {"developerConfiguration": {"featureGates": ["Snapshot"]}}},
    "status": {"observedKubeVirtVersion": "v1.8.4"}}]})"));
  facts.claims = {Fact::known(phase("Bound"))};
  facts.claim_names = {"web-root"};
  return facts;
}

CloneOptions typed(std::string source = "web", std::string target = "web2") {
  CloneOptions options{.source = std::move(source), .target = std::move(target)};
  options.write.wait = true;
  return options;
}

Result<op::Operation> planned(const CopyFacts& facts, const CloneOptions& options, const Scope& at = kScope) {
  WUKONG_TRY(const CloneNames names, clone_names(options, at));
  return plan_native(options, names, facts, at);
}

/// A command that is pasted works in the cluster that was meant.
void check_printed_commands(const std::string& words) {
  if (words.find("kubectl ") != std::string::npos && words.find("-n demo") != std::string::npos)
    CHECK(words.find("-n demo --context staging") != std::string::npos);
}

Result<op::Operation> planned(const CloneFacts& facts, const CloneOptions& options = typed()) {
  return planned(CopyFacts{.base = facts}, options);
}

Error refusal(const CloneFacts& facts) {
  auto plan = planned(facts);
  REQUIRE_FALSE(plan.has_value());
  CHECK(exit_code(plan.error().code) == 3);
  CHECK_FALSE(plan.error().hint.empty());
  const auto elsewhere = planned(CopyFacts{.base = facts}, typed(), kStaging);
  REQUIRE_FALSE(elsewhere.has_value());
  check_printed_commands(elsewhere.error().hint);
  return plan.error();
}

std::string name_problem(const std::string& source, const std::string& target) {
  auto names = clone_names(typed(source, target), kScope);
  REQUIRE_FALSE(names.has_value());
  CHECK(names.error().code == Code::usage);
  return names.error().message;
}

}  // namespace

TEST_CASE("clone names: fixed before the first write") {
  const auto names = clone_names(typed("vm/web"), kScope);
  REQUIRE(names.has_value());
  CHECK(names->source == "web");
  CHECK(names->target == "web2");
  CHECK(names->clone == "web2-opid1");
  CHECK(clone_names(typed("web", ""), kScope)->target == "clone-web-opid1");
  CHECK(clone_names(typed(std::string(63, 'a'), ""), kScope)->target.size() == 63);
}

TEST_CASE("clone names: what Kubernetes would refuse, or never end, is a usage error") {
  CHECK(name_problem("pvc/s", "t") == "\"pvc/s\" is no VM");
  CHECK(name_problem("web", "web") == "web cannot be cloned onto itself");
  CHECK(name_problem("web", "Bad_Name").starts_with("\"Bad_Name\" cannot be the name of a VM: "));
  CHECK(name_problem("web", std::string(64, 'a')).ends_with("it has more than 63 characters"));
  CHECK(name_problem("", "t").starts_with("\"\" cannot be the name of a VM"));
}

TEST_CASE("clone plan: sound facts give a sound operation, the same every time") {
  const auto plan = planned(sound());
  REQUIRE(plan.has_value());
  CHECK(op::shape_problem(*plan).empty());
  std::string lines;
  for (const std::string& line : op::plan_lines(*plan)) lines += line + "\n";
  lines += "---\n" + render::objects(render::OutputFormat::yaml, op::manifests(*plan));
  CHECK(testing::golden("golden/clone/native.yaml", lines) == lines);
}

TEST_CASE("clone plan: needs no more than doctor --permissions says") {
  const auto plan = planned(sound());
  REQUIRE(plan.has_value());
  std::vector<kube::Permission> printed;
  for (const PermissionRule& rule : rules_of("clone:native"))
    for (kube::Permission& permission : permissions_of(rule, "demo"))
      printed.push_back(std::move(permission));
  op::Permissions needed = op::permissions(*plan);
  needed.required.insert(needed.required.end(), needed.optional.begin(), needed.optional.end());
  for (kube::Permission permission : needed.required) {
    permission.name.clear();
    CAPTURE(permission.verb + " " + permission.resource);
    CHECK(std::find(printed.begin(), printed.end(), permission) != printed.end());
  }
}

TEST_CASE("clone plan: gone on with, a target that its clone has made is not undone, for it may be in use") {
  CloneOptions options = typed();
  options.start = true;
  const CloneNames names = *clone_names(options, kScope);
  CloneFacts facts = sound();
  Json clone = skeleton({gvr::vm_clone(), "demo", "web2-opid1"});
  clone["metadata"]["uid"] = "c1";
  manifest::add_marks(clone, clone_marks(options, names, kScope));
  Json vm = skeleton({gvr::vm(), "demo", "web2"});
  facts.target = Fact::known(vm);
  facts.earlier.clones = facts.clones = Fact::known({{"items", {clone}}});
  const auto steps = [&](const std::string& restored_by) {
    vm["metadata"]["annotations"]["restore.kubevirt.io/lastRestoreUID"] = restored_by;
    facts.earlier.vms = restored_by.empty() ? Fact::absent() : Fact::known({{"items", {vm}}});
    const auto plan = planned(facts, options);
    REQUIRE(plan.has_value());
    CHECK(op::shape_problem(*plan).empty());
    return plan->steps;
  };
  const auto undoes = [](const std::vector<op::Step>& all) {
    return std::ranges::any_of(all, [](const op::Step& s) { return s.phase == op::Phase::undo; });
  };
  const auto standing = steps("tmp-restore-c1-r1");
  CHECK_FALSE(undoes(standing));
  CHECK(standing.front().id == "usable");  // nothing is made any more
  const auto removed = std::ranges::find(standing, "tidy-clone", &op::Step::id);
  REQUIRE(removed != standing.end());
  CHECK(std::get<op::Delete>(removed->action).uid == "c1");
  CHECK(undoes(steps("tmp-restore-other-r1")));
  facts.target = Fact::absent();
  CHECK_FALSE(undoes(steps("")));  // VMs may not be listed: it may be there
  facts.earlier.clones = facts.clones = Fact::known({{"items", Json::array()}});
  CHECK(undoes(steps("")));
}

TEST_CASE("clone plan: without --wait only the clone is made; --keep leaves it") {
  CloneOptions options = typed();
  options.write.wait = false;
  CHECK(planned(sound(), options)->steps.size() == 1);
  options.write.wait = true;
  options.keep = true;
  const auto kept = planned(sound(), options);
  REQUIRE(kept.has_value());
  for (const op::Step& step : kept->steps)
    if (step.phase == op::Phase::tidy) CHECK(std::holds_alternative<op::Patch>(step.action));
}

TEST_CASE("clone plan: the older API version is spoken where only that is served") {
  CloneFacts facts = sound();
  facts.served->groups["clone.kubevirt.io"].erase("v1beta1");
  const auto plan = planned(facts);
  REQUIRE(plan.has_value());
  CHECK(text(op::manifests(*plan).front(), {"apiVersion"}) == "clone.kubevirt.io/v1alpha1");
}

TEST_CASE("clone plan: snapshots and restores are watched in the version that is served") {
  CloneFacts facts = sound();
  facts.served->groups["snapshot.kubevirt.io"].erase("v1beta1");
  const auto plan = planned(facts);
  REQUIRE(plan.has_value());
  for (const op::Step& step : plan->steps)
    if (const auto* await = std::get_if<op::Await>(&step.action))
      for (const Watched& watched : await->watches)
        if (watched.gvr.group == "snapshot.kubevirt.io") CHECK(watched.gvr.version == "v1alpha1");
}

TEST_CASE("clone plan: refuses before any write") {
  CloneFacts facts = sound();
  SUBCASE("no source") {
    facts.source = Fact::absent();
    facts.vm_names = {"wbe", "db"};
    CHECK(refusal(facts).message == "VirtualMachine demo/web does not exist");
    CHECK(refusal(facts).hint == "did you mean wbe?");
  }
  SUBCASE("a target that exists: the API would call it a success") {
    facts.target = Fact::known(web());
    CHECK(refusal(facts).message == "VirtualMachine demo/web2 exists already");
  }
  SUBCASE("another clone to the same target under way") {
    facts.clones = Fact::known(parsed(
        R"({"items": [{"metadata": {"name": "c"}, "spec": {"target": {"name": "web2"}}, "status": {"phase": "RestoreInProgress"}}]})"));
    CHECK(refusal(facts).message == "VirtualMachineClone demo/c is making web2 already");
  }
  SUBCASE("no API") {
    facts.served->groups.clear();
    CHECK(refusal(facts).message.find("clone.kubevirt.io") != std::string::npos);
  }
  SUBCASE("the feature gate is off") {
    facts.kubevirts.object["items"][0]["spec"]["configuration"]["developerConfiguration"]["featureGates"] =
        Json::array({"VMExport"});
    CHECK(refusal(facts).message == "KubeVirt's feature gate Snapshot is off: it cannot clone VMs");
  }
  SUBCASE("a disk without snapshots") {
    facts.source.object["status"]["volumeSnapshotStatuses"][0] = {
        {"name", "root"}, {"enabled", false}, {"reason", "No VolumeSnapshotClass"}};
    CHECK(refusal(facts).message == "VirtualMachine demo/web has disks that cannot be snapshotted: root");
    CHECK(refusal(facts).causes == std::vector<std::string>{"root: No VolumeSnapshotClass"});
  }
  SUBCASE("no report on snapshots yet is not taken for a missing class") {
    facts.source.object.erase("status");
    CHECK(refusal(facts).message ==
          "KubeVirt has not said yet whether disks of VirtualMachine demo/web can be snapshotted: root");
    CHECK(refusal(facts).hint.find("VolumeSnapshotClass") == std::string::npos);
  }
  SUBCASE("a claim that waits for its first consumer") {
    facts.claims = {Fact::known(phase("Pending"))};
    CHECK(refusal(facts).message ==
          "VirtualMachine demo/web has a disk without data: PersistentVolumeClaim demo/web-root is Pending");
  }
  SUBCASE("a claim that is gone") {
    facts.claims = {Fact::absent()};
    CHECK(refusal(facts).message.find("does not exist") != std::string::npos);
  }
  SUBCASE("persistent TPM") {
    facts.source.object["spec"]["template"]["spec"]["domain"]["devices"]["tpm"]["persistent"] = true;
    CHECK(refusal(facts).message.find("TPM") != std::string::npos);
  }
  SUBCASE("a restore under way: the clone would hold the old disks") {
    facts.source.object["status"]["restoreInProgress"] = "r1";
    CHECK(refusal(facts).message.find("is being restored") != std::string::npos);
  }
  SUBCASE("a source that is being deleted") {
    facts.source.object["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
    CHECK(refusal(facts).message == "VirtualMachine demo/web is being deleted");
  }
}

TEST_CASE("clone plan: a missing claim is told before what KubeVirt says of its snapshots") {
  CloneFacts facts = sound();
  facts.claims = {Fact::absent()};
  facts.source.object["status"]["volumeSnapshotStatuses"][0] = {
      {"name", "root"}, {"enabled", false}, {"reason", "PVC not found"}};
  const Error error = refusal(facts);
  CHECK(error.message ==
        "VirtualMachine demo/web names a disk that does not exist: PersistentVolumeClaim demo/web-root");
}

TEST_CASE("clone plan: the commands that wait for it and give it up are right at any time") {
  const auto plan = planned(sound());
  REQUIRE(plan.has_value());
  CHECK(plan->wait_command == "kubectl wukong wait vmclone/web2-opid1 -n demo");
  CHECK(plan->cancel_command == "kubectl wukong cancel vmclone/web2-opid1 -n demo -y");
}

TEST_CASE("clone plan: the gate is on by itself from KubeVirt 1.9, unless it was switched off") {
  CloneFacts facts = sound();
  Json& kubevirt = facts.kubevirts.object["items"][0];
  kubevirt["spec"]["configuration"]["developerConfiguration"] = Json::object();
  kubevirt["status"]["observedKubeVirtVersion"] = "v1.9.0";
  CHECK(planned(facts).has_value());
  kubevirt["status"]["observedKubeVirtVersion"] = "v1.10.2-rc.1";
  CHECK(planned(facts).has_value());
  kubevirt["spec"]["configuration"]["developerConfiguration"]["disabledFeatureGates"] =
      Json::array({"Snapshot"});
  CHECK_FALSE(planned(facts).has_value());
  kubevirt["status"]["observedKubeVirtVersion"] = "downstream-build";
  CHECK(planned(facts).has_value());
}

TEST_CASE("clone plan: what cannot be read refuses nothing, and is said") {
  const Error forbidden{.code = Code::forbidden, .message = "no"};
  CloneFacts facts = sound();
  facts.served.reset();
  facts.source = facts.target = facts.clones = facts.kubevirts = Fact::unreadable(forbidden);
  facts.claims.clear();
  facts.claim_names.clear();
  const auto plan = planned(facts);
  REQUIRE(plan.has_value());
  REQUIRE(plan->notes.size() == 2);
  CHECK(plan->notes[1].ends_with("(needs: list kubevirts.kubevirt.io)"));
}

// ---- a target that differs, snapshots as sources

namespace {

/// web with two interfaces, and sizes that would be in the way of others.
CloneFacts shapeable() {
  CloneFacts facts = sound();
  facts.source.object["spec"]["template"]["spec"]["domain"] = parsed(R"({
      "cpu": {"cores": 1, "sockets": 2}, "memory": {"guest": "1Gi"}, "resources": {"requests": {"memory": "1Gi"}},
      "devices": {"interfaces": [{"name": "default", "macAddress": "02:00:00:00:00:01"},
                                 {"name": "second", "macAddress": "02:00:00:00:00:02"}]}})");
  facts.source.object["spec"]["runStrategy"] = "Manual";
  return facts;
}

const op::Step* step(const op::Operation& operation, std::string_view id) {
  for (const op::Step& each : operation.steps)
    if (each.id == id) return &each;
  return nullptr;
}

Json patch_of(const op::Operation& operation, std::string_view id) {
  const op::Step* found = step(operation, id);
  REQUIRE(found != nullptr);
  return std::get<Json>(std::get<op::Patch>(found->action).body);
}

/// A snapshot "monday" of the VM web, with its one disk.
CopyFacts of_snapshot() {
  CopyFacts facts{.base = sound()};
  facts.base.source = Fact::absent();
  facts.base.claims.clear();
  facts.base.claim_names.clear();
  facts.snapshot = Fact::known(parsed(R"({"metadata": {"name": "monday"}, "status": {"phase": "Succeeded",
      "readyToUse": true, "virtualMachineSnapshotContentName": "c"}})"));
  Json content = parsed(R"({"metadata": {"name": "c"}, "spec": {"volumeBackups": [{"volumeName": "root",
      "volumeSnapshotName": "vs", "persistentVolumeClaim": {"spec": {"storageClassName": "fast",
      "resources": {"requests": {"storage": "1Gi"}}}}}]}})");
  content["spec"]["source"]["virtualMachine"] = web();
  facts.contents = Fact::known({{"items", {content}}});
  facts.volume_snapshots = Fact::known({{"items", Json::array()}});
  facts.vms = Fact::known({{"items", Json::array()}});
  facts.claims = Fact::known({{"items", Json::array()}});
  return facts;
}

}  // namespace

TEST_CASE(
    "clone plan: what differs is told to KubeVirt as far as it listens, the rest is patched in before the "
    "start") {
  CloneOptions options = typed();
  options.shape.label_filters = {"*", "!app"};
  options.shape.template_annotation_filters = {"note"};
  options.shape.new_macs = {"second=0200.0000.00ff"};
  options.shape.keep_mac = true;
  options.shape.new_serial = "SN:1,2";
  options.shape.hostname = "guest";
  options.shape.cpu = 4;
  options.shape.memory = "2Gi";
  options.shape.set_labels = {"app=copy"};
  options.start = true;
  const auto plan = planned(shapeable(), options);
  REQUIRE(plan.has_value());
  CHECK(op::shape_problem(*plan).empty());
  std::string lines;
  for (const std::string& note : plan->notes) lines += "note: " + note + "\n";
  for (const std::string& line : op::plan_lines(*plan)) lines += line + "\n";
  lines += "---\n" + render::objects(render::OutputFormat::yaml, op::manifests(*plan));
  lines += "---\n" + render::objects(render::OutputFormat::yaml, {patch_of(*plan, "shape-web2")});
  CHECK(testing::golden("golden/clone/native_shaped.yaml", lines) == lines);
}

TEST_CASE("clone plan: what must be done to the target is waited for, also without --wait") {
  CloneOptions options = typed();
  options.write.wait = false;
  options.shape.hostname = "guest";
  const auto plan = planned(shapeable(), options);
  REQUIRE(plan.has_value());
  CHECK(step(*plan, "usable") != nullptr);
  CHECK(step(*plan, "shape-web2") != nullptr);
  options.start = true;
  const auto started = planned(shapeable(), options);
  // KubeVirt takes no VM with both fields, and its copy of a source with the older one keeps that.
  CHECK(patch_of(*started, "start-web2")["spec"] == Json{{"running", nullptr}, {"runStrategy", "Manual"}});
  CHECK(step(*started, "running-web2") == nullptr);
}

TEST_CASE("clone plan: of a VM that cannot be read, all that could be in the way of a size is taken away") {
  CloneFacts facts = sound();
  facts.source = Fact::unreadable({.code = Code::forbidden, .message = "no"});
  CloneOptions options = typed();
  options.shape.cpu = 2;
  const auto plan = planned(facts, options);
  REQUIRE(plan.has_value());
  const Json patch = patch_of(*plan, "shape-web2");
  const Json& cpu = patch["spec"]["template"]["spec"]["domain"]["cpu"];
  CHECK(cpu == Json{{"cores", 2}, {"sockets", nullptr}, {"threads", nullptr}, {"maxSockets", nullptr}});
  options.shape.keep_mac = true;
  const auto refused = planned(facts, options);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == Code::forbidden);
}

TEST_CASE("clone plan: interfaces, sizes and addresses that cannot be are refused") {
  CopyFacts facts{.base = shapeable()};
  CloneOptions options = typed();
  SUBCASE("no such interface: the real one would lose its address") {
    options.shape.new_macs = {"secnd=02:00:00:00:00:09"};
    CHECK(planned(facts, options).error().hint == "did you mean second?");
  }
  SUBCASE("an instancetype decides the size") {
    facts.base.source.object["spec"]["instancetype"]["name"] = "small";
    options.shape.memory = "2Gi";
    CHECK(planned(facts, options).error().message ==
          "--memory: the source takes its size from the instancetype small");
  }
  SUBCASE("an address that a running VM has") {
    options.shape.keep_mac = options.start = true;
    Json running = facts.base.source.object;
    running["status"]["created"] = true;
    facts.vms = Fact::known({{"items", {running}}});
    CHECK(planned(facts, options).error().message.find("02:00:00:00:00:01") != std::string::npos);
  }
}

TEST_CASE("clone plan: a snapshot as source") {
  CloneOptions options = typed("snapshot/monday", "web2");
  CopyFacts facts = of_snapshot();
  const auto plan = planned(facts, options);
  REQUIRE(plan.has_value());
  const Json clone = op::manifests(*plan).front();
  CHECK(clone["spec"]["source"] ==
        Json{{"apiGroup", "snapshot.kubevirt.io"}, {"kind", "VirtualMachineSnapshot"}, {"name", "monday"}});
  REQUIRE(plan->charge.claims.size() == 1);
  CHECK(plan->charge.claims.front().bytes == 1073741824);
  SUBCASE("that is not there") {
    facts.snapshot = Fact::absent();
    CHECK(planned(facts, options).error().message == "VirtualMachineSnapshot demo/monday does not exist");
  }
  SUBCASE("and a target that exists") {
    facts.base.target = Fact::known(web());
    CHECK(planned(facts, options).error().message == "VirtualMachine demo/web2 exists already");
  }
}

TEST_CASE(
    "clone plan: a snapshot comes back under its own VM's name only where that VM is known to be gone") {
  const CloneOptions options = typed("snapshot/monday", "web");
  CopyFacts facts = of_snapshot();
  const auto plan = planned(facts, options);
  REQUIRE(plan.has_value());
  CHECK(op::shape_problem(*plan).empty());
  const auto made = std::ranges::find(plan->steps, "clone", &op::Step::id);
  REQUIRE(made != plan->steps.end());
  CHECK(made->needs == std::vector<std::string>{"still-gone"});
  const auto guard = std::ranges::find(plan->steps, "still-gone", &op::Step::id);
  REQUIRE(guard != plan->steps.end());
  const auto& check = std::get<op::Guard>(guard->action).check;
  const Fact none = Fact::known({{"items", Json::array()}});
  CHECK(check({Fact::absent(), none}, {}).has_value());
  CHECK(check({Fact::known(web()), none}, {}).error().message ==
        "VirtualMachine demo/web exists: KubeVirt would overwrite it with its own snapshot");
  CHECK_FALSE(check({Fact::unreadable({.code = Code::forbidden}), none}, {}).has_value());
  CHECK(
      check({Fact::known(web()), Fact::known({{"items", {web()}}})}, {}).has_value());  // made before, by us

  facts.base.target = Fact::unreadable({.code = Code::forbidden});
  CHECK(planned(facts, options).error().message ==
        "VirtualMachine demo/web cannot be seen: if it exists, KubeVirt would overwrite it with its own "
        "snapshot");
  CHECK(planned(facts, typed("snapshot/monday", "web2")).has_value());
}

TEST_CASE("clone: auto takes native for one target, whatever differs, and says why it does not") {
  const auto chosen = [](const CloneOptions& options, const CloneFacts& facts) {
    const auto names = clone_names(options, kScope);
    REQUIRE(names.has_value());
    return choose_method(*names, options, facts);
  };
  CloneOptions options = typed();
  options.shape.cpu = 2;
  options.start = true;
  CHECK(chosen(options, sound()).method == CloneMethod::native);
  CHECK(chosen(typed("snapshot/monday"), sound()).method == CloneMethod::native);
  options.disks.only = {"root"};
  CHECK(chosen(options, sound()).method == CloneMethod::cdi);
  CloneOptions of_snapshot = typed("snapshot/monday");
  of_snapshot.disks.only = {"root"};
  CHECK(chosen(of_snapshot, sound()).method == CloneMethod::snapshot);
  CloneFacts older = sound();
  older.served->groups.erase("clone.kubevirt.io");
  older.served->groups["cdi.kubevirt.io"]["v1beta1"];
  CHECK(chosen(typed(), older).method == CloneMethod::cdi);
  CHECK(chosen(typed("snapshot/monday"), older).method == CloneMethod::snapshot);
  CHECK(chosen(typed(), older).reason == "this cluster does not serve clone.kubevirt.io");
}

// ---- the whole command against a fake cluster

namespace {

struct Screen {
  std::string out{};
  std::string err{};

  Io io() {
    Io io;
    io.out = [this](std::string_view text) { out += text; };
    io.err = [this](std::string_view text) { err += text; };
    io.environment = [](const char*) { return std::string(); };
    io.window = [] { return std::pair{0, 0}; };
    io.random = "opid1";
    return io;
  }
};

const Json kApis = {{"kind", "APIGroupList"},
                    {"groups",
                     {{{"name", "clone.kubevirt.io"}, {"versions", {{{"version", "v1beta1"}}}}},
                      {{"name", "snapshot.kubevirt.io"}, {"versions", {{{"version", "v1beta1"}}}}}}}};

/// A cluster with the VM web, on which KubeVirt carries out a clone when one is created.
void serve_clone(testing::FakeApi& api) {
  api.put(gvr::vm(), web());
  Json claim = skeleton({gvr::pvc(), "demo", "web-root"});
  claim["status"]["phase"] = "Bound";
  api.put(gvr::pvc(), claim);
  api.handle([&api](const kube::Request& request) -> std::optional<testing::FakeApi::Answer> {
    if (request.path == "/apis") return testing::FakeApi::ok(kApis);
    if (request.method != kube::Method::post || !request.path.ends_with("/virtualmachineclones"))
      return testing::FakeApi::pass();
    for (const auto& [key, value] : request.query)
      if (key == "dryRun") return testing::FakeApi::pass();
    api.at(std::chrono::seconds{2}, [&api] {
      const std::string mark =
          "tmp-restore-" +
          std::string(text(*api.stored("virtualmachineclones", "demo", "web2-opid1"), {"metadata", "uid"})) +
          "-r1";
      Json disk = skeleton({gvr::pvc(), "demo", "restore-r1-root"});
      disk["metadata"]["labels"]["restore.kubevirt.io/source-vm-name"] = "web";
      disk["metadata"]["annotations"] = {{"restore.kubevirt.io/lastRestoreUID", mark},
                                         {"restore.kubevirt.io/name", mark.substr(0, mark.size() - 3)}};
      disk["status"]["phase"] = "Bound";
      api.put(gvr::pvc(), disk);
      Json made = web();
      made["metadata"] = {{"name", "web2"},
                          {"namespace", "demo"},
                          {"annotations", {{"restore.kubevirt.io/lastRestoreUID", mark}}}};
      made["spec"]["template"]["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"] =
          "restore-r1-root";
      made["status"]["printableStatus"] = "Stopped";
      api.put(gvr::vm(), made);
      api.merge(gvr::vm_clone(), "demo", "web2-opid1", phase("Succeeded"));
    });
    return testing::FakeApi::pass();
  });
}

Result<void> command(testing::FakeApi& api, Io io, const std::vector<std::string>& words) {
  Registry registry;
  auto asked = registry.parse(words);
  if (!asked) return std::move(asked.error());
  Context context(std::move(io), asked->global, api, "demo");
  return asked->run(context);
}

Result<void> command(testing::FakeApi& api, Screen& screen, const std::vector<std::string>& words) {
  return command(api, screen.io(), words);
}

}  // namespace

TEST_CASE("clone --wait: prints the new VM, removes the clone object") {
  testing::FakeApi api;
  serve_clone(api);
  Screen screen;
  REQUIRE(command(api, screen, {"clone", "web", "web2", "--wait"}).has_value());
  CHECK(screen.out ==
        "NAME   STATUS    DISKS                  CLONED FROM\nweb2   Stopped   1 bound, stand-alone   web\n");
  CHECK(api.stored("virtualmachineclones", "demo", "web2-opid1") == nullptr);
  CHECK(
      screen.err.starts_with("operation opid1: clone demo/web -> demo/web2\n"
                             "note: method native: KubeVirt's own clone can do all that is asked\n"));
}

TEST_CASE("clone: the operation's id comes before all else that is told, and before the first write") {
  for (const char* mode : {"plain", "json", "bar"}) {
    testing::FakeApi api;
    serve_clone(api);
    Screen screen;
    Io io = screen.io();
    io.err_is_terminal = std::string_view(mode) == "bar";
    io.err = [&](std::string_view text) {
      if (screen.err.empty()) CHECK(api.stored("virtualmachineclones", "demo", "web2-opid1") == nullptr);
      screen.err += text;
    };
    REQUIRE(command(api, io, {"clone", "web", "web2", "--resume", "opid1", "--progress", mode}).has_value());
    const std::size_t note = screen.err.find("nothing of operation opid1 was found");
    CHECK(screen.err.find("operation opid1: clone demo/web -> demo/web2") < 40);
    CHECK(note != std::string::npos);
    CHECK(note < screen.err.find("method native"));
    CHECK(screen.err.find("method native") < screen.err.find("Creating"));
  }
}

TEST_CASE("clone: without --wait says how to wait and how to give up") {
  testing::FakeApi api;
  serve_clone(api);
  Screen screen;
  REQUIRE(command(api, screen, {"clone", "web", "web2", "--progress", "none"}).has_value());
  CHECK(screen.out == "virtualmachineclone.clone.kubevirt.io/web2-opid1 created\n");
  CHECK(screen.err.find("kubectl wukong cancel vmclone/web2-opid1 -n demo -y") != std::string::npos);
  CHECK(screen.err.find("method native") == std::string::npos);  // the ordinary way is no news here
}

TEST_CASE("clone --dry-run: writes nothing") {
  for (const char* mode : {"--dry-run", "--dry-run=server"}) {
    testing::FakeApi api;
    serve_clone(api);
    Screen screen;
    REQUIRE(command(api, screen, {"clone", "web", "web2", "--wait", mode}).has_value());
    CHECK(screen.out.starts_with("clone demo/web -> demo/web2"));
    CHECK(api.stored("virtualmachineclones", "demo", "web2-opid1") == nullptr);
  }
}

TEST_CASE("clone --dry-run=server: tells what the server took, and what could not be tried") {
  testing::FakeApi api;
  serve_clone(api);
  Screen screen;
  REQUIRE(command(api, screen, {"clone", "web", "web2", "--cpu", "2", "--start", "--dry-run=server"})
              .has_value());
  CHECK(
      screen.out.ends_with("\nvirtualmachineclone.clone.kubevirt.io/web2-opid1 created (server dry run)\n"));
  const std::string not_tried = "note: not tried: change VirtualMachine demo/web2: it is not there yet\n";
  CHECK(screen.err.find(not_tried + not_tried) != std::string::npos);
}

TEST_CASE("clone: a missing permission is named with the Role to ask for, and nothing is written") {
  testing::FakeApi api;
  serve_clone(api);
  api.script(
      kube::Method::post, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
      testing::FakeApi::ok({{"kind", "SelfSubjectAccessReview"}, {"status", {{"allowed", false}}}}, 201));
  Screen screen;
  const auto result = command(api, screen, {"clone", "web", "web2"});
  REQUIRE_FALSE(result.has_value());
  CHECK(exit_code(result.error().code) == 4);
  CHECK(result.error().hint.find(
            "apiGroups: [\"clone.kubevirt.io\"], resources: [\"virtualmachineclones\"], verbs: [create") !=
        std::string::npos);
  CHECK(api.stored("virtualmachineclones", "demo", "web2-opid1") == nullptr);
}

TEST_CASE("clone: who may not ask what is served is not refused for it") {
  testing::FakeApi api;
  serve_clone(api);
  api.script(kube::Method::get, "/apis", testing::FakeApi::error(Code::forbidden, "no"));
  Screen screen;
  CHECK(command(api, screen, {"clone", "web", "web2", "--wait"}).has_value());
}

TEST_CASE("clone: a server without clones is named, also when nothing else is missing") {
  testing::FakeApi api;
  serve_clone(api);
  api.script(kube::Method::get, "/apis",
             testing::FakeApi::ok({{"kind", "APIGroupList"}, {"groups", Json::array()}}));
  Screen screen;
  const auto result = command(api, screen, {"clone", "web", "web2"});
  REQUIRE_FALSE(result.has_value());
  CHECK(exit_code(result.error().code) == 3);
  CHECK(result.error().message.starts_with("this cluster does not serve clone.kubevirt.io"));
}

TEST_CASE("clone: what CDI says of a disk's claim is read") {
  testing::FakeApi api;
  serve_clone(api);
  api.put(gvr::vm(),
          {{"metadata", {{"namespace", "demo"}, {"name", "web"}}},
           {"spec",
            {{"template",
              {{"spec", {{"volumes", {{{"name", "files"}, {"dataVolume", {{"name", "web-files"}}}}}}}}}}}}});
  api.put(gvr::pvc(), {{"metadata",
                        {{"namespace", "demo"},
                         {"name", "web-files"},
                         {"annotations", {{"cdi.kubevirt.io/storage.contentType", "archive"}}}}}});
  kube::Discovery discovery(api, "", std::chrono::system_clock::now());
  const auto facts =
      gather_clone({.source = "web", .target = "web2", .clone = "web2-x"}, api, discovery, kScope);
  REQUIRE(facts.has_value());
  REQUIRE(facts->claims.size() == 1);
  CHECK(content_type(facts->claims[0].object) == "archive");
}

TEST_CASE("clone: what the disk remembers of the server is asked anew before it refuses") {
  char dir[] = "/tmp/wukong-clone-XXXXXX";
  REQUIRE(mkdtemp(dir) != nullptr);
  const std::string file = std::string(dir) + "/server.json";
  const WallTime now = std::chrono::system_clock::now();
  const auto ask = [&](const Json& answer, const char* scripted) {
    testing::FakeApi api;
    serve_clone(api);
    api.script(kube::Method::get, scripted, testing::FakeApi::ok(answer));
    kube::Discovery discovery(api, file, now + std::chrono::seconds{1});
    auto facts = gather_clone({.source = "web", .target = "web2", .clone = "web2-x"}, api, discovery, kScope);
    REQUIRE(facts.has_value());
    return std::pair(std::move(*facts), api.lines(false));
  };
  const auto asked = [](const std::vector<std::string>& lines) {
    return std::count(lines.begin(), lines.end(), "GET /apis");
  };
  const auto [first, first_lines] = ask({{"kind", "APIGroupList"}, {"groups", Json::array()}}, "/apis");
  CHECK_FALSE(plan_native(typed(), *clone_names(typed(), kScope), {.base = first}, kScope).has_value());
  // KubeVirt was installed a moment ago.
  const auto [second, second_lines] = ask(kApis, "/apis");
  CHECK(plan_native(typed(), *clone_names(typed(), kScope), {.base = second}, kScope).has_value());
  CHECK(asked(second_lines) == 1);
  const auto [third, third_lines] = ask(kApis, "/unused");
  CHECK(third.served == second.served);
  CHECK(asked(third_lines) == 0);
  std::filesystem::remove_all(dir);
}
