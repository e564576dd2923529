#include "status/snapshot_status.h"

#include <doctest/doctest.h>

#include "support/recording.h"
#include "support/views.h"

namespace wukong {
namespace {

using namespace testing;
using std::chrono::seconds;
using State = Verdict::State;

/// Names of the VM's PVC and DataVolume volumes.
std::vector<std::string> disks_of(const Recording& recording, const std::string& vm) {
  std::vector<std::string> disks;
  const auto vms = appearances(recording, "virtualmachines");
  if (const auto it = vms.find(vm); it != vms.end())
    for (const Json& volume : items(*it->second.object, {"spec", "template", "spec", "volumes"}))
      if (find(volume, {"persistentVolumeClaim"}) != nullptr || find(volume, {"dataVolume"}) != nullptr)
        disks.emplace_back(text(volume, {"name"}));
  return disks;
}

Json snapshot(Json status) {
  return {{"metadata", {{"name", "s1"}, {"uid", "u1"}}}, {"status", std::move(status)}};
}

Verdict judged(const ShelfSet& shelves, std::vector<std::string> disks = {}, const Verdict& before = {},
               seconds waited = seconds(1)) {
  return status::snapshot_judge({.ns = "demo", .name = "s1", .disks = std::move(disks)})(shelves.view(),
                                                                                         before, waited);
}

}  // namespace

TEST_CASE("snapshot judge: recorded timelines, and no verdict against their ends") {
  for (const std::string& scenario : recorded_scenarios()) {
    const Recording recording = load_recording(scenario);
    std::string all;
    for (const auto& [name, seen] : appearances(recording, "virtualmachinesnapshots")) {
      if (name.starts_with("tmp-snapshot-")) continue;
      const std::string vm(text(*seen.object, {"spec", "source", "name"}));
      const status::SnapshotWait wait{.ns = std::string(text(*seen.object, {"metadata", "namespace"})),
                                      .name = name,
                                      .disks = disks_of(recording, vm)};
      const auto said =
          replay(recording, status::watches_snapshot(wait), status::snapshot_judge(wait), {.begin = seen.at});
      all += fmt::format("VirtualMachineSnapshot {} of {}\n{}\n", name, vm, describe(said));

      bool ever_ready = false;
      bool ever_failed = false;
      for (const RecordedEvent& event : recording.events) {
        if (event.resource != "virtualmachinesnapshots" || text(event.object, {"metadata", "name"}) != name)
          continue;
        ever_ready |= text(event.object, {"status", "phase"}) == "Succeeded" &&
                      flag(event.object, {"status", "readyToUse"});
        ever_failed |= text(event.object, {"status", "phase"}) == "Failed";
      }
      CAPTURE(scenario);
      CAPTURE(describe(said));
      CHECK((said.back().verdict.state == State::done) == ever_ready);
      if (ever_failed) CHECK(said.back().verdict.state == State::failed);
    }
    // In restore-* finished snapshots appear with their last state only.
    if (all.empty() || scenario.starts_with("restore-")) continue;
    CAPTURE(scenario);
    CHECK(golden("golden/status/snapshot/" + scenario + ".txt", all) == all);
  }
}

TEST_CASE("snapshot judge: Succeeded is not enough") {
  ShelfSet shelves({"virtualmachinesnapshots"});
  shelves.put("virtualmachinesnapshots", snapshot({{"phase", "Succeeded"}, {"readyToUse", false}}));
  CHECK(judged(shelves).state == State::working);
  shelves.put("virtualmachinesnapshots", snapshot({{"phase", "Succeeded"}, {"readyToUse", true}}));
  CHECK(judged(shelves).state == State::done);
}

TEST_CASE("snapshot judge: disks that were left out are told") {
  ShelfSet shelves({"virtualmachinesnapshots"});
  shelves.put("virtualmachinesnapshots",
              snapshot({{"phase", "Succeeded"},
                        {"readyToUse", true},
                        {"snapshotVolumes",
                         {{"includedVolumes", {"root"}}, {"excludedVolumes", {"data", "cloudinit"}}}}}));
  const Verdict verdict = judged(shelves, {"root", "data"});
  CHECK(verdict.message == "left out: data");
  CHECK(verdict.memory.at("left_out") == "data");
  CHECK(judged(shelves).message.empty());

  shelves.put("virtualmachinesnapshots", snapshot({{"phase", "Succeeded"}, {"readyToUse", true}}));
  const Verdict untold = judged(shelves, {"root", "data"});
  CHECK(untold.state == State::working);
  const Verdict end = judged(shelves, {"root", "data"}, untold, seconds(3));
  CHECK(end.state == State::done);
  CHECK(end.message.empty());
}

TEST_CASE("snapshot judge: an error is shown at once, and kept for the end that wipes it out") {
  ShelfSet shelves({"virtualmachinesnapshots"});
  shelves.put("virtualmachinesnapshots",
              snapshot({{"phase", "InProgress"},
                        {"error", {{"message", "pool is full"}}},
                        {"conditions", conditions({{"Progressing", "False", "In error state"}})}}));
  const Verdict trouble = judged(shelves);
  CHECK(trouble.state == State::working);
  CHECK(trouble.cause == "pool is full");
  shelves.put("virtualmachinesnapshots",
              snapshot({{"phase", "Failed"},
                        {"conditions", conditions({{"Progressing", "False", "Operation failed"},
                                                   {"Failure", "True", "snapshot deadline exceeded"}})}}));
  const Verdict end = judged(shelves, {}, trouble);
  CHECK(end.state == State::failed);
  CHECK(end.message == "VirtualMachineSnapshot demo/s1 failed: snapshot deadline exceeded; pool is full");
}

TEST_CASE("snapshot judge: indications in words") {
  CHECK(status::describe_indications({}).empty());
  CHECK(status::describe_indications({"GuestAgent", "Online"}) ==
        "taken from the running VM, its guest agent was asked to quiesce the filesystems");
  CHECK(status::describe_indications({"GuestAgent", "Online", "QuiesceTimeout"}) ==
        "taken from the running VM, quiescing its filesystems timed out: crash-consistent");
  CHECK(status::describe_indications({"NoGuestAgent", "Online"}) ==
        "taken from the running VM without guest agent: crash-consistent");
  CHECK(status::describe_indications({"Online", "Paused"}) == "taken from the paused VM: crash-consistent");
}

}  // namespace wukong
