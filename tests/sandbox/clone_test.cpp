// The clone controller and what it needs, compared with the recordings of real ones.
#include <doctest/doctest.h>

#include <set>

#include "sandbox.h"

using namespace wukong;
using namespace wukong::testing;

namespace {

/// Every phase that a watch would have seen, in order.
std::vector<std::string> phases(const Sandbox& box, std::string_view resource) {
  std::vector<std::string> seen;
  for (const auto& change : box.cluster.store().changes()) {
    if (change.kind->resource != resource || change.after == nullptr) continue;
    std::string phase(text(*change.after, {"status", "phase"}));
    if (seen.empty() || seen.back() != phase) seen.push_back(std::move(phase));
  }
  return seen;
}

std::vector<std::string> events_about(const Sandbox& box, std::string_view name) {
  std::vector<std::string> reasons;
  for (const auto& change : box.cluster.store().changes())
    if (change.kind->resource == "events" && change.after != nullptr &&
        text(*change.after, {"involvedObject", "name"}) == name)
      reasons.emplace_back(text(*change.after, {"reason"}));
  return reasons;
}

std::string data_of(Sandbox& box, const std::string& vm, std::size_t disk) {
  const Json target = box.get("virtualmachines", vm);
  const Json& volume = items(target, {"spec", "template", "spec", "volumes"}).at(disk);
  const Json claim = box.get("persistentvolumeclaims", text(volume, {"persistentVolumeClaim", "claimName"}));
  const Json pv = box.get("persistentvolumes", text(claim, {"spec", "volumeName"}), "");
  return std::string(text(pv, {"metadata", "annotations", "sandbox.wukong/content"}));
}

Json start_clone(Sandbox& box, const Json& body) { return box.ask(201, "POST", kDemoClones, body); }

}  // namespace

TEST_CASE("clone: phases, events, children and data") {
  Sandbox box;
  const std::string uid(text(start_clone(box, clone_body("c", "web", "web2")), {"metadata", "uid"}));
  box.settle();

  CHECK(phases(box, "virtualmachineclones") ==
        std::vector<std::string>{"", "SnapshotInProgress", "RestoreInProgress", "Succeeded"});
  CHECK(phases(box, "virtualmachinesnapshots") == std::vector<std::string>{"", "InProgress", "Succeeded"});
  CHECK(events_about(box, "c") == std::vector<std::string>{"SnapshotCreated", "SnapshotReady",
                                                           "RestoreCreated", "RestoreReady",
                                                           "TargetVMCreated", "PVCBound"});
  const Json clone = box.get("virtualmachineclones", "c");
  CHECK(find(clone, {"status", "snapshotName"}) == nullptr);
  CHECK(text(clone, {"status", "targetName"}) == "web2");
  for (const char* kind : {"virtualmachinesnapshots", "virtualmachinesnapshotcontents",
                           "virtualmachinerestores", "volumesnapshots", "volumesnapshotcontents"})
    CHECK_MESSAGE(box.cluster.list(kind).empty(), kind);

  const Json target = box.get("virtualmachines", "web2");
  CHECK(text(target, {"metadata", "annotations", "restore.kubevirt.io/lastRestoreUID"})
            .starts_with("tmp-restore-" + uid + "-"));
  CHECK(text(target, {"spec", "runStrategy"}) == "Halted");
  CHECK(text(target, {"spec", "template", "spec", "domain", "firmware", "uuid"}).size() == 36);
  CHECK(data_of(box, "web2", 0) == data_of(box, "web", 0));
  CHECK(data_of(box, "web2", 1) == data_of(box, "web", 1));
  CHECK(data_of(box, "web2", 0) != data_of(box, "web2", 1));
  CHECK(find(box.get("virtualmachines", "web"), {"status", "snapshotInProgress"}) == nullptr);

  box.ask(200, "DELETE", std::string(kDemoVms) + "/web2");
  box.settle();
  CHECK(box.get("virtualmachineclones", "c").is_null());
}

TEST_CASE("clone: MACs, serial and filters") {
  Sandbox box;
  Json body = clone_body("c", "web", "web2");
  body["spec"]["newMacAddresses"] = {{"default", "02-00-00-00-00-09"}};
  body["spec"]["newSMBiosSerial"] = "new-serial";
  body["spec"]["labelFilters"] = Json::array({"*", "!app"});
  start_clone(box, body);
  box.settle();
  const Json target = box.get("virtualmachines", "web2");
  const Json& domain = fields(target, {"spec", "template", "spec", "domain"});
  CHECK(domain["devices"]["interfaces"][0]["macAddress"] == "02-00-00-00-00-09");
  CHECK(text(domain, {"firmware", "serial"}) == "new-serial");
  CHECK(fields(target, {"metadata", "labels"}).empty());
}

