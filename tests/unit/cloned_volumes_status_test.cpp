#include "status/cloned_volumes_status.h"

#include <doctest/doctest.h>

#include "support/recording.h"
#include "support/views.h"

namespace wukong {
namespace {

using namespace testing;
using std::chrono::seconds;
using State = Verdict::State;

status::DataVolumesWait wait_for(std::vector<std::string> names, bool consumer = false) {
  return {.ns = "demo", .names = std::move(names), .consumer_expected = consumer};
}

ShelfSet shelves_of() {
  return ShelfSet({"datavolumes", "persistentvolumeclaims", "storageclasses", "volumesnapshots", "events"});
}

Json volume(const std::string& name, const std::string& phase, Json more = Json::object()) {
  Json made = {{"metadata", {{"name", name}, {"uid", "u-" + name}}},
               {"spec", {{"source", {{"pvc", {{"name", "src"}}}}}}},
               {"status", {{"phase", phase}}}};
  made["status"].update(more);
  return made;
}

Json claim(const std::string& name, const std::string& phase, const std::string& type = "") {
  Json made = {{"metadata", {{"name", name}}},
               {"spec", {{"storageClassName", "fast"}}},
               {"status", {{"phase", phase}}}};
  if (!type.empty()) made["metadata"]["annotations"]["cdi.kubevirt.io/cloneType"] = type;
  return made;
}

Json condition(const std::string& type, const std::string& status, const std::string& reason,
               const std::string& message) {
  return {{"type", type}, {"status", status}, {"reason", reason}, {"message", message}};
}

Verdict judged(const ShelfSet& shelves, const status::DataVolumesWait& wait, const Verdict& before = {},
               seconds waited = seconds(1)) {
  return status::data_volumes_judge(wait)(shelves.view(), before, waited);
}

Json dated(Json event, const char* version) {
  event["metadata"]["resourceVersion"] = version;
  return event;
}

/// What the last object of a recording says, told without a judge.
struct End {
  bool succeeded{};  // in some moment, over a claim that was bound (or that was not recorded)
  bool failed{};
};
End end_of(const Recording& recording) {
  End end;
  bool bound = !recording.resources.contains("persistentvolumeclaims");
  for (const RecordedEvent& event : recording.events) {
    if (event.resource == "persistentvolumeclaims")
      bound = event.type != "DELETED" && text(event.object, {"status", "phase"}) == "Bound";
    if (event.resource != "datavolumes") continue;
    end.succeeded |= bound && text(event.object, {"status", "phase"}) == "Succeeded";
    end.failed |= text(event.object, {"status", "phase"}) == "Failed";
  }
  return end;
}

}  // namespace

TEST_CASE("data volume judge: recorded timelines, and no verdict against their ends") {
  for (const std::string& scenario : recorded_scenarios("cdi-")) {
    const Recording recording = load_recording(scenario);
    CAPTURE(scenario);
    const End end = end_of(recording);
    std::string all;
    for (const bool consumer : {true, false}) {
      const status::DataVolumesWait wait = wait_for({"d1"}, consumer);
      const auto said =
          replay(recording, status::watches_data_volumes(wait), status::data_volumes_judge(wait), {});
      CAPTURE(describe(said));
      const Verdict& last = said.back().verdict;
      if (consumer) CHECK((last.state == State::done) == end.succeeded);
      CHECK((last.state == State::failed) == (end.failed && !end.succeeded));
      const std::string told = describe(said);
      if (consumer)
        all = told;
      else if (told != all)
        all += "no consumer expected\n" + told;
    }
    CHECK(golden("golden/status/data_volume/" + scenario + ".txt", all) == all);
  }
}

TEST_CASE("data volume judge: done when all have succeeded, and says how they were filled") {
  ShelfSet shelves = shelves_of();
  const auto wait = wait_for({"web2-root", "web2-data"});
  CHECK(judged(shelves, wait).stage == "Starting");
  shelves.put("datavolumes", volume("web2-root", "Succeeded"));
  shelves.put("persistentvolumeclaims", claim("web2-root", "Bound", "snapshot"));
  shelves.put("datavolumes", volume("web2-data", "CloneInProgress", {{"progress", "50.00%"}}));
  shelves.put("persistentvolumeclaims", claim("web2-data", "Pending", "copy"));
  const Verdict half = judged(shelves, wait);
  CHECK(half.stage == "Copying");
  CHECK(half.detail == "1 of 2 disks filled");
  CHECK(half.fraction == 0.75);
  shelves.put("datavolumes", volume("web2-data", "Succeeded"));
  shelves.put("persistentvolumeclaims", claim("web2-data", "Bound", "copy"));
  const Verdict verdict = judged(shelves, wait);
  CHECK(verdict.state == State::done);
  const auto fills = status::fills(verdict);
  REQUIRE(fills.size() == 2);
  CHECK(fills[0].name == "web2-root");
  CHECK(fills[0].type == "snapshot");
  CHECK(fills[1].type == "copy");
}

TEST_CASE("data volume judge: Succeeded over a claim that is not bound is no success") {
  ShelfSet shelves = shelves_of();
  const auto wait = wait_for({"d"});
  Json made = volume("d", "Succeeded");
  made["spec"].erase("source");  // its claim has a source of its own
  shelves.put("datavolumes", made);
  CHECK(judged(shelves, wait).state == State::working);
  shelves.put("persistentvolumeclaims", claim("d", "Pending"));
  shelves.put("events", event("PersistentVolumeClaim", "d", "Warning", "ProvisioningFailed",
                              "volumesnapshots \"s\" not found"));
  CHECK(judged(shelves, wait).state == State::working);
  CHECK(judged(shelves, wait).cause == "volumesnapshots \"s\" not found");

  SUBCASE("claims may not be read: a source that CDI fills proves it, another one does not") {
    shelves.close("persistentvolumeclaims");
    CHECK(judged(shelves, wait).state == State::working);
    shelves.put("datavolumes", volume("d", "Succeeded"));
    CHECK(judged(shelves, wait).state == State::done);
  }
}

TEST_CASE("data volume judge: the first consumer") {
  ShelfSet shelves = shelves_of();
  shelves.put("datavolumes", volume("d", "PendingPopulation"));
  shelves.put("persistentvolumeclaims", claim("d", "Pending"));
  status::DataVolumesWait wait = wait_for({"d"});
  wait.vm = "web2";
  wait.until_then = "keep web";
  const Verdict verdict = judged(shelves, wait);
  CHECK(verdict.state == State::done);
  CHECK(verdict.memory.at("unbound") == "d");
  CHECK(verdict.message == "1 of 1 disk is filled when web2 starts for the first time; keep web");
  wait.consumer_expected = true;
  CHECK(judged(shelves, wait).state == State::working);
}

TEST_CASE(
    "data volume judge: while all wait for a VM that cannot start, what keeps that from it is the cause") {
  ShelfSet shelves({"datavolumes", "persistentvolumeclaims", "storageclasses", "events", "virtualmachines"});
  shelves.put("datavolumes", volume("d", "PendingPopulation"));
  shelves.put("persistentvolumeclaims", claim("d", "Pending"));
  shelves.put("virtualmachines",
              {{"metadata", {{"name", "web2"}}},
               {"status",
                {{"printableStatus", "ErrorUnschedulable"},
                 {"conditions", {condition("PodScheduled", "False", "Unschedulable", "0/1 nodes")}}}}});
  status::DataVolumesWait wait = wait_for({"d"}, true);
  wait.vm = "web2";
  CHECK(judged(shelves, wait).cause == "ErrorUnschedulable: 0/1 nodes");
  shelves.put("datavolumes", volume("d", "CloneInProgress"));  // somebody works on it
  CHECK(judged(shelves, wait).cause.empty());
}

TEST_CASE("data volume judge: causes, from conditions and events, until the work moves") {
  ShelfSet shelves = shelves_of();
  const auto wait = wait_for({"d"});
  SUBCASE("a quota, of the claim") {
    shelves.put(
        "datavolumes",
        volume("d", "Pending",
               {{"conditions", {condition("Bound", "False", "ErrExceededQuota", "exceeded quota: q")}}}));
    CHECK(judged(shelves, wait).cause == "exceeded quota: q");
  }
  SUBCASE("a source that is gone") {
    shelves.put(
        "datavolumes",
        volume("d", "",
               {{"conditions",
                 {condition("Bound", "False", "CloneWithoutSource", "The source pvc x doesn't exist")}}}));
    CHECK(judged(shelves, wait).cause == "The source pvc x doesn't exist");
  }
  SUBCASE("a source in use looks busy; the event is history once the clone moves") {
    shelves.put(
        "datavolumes",
        volume("d", "CloneInProgress",
               {{"progress", "N/A"}, {"conditions", {condition("Running", "True", "Pod is running", "")}}}));
    shelves.put("events", dated(event("PersistentVolumeClaim", "d", "Warning", "CloneSourceInUse",
                                      "pod demo/p using PersistentVolumeClaim src"),
                                "7"));
    const Verdict first = judged(shelves, wait);
    CHECK(first.cause == "pod demo/p using PersistentVolumeClaim src");
    shelves.put("datavolumes", volume("d", "CloneInProgress", {{"progress", "5.00%"}}));
    const Verdict moved = judged(shelves, wait, first, seconds(3));
    CHECK(moved.cause.empty());
    CHECK(judged(shelves, wait, moved, seconds(4)).cause.empty());
  }
  SUBCASE("an event that comes before the phase that it is about") {
    shelves.put("datavolumes", volume("d", "SnapshotForSmartCloneInProgress"));
    shelves.put("events",
                dated(event("PersistentVolumeClaim", "d", "Warning", "ProvisioningFailed", "no space"), "7"));
    const Verdict first = judged(shelves, wait);
    shelves.put("datavolumes", volume("d", "CloneFromSnapshotSourceInProgress"));
    const Verdict soon = judged(shelves, wait, first, seconds(2));
    CHECK(soon.cause == "no space");
    const Verdict later = judged(shelves, wait, soon, seconds(60));
    CHECK(later.cause == "no space");
    shelves.put("datavolumes", volume("d", "PrepClaimInProgress"));
    CHECK(judged(shelves, wait, later, seconds(61)).cause.empty());
  }
  SUBCASE("events of CDI's own claim, before it repeats them; an error of its snapshot") {
    Json mine = claim("d", "Pending");
    mine["metadata"]["uid"] = "u7";
    shelves.put("persistentvolumeclaims", mine);
    shelves.put("datavolumes", volume("d", "SnapshotForSmartCloneInProgress"));
    shelves.put("volumesnapshots", {{"metadata", {{"name", "tmp-snapshot-u7"}}},
                                    {"status", {{"error", {{"message", "pool is full"}}}}}});
    CHECK(judged(shelves, wait).cause == "pool is full");
    shelves.put("events",
                event("PersistentVolumeClaim", "tmp-pvc-u7", "Warning", "ProvisioningFailed", "no space"));
    CHECK(judged(shelves, wait).cause == "no space");
  }
  SUBCASE("two controllers that write at once are no trouble") {
    shelves.put("datavolumes", volume("d", "Pending"));
    shelves.put("events", event("PersistentVolumeClaim", "d", "Warning", "ErrSavingClaim",
                                "Error saving claim: the object has been modified; please apply"));
    CHECK(judged(shelves, wait).cause.empty());
  }
  SUBCASE("why CDI copies is no trouble") {
    shelves.put("datavolumes", volume("d", "CloneInProgress"));
    shelves.put("events",
                event("PersistentVolumeClaim", "d", "Warning", "NoVolumeSnapshotClass", "no class"));
    CHECK(judged(shelves, wait).cause.empty());
  }
  SUBCASE("pods that crash, of which nothing tells but a count") {
    shelves.put("datavolumes", volume("d", "CloneInProgress", {{"restartCount", 3}}));
    CHECK(judged(shelves, wait).cause == "the pod that fills d was restarted 3 times");
  }
  SUBCASE("a template that was refused") {
    status::DataVolumesWait of_vm = wait;
    of_vm.vm = "web2";
    shelves.put("events", event("VirtualMachine", "web2", "Warning", "FailedDataVolumeCreate", "denied"));
    CHECK(judged(shelves, of_vm).cause == "denied");
  }
}

TEST_CASE("data volume judge: failed, deleted, lost") {
  ShelfSet shelves = shelves_of();
  const auto wait = wait_for({"d"});
  shelves.put("datavolumes",
              volume("d", "Failed", {{"conditions", {condition("Running", "False", "Error", "no luck")}}}));
  CHECK(judged(shelves, wait).message == "DataVolume demo/d has failed: no luck");
  shelves.put("datavolumes", volume("d", "CloneInProgress"));
  const Verdict there = judged(shelves, wait);
  shelves.remove("datavolumes", "d");
  const Verdict gone = judged(shelves, wait, there, seconds(2));
  CHECK(gone.state == State::working);
  CHECK(judged(shelves, wait, gone, seconds(8)).message ==
        "DataVolume demo/d was deleted before it was filled");

  shelves.put("datavolumes", volume("d", "CloneInProgress"));
  shelves.put("persistentvolumeclaims", claim("d", "Lost"));
  const Verdict lost = judged(shelves, wait);
  CHECK(lost.state == State::working);
  CHECK(judged(shelves, wait, lost, seconds(9)).state == State::failed);
}

namespace {

/// A clone of VM web, whose disks are copied while it shall be off, told moment by moment.
struct Copying {
  ShelfSet shelves{
      {"datavolumes", "persistentvolumeclaims", "storageclasses", "events", "virtualmachineinstances"}};
  status::DataVolumesWait wait{};
  Verdict last{};
  int second{};

