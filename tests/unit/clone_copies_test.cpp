#include "commands/clone_copies.h"

#include <doctest/doctest.h>

#include "commands/registry.h"
#include "op/dry_run.h"
#include "render/output.h"
#include "support/fake_api.h"
#include "support/golden.h"

using namespace wukong;
using namespace wukong::commands;
using kube::Fact;
using std::chrono::seconds;
using testing::FakeApi;

namespace {

const Scope kScope{.ns = "demo", .utc_stamp = "20260101-000000", .operation_id = "opid1"};

Json parsed(std::string_view text) {
  auto value = parse_json(text);
  REQUIRE(value.has_value());
  return *value;
}

/// A VM with a stand-alone disk, a disk of its dataVolumeTemplates, and cloud-init.
Json web() {
  return parsed(R"({"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine",
    "metadata": {"name": "web", "namespace": "demo", "uid": "u1", "labels": {"app": "web"}},
    "spec": {"runStrategy": "Halted", "dataVolumeTemplates": [{"metadata": {"name": "web-data"}, "spec": {"pvc": {}}}],
      "template": {"spec": {
        "domain": {"devices": {"disks": [{"name": "root", "disk": {"bus": "virtio"}}, {"name": "data", "disk": {"bus": "virtio"}},
                                         {"name": "init", "disk": {"bus": "virtio"}}],
          "interfaces": [{"name": "default", "masquerade": {}, "macAddress": "02:00:00:00:00:01"}]},
          "memory": {"guest": "64Mi"}},
        "networks": [{"name": "default", "pod": {}}],
        "volumes": [{"name": "root", "persistentVolumeClaim": {"claimName": "web-root"}},
                    {"name": "data", "dataVolume": {"name": "web-data"}},
                    {"name": "init", "cloudInitNoCloud": {"userData": "x"}}]}}},
    "status": {"volumeSnapshotStatuses": [{"name": "root", "enabled": true}, {"name": "data", "enabled": true},
      {"name": "init", "enabled": false}]}})");
}

Json claim(const std::string& name) {
  Json made = skeleton({gvr::pvc(), "demo", name});
  made["spec"] = {{"accessModes", {"ReadWriteOnce"}},
                  {"volumeMode", "Filesystem"},
                  {"storageClassName", "dir"},
                  {"resources", {{"requests", {{"storage", "8Mi"}}}}}};
  made["status"] = {{"phase", "Bound"}, {"capacity", {{"storage", "16Mi"}}}};
  return made;
}

const Json kApis = {{"kind", "APIGroupList"},
                    {"groups",
                     {{{"name", "clone.kubevirt.io"}, {"versions", {{{"version", "v1beta1"}}}}},
                      {{"name", "snapshot.kubevirt.io"}, {"versions", {{{"version", "v1beta1"}}}}}}}};

/// A cluster that takes snapshots after a second and binds claims from them after another; `broken`: never binds it;
/// `empty`: drops its data source, as an API server does with one that it does not understand.
struct World {
  FakeApi api{};
  std::string broken{};
  std::string empty{};
  std::string phase{"Bound"};
  std::string out{};
  std::string err{};

  World() {
    api.put(gvr::vm(), web());
    api.put(gvr::pvc(), claim("web-root"));
    api.put(gvr::pvc(), claim("web-data"));
    api.handle([this](const kube::Request& request) -> std::optional<FakeApi::Answer> {
      if (request.path == "/apis") return FakeApi::ok(kApis);
      for (const auto& [key, value] : request.query)
        if (key == "dryRun") return FakeApi::pass();
      if (request.method == kube::Method::post) created(*parse_json(request.body));
      return FakeApi::pass();
    });
  }