TEST_CASE("clone: a colon MAC passes the clone's webhook and hangs at the restore's") {
  Sandbox box;
  Json body = clone_body("c", "web", "web2");
  body["spec"]["newMacAddresses"] = {{"default", "02:00:00:00:00:09"}};
  start_clone(box, body);
  box.settle();
  CHECK(text(box.get("virtualmachineclones", "c"), {"status", "phase"}) == "RestoreInProgress");
  const auto reasons = events_about(box, "c");
  CHECK(std::set(reasons.begin(), reasons.end()).contains("RestoreCreationFailed"));
}

TEST_CASE("clone: onto a VM that exists it waits, and goes on when that is gone") {
  Sandbox box;
  start_clone(box, clone_body("c", "web", "mail"));
  box.settle();
  CHECK(text(box.get("virtualmachineclones", "c"), {"status", "phase"}) == "RestoreInProgress");
  const auto restores = box.cluster.list("virtualmachinerestores");
  REQUIRE(restores.size() == 1);
  CHECK(text(*condition(*restores[0], "Ready"), {"reason"}) ==
        "restore source and restore target are different but restore target already exists");
  box.ask(200, "DELETE", std::string(kDemoVms) + "/mail");
  box.settle();
  CHECK(text(box.get("virtualmachineclones", "c"), {"status", "phase"}) == "Succeeded");
}

TEST_CASE("clone: WaitForFirstConsumer binds when the target starts, and tidies up only then") {
  Sandbox box("wffc");
  start_clone(box, clone_body("c", "web", "web2"));
  box.settle();
  Json clone = box.get("virtualmachineclones", "c");
  CHECK(text(clone, {"status", "phase"}) == "Succeeded");
  CHECK_FALSE(text(clone, {"status", "restoreName"}).empty());
  CHECK(box.cluster.list("virtualmachinesnapshots").size() == 1);
  box.ask(200, "PATCH", std::string(kDemoVms) + "/web2", {{"spec", {{"runStrategy", "Always"}}}},
          "application/merge-patch+json");
  box.settle();
  CHECK(text(box.get("virtualmachines", "web2"), {"status", "printableStatus"}) == "Running");
  CHECK(data_of(box, "web2", 1) == data_of(box, "web", 1));
  CHECK(box.cluster.list("virtualmachinesnapshots").empty());
  clone = box.get("virtualmachineclones", "c");
  CHECK(find(clone, {"status", "restoreName"}) == nullptr);
}

TEST_CASE("clone: without a VolumeSnapshotClass it stays without a phase") {
  Sandbox box("nosnap");
  start_clone(box, clone_body("c", "web", "web2"));
  box.settle();
  const Json clone = box.get("virtualmachineclones", "c");
  CHECK(find(clone, {"status", "phase"}) == nullptr);
  CHECK(text(*condition(clone, "Ready"), {"reason"}) ==
        "Virtual Machine volume root does not support snapshots");
}

TEST_CASE("clone: failing snapshots are silent, until their deadline and after it") {
  Sandbox box;
  box.ask(200, "PATCH", "/apis/snapshot.storage.k8s.io/v1/volumesnapshotclasses/fast-snapshots",
          {{"parameters", {{"fail", "pool is full"}}}}, "application/merge-patch+json");
  start_clone(box, clone_body("c", "web", "web2"));
  box.settle(std::chrono::seconds(30));
  const auto snapshots = box.cluster.list("virtualmachinesnapshots");
  REQUIRE(snapshots.size() == 1);
  CHECK(text(*snapshots[0], {"status", "error", "message"})
            .ends_with("\"rpc error: code = Internal desc = pool is full\""));
  CHECK(text(box.get("virtualmachines", "web"), {"status", "snapshotInProgress"}) ==
        text(*snapshots[0], {"metadata", "name"}));
  CHECK(text(box.ask(422, "PATCH", std::string(kDemoVms) + "/web", {{"spec", {{"runStrategy", "Always"}}}},
                     "application/merge-patch+json"),
             {"message"})
            .find("Cannot update vm running state until snapshot") != std::string::npos);
  box.settle(std::chrono::minutes(6));
  CHECK(text(*box.cluster.list("virtualmachinesnapshots")[0], {"status", "phase"}) == "Failed");
  CHECK(text(box.get("virtualmachineclones", "c"), {"status", "phase"}) == "SnapshotInProgress");
  CHECK(find(box.get("virtualmachines", "web"), {"status", "snapshotInProgress"}) == nullptr);
}

