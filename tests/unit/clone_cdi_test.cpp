#include "commands/clone_cdi.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>

#include "commands/clone_claim.h"
#include "commands/clone_method.h"
#include "commands/clone_resume.h"
#include "manifest/vm_references.h"
#include "op/dry_run.h"
#include "render/output.h"
#include "support/golden.h"

using namespace wukong;
using namespace wukong::commands;
using kube::Fact;

namespace {

const Scope kScope{.ns = "demo", .utc_stamp = "20260101-000000", .operation_id = "opid1"};

Json parsed(std::string_view text) {
  auto value = parse_json(text);
  REQUIRE(value.has_value());
  return *value;
}

Json list(std::vector<Json> objects) { return {{"items", std::move(objects)}}; }

/// A VM with a stand-alone disk that can be snapshotted, a disk of its dataVolumeTemplates that cannot, and cloud-init.
Json web() {
  return parsed(R"({"metadata": {"name": "web", "namespace": "demo", "uid": "u1"},
    "spec": {"runStrategy": "Halted", "dataVolumeTemplates": [{"metadata": {"name": "web-data"}, "spec": {"pvc": {}}}],
      "template": {"spec": {"domain": {"devices": {"disks": [{"name": "root", "disk": {}}, {"name": "data", "disk": {}}]}},
        "volumes": [{"name": "root", "persistentVolumeClaim": {"claimName": "web-root"}},
                    {"name": "data", "dataVolume": {"name": "web-data"}},
                    {"name": "init", "cloudInitNoCloud": {"secretRef": {"name": "user-data"}}}]}}},
    "status": {"volumeSnapshotStatuses": [{"name": "root", "enabled": true},
      {"name": "data", "enabled": false, "reason": "No VolumeSnapshotClass"}]}})");
}

Json claim(const std::string& storage_class, const std::string& request = "8Mi") {
  Json made = Json::object();
  made["spec"] = {{"accessModes", {"ReadWriteOnce", "ReadWriteMany"}},
                  {"volumeMode", "Filesystem"},
                  {"storageClassName", storage_class},
                  {"resources", {{"requests", {{"storage", request}}}}}};
  made["status"] = {{"phase", "Bound"}, {"capacity", {{"storage", "16Mi"}}}};
  return made;
}

Json profile(const std::string& name, const std::string& strategy, const std::string& provisioner) {
  return {{"metadata", {{"name", name}}},
          {"status", {{"cloneStrategy", strategy}, {"provisioner", provisioner}}}};
}

CdiFacts sound() {
  CdiFacts facts;
  CloneFacts& base = facts.copies.base;
  base.served = kube::ServedApis{{{"clone.kubevirt.io", {{"v1beta1", {}}}},
                                  {"snapshot.kubevirt.io", {{"v1beta1", {}}}},
                                  {"cdi.kubevirt.io", {{"v1beta1", {}}}}}};
  base.source = Fact::known(web());
  base.kubevirts = Fact::known(list({}));
  base.claims = {Fact::known(claim("dir")), Fact::known(claim("nosnap"))};
  base.claim_names = {"web-root", "web-data"};
  facts.copies.vms = facts.copies.claims = facts.volumes = Fact::known(list({}));
  facts.classes = Fact::known(list({{{"metadata", {{"name", "dir"}}}},
                                    {{"metadata", {{"name", "nosnap"}}}},
                                    {{"metadata", {{"name", "wide"}}}}}));
  facts.profiles = Fact::known(list({profile("dir", "snapshot", "d"), profile("nosnap", "copy", "n")}));
  facts.config = Fact::known(
      {{"status", {{"filesystemOverhead", {{"global", "0"}, {"storageClass", {{"wide", "0.06"}}}}}}}});
  facts.target_namespace = Fact::known(Json::object());
  return facts;
}

CloneOptions typed(std::string target = "web2") {
  CloneOptions options{.source = "web", .target = std::move(target)};
  options.method = "cdi";
  options.write.wait = true;
  return options;
}