  void created(const Json& body) {
    const std::string kind(text(body, {"kind"}));
    const std::string name(text(body, {"metadata", "name"}));
    if (kind == "VirtualMachineSnapshot") api.at(seconds{1}, [this, name] { finish_snapshot(name); });
    if (kind == "PersistentVolumeClaim") api.at(seconds{1}, [this, name] { finish_claim(name); });
    if (kind == "VirtualMachine")
      for (const Json& made : items(body, {"spec", "dataVolumeTemplates"}))
        api.at(seconds{1}, [this, made, labels = fields(body, {"metadata", "labels"})] {
          Json disk = claim(std::string(text(made, {"metadata", "name"})));
          disk["metadata"]["labels"] = fields(made, {"metadata", "labels"});
          disk["spec"] = fields(made, {"spec", "pvc"});
          disk["spec"]["dataSourceRef"] = fields(disk, {"spec", "dataSource"});  // as the API server does
          api.put(gvr::pvc(), disk);
        });
  }

  void finish_snapshot(const std::string& name) {
    const std::string uid(text(*api.stored("virtualmachinesnapshots", "demo", name), {"metadata", "uid"}));
    for (const char* volume : {"root", "data"}) {
      Json taken = skeleton({gvr::volume_snapshot(), "demo", "vmsnapshot-" + uid + "-volume-" + volume});
      taken["metadata"]["labels"]["snapshot.kubevirt.io/source-vm-name"] = "web";
      taken["status"]["restoreSize"] = "32Mi";
      api.put(gvr::volume_snapshot(), taken);
    }
    api.merge(gvr::vm_snapshot(), "demo", name,
              {{"status",
                {{"phase", "Succeeded"},
                 {"readyToUse", true},
                 {"snapshotVolumes", {{"includedVolumes", {"root", "data"}}}}}}});
  }

  void finish_claim(const std::string& name) {
    if (api.stored("persistentvolumeclaims", "demo", name) == nullptr || name == broken) return;
    if (name == empty)
      api.merge(gvr::pvc(), "demo", name, {{"spec", {{"dataSource", nullptr}, {"dataSourceRef", nullptr}}}});
    api.merge(gvr::pvc(), "demo", name, {{"status", {{"phase", phase}}}});
  }

  Result<void> run(const std::vector<std::string>& words) {
    Registry registry;
    auto asked = registry.parse(words);
    if (!asked) return std::move(asked.error());
    Io io;
    io.out = [this](std::string_view text) { out += text; };
    io.err = [this](std::string_view text) { err += text; };
    io.environment = [](const char*) { return std::string(); };
    io.window = [] { return std::pair{0, 0}; };
    io.random = "opid1";
    Context context(std::move(io), asked->global, api, "demo");
    return asked->run(context);
  }

  void succeeds(const std::vector<std::string>& words) {
    const auto result = run(words);
    if (!result) FAIL(result.error().message << "\n" << err);
  }

  const Json* vm(const std::string& name) { return api.stored("virtualmachines", "demo", name); }
  const Json* disk(const std::string& name) { return api.stored("persistentvolumeclaims", "demo", name); }
  const Json* snapshot() { return api.stored("virtualmachinesnapshots", "demo", "web-opid1"); }
};

std::string usage(const std::vector<std::string>& words) {
  World world;
  const auto result = world.run(words);
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().code == Code::usage);
  CHECK(world.api.lines().empty());
  return result.error().message;
}

std::string refusal(World& world, const std::vector<std::string>& words, int code = 3) {
  const auto result = world.run(words);
  REQUIRE_FALSE(result.has_value());
  CHECK(exit_code(result.error().code) == code);
  CHECK(world.snapshot() == nullptr);
  return result.error().message;
}

}  // namespace

TEST_CASE("clone --count: all targets come from one snapshot, which goes when their disks are there") {
  World world;
  world.succeeds({"clone", "web", "web-##", "--count", "3", "--new-mac", "default=02:00:00:00:00:fe"});
  CHECK(world.out ==
        "NAME     STATUS    DISKS              CLONED FROM\n"
        "web-01   Stopped   2 bound, 1 owned   web\n"
        "web-02   Stopped   2 bound, 1 owned   web\n"
        "web-03   Stopped   2 bound, 1 owned   web\n");
  CHECK(world.snapshot() == nullptr);
  const Json* third = world.vm("web-03");
  REQUIRE(third != nullptr);
  CHECK(text(items(*third, {"spec", "template", "spec", "domain", "devices", "interfaces"})[0],
             {"macAddress"}) == "02:00:00:00:01:00");
  REQUIRE(world.disk("web-03-root") != nullptr);
  CHECK(text(*world.disk("web-03-root"), {"spec", "resources", "requests", "storage"}) == "32Mi");
  const auto posts = world.api.lines();
  CHECK(std::count(posts.begin(), posts.end(),
                   "POST /apis/snapshot.kubevirt.io/v1beta1/namespaces/demo/virtualmachinesnapshots") == 1);
}

