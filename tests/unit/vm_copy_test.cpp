#include "manifest/vm_copy.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "render/output.h"
#include "support/golden.h"

using namespace wukong;
using namespace wukong::manifest;

namespace {

Json source() {
  auto vm = parse_json(R"({"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine",
  "metadata": {"name": "web", "namespace": "demo", "uid": "u1", "resourceVersion": "7", "finalizers": ["x"],
    "labels": {"app": "web", "vm.novasphere.dev/operation": "old", "app.kubernetes.io/managed-by": "kubectl-wukong"},
    "annotations": {"note": "kept", "kubectl.kubernetes.io/last-applied-configuration": "{}",
                    "restore.kubevirt.io/lastRestoreUID": "r"},
    "ownerReferences": [{"uid": "o"}]},
  "spec": {"running": true,
    "dataVolumeTemplates": [{"metadata": {"name": "web-data"}, "spec": {"source": {"blank": {}}}},
                            {"metadata": {"name": "unused"}, "spec": {"source": {"blank": {}}}}],
    "template": {"metadata": {"creationTimestamp": null, "labels": {"kubevirt.io/vm": "web"}},
      "spec": {"hostname": "web", "domain": {
          "cpu": {"sockets": 2, "cores": 2, "threads": 2, "model": "host-model"},
          "memory": {"guest": "1Gi", "maxGuest": "4Gi"},
          "resources": {"requests": {"memory": "1Gi", "cpu": "2"}},
          "firmware": {"uuid": "u-1", "serial": "s-1", "bootloader": {"bios": {}}},
          "devices": {"disks": [{"name": "root", "disk": {"bus": "virtio"}}, {"name": "data", "disk": {}},
                                {"name": "init", "disk": {}}, {"name": "scratch", "disk": {}}],
                      "interfaces": [{"name": "default", "masquerade": {}, "macAddress": "02:00:00:00:00:01"},
                                     {"name": "second", "bridge": {}, "macAddress": "02:00:00:00:00:02"}]}},
        "networks": [{"name": "default", "pod": {}}, {"name": "second", "multus": {"networkName": "lan"}}],
        "volumes": [{"name": "root", "persistentVolumeClaim": {"claimName": "web-root"}},
                    {"name": "data", "dataVolume": {"name": "web-data"}},
                    {"name": "init", "cloudInitNoCloud": {"userData": "#cloud-config"}},
                    {"name": "scratch", "persistentVolumeClaim": {"claimName": "web-scratch"}},
                    {"name": "dump", "memoryDump": {"claimName": "web-dump"}}]}}},
  "status": {"ready": true}})");
  REQUIRE(vm.has_value());
  return *vm;
}

const ObjectRef kCopy{gvr::vm(), "demo", "web2"};
const Marks kMarks{"opid1", "hash"};

std::vector<CopiedDisk> disks() {
  const Json like = {{"accessModes", {"ReadWriteOnce"}},
                     {"volumeMode", "Block"},
                     {"storageClassName", "fast"},
                     {"volumeName", "pv-1"},
                     {"resources", {{"requests", {{"storage", "1Gi"}}}}}};
  return {{.volume = "root", .claim = "web2-root"},
          {.volume = "data",
           .claim = "web2-data",
           .data_volume = true,
           .made_by_vm = template_from_snapshot(claim_from_snapshot(like, "vs-data", 2147483648))}};
}

std::string yaml(const Json& vm) { return render::objects(render::OutputFormat::yaml, {vm}); }

}  // namespace

TEST_CASE("vm copy: nothing of its identity is the source's, its disks are its own") {
  const std::string made = yaml(vm_copy(kCopy, source(), disks(), {}, kMarks));
  CHECK(testing::golden("golden/clone/vm_copy.yaml", made) == made);
  for (const char* shared : {"02:00:00", "u-1", "s-1", "web-root", "web-scratch", "running:", "lastRestore"})
    CHECK_MESSAGE(made.find(shared) == std::string::npos, shared);
}

TEST_CASE("vm copy: shaped") {
  const VmShape shape{.label_filters = {"*", "!app"},
                      .template_label_filters = {"nothing"},
                      .labels = {{"tier", "test"}},
                      .macs = {{"second", 0x0200'0000'00ff}},
                      .keep_macs = true,
                      .serial = "new-serial",
                      .hostname = "web2",
                      .cores = 4,
                      .memory = "2Gi"};
  const Json made = vm_copy(kCopy, source(), disks(), shape, kMarks);
  CHECK(fields(made, {"metadata", "labels"}).size() == 3);  // tier and the two marks
  CHECK(find(made, {"spec", "template", "metadata", "labels"}) == nullptr);
  const Json& pod = fields(made, {"spec", "template", "spec"});
  CHECK(text(pod, {"hostname"}) == "web2");
  CHECK(text(pod, {"domain", "firmware", "serial"}) == "new-serial");
  CHECK(fields(pod, {"domain", "cpu"}) == Json{{"cores", 4}, {"model", "host-model"}});
  CHECK(fields(pod, {"domain", "memory"}) == Json{{"guest", "2Gi"}});
  CHECK(fields(pod, {"domain", "resources", "requests"}).empty());
  const Json& interfaces = items(pod, {"domain", "devices", "interfaces"});
  CHECK(text(interfaces[0], {"macAddress"}) == "02:00:00:00:00:01");
  CHECK(text(interfaces[1], {"macAddress"}) == "02:00:00:00:00:ff");
}

TEST_CASE("vm copy: a source with nothing in it, or with nonsense, makes no crash") {
  for (const char* text :
       {"{}", R"({"spec": 1})", R"({"spec": {"template": {"spec": {"volumes": [1, {}], "domain": {"devices":
      {"disks": [null], "interfaces": [7, {}]}, "firmware": 3}}}}})"})
    CHECK_FALSE(vm_copy(kCopy, *parse_json(text), disks(), {.cores = 1, .memory = "1Gi"}, kMarks).empty());
}

TEST_CASE("vm copy: the revision of an instancetype is the source's own") {
  Json vm = source();
  vm["spec"]["instancetype"] = {{"name", "small"}, {"revisionName", "web-small-1"}};
  CHECK(fields(vm_copy(kCopy, vm, disks(), {}, kMarks), {"spec", "instancetype"}) == Json{{"name", "small"}});
}

TEST_CASE("vm copy: interfaces") {
  CHECK(interfaces_of(source()) == std::vector<std::string>{"default", "second"});
}