Result<op::Operation> planned(const CloneOptions& options, const CdiFacts& facts = sound()) {
  WUKONG_TRY(CloneNames names, clone_names(options, kScope));
  ChosenMethod chosen = choose_method(names, options, facts.copies.base);
  names.method = chosen.method;
  names.reason = chosen.reason;
  return plan_cdi(options, names, facts, kScope);
}

std::string shown(const op::Operation& operation) {
  std::string lines;
  for (const std::string& note : operation.notes) lines += "note: " + note + "\n";
  for (const std::string& line : op::plan_lines(operation)) lines += line + "\n";
  return lines + "---\n" + render::objects(render::OutputFormat::yaml, op::manifests(operation));
}

void matches(const std::string& name, const CloneOptions& options, const CdiFacts& facts = sound()) {
  const auto plan = planned(options, facts);
  if (!plan) FAIL(plan.error().message);
  CHECK(op::shape_problem(*plan).empty());
  const std::string text = shown(*plan);
  CHECK(testing::golden("golden/clone/" + name + ".yaml", text) == text);
}

std::string refusal(const CloneOptions& options, const CdiFacts& facts = sound()) {
  const auto plan = planned(options, facts);
  REQUIRE_FALSE(plan.has_value());
  CHECK(exit_code(plan.error().code) == 3);
  CHECK_FALSE(plan.error().hint.empty());
  return plan.error().message;
}

std::string usage(const CloneOptions& options) {
  const auto names = clone_names(options, kScope);
  REQUIRE_FALSE(names.has_value());
  CHECK(names.error().code == Code::usage);
  return names.error().message;
}

ChosenMethod chosen(CloneOptions options, const CdiFacts& facts = sound()) {
  options.method = "auto";
  const auto names = clone_names(options, kScope);
  REQUIRE(names.has_value());
  return choose_method(*names, options, facts.copies.base);
}

/// The object of this name that the plan makes.
Json object_of(const op::Operation& operation, const std::string& name) {
  for (Json& object : op::manifests(operation))
    if (text(object, {"metadata", "name"}) == name) return std::move(object);
  FAIL("it makes no " << name);
  return {};
}

/// The same VM, running, with all its disks on storage that snapshots.
CdiFacts running() {
  CdiFacts facts = sound();
  Json vm = web();
  vm["status"]["created"] = true;
  vm["status"]["volumeSnapshotStatuses"][1] = {{"name", "data"}, {"enabled", true}};
  facts.copies.base.source = Fact::known(vm);
  facts.copies.base.claims[1] = Fact::known(claim("dir"));
  return facts;
}

}  // namespace

TEST_CASE("clone by method cdi: a DataVolume per disk, owned as the source's were") {
  matches("cdi", typed());
}

TEST_CASE("clone by method cdi: a running source is cloned from a snapshot, or stopped meanwhile") {
  matches("cdi_running", typed(), running());
  CloneOptions stop = typed();
  stop.running = "stop";
  matches("cdi_stopped", stop, running());
  CloneOptions refuse = typed();
  refuse.running = "refuse";
  CHECK(refusal(refuse, running()) == "VirtualMachine demo/web is running");

  CdiFacts facts = running();
  facts.copies.base.source.object["status"]["volumeSnapshotStatuses"] =
      web()["status"]["volumeSnapshotStatuses"];
  CHECK(refusal(typed(), facts).starts_with("web is running, and cannot be cloned from a snapshot: "));
  CloneOptions some = typed();
  some.disks.without = {"data"};
  CHECK(planned(some, facts).has_value());  // the disk that cannot be snapshotted is not wanted
}

TEST_CASE(
    "clone by method cdi, --running=stop: no template makes a disk anew that is removed half copied, whether "
    "or not the source still runs") {
  CloneOptions stop = typed();
  stop.running = "stop";
  for (const CdiFacts& facts : {running(), sound()}) {
    const auto plan = planned(stop, facts);
    REQUIRE(plan.has_value());
    const Json vm = object_of(*plan, "web2");
    CHECK(find(vm, {"spec", "dataVolumeTemplates"}) == nullptr);
    CHECK(text(object_of(*plan, "web2-data")["metadata"]["ownerReferences"][0], {"kind"}) ==
          "VirtualMachine");
  }
}