TEST_CASE("clone --count: one that fails is undone alone, and the others are told") {
  World world;
  world.broken = "web-2-root";
  const auto result = world.run({"clone", "web", "web-#", "--count", "3", "--timeout", "30s"});
  REQUIRE_FALSE(result.has_value());
  CHECK(world.out.find("web-1 ") != std::string::npos);
  CHECK(world.out.find("web-2 ") == std::string::npos);
  // What goes on needs the snapshot: both stay, and are named.
  CHECK(world.snapshot() != nullptr);
  CHECK(world.err.find(
            "virtualmachinesnapshot.snapshot.kubevirt.io/web-opid1 in namespace demo is left in place") !=
        std::string::npos);
}

TEST_CASE("clone by method snapshot: a claim made without its data source is no success, and is removed") {
  World world;
  world.empty = "web2-root";
  const auto result = world.run({"clone", "web", "web2", "--method", "snapshot"});
  REQUIRE_FALSE(result.has_value());
  CHECK_MESSAGE(
      result.error().message.find("made without the snapshot that should fill it") != std::string::npos,
      result.error().message);
  CHECK(world.disk("web2-root") == nullptr);
  CHECK(world.vm("web2") == nullptr);
}

TEST_CASE("clone by method snapshot: the plan, with what only the snapshot will tell") {
  World world;
  world.succeeds(
      {"clone", "web", "web2", "--method", "snapshot", "--cpu", "2", "--start", "--wait", "--dry-run"});
  std::string shown = world.out;
  world.out.clear();
  world.succeeds({"clone", "web", "web2", "--method", "snapshot", "--cpu", "2", "--start", "--wait",
                  "--dry-run", "-o", "yaml"});
  shown += "---\n" + world.out;
  CHECK(testing::golden("golden/clone/snapshot.yaml", shown) == shown);
  CHECK(world.vm("web2") == nullptr);
}

TEST_CASE("clone by method snapshot: started, as the source was, or Always") {
  World world;
  world.api.at(seconds{3}, [&] {
    Json vmi = skeleton({gvr::vmi(), "demo", "web2"});
    vmi["status"]["phase"] = "Running";
    world.api.put(gvr::vmi(), vmi);
    world.api.merge(gvr::vm(), "demo", "web2",
                    {{"status", {{"printableStatus", "Running"}, {"ready", true}}}});
  });
  world.succeeds({"clone", "web", "web2", "--method", "snapshot", "--start", "--wait", "--timeout", "1m"});
  CHECK(text(*world.vm("web2"), {"spec", "runStrategy"}) == "Always");
  CHECK(world.out.find("web2   Running") != std::string::npos);
}

