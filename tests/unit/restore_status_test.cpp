#include "status/restore_status.h"

#include <doctest/doctest.h>

#include "support/recording.h"
#include "support/status_truth.h"
#include "support/views.h"

namespace wukong {
namespace {

using namespace testing;
using std::chrono::milliseconds;
using std::chrono::seconds;
using State = Verdict::State;

struct RecordedRestore {
  status::RestoreWait wait{};
  std::string uid{};
  milliseconds at{};
};

/// All restores but the temporary ones of clones.
std::vector<RecordedRestore> restores_in(const Recording& recording) {
  std::vector<RecordedRestore> restores;
  const auto snapshots = appearances(recording, "virtualmachinesnapshots");
  for (const auto& [name, seen] : appearances(recording, "virtualmachinerestores")) {
    if (name.starts_with("tmp-restore-")) continue;
    const Json& restore = *seen.object;
    const auto snapshot = snapshots.find(std::string(text(restore, {"spec", "virtualMachineSnapshotName"})));
    restores.push_back(
        {.wait = {.ns = std::string(text(restore, {"metadata", "namespace"})),
                  .name = name,
                  .target = std::string(text(restore, {"spec", "target", "name"})),
                  .source_vm = snapshot == snapshots.end()
                                   ? ""
                                   : std::string(text(*snapshot->second.object, {"spec", "source", "name"}))},
         .uid = std::string(text(restore, {"metadata", "uid"})),
         .at = seen.at});
  }
  return restores;
}

std::vector<Said> replay_restore(const Recording& recording, const RecordedRestore& restore,
                                 const ReplayOptions& options) {
  return replay(recording, status::watches_restore(restore.wait), status::restore_judge(restore.wait),
                options);
}

/// What the restore's own claims look like in the raw data.
Data claims_in(const World& world, const RecordedRestore& restore) {
  const Json* object = in_world(world, "virtualmachinerestores", restore.wait.name);
  if (object == nullptr || text(*object, {"metadata", "uid"}) != restore.uid ||
      !flag(*object, {"status", "complete"}))
    return Data::none;
  Data data = Data::there;
  for (const Json& each : items(*object, {"status", "restores"})) {
    const Json* claim =
        in_world(world, "persistentvolumeclaims", std::string(text(each, {"persistentVolumeClaim"})));
    if (claim == nullptr || text(*claim, {"metadata", "annotations", "restore.kubevirt.io/lastRestoreUID"}) !=
                                restore.wait.name + "-" + restore.uid)
      return Data::foreign;
    if (text(*claim, {"status", "phase"}) != "Bound") data = Data::unbound;
  }
  return data;
}

bool ever_there(const Recording& recording, const RecordedRestore& restore, milliseconds from) {
  World world = world_at(recording, from);
  if (claims_in(world, restore) == Data::there) return true;
  for (const RecordedEvent& event : recording.events) {
    if (event.at <= from) continue;
    apply(world, event);
    if (claims_in(world, restore) == Data::there) return true;
  }
  return false;
}

constexpr const char* kUid = "beef0000-0000-4000-8000-000000000002";
const std::string kMark = std::string("r1-") + kUid;

Json restore_object(bool complete, const std::string& progressing, const std::string& why,
                    std::vector<std::string> claims) {
  Json restores = Json::array();
  for (const std::string& name : claims)
    restores.push_back({{"volumeName", name}, {"persistentVolumeClaim", name}});
  return {{"metadata", {{"name", "r1"}, {"uid", kUid}}},
          {"spec", {{"virtualMachineSnapshotName", "s1"}}},
          {"status",
           {{"complete", complete},
            {"restores", restores},
            {"conditions", conditions({{"Progressing", progressing, why}})}}}};
}
Json claim(const std::string& name, const std::string& phase, const std::string& mark = kMark) {
  return {{"metadata", {{"name", name}, {"annotations", {{"restore.kubevirt.io/lastRestoreUID", mark}}}}},
          {"status", {{"phase", phase}}}};
}
Json vm(const std::string& name, std::vector<std::string> claims) {
  Json volumes = Json::array();
  for (const std::string& each : claims)
    volumes.push_back({{"name", each}, {"persistentVolumeClaim", {{"claimName", each}}}});
  return {{"metadata", {{"name", name}, {"annotations", {{"restore.kubevirt.io/lastRestoreUID", kMark}}}}},
          {"spec", {{"template", {{"spec", {{"volumes", volumes}}}}}}}};
}
ShelfSet restore_shelves() {
  return ShelfSet({"virtualmachinerestores", "virtualmachines", "persistentvolumeclaims", "events"});
}
Verdict judged(const ShelfSet& shelves, const std::string& target, const Verdict& before = {},
               seconds waited = seconds(1)) {
  return status::restore_judge({.ns = "demo", .name = "r1", .target = target, .source_vm = "web"})(
      shelves.view(), before, waited);
}

}  // namespace

TEST_CASE("restore judge: recorded timelines") {
  for (const std::string& scenario : recorded_scenarios()) {
    const Recording recording = load_recording(scenario);
    std::string text;
    for (const RecordedRestore& restore : restores_in(recording))
      text += fmt::format("VirtualMachineRestore {} -> {}\n{}\n", restore.wait.name, restore.wait.target,
                          describe(replay_restore(recording, restore, {.begin = restore.at})));
    if (text.empty()) continue;
    CAPTURE(scenario);
    CHECK(golden("golden/status/restore/" + scenario + ".txt", text) == text);
  }
}

TEST_CASE("restore judge: no final verdict against the data, in any order of the streams") {
  for (const std::string& scenario : recorded_scenarios()) {
    const Recording recording = load_recording(scenario);
    if (!recording.resources.contains("persistentvolumeclaims")) continue;
    for (const RecordedRestore& restore : restores_in(recording)) {
      std::vector<ReplayOptions> variants{{.begin = restore.at}};
      for (const Watched& watched : status::watches_restore(restore.wait))
        variants.push_back({.begin = restore.at, .delay = {{watched.gvr.resource, milliseconds(900)}}});
      for (const ReplayOptions& options : variants) {
        const auto said = replay_restore(recording, restore, options);
        REQUIRE_FALSE(said.empty());
        CAPTURE(scenario);
        CAPTURE(restore.wait.name);
        CAPTURE(describe(said));
        const Verdict& end = said.back().verdict;
        if (end.state == State::failed)
          CHECK_FALSE(ever_there(recording, restore, options.begin + said.back().at));
        if (end.state == State::working) CHECK_FALSE(ever_there(recording, restore, options.begin));
        if (end.state != State::done || !options.delay.empty()) continue;
        const Data data = claims_in(world_at(recording, options.begin + said.back().at), restore);
        const bool told = end.message.find("first consumer") != std::string::npos;
        CHECK((data == Data::there || (data == Data::unbound && told)));
        CHECK(told == end.memory.contains("unbound"));
      }
    }
  }
}

TEST_CASE("restore judge: complete comes before any data on WaitForFirstConsumer") {
  ShelfSet shelves = restore_shelves();
  shelves.put("virtualmachinerestores", restore_object(true, "False", "Operation complete", {"a", "b"}));
  shelves.put("virtualmachines", vm("web", {"a", "b"}));
  shelves.put("persistentvolumeclaims", claim("a", "Bound"));
  shelves.put("persistentvolumeclaims", claim("b", "Pending"));
  const Verdict first = judged(shelves, "web");
  CHECK(first.state == State::working);
  const Verdict verdict = judged(shelves, "web", first, seconds(3));
  CHECK(verdict.state == State::done);
  CHECK(verdict.message ==
        "1 of 2 disks waits for its first consumer: its data is copied when web starts for the first time; "
        "until then "
        "the VirtualMachineSnapshot s1 must stay");
  CHECK(verdict.memory.at("unbound") == "b");
}

TEST_CASE("restore judge: a claim that was there before, or is being replaced") {
  ShelfSet shelves = restore_shelves();
  shelves.put("virtualmachinerestores", restore_object(true, "False", "Operation complete", {"a"}));
  shelves.put("virtualmachines", vm("web", {"a"}));
  shelves.put("persistentvolumeclaims", claim("a", "Bound", "r0-0000"));
  const Verdict first = judged(shelves, "web");
  CHECK(first.state == State::working);
  SUBCASE("there before") {
    CHECK(judged(shelves, "web", first, seconds(7)).message ==
          "VirtualMachineRestore demo/r1 reports success, but claim a was there before: nothing was restored "
          "into it");
  }
  SUBCASE("replaced: the claims' stream was behind") {
    shelves.put("persistentvolumeclaims", claim("a", "Bound"));
    CHECK(judged(shelves, "web", first, seconds(2)).state == State::done);
  }
}

TEST_CASE("restore judge: disks that were not in the snapshot are told") {
  ShelfSet shelves = restore_shelves();
  shelves.put("virtualmachinerestores", restore_object(true, "False", "Operation complete", {"a"}));
  shelves.put("persistentvolumeclaims", claim("a", "Bound"));
  shelves.put("virtualmachines", vm("web", {"a", "data"}));
  shelves.put("virtualmachines", vm("web2", {"a", "data"}));
  CHECK(judged(shelves, "web").message == "claim data was not in the snapshot and keeps the present data");
  CHECK(judged(shelves, "web2").message ==
        "claim data was not in the snapshot: web2 uses the very claim of web");
  CHECK(judged(shelves, "web").memory.at("unrestored") == "data");
  // A clone must not write its source's disk.
  const status::RestoreWait own{
      .ns = "demo", .name = "r1", .target = "web2", .source_vm = "web", .all_disks_own = true};
  CHECK(status::restore_judge(own)(shelves.view(), {}, seconds(1)).state == Verdict::State::failed);
}

TEST_CASE("restore judge: claims may not be read") {
  ShelfSet shelves = restore_shelves();
  shelves.close("persistentvolumeclaims");
  shelves.close("events");
  shelves.put("virtualmachinerestores", restore_object(true, "False", "Operation complete", {"a"}));
  shelves.put("virtualmachines", vm("web", {"a"}));
  const Verdict verdict = judged(shelves, "web");
  CHECK(verdict.state == State::done);
  CHECK(verdict.message ==
        "could not check that its claims are bound (they may not be read): until web has been started once, "
        "the "
        "VirtualMachineSnapshot s1 must stay");
  CHECK(verdict.memory.at("unbound") == "a");
}

TEST_CASE("restore judge: a VM that must be stopped, and errors that are retried, are no failures") {
  ShelfSet shelves = restore_shelves();
  const std::string wait =
      "Waiting for target VM to be powered off. Please stop the restore target to proceed with restore";
  shelves.put("virtualmachinerestores", restore_object(false, "False", wait, {}));
  Verdict verdict = judged(shelves, "web", {}, seconds(999));
  CHECK(verdict.state == State::working);
  CHECK(verdict.detail == "VM web must be stopped");
  CHECK(verdict.cause == wait);

  shelves.put("virtualmachinerestores", restore_object(false, "False", "VMSnapshot demo/s not ready", {}));
  verdict = judged(shelves, "web", {}, seconds(999));
  CHECK(verdict.state == State::working);
  CHECK(verdict.cause == "VMSnapshot demo/s not ready");
}

TEST_CASE("restore judge: provisioning that fails is told by the claim's events only") {
  ShelfSet shelves = restore_shelves();
  shelves.put("virtualmachinerestores", restore_object(false, "True", "Creating new PVCs", {"a"}));
  shelves.put("persistentvolumeclaims", claim("a", "Pending"));
  shelves.put("events", event("PersistentVolumeClaim", "a", "Warning", "ProvisioningFailed", "pool is full"));
  CHECK(judged(shelves, "web").cause == "pool is full");
  shelves.put("persistentvolumeclaims", claim("a", "Bound"));
  CHECK(judged(shelves, "web").cause.empty());
}

TEST_CASE("restore judge: afterwards, disks that the VM has got and lost since are its own affair") {
  ShelfSet shelves = restore_shelves();
  shelves.put("virtualmachinerestores", restore_object(true, "False", "Operation complete", {"a", "b"}));
  shelves.put("persistentvolumeclaims", claim("a", "Bound"));
  shelves.put("virtualmachines", vm("web2", {"a", "data"}));
  status::RestoreWait wait{
      .ns = "demo", .name = "r1", .target = "web2", .source_vm = "web", .all_disks_own = true};
  CHECK(status::restore_judge(wait)(shelves.view(), {}, seconds(1)).state == State::failed);
  wait.afterwards = true;
  const Verdict verdict = status::restore_judge(wait)(shelves.view(), {}, seconds(1));
  CHECK(verdict.state == State::done);
  CHECK(verdict.message == "web2 also uses claim that its restore did not make: data");
}

}  // namespace wukong