TEST_CASE("clone by method cdi: of claims, the source is watched: it must stay off") {
  const auto watched = [](const op::Operation& operation, const char* resource) {
    for (const op::Step& step : operation.steps)
      if (const auto* await = std::get_if<op::Await>(&step.action);
          await != nullptr && step.id.starts_with("usable"))
        for (const Watched& each : await->watches)
          if (each.gvr.resource == resource) return each.ns + "/" + each.name;
    return std::string{};
  };
  CHECK(watched(*planned(typed()), "virtualmachineinstances") == "demo/web");
  CHECK(watched(*planned(typed(), running()), "virtualmachineinstances") == "");  // of a snapshot
  CloneOptions elsewhere = typed();
  elsewhere.to_namespace = "other";
  CHECK(watched(*planned(elsewhere), "virtualmachineinstances") == "demo/web");
  CloneOptions submitted = typed();
  submitted.write.wait = false;
  CHECK(shown(*planned(submitted)).find("keep web off until its disks are copied") != std::string::npos);
  CloneOptions options = typed("copy");
  options.source = "pvc/web-root";
  options.method = "auto";
  const ClaimFacts facts{.cdi = sound(), .claim = Fact::known(claim("dir")), .pods = Fact::known(list({}))};
  CHECK(watched(*plan_claim(options, *claim_names(options, kScope), facts, kScope), "pods") == "demo/");
}

TEST_CASE("clone by method cdi: a disk of files makes a DataVolume of files, which CDI fills from no other") {
  CdiFacts facts = sound();
  for (kube::Fact& fact : facts.copies.base.claims)
    fact.object["metadata"]["annotations"]["cdi.kubevirt.io/storage.contentType"] = "archive";
  const auto plan = planned(typed(), facts);
  REQUIRE(plan.has_value());
  CHECK(object_of(*plan, "web2-root")["spec"]["contentType"] == "archive");
  const Json vm = object_of(*plan, "web2");
  CHECK(vm["spec"]["dataVolumeTemplates"][0]["spec"]["contentType"] == "archive");
  CHECK_FALSE(object_of(*planned(typed()), "web2-root")["spec"].contains("contentType"));
}

TEST_CASE("clone by method cdi: to another namespace, with what the VM names") {
  CloneOptions options = typed();
  options.to_namespace = "other";
  CdiFacts facts = sound();
  const ObjectRef secret{{"", "v1", "secrets", "Secret"}, "demo", "user-data"};
  const Json content = {{"metadata", {{"name", "user-data"}, {"uid", "u"}, {"resourceVersion", "7"}}},
                        {"type", "Opaque"},
                        {"data", {{"userdata", "c2VjcmV0"}}}};
  facts.references = {{.here = secret, .source = Fact::known(content), .there = Fact::absent()}};
  CHECK(refusal(options, facts) == "the VM names objects that namespace other does not have");
  options.copy_refs = true;
  matches("cdi_namespace", options, facts);
  CHECK(shown(*planned(options, facts)).find("c2VjcmV0") == std::string::npos);
  facts.target_namespace = Fact::absent();
  CHECK(refusal(options, facts) == "namespace other does not exist");
}

TEST_CASE("clone to another namespace: what cannot be copied is refused, and no flag is promised") {
  Json vm = web();
  Json& pod = vm["spec"]["template"]["spec"];
  pod["volumes"].push_back(
      {{"name", "os"}, {"ephemeral", {{"persistentVolumeClaim", {{"claimName", "base"}}}}}});
  vm["spec"]["instancetype"] = {{"kind", "virtualmachineinstancetype"}, {"name", "small"}};
  vm["spec"]["preference"] = {{"kind", "VirtualMachinePreferences"}, {"name", "linux"}};
  const std::vector<ObjectRef> named = manifest::references_of(vm, "demo");
  REQUIRE(named.size() == 4);
  CHECK(describe(named[0]) == "Secret demo/user-data");
  CHECK(describe(named[1]) == "PersistentVolumeClaim demo/base");
  CHECK(describe(named[2]) == "VirtualMachineInstancetype demo/small");
  CHECK(describe(named[3]) == "VirtualMachinePreference demo/linux");
  for (const char* wide : {"", "virtualmachineclusterinstancetype"}) {
    vm["spec"]["instancetype"]["kind"] = wide;
    CHECK(manifest::references_of(vm, "demo").size() == 3);
  }

  CloneOptions options = typed();
  options.to_namespace = "other";
  CdiFacts facts = sound();
  facts.references = {{.here = named[1], .source = Fact::known(claim("dir")), .there = Fact::absent()}};
  const auto refused = [&] { return planned(options, facts).error(); };
  CHECK(refused().hint == "make them there, and try again");
  CHECK(refused().causes.front() ==
        "PersistentVolumeClaim other/base: it is the base of an ephemeral disk, and its data is not copied");
  facts.references.push_back({.here = named[0], .there = Fact::absent()});
  CHECK(refused().hint.find("--copy-refs") != std::string::npos);
  options.copy_refs = true;
  CHECK(refused().hint == "make them there, and try again");
}