TEST_CASE("clone: a quota on claims is told by the temporary restore only, and can be raised") {
  Sandbox box;
  const Json quota = {{"kind", "ResourceQuota"},
                      {"metadata", {{"name", "q"}}},
                      {"spec", {{"hard", {{"persistentvolumeclaims", "6"}}}}}};
  box.ask(201, "POST", "/api/v1/namespaces/demo/resourcequotas", quota);
  start_clone(box, clone_body("c", "web", "web2"));
  box.settle();
  const std::string why(
      text(*condition(*box.cluster.list("virtualmachinerestores").at(0), "Ready"), {"reason"}));
  CHECK(why.find("is forbidden: exceeded quota: q, requested: persistentvolumeclaims=1, used: "
                 "persistentvolumeclaims=6, limited: "
                 "persistentvolumeclaims=6") != std::string::npos);
  CHECK(box.get("resourcequotas", "q")["status"]["used"] == Json{{"persistentvolumeclaims", "6"}});
  box.ask(200, "DELETE", "/api/v1/namespaces/demo/resourcequotas/q");
  box.settle();
  CHECK(text(box.get("virtualmachineclones", "c"), {"status", "phase"}) == "Succeeded");
}

TEST_CASE("clone: a quota on snapshots is told by nobody, and can be lifted") {
  Sandbox box;
  const Json quota = {{"kind", "ResourceQuota"},
                      {"metadata", {{"name", "q"}}},
                      {"spec", {{"hard", {{"count/virtualmachinesnapshots.snapshot.kubevirt.io", "0"}}}}}};
  box.ask(201, "POST", "/api/v1/namespaces/demo/resourcequotas", quota);
  start_clone(box, clone_body("c", "web", "web2"));
  box.settle(std::chrono::seconds(30));
  const Json clone = box.get("virtualmachineclones", "c");
  CHECK(text(clone, {"status", "phase"}) == "SnapshotInProgress");
  CHECK(text(*condition(clone, "Ready"), {"reason"}) == "Still processing");
  CHECK(find(clone, {"status", "snapshotName"}) == nullptr);
  CHECK(events_about(box, "c").empty());
  box.ask(200, "DELETE", "/api/v1/namespaces/demo/resourcequotas/q");
  box.settle();
  CHECK(text(box.get("virtualmachineclones", "c"), {"status", "phase"}) == "Succeeded");
}

TEST_CASE("clone: two of one VM take turns") {
  Sandbox box;
  start_clone(box, clone_body("c1", "web", "web2"));
  start_clone(box, clone_body("c2", "web", "web3"));
  box.settle();
  for (const char* name : {"c1", "c2"})
    CHECK(text(box.get("virtualmachineclones", name), {"status", "phase"}) == "Succeeded");
}

TEST_CASE("restore: into the VM itself, from a snapshot that stays") {
  Sandbox box;
  const Json snapshot = {
      {"kind", "VirtualMachineSnapshot"},
      {"metadata", {{"name", "s1"}}},
      {"spec", {{"source", {{"apiGroup", "kubevirt.io"}, {"kind", "VirtualMachine"}, {"name", "web"}}}}}};
  box.ask(201, "POST", "/apis/snapshot.kubevirt.io/v1beta1/namespaces/demo/virtualmachinesnapshots",
          snapshot);
  box.settle();
  CHECK(box.get("virtualmachinesnapshots", "s1")["status"]["snapshotVolumes"] ==
        Json{{"includedVolumes", Json::array({"root", "data"})},
             {"excludedVolumes", Json::array({"cloudinit"})}});
  const Json restore = {
      {"kind", "VirtualMachineRestore"},
      {"metadata", {{"name", "r1"}}},
      {"spec",
       {{"target", {{"apiGroup", "kubevirt.io"}, {"kind", "VirtualMachine"}, {"name", "web"}}},
        {"virtualMachineSnapshotName", "s1"}}}};
  box.ask(201, "POST", "/apis/snapshot.kubevirt.io/v1beta1/namespaces/demo/virtualmachinerestores", restore);
  box.settle();
  CHECK(box.get("virtualmachinerestores", "r1")["status"]["complete"] == true);
  const Json vm = box.get("virtualmachines", "web");
  CHECK(text(vm["spec"]["template"]["spec"]["volumes"][0], {"persistentVolumeClaim", "claimName"})
            .starts_with("restore-"));
  CHECK(find(vm, {"status", "restoreInProgress"}) == nullptr);
  CHECK_FALSE(box.get("persistentvolumeclaims", "web-root").is_null());
}