  explicit Copying(std::vector<std::string> names) : wait(wait_for(std::move(names))) {
    wait.source = {.ns = "demo", .vm = "web"};
  }
  void disk(const std::string& name, const std::string& phase, const std::string& progress = "N/A",
            const std::string& of_claim = "Pending") {
    shelves.put("datavolumes", volume(name, phase, {{"progress", progress}}));
    Json made = claim(name, of_claim);
    made["metadata"]["annotations"]["cdi.kubevirt.io/storage.usePopulator"] = "true";
    shelves.put("persistentvolumeclaims", made);
  }
  void source(const std::string& phase) {
    if (phase.empty()) return shelves.remove("virtualmachineinstances", "web");
    shelves.put("virtualmachineinstances", {{"metadata", {{"name", "web"}}}, {"status", {{"phase", phase}}}});
  }
  void told_in_use(const std::string& name, const char* version) {
    shelves.put("events", dated(event("PersistentVolumeClaim", name, "Warning", "CloneSourceInUse", "in use"),
                                version));
  }
  State after(int more) {
    second += more;
    last = judged(shelves, wait, last, seconds(second));
    return last.state;
  }
};

}  // namespace

TEST_CASE("data volume judge: a source that is started while it is read") {
  Copying copy({"d"});
  copy.disk("d", "CloneInProgress");
  REQUIRE(copy.after(0) == State::working);
  SUBCASE("it moves") {
    copy.source("Running");
    copy.disk("d", "CloneInProgress", "12.00%");
    REQUIRE(copy.after(1) == State::failed);
    CHECK(copy.last.message ==
          "VM demo/web was started while d was copied from it: the copy is of no one moment");
    CHECK(copy.last.hint == "keep it off until all is copied, and clone it again");
  }
  SUBCASE("it is done before anybody says so, and the source has ended") {
    copy.source("Running");
    CHECK(copy.after(1) == State::working);
    copy.source("Succeeded");
    CHECK(copy.after(1) == State::working);
    copy.disk("d", "Succeeded", "100.0%", "Bound");
    CHECK(copy.after(1) == State::failed);
  }
  SUBCASE("nothing tells how far it is: CDI would say that it waits") {
    copy.source("Running");
    CHECK(copy.after(5) == State::working);
    CHECK(copy.after(9) == State::working);
    CHECK(copy.after(1) == State::failed);
  }
  SUBCASE("CDI waits until it is off again") {
    copy.source("Running");
    CHECK(copy.after(1) == State::working);
    copy.told_in_use("d", "7");
    CHECK(copy.after(5) == State::working);
    CHECK(copy.after(20) == State::working);
    copy.source("");
    CHECK(copy.after(1) == State::working);
    copy.disk("d", "Succeeded", "100.0%", "Bound");
    CHECK(copy.after(9) == State::done);
  }
  SUBCASE("CDI has waited, and then it is started a second time") {
    copy.source("Running");
    copy.told_in_use("d", "7");
    CHECK(copy.after(1) == State::working);
    copy.source("");
    CHECK(copy.after(1) == State::working);
    copy.source("Running");
    CHECK(copy.after(1) == State::working);
    copy.disk("d", "RebindInProgress");
    CHECK(copy.after(1) == State::failed);
  }
  SUBCASE("an instance that has no disk yet, a copy that is over, a source that may not be read") {
    copy.source("Scheduling");
    CHECK(copy.after(20) == State::working);
    copy.disk("d", "CloneInProgress", "N/A", "Bound");  // the phase lags
    CHECK(copy.after(1) == State::working);
    copy.source("Running");
    CHECK(copy.after(20) == State::working);
    copy.disk("d", "Succeeded", "100.0%", "Bound");
    CHECK(copy.after(1) == State::done);
    CHECK(copy.last.message.empty());
    copy.shelves.close("virtualmachineinstances");
    CHECK(copy.after(1) == State::done);
    CHECK(copy.last.message.find("(needs: list, watch virtualmachineinstances.kubevirt.io)") !=
          std::string::npos);
  }
}

TEST_CASE("data volume judge: a source that is started before all disks are copied") {
  Copying copy({"a", "b", "c"});
  copy.disk("a", "PendingPopulation");  // is of another moment, as its user is told
  copy.disk("b", "SnapshotForSmartCloneInProgress");
  copy.disk("c", "CloneScheduled");
  copy.source("Running");
  CHECK(copy.after(60) == State::working);  // CDI waits with both, or has its snapshot
  copy.disk("b", "CloneFromSnapshotSourceInProgress");
  CHECK(copy.after(1) == State::working);
  SUBCASE("the streams were not together") {
    copy.disk("c", "PrepClaimInProgress");
    CHECK(copy.after(60) == State::working);
  }
  SUBCASE("one is left") {
    CHECK(copy.after(6) == State::failed);
    CHECK(copy.last.message ==
          "VM demo/web was started before c was copied: the disks would be of different moments");
  }
}

TEST_CASE("data volume judge: a pod that writes to a claim while it is copied") {
  Copying copy({"d"});
  copy.wait.source = {.ns = "demo", .claim = "data"};
  copy.disk("d", "CloneInProgress", "12.00%");
  const auto pod = [&](const std::string& name, const std::string& phase, const std::string& app,
                       bool read_only) {
    const Json mount = {{"claimName", "data"}, {"readOnly", read_only}};
    copy.shelves.put("pods", {{"metadata", {{"name", name}, {"labels", {{"app", app}}}}},
                              {"spec", {{"volumes", {{{"persistentVolumeClaim", mount}}}}}},
                              {"status", {{"phase", phase}}}});
  };
  copy.shelves.at("pods").sight = Shelf::Sight::known;
  pod("u-source-pod", "Running", "containerized-data-importer", false);
  pod("reader", "Running", "x", true);
  pod("starts", "Pending", "x", false);
  pod("ended", "Succeeded", "x", false);
  CHECK(copy.after(20) == State::working);
  pod("writer", "Running", "x", false);
  CHECK(copy.after(1) == State::failed);
  CHECK(copy.last.message.starts_with("pod demo/writer was started while d was copied from it"));
}

TEST_CASE("data volume judge: gone with their claims") {
  ShelfSet shelves = shelves_of();
  const auto judge = status::data_volumes_gone_judge(wait_for({"d"}));
  shelves.put("datavolumes", volume("d", "Pending"));
  CHECK(judge(shelves.view(), {}, seconds(1)).detail == "1 disk left");
  shelves.remove("datavolumes", "d");
  shelves.put("persistentvolumeclaims", claim("d", "Pending"));
  CHECK(judge(shelves.view(), {}, seconds(1)).state == State::working);
  shelves.remove("persistentvolumeclaims", "d");
  CHECK(judge(shelves.view(), {}, seconds(1)).state == State::done);
}

}  // namespace wukong