TEST_CASE("clone by method cdi: sizes, classes, full copies, ownership") {
  CloneOptions options = typed();
  options.disks = {.type = "full", .only = {"root"}, .sizes = {"root=32Mi"}, .owned = "true", .bind = true};
  matches("cdi_full", options);
  SUBCASE("a class that keeps a part of each volume for itself gets more") {
    CloneOptions wide = typed();
    wide.disks.storage_class = "wide";
    const auto plan = planned(wide);
    REQUIRE(plan.has_value());
    const Json made = op::manifests(*plan).front();
    CHECK(text(made, {"spec", "pvc", "resources", "requests", "storage"}) == "17Mi");
  }
  SUBCASE("smaller than the source") {
    options.disks.sizes = {"root=9Mi"};
    CHECK(refusal(options) ==
          "--disk-size root=9Mi: disk root of demo/web holds 16Mi, and a copy cannot be smaller");
  }
  SUBCASE("no such disk") {
    options.disks.only = {"rot"};
    options.disks.sizes = {};
    CHECK(refusal(options) == "--disks: web has no disk rot");
  }
  SUBCASE("no such class") {
    options.disks.storage_class = "dirr";
    CHECK(refusal(options) == "StorageClass dirr does not exist");
  }
  SUBCASE("linked, on storage that can only copy") {
    CloneOptions linked = typed();
    linked.disks.type = "linked";
    CHECK(refusal(linked) == "--type linked: disks of StorageClass nosnap can only be copied in full");
    linked.disks.only = {"root"};
    CHECK(planned(linked).has_value());
  }
}

TEST_CASE("clone by method cdi: refuses before any write") {
  CdiFacts facts = sound();
  SUBCASE("no CDI") {
    facts.copies.base.served->groups.erase("cdi.kubevirt.io");
    CHECK(refusal(typed(), facts).starts_with("this cluster does not serve CDI"));
  }
  SUBCASE("a target, a DataVolume, a claim of the name is there") {
    facts.copies.vms = Fact::known(list({{{"metadata", {{"name", "web2"}}}}}));
    CHECK(refusal(typed(), facts) == "VirtualMachine demo/web2 exists already");
    facts.copies.vms = Fact::known(list({}));
    facts.volumes = Fact::known(list({{{"metadata", {{"name", "web2-root"}}}}}));
    CHECK(refusal(typed(), facts) == "DataVolume demo/web2-root exists already");
    facts.volumes = Fact::absent();
    facts.copies.claims = Fact::known(list({{{"metadata", {{"name", "web2-data"}}}}}));
    CHECK(refusal(typed(), facts) == "PersistentVolumeClaim demo/web2-data exists already");
  }
  SUBCASE("a VirtualMachineClone makes a VM of the name") {
    Json clone = {{"metadata", {{"name", "c"}}}, {"status", {{"phase", "SnapshotInProgress"}}}};
    clone["spec"]["target"]["name"] = "web2";
    facts.copies.base.clones = Fact::known(list({clone}));
    CHECK(refusal(typed(), facts) == "VirtualMachineClone demo/c is making web2 already");
    CloneOptions elsewhere = typed();
    elsewhere.to_namespace = "there";
    CHECK(planned(elsewhere, facts).has_value());
  }
  SUBCASE("a disk without data, unless it is not wanted") {
    facts.copies.base.claims[1].object["status"]["phase"] = "Pending";
    CHECK(refusal(typed(), facts) ==
          "VirtualMachine demo/web has a disk without data: PersistentVolumeClaim demo/web-data is Pending");
    CloneOptions some = typed();
    some.disks.without = {"data"};
    CHECK(planned(some, facts).has_value());
  }
}