TEST_CASE("clone snapshot/NAME: no snapshot is taken, and the source is left alone") {
  World world;
  Json snapshot = skeleton({gvr::vm_snapshot(), "demo", "monday"});
  snapshot["status"] = {
      {"phase", "Succeeded"}, {"readyToUse", true}, {"virtualMachineSnapshotContentName", "c"}};
  world.api.put(gvr::vm_snapshot(), snapshot);
  Json content = {{"metadata", {{"name", "c"}, {"namespace", "demo"}}},
                  {"kind", "VirtualMachineSnapshotContent"}};
  content["spec"]["source"]["virtualMachine"] = web();
  for (const char* volume : {"root", "data"})
    content["spec"]["volumeBackups"].push_back(
        {{"volumeName", volume},
         {"volumeSnapshotName", std::string("vs-") + volume},
         {"persistentVolumeClaim", {{"spec", fields(claim("x"), {"spec"})}}}});
  const Gvr contents{"snapshot.kubevirt.io", "v1beta1", "virtualmachinesnapshotcontents",
                     "VirtualMachineSnapshotContent"};
  SUBCASE("whole") {
    world.api.put(contents, content);
    world.succeeds({"clone", "snapshot/monday", "web2", "--method", "snapshot"});
    CHECK(text(*world.disk("web2-root"), {"spec", "dataSourceRef", "name"}) == "vs-root");
    CHECK(world.api.stored("virtualmachinesnapshots", "demo", "monday") != nullptr);
  }
  SUBCASE("a disk is missing") {
    content["spec"]["volumeBackups"].erase(1);
    world.api.put(contents, content);
    CHECK(refusal(world, {"clone", "snapshot/monday", "web2", "--method", "snapshot"}) ==
          "VirtualMachineSnapshot demo/monday does not hold disk data");
  }
  SUBCASE("not ready") {
    world.api.put(contents, content);
    world.api.merge(gvr::vm_snapshot(), "demo", "monday", {{"status", {{"readyToUse", false}}}});
    CHECK(refusal(world, {"clone", "snapshot/monday", "web2", "--method", "snapshot"}) ==
          "VirtualMachineSnapshot demo/monday is not ready to use");
  }
  SUBCASE("no such snapshot") {
    CHECK(refusal(world, {"clone", "snapshot/tuesday", "web2"}) ==
          "VirtualMachineSnapshot demo/tuesday does not exist");
  }
}

TEST_CASE("clone by method snapshot: refuses before any write") {
  World world;
  SUBCASE("a target exists") {
    Json there = web();
    there["metadata"] = {{"name", "web-2"}, {"namespace", "demo"}};
    world.api.put(gvr::vm(), there);
    CHECK(refusal(world, {"clone", "web", "web-#", "--count", "3"}) ==
          "VirtualMachine demo/web-2 exists already");
  }
  SUBCASE("a claim with the name of a disk exists") {
    world.api.put(gvr::pvc(), claim("web-3-data"));
    CHECK(refusal(world, {"clone", "web", "web-#", "--count", "3"}) ==
          "PersistentVolumeClaim demo/web-3-data exists already");
  }
  SUBCASE("no such interface") {
    CHECK(refusal(world, {"clone", "web", "web2", "--new-mac", "defualt=02:00:00:00:00:01"}) ==
          "--new-mac: the source has no interface called \"defualt\"");
  }
  SUBCASE("a claim that may not be read") {
    world.api.script(kube::Method::get, "/api/v1/namespaces/demo/persistentvolumeclaims/web-root",
                     FakeApi::error(Code::forbidden, "no"));
    const std::vector<std::string> words{"clone", "web", "web2", "--method", "snapshot"};
    CHECK(refusal(world, words, 4).find("cannot be read") != std::string::npos);
  }
}

TEST_CASE("clone: flags that do not go together") {
  CHECK(usage({"clone", "web", "web-##"}) == "\"web-##\" is a pattern for several VMs");
  CHECK(usage({"clone", "web", "web2", "--count", "2"}) ==
        "TARGET \"web2\" has no # for the number of each VM");
  CHECK(usage({"clone", "web", "w-#", "--count", "20000"}).starts_with("--count 20000"));
  CHECK(usage({"clone", "web", "w-#", "--count", "2", "--method", "native"})
            .starts_with("--method native cannot do this: "));
  CHECK(usage({"clone", "web", "w", "--keep-snapshot", "--method", "native"}).starts_with("--keep-snapshot"));
  CHECK(usage({"clone", "web", "w", "--disks", "root", "--keep"}).starts_with("--keep: "));
  CHECK(usage({"clone", "snapshot/s", "w", "--keep-snapshot"}).starts_with("--keep-snapshot"));
  CHECK(usage({"clone", "node/s", "w"}) == "\"node/s\" is no VM");
  CHECK(usage({"clone", "snapshot/Bad_Name", "w"}).find("cannot be the name of a snapshot") !=
        std::string::npos);
}