TEST_CASE("clone: auto chooses the method, and says why") {
  CloneOptions plain{.source = "web", .target = "web2"};
  CHECK(chosen(plain).method == CloneMethod::cdi);
  CHECK(chosen(plain).reason == "disk data cannot be snapshotted: No VolumeSnapshotClass");
  CHECK(chosen(plain, running()).method == CloneMethod::native);
  CHECK(chosen(plain, running()).reason == "KubeVirt's own clone can do all that is asked");

  CdiFacts bare = running();
  bare.copies.base.served->groups.erase("clone.kubevirt.io");
  CHECK(chosen(plain, bare).method == CloneMethod::cdi);
  CdiFacts no_cdi = sound();
  no_cdi.copies.base.served->groups.erase("cdi.kubevirt.io");
  CHECK(chosen(plain, no_cdi).method == CloneMethod::native);  // which then says what lacks

  CloneOptions full = plain;
  full.disks.type = "full";
  CHECK(chosen(full, running()).reason == "a full copy is asked for");
  CloneOptions some = plain;
  some.disks.only = {"root"};
  CHECK(chosen(some, running()).reason == "--disks chooses or changes disks");
  CloneOptions many{.source = "web", .target = "web-#"};
  many.count = 3;
  CHECK(chosen(many, running()).method == CloneMethod::snapshot);
  CHECK(chosen(many).method == CloneMethod::cdi);
  CloneOptions larger = plain;
  larger.shape.cpu = 4;
  CHECK(chosen(larger, running()).method == CloneMethod::native);
  CHECK(chosen(larger).method == CloneMethod::cdi);
}

TEST_CASE("clone: flags for disks that cannot be right") {
  const auto with = [](auto change) {
    CloneOptions options = typed();
    options.method = "auto";
    change(options);
    return usage(options);
  };
  CHECK(with([](CloneOptions& o) { o.disks.type = "fast"; }) == "--type does not take \"fast\"");
  CHECK(with([](CloneOptions& o) { o.disks.owned = "yes"; }) == "--own-disks does not take \"yes\"");
  CHECK(with([](CloneOptions& o) { o.disks.sizes = {"root=1"}; }) ==
        "--disk-size \"root=1\" is no size of a disk");
  CHECK(with([](CloneOptions& o) { o.disks.sizes = {"8Gi"}; }) == "--disk-size does not say which disk");
  CHECK(with([](CloneOptions& o) { o.disks = {.only = {"a,b"}, .without = {"b"}}; }) ==
        "--disks and --skip-disks both name b");
  CHECK(with([](CloneOptions& o) { o.running = "maybe"; }) == "--running does not take \"maybe\"");
  CHECK(with([](CloneOptions& o) { o.copy_refs = true; }) == "--copy-refs copies to another namespace");
  CHECK(with([](CloneOptions& o) { o.to_namespace = "A"; }).starts_with("--to-namespace \"A\": "));
  CHECK(with([](CloneOptions& o) {
          o.disks.type = "full";
          o.method = "snapshot";
        }) == "--method snapshot cannot do this: a full copy is asked for");
}

TEST_CASE("clone pvc/NAME: a DataVolume") {
  CloneOptions options = typed("copy");
  options.source = "pvc/web-root";
  options.method = "auto";
  const auto names = claim_names(options, kScope);
  REQUIRE(names.has_value());
  ClaimFacts facts{.cdi = sound(), .claim = Fact::known(claim("dir")), .pods = Fact::known(list({}))};
  const auto plan = [&] { return plan_claim(options, *names, facts, kScope); };
  const auto made = plan();
  REQUIRE(made.has_value());
  CHECK(op::shape_problem(*made).empty());
  const std::string text = shown(*made);
  CHECK(testing::golden("golden/clone/claim.yaml", text) == text);

  SUBCASE("missing, unbound, in use") {
    facts.claim = Fact::absent();
    CHECK(plan().error().message == "PersistentVolumeClaim demo/web-root does not exist");
    facts.claim = Fact::known({{"status", {{"phase", "Pending"}}}});
    CHECK(plan().error().message == "PersistentVolumeClaim demo/web-root has no data: it is Pending");
    facts.claim = Fact::known(claim("dir"));
    Json pod = {{"metadata", {{"name", "launcher"}}},
                {"spec", {{"volumes", {{{"persistentVolumeClaim", {{"claimName", "web-root"}}}}}}}},
                {"status", {{"phase", "Running"}}}};
    facts.pods = Fact::known(list({pod}));
    CHECK(plan().error().message ==
          "PersistentVolumeClaim demo/web-root is used by pod launcher: CDI would wait until it is not");
    pod["status"]["phase"] = "Succeeded";
    facts.pods = Fact::known(list({pod}));
    CHECK(plan().has_value());
  }
  SUBCASE("files instead of a disk: CDI never fills a DataVolume of another content type") {
    Json archive = claim("dir");
    archive["metadata"]["annotations"]["cdi.kubevirt.io/storage.contentType"] = "archive";
    facts.claim = Fact::known(archive);
    CHECK(op::manifests(*plan()).front()["spec"]["contentType"] == "archive");
    archive["metadata"]["annotations"]["cdi.kubevirt.io/storage.contentType"] = "kubevirt";
    facts.claim = Fact::known(archive);
    CHECK_FALSE(op::manifests(*plan()).front()["spec"].contains("contentType"));
  }
  SUBCASE("flags that are about VMs") {
    for (const auto& change : std::vector<std::function<void(CloneOptions&)>>{
             [](CloneOptions& o) { o.start = true; }, [](CloneOptions& o) { o.shape.cpu = 2; },
             [](CloneOptions& o) { o.count = 2; }, [](CloneOptions& o) { o.running = "stop"; },
             [](CloneOptions& o) { o.disks.only = {"a"}; }, [](CloneOptions& o) { o.method = "native"; },
             [](CloneOptions& o) { o.disks.owned = "true"; }}) {
      CloneOptions wrong = options;
      change(wrong);
      const auto refused = claim_names(wrong, kScope);
      REQUIRE_FALSE(refused.has_value());
      CHECK(refused.error().code == Code::usage);
    }
  }
  SUBCASE("one size, with or without the name") {
    options.disks.sizes = {"32Mi"};
    CHECK(claim_names(options, kScope)->disks.sizes.at("web-root") == 32 * 1024 * 1024);
    options.disks.sizes = {"web-root=32Mi"};
    CHECK(claim_names(options, kScope)->disks.sizes.at("web-root") == 32 * 1024 * 1024);
  }
}

TEST_CASE(
    "clone by method cdi: quotas count the claim through which CDI fills a disk, where it does so at once") {
  const auto charged = [](const CdiFacts& facts, bool at_once, std::int64_t bytes = 10) {
    op::Charge charge{.claims = {{"web2-root", "dir", bytes}, {"web2-data", "nosnap", 30}}};
    charge_filling(charge, facts, at_once);
    return charge;
  };
  CdiFacts facts = sound();
  REQUIRE(charged(facts, false).claims.size() == 3);
  CHECK(charged(facts, false).claims.back().bytes == 30);
  CHECK(charged(facts, false).why_more.find("CDI fills web2-data") != std::string::npos);
  facts.classes.object["items"][1]["volumeBindingMode"] = "WaitForFirstConsumer";
  CHECK(charged(facts, false).claims.back().bytes == 10);
  CHECK(charged(facts, true).claims.back().bytes == 30);
  // What cannot be read blocks nothing.
  facts.classes = Fact::unreadable({});
  CHECK(charged(facts, true).claims.size() == 2);
  CHECK(charged(facts, true).why_more.empty());
  CHECK(planned(typed(), sound())->charge.claims.size() == 3);
  CloneOptions elsewhere = typed();
  elsewhere.to_namespace = "other";
  CHECK(planned(elsewhere, sound())->charge.claims.size() == 2);
}

TEST_CASE("clone by method cdi: gone on with, only what has all its disks is merely looked at") {
  CdiFacts facts = running();
  const CloneOptions options = typed();
  CloneNames names = *clone_names(options, kScope);
  names.method = CloneMethod::cdi;
  Json vm = skeleton({gvr::vm(), "demo", "web2"});
  manifest::add_marks(vm, clone_marks(options, names, kScope));
  facts.copies.vms = facts.copies.base.earlier.vms = Fact::known(list({vm}));
  const auto takes_snapshot = [&] {
    const auto plan = planned(options, facts);
    REQUIRE(plan.has_value());
    CHECK(op::shape_problem(*plan).empty());
    return std::any_of(plan->steps.begin(), plan->steps.end(),
                       [](const op::Step& step) { return step.id == "snapshot"; });
  };
  // Its disks would be of two moments.
  CHECK(planned(options, facts).error().message == "the snapshot that web2 was made from is gone");
  facts.copies.base.earlier.snapshot = Fact::known(Json::object());
  CHECK(takes_snapshot());
  facts.copies.base.earlier.snapshot = Fact::absent();
  facts.volumes = Fact::known(list({skeleton({gvr::data_volume(), "demo", "web2-root"}),
                                    skeleton({gvr::data_volume(), "demo", "web2-data"})}));
  CHECK_FALSE(takes_snapshot());
}

namespace {

/// A run that was cut off: the DataVolumes that it has made of web's disks.
struct CutOff {
  CloneOptions options = typed();
  CdiFacts facts{};
  manifest::Marks marks{};

  explicit CutOff(CdiFacts base) : facts(std::move(base)) {
    CloneNames names = *clone_names(options, kScope);
    names.method = CloneMethod::cdi;
    marks = clone_marks(options, names, kScope);
    // Both disks stand alone.
    Json& vm = facts.copies.base.source.object;
    vm["spec"].erase("dataVolumeTemplates");
    vm["spec"]["template"]["spec"]["volumes"][1] = {{"name", "data"},
                                                    {"persistentVolumeClaim", {{"claimName", "web-data"}}}};
    facts.copies.base.earlier.volumes = Fact::known(list({}));
    facts.copies.base.earlier.vms = Fact::known(list({}));
  }
  /// `source`: "pvc" or "snapshot", with this name.
  void has(const std::string& disk, const char* source, const std::string& name, const char* phase = "") {
    Json volume = skeleton({gvr::data_volume(), "demo", "web2-" + disk});
    manifest::add_marks(volume, marks);
    volume["metadata"]["uid"] = "uid-" + disk;
    volume["spec"]["source"][source] = {{"namespace", "demo"}, {"name", name}};
    volume["status"]["phase"] = phase;
    facts.copies.base.earlier.volumes.object["items"].push_back(volume);
    facts.volumes.object["items"].push_back(volume);
  }
  void has_vm() {
    Json vm = skeleton({gvr::vm(), "demo", "web2"});
    manifest::add_marks(vm, marks);
    facts.copies.vms = facts.copies.base.earlier.vms = Fact::known(list({vm}));
  }
  void has_snapshot() { facts.copies.base.earlier.snapshot = Fact::known({{"metadata", {{"uid", "s1"}}}}); }
  /// Which disks are removed before all are made anew.
  std::string outdated() const {
    const auto plan = planned(options, facts);
    if (!plan) return plan.error().message;
    CHECK(op::shape_problem(*plan).empty());
    std::string all;
    for (const op::Step& step : plan->steps) {
      const auto* removed = std::get_if<op::Delete>(&step.action);
      if (step.phase != op::Phase::main || removed == nullptr) continue;
      CHECK(removed->ref.gvr.resource == gvr::data_volume().resource);
      CHECK(removed->uid == "uid-" + removed->ref.name.substr(5));
      all += (all.empty() ? "" : " ") + removed->ref.name;
    }
    const auto made = std::ranges::find(plan->steps, "disk-web2-data", &op::Step::id);
    REQUIRE(made != plan->steps.end());
    const bool waits = std::ranges::find(made->needs, "outdated-gone-web2") != made->needs.end();
    CHECK(waits == !all.empty());
    return all;
  }
};

}  // namespace

TEST_CASE(
    "clone by method cdi: gone on with, disks that would be of another moment than the others are made "
    "anew") {
  SUBCASE("the source has run since, or may have: one of two was made") {
    CutOff run(sound());
    run.has("root", "pvc", "web-root", "Succeeded");
    CHECK(run.outdated() == "web2-root");
  }
  SUBCASE("it runs now, and the others would be from a snapshot") {
    CutOff run(running());
    run.has("root", "pvc", "web-root", "Succeeded");
    CHECK(run.outdated() == "web2-root");
  }
  SUBCASE("all are there: filled, or to be filled while it is off") {
    CutOff run(sound());
    run.has("root", "pvc", "web-root", "Succeeded");
    run.has("data", "pvc", "web-data", "CloneInProgress");
    CHECK(run.outdated().empty());
    run.facts.copies.base.source.object["status"] = running().copies.base.source.object["status"];
    CHECK(run.outdated() == "web2-root web2-data");
  }
  SUBCASE("from the snapshot that is there") {
    CutOff run(running());
    run.has("root", "snapshot", "vmsnapshot-s1-volume-root");
    CHECK(run.outdated() == "web2-root");  // it is lost
    run.has_snapshot();
    CHECK(run.outdated().empty());
  }
  SUBCASE("one of another snapshot") {
    CutOff run(running());
    run.has_snapshot();
    run.has("root", "snapshot", "vmsnapshot-s0-volume-root", "Succeeded");
    run.has("data", "snapshot", "vmsnapshot-s1-volume-data", "Succeeded");
    CHECK(run.outdated() == "web2-root");
  }
  SUBCASE("a VM that is made may have been used: nothing of it goes") {
    CutOff run(sound());
    run.has_vm();
    CHECK(run.outdated().empty());  // none of its disks is there
    run.has("root", "pvc", "web-root", "Succeeded");
    CHECK(run.outdated() == "disk web2-data of web2 is missing");
    run.has("data", "pvc", "web-data", "CloneInProgress");
    CHECK(run.outdated().empty());
  }
}

TEST_CASE("clone by method cdi: no disk of an earlier run is removed that a VM uses") {
  CutOff run(sound());
  run.has("root", "pvc", "web-root");
  const auto plan = planned(run.options, run.facts);
  REQUIRE(plan.has_value());
  const auto guard = std::ranges::find(plan->steps, "unused-web2", &op::Step::id);
  REQUIRE(guard != plan->steps.end());
  const auto& check = std::get<op::Guard>(guard->action).check;
  const auto vm = [](const std::string& claim) {
    return Fact::known(list({parsed(fmt::format(
        R"({{"metadata": {{"name": "other"}}, "spec": {{"template": {{"spec": {{"volumes": [
          {{"name": "root", "persistentVolumeClaim": {{"claimName": "{}"}}}}]}}}}}}}})",
        claim))}));
  };
  CHECK(check({vm("web-root")}, {}).has_value());
  CHECK(check({vm("web2-root")}, {}).error().message ==
        "disk web2-root of the earlier run is used by VirtualMachine demo/other");
  CHECK_FALSE(check({Fact::unreadable({.code = Code::forbidden})}, {}).has_value());
}

TEST_CASE("fill words: what the storage did, against what was asked") {
  const std::vector<status::Fill> fills{
      {"a", "copy", "No volume expansion is possible"}, {"b", "snapshot", ""}, {"c", "csi-clone", ""}};
  const auto linked = fill_words(fills, CloneType::linked);
  REQUIRE(linked.size() == 3);
  CHECK(linked[0] == "not linked, as asked, but copied in full: a (No volume expansion is possible)");
  CHECK(linked[1].starts_with("made from a snapshot by the storage: b; "));
  const auto full = fill_words(fills, CloneType::full);
  CHECK(full[0].starts_with("copied in full: a"));
  CHECK(full[2].starts_with("not copied in full, as asked, but cloned by the storage: c; "));
}
