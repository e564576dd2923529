#include "status/clone_status.h"

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

struct RecordedClone {
  status::CloneWait wait{};
  std::string uid{};
  milliseconds at{};
};

std::vector<RecordedClone> clones_in(const Recording& recording) {
  std::vector<RecordedClone> clones;
  const auto snapshots = appearances(recording, "virtualmachinesnapshots");
  for (const auto& [name, seen] : appearances(recording, "virtualmachineclones")) {
    const Json& clone = *seen.object;
    std::string source(text(clone, {"spec", "source", "name"}));
    if (text(clone, {"spec", "source", "kind"}) == "VirtualMachineSnapshot") {
      const auto snapshot = snapshots.find(source);
      source = snapshot == snapshots.end() ? "" : text(*snapshot->second.object, {"spec", "source", "name"});
    }
    clones.push_back({.wait = {.ns = std::string(text(clone, {"metadata", "namespace"})),
                               .name = name,
                               .target = std::string(text(clone, {"spec", "target", "name"})),
                               .source_vm = source},
                      .uid = std::string(text(clone, {"metadata", "uid"})),
                      .at = seen.at});
  }
  return clones;
}

std::vector<Said> replay_clone(const Recording& recording, const RecordedClone& clone,
                               ReplayOptions options) {
  return replay(recording, status::watches_clone(clone.wait), status::clone_judge(clone.wait), options);
}

bool claims_recorded(const Recording& recording) {
  return recording.resources.contains("persistentvolumeclaims");
}

/// The best that became of the clone from `from` on, however late.
Data best_data(const Recording& recording, const RecordedClone& clone, milliseconds from) {
  const std::string mark = "tmp-restore-" + clone.uid + "-";
  World world = world_at(recording, from);
  Data best = data_of(world, clone.wait.target, mark);
  for (const RecordedEvent& event : recording.events) {
    if (event.at <= from) continue;
    apply(world, event);
    const Data now = data_of(world, clone.wait.target, mark);
    if (now == Data::there || (now != Data::none && best == Data::none)) best = now;
  }
  return best;
}

void check_truth(const Recording& recording, const RecordedClone& clone, const ReplayOptions& options,
                 const std::vector<Said>& said) {
  const Said& last = said.back();
  const std::string marks = "tmp-restore-" + clone.uid + "-";
  const Data now = data_of(world_at(recording, options.begin + last.at), clone.wait.target, marks);
  CAPTURE(recording.scenario);
  CAPTURE(clone.wait.name);
  CAPTURE(describe(said));
  const Data best = best_data(recording, clone, options.begin + last.at);
  if (!claims_recorded(recording)) {
    if (last.verdict.state == State::done) CHECK(now != Data::none);
    return;
  }
  if (last.verdict.state == State::done) {
    const bool told = last.verdict.message.find("first consumer") != std::string::npos;
    CHECK((now == Data::there || (now == Data::unbound && told)));
    CHECK(told == last.verdict.memory.contains("unbound"));
  }
  if (last.verdict.state == State::failed) CHECK(best != Data::there);
  if (last.verdict.state == State::working) CHECK(best == Data::none);
}

constexpr const char* kUid = "c0ffee00-0000-4000-8000-000000000001";
constexpr const char* kRestoreUid = "beef0000-0000-4000-8000-000000000002";

status::CloneWait wait_for_clone() {
  return {.ns = "demo", .name = "c1", .target = "web2", .source_vm = "web"};
}

Json clone_object(Json status) {
  return {{"metadata", {{"name", "c1"}, {"uid", kUid}}},
          {"spec", {{"source", {{"kind", "VirtualMachine"}, {"name", "web"}}}}},
          {"status", std::move(status)}};
}
Json working_clone(const std::string& phase) {
  return clone_object({{"phase", phase},
                       {"snapshotName", std::string("tmp-snapshot-") + kUid},
                       {"restoreName", std::string("tmp-restore-") + kUid},
                       {"conditions", conditions({{"Progressing", "True", "Still processing"},
                                                  {"Ready", "False", "Still processing"}})}});
}
std::string last_restore() { return std::string("tmp-restore-") + kUid + "-" + kRestoreUid; }
std::string claim_name(const std::string& volume) {
  return std::string("restore-") + kRestoreUid + "-" + volume;
}
Json target_vm(std::vector<std::string> claims, const std::string& mark = last_restore()) {
  Json volumes = Json::array();
  for (const std::string& claim : claims)
    volumes.push_back({{"name", claim}, {"persistentVolumeClaim", {{"claimName", claim}}}});
  return {{"metadata", {{"name", "web2"}, {"annotations", {{"restore.kubevirt.io/lastRestoreUID", mark}}}}},
          {"spec", {{"template", {{"spec", {{"volumes", volumes}}}}}}}};
}
Json claim(const std::string& name, const std::string& phase, const std::string& mark = last_restore()) {
  return {{"metadata", {{"name", name}, {"annotations", {{"restore.kubevirt.io/lastRestoreUID", mark}}}}},
          {"status", {{"phase", phase}}}};
}
Json restore(bool complete, const std::string& progressing, const std::string& why,
             std::vector<std::string> claims) {
  Json restores = Json::array();
  for (const std::string& name : claims)
    restores.push_back({{"volumeName", name}, {"persistentVolumeClaim", name}});
  return {{"metadata", {{"name", std::string("tmp-restore-") + kUid}, {"uid", kRestoreUid}}},
          {"status",
           {{"complete", complete},
            {"restores", restores},
            {"conditions", conditions({{"Progressing", progressing, why}})}}}};
}

/// All shelves known and empty.
ShelfSet clone_shelves() {
  return ShelfSet({"virtualmachineclones", "virtualmachines", "virtualmachinesnapshots",
                   "virtualmachinerestores", "persistentvolumeclaims", "events"});
}

}  // namespace

TEST_CASE("clone judge: recorded timelines") {
  for (const std::string& scenario : recorded_scenarios()) {
    const Recording recording = load_recording(scenario);
    std::string text;
    for (const RecordedClone& clone : clones_in(recording))
      text += fmt::format("VirtualMachineClone {} -> {}\n{}\n", clone.wait.name, clone.wait.target,
                          describe(replay_clone(recording, clone, {.begin = clone.at})));
    if (text.empty()) continue;
    CAPTURE(scenario);
    CHECK(golden("golden/status/clone/" + scenario + ".txt", text) == text);
  }
}

TEST_CASE("clone judge: no final verdict against the data, in any order of the streams, from any moment on") {
  for (const std::string& scenario : recorded_scenarios()) {
    const Recording recording = load_recording(scenario);
    for (const RecordedClone& clone : clones_in(recording)) {
      const Data best = best_data(recording, clone, clone.at);
      std::vector<ReplayOptions> variants{{.begin = clone.at}};
      for (const Watched& watched : status::watches_clone(clone.wait))
        variants.push_back({.begin = clone.at, .delay = {{watched.gvr.resource, milliseconds(900)}}});
      for (const milliseconds later :
           {milliseconds(100), milliseconds(200), milliseconds(300), milliseconds(3000)})
        variants.push_back({.begin = clone.at + later});
      for (const ReplayOptions& options : variants) {
        const auto said = replay_clone(recording, clone, options);
        REQUIRE_FALSE(said.empty());
        if (options.delay.empty()) check_truth(recording, clone, options, said);
        // Streams that come late may cost time, never the truth.
        CAPTURE(scenario);
        CAPTURE(clone.wait.name);
        CAPTURE(describe(said));
        if (claims_recorded(recording) && said.back().verdict.state == State::failed)
          CHECK(best_data(recording, clone, options.begin + said.back().at) != Data::there);
        if (claims_recorded(recording) && said.back().verdict.state == State::done) {
          CHECK(best != Data::none);
          CHECK(best != Data::foreign);
        }
      }
    }
  }
}

TEST_CASE("clone judge: without rights on claims, events or the target nothing false is said") {
  for (const std::string& scenario : recorded_scenarios("clone-")) {
    const Recording recording = load_recording(scenario);
    for (const RecordedClone& clone : clones_in(recording)) {
      const Data best = best_data(recording, clone, clone.at);
      for (const std::set<std::string>& closed :
           {std::set<std::string>{"persistentvolumeclaims", "events"},
            std::set<std::string>{"virtualmachines"},
            std::set<std::string>{"virtualmachines", "persistentvolumeclaims", "events"}}) {
        const auto said = replay_clone(recording, clone, {.begin = clone.at, .unreadable = closed});
        CAPTURE(scenario);
        CAPTURE(clone.wait.name);
        CAPTURE(describe(said));
        const Verdict& end = said.back().verdict;
        if (!claims_recorded(recording)) continue;
        if (end.state == State::failed) CHECK(best != Data::there);
        const bool doubted = end.message.find("could not check") != std::string::npos;
        if (end.state == State::done && (best == Data::none || best == Data::foreign)) CHECK(doubted);
        if (end.state == State::done && best == Data::unbound) CHECK(end.memory.contains("unbound"));
      }
    }
  }
}

TEST_CASE("clone judge: the clone object lags behind its finished target") {
  ShelfSet shelves = clone_shelves();
  shelves.put("virtualmachineclones", working_clone("RestoreInProgress"));
  shelves.put("virtualmachinerestores", restore(true, "False", "Operation complete", {claim_name("root")}));
  shelves.put("virtualmachines", target_vm({claim_name("root")}));
  shelves.put("persistentvolumeclaims", claim(claim_name("root"), "Bound"));
  const Verdict verdict = status::clone_judge(wait_for_clone())(shelves.view(), {}, seconds(3));
  CHECK(verdict.state == State::done);
  CHECK(verdict.message.empty());
  CHECK_FALSE(verdict.memory.contains("unbound"));
}

TEST_CASE("clone judge: two of two disks wait for their first consumer") {
  ShelfSet shelves = clone_shelves();
  shelves.put("virtualmachineclones", working_clone("Succeeded"));
  shelves.put("virtualmachinerestores",
              restore(true, "False", "Operation complete", {claim_name("a"), claim_name("b")}));
  shelves.put("virtualmachines", target_vm({claim_name("a"), claim_name("b")}));
  shelves.put("persistentvolumeclaims", claim(claim_name("a"), "Pending"));
  shelves.put("persistentvolumeclaims", claim(claim_name("b"), "Pending"));
  const auto judge = status::clone_judge(wait_for_clone());
  const Verdict first = judge(shelves.view(), {}, seconds(1));
  CHECK(first.state == State::working);  // the claims' stream may be late
  const Verdict verdict = judge(shelves.view(), first, seconds(2));
  CHECK(verdict.state == State::done);
  CHECK(verdict.message ==
        "2 of 2 disks wait for their first consumer: their data is copied when web2 starts for the first "
        "time; until "
        "then the VirtualMachineClone c1 and its temporary snapshot must stay");
  CHECK(verdict.memory.at("unbound") == claim_name("a") + "," + claim_name("b"));

  SUBCASE("but not while the claims' stream is interrupted") {
    shelves.at("persistentvolumeclaims").trouble = "connection reset";
    CHECK(judge(shelves.view(), first, seconds(60)).state == State::working);
  }
  SUBCASE("when the clone is deleted before they are bound, they are lost") {
    shelves.remove("virtualmachineclones", "c1");
    const Verdict gone = judge(shelves.view(), first, seconds(2));
    CHECK(gone.state == State::working);
    const Verdict end = judge(shelves.view(), gone, seconds(8));
    CHECK(end.state == State::failed);
    CHECK(end.message == "VirtualMachineClone demo/c1 was deleted before web2 was usable");
  }
}

TEST_CASE("clone judge: a provisioning failure is told by an event of the claim only, and is never final") {
  ShelfSet shelves = clone_shelves();
  shelves.put("virtualmachineclones", working_clone("RestoreInProgress"));
  shelves.put("virtualmachinerestores",
              restore(false, "True", "Creating new PVCs", {claim_name("a"), claim_name("b")}));
  shelves.put("persistentvolumeclaims", claim(claim_name("a"), "Bound"));
  shelves.put("persistentvolumeclaims", claim(claim_name("b"), "Pending"));
  shelves.put("events",
              event("PersistentVolumeClaim", claim_name("a"), "Warning", "ProvisioningFailed", "old news"));
  shelves.put("events", event("PersistentVolumeClaim", claim_name("b"), "Warning", "ProvisioningFailed",
                              "no space left on device"));
  Verdict verdict = status::clone_judge(wait_for_clone())(shelves.view(), {}, seconds(600));
  CHECK(verdict.state == State::working);
  CHECK(verdict.stage == "Restoring");
  CHECK(verdict.detail == "1 of 2 volumes bound");
  CHECK(verdict.cause == "no space left on device");

  shelves.close("persistentvolumeclaims");
  verdict = status::clone_judge(wait_for_clone())(shelves.view(), {}, seconds(600));
  CHECK(verdict.detail.empty());
}

TEST_CASE("clone judge: a quota on claims shows in the temporary restore only") {
  const std::string why =
      "persistentvolumeclaims \"restore-x-d1\" is forbidden: exceeded quota: q, requested: "
      "requests.storage=16Mi";
  ShelfSet shelves = clone_shelves();
  shelves.put("virtualmachineclones", working_clone("RestoreInProgress"));
  shelves.put("virtualmachinerestores", restore(false, "False", why, {}));
  CHECK(status::clone_judge(wait_for_clone())(shelves.view(), {}, seconds(600)).cause == why);
}

TEST_CASE("clone judge: a quota on snapshots leaves no trace but the absent snapshotName") {
  ShelfSet shelves = clone_shelves();
  shelves.put("virtualmachineclones", clone_object({{"phase", "SnapshotInProgress"}}));
  const auto judge = status::clone_judge(wait_for_clone());
  const Verdict first = judge(shelves.view(), {}, seconds(1));
  CHECK(first.cause.empty());
  const Verdict verdict = judge(shelves.view(), first, seconds(3));
  CHECK(verdict.state == State::working);
  CHECK(verdict.cause ==
        "no temporary snapshot has been made: probably a quota on VirtualMachineSnapshots is used up");
}

TEST_CASE("clone judge: a source snapshot that is not ready is named") {
  ShelfSet shelves = clone_shelves();
  Json clone = clone_object({{"phase", "SnapshotInProgress"}});
  clone["spec"]["source"] = {{"kind", "VirtualMachineSnapshot"}, {"name", "s1"}};
  shelves.put("virtualmachineclones", clone);
  shelves.put("virtualmachinesnapshots", {{"metadata", {{"name", "s1"}}},
                                          {"status",
                                           {{"phase", "Succeeded"},
                                            {"readyToUse", false},
                                            {"error", {{"message", "VolumeSnapshots (x) missing"}}}}}});
  CHECK(status::clone_judge(wait_for_clone())(shelves.view(), {}, seconds(1)).cause ==
        "VolumeSnapshots (x) missing");
}

TEST_CASE("clone judge: claims may not be read") {
  ShelfSet shelves = clone_shelves();
  shelves.close("persistentvolumeclaims");
  shelves.close("events");
  shelves.put("virtualmachines", target_vm({claim_name("root")}));
  const auto judge = status::clone_judge(wait_for_clone());

  SUBCASE("cleared names mean that all are bound") {
    shelves.put("virtualmachineclones", clone_object({{"phase", "Succeeded"}}));
    const Verdict verdict = judge(shelves.view(), {}, seconds(1));
    CHECK(verdict.state == State::done);
    CHECK(verdict.message.empty());
  }
  SUBCASE("a claim whose name does not prove that the restore made it is said") {
    shelves.put("virtualmachines", target_vm({"web2-root"}));
    shelves.put("virtualmachineclones", clone_object({{"phase", "Succeeded"}}));
    CHECK(judge(shelves.view(), {}, seconds(1)).message ==
          "could not check that web2-root was not there before (persistentvolumeclaims may not be read: no "
          "right)");
  }
  SUBCASE("names that stay mean that some wait, and the clone must not go") {
    shelves.put("virtualmachineclones", working_clone("Succeeded"));
    const Verdict first = judge(shelves.view(), {}, seconds(1));
    CHECK(first.state == State::working);
    const Verdict verdict = judge(shelves.view(), first, seconds(4));
    CHECK(verdict.state == State::done);
    CHECK(verdict.memory.at("unbound") == claim_name("root"));
    CHECK(verdict.message.starts_with("could not check that the disks of web2 are bound"));
  }
}

TEST_CASE("clone judge: a disk that the target shares, or that was there before, is a failure") {
  ShelfSet shelves = clone_shelves();
  shelves.put("virtualmachineclones", clone_object({{"phase", "Succeeded"}}));
  shelves.put("virtualmachines", target_vm({claim_name("root"), "data"}));
  shelves.put("persistentvolumeclaims", claim(claim_name("root"), "Bound"));
  const auto judge = status::clone_judge(wait_for_clone());

  SUBCASE("made by another restore") {
    shelves.put("persistentvolumeclaims", claim("data", "Bound", "r1-0000"));
    const Verdict first = judge(shelves.view(), {}, seconds(1));
    CHECK(first.state == State::working);
    const Verdict verdict = judge(shelves.view(), first, seconds(6));
    CHECK(verdict.state == State::failed);
    CHECK(verdict.message ==
          "VirtualMachineClone demo/c1 made VM web2, but claim data was there before: nothing was restored "
          "into it");
  }
  SUBCASE("made by no restore: not among the labelled claims") {
    const Verdict first = judge(shelves.view(), {}, seconds(1));
    CHECK(first.state == State::working);
    CHECK(judge(shelves.view(), first, seconds(6)).state == State::failed);
  }
}

TEST_CASE("clone judge: afterwards, disks that the VM has got since the clone ended are no failure") {
  ShelfSet shelves = clone_shelves();
  shelves.put("virtualmachineclones", clone_object({{"phase", "Succeeded"}}));
  shelves.put("virtualmachines", target_vm({claim_name("root"), "data"}));
  shelves.put("persistentvolumeclaims", claim(claim_name("root"), "Bound"));
  status::CloneWait wait = wait_for_clone();
  wait.afterwards = true;
  const auto judge = status::clone_judge(wait);
  const auto end = [&] { return judge(shelves.view(), judge(shelves.view(), {}, seconds(0)), seconds(60)); };

  SUBCASE("they are named") {
    const Verdict verdict = judge(shelves.view(), {}, seconds(0));
    CHECK(verdict.state == State::done);
    CHECK(verdict.message == "web2 also uses claim that this clone did not make: data");
  }
  SUBCASE("also where it still waits for a first start") {
    shelves.put("virtualmachineclones", working_clone("Succeeded"));
    shelves.put("virtualmachinerestores", restore(true, "False", "Operation complete", {claim_name("root")}));
    shelves.put("persistentvolumeclaims", claim(claim_name("root"), "Pending"));
    CHECK(end().state == State::done);
    CHECK(end().recall("unbound") == claim_name("root"));
  }
  SUBCASE("but one that its restore took for its own is") {
    shelves.put("virtualmachineclones", working_clone("Succeeded"));
    shelves.put("virtualmachinerestores",
                restore(true, "False", "Operation complete", {claim_name("root"), "data"}));
    shelves.put("persistentvolumeclaims", claim("data", "Bound", "r1-0000"));
    CHECK(end().state == State::failed);
  }
  SUBCASE("and so is one of its own that is gone") {
    shelves.put("virtualmachines", target_vm({claim_name("root"), claim_name("data")}));
    CHECK(end().state == State::failed);
  }
  SUBCASE("and all, when the wait has seen the clone end") {
    ShelfSet before = clone_shelves();
    before.put("virtualmachineclones", working_clone("RestoreInProgress"));
    const Verdict seen = judge(before.view(), {}, seconds(0));
    const Verdict doubted = judge(shelves.view(), seen, seconds(1));
    CHECK(doubted.state == State::working);
    CHECK(judge(shelves.view(), doubted, seconds(9)).state == State::failed);
  }
}

TEST_CASE("clone judge: success without a target of its own is false") {
  ShelfSet shelves = clone_shelves();
  shelves.put("virtualmachineclones", clone_object({{"phase", "Succeeded"}}));
  shelves.put("virtualmachines", target_vm({"old"}, "tmp-restore-another-clone-1"));
  const auto judge = status::clone_judge(wait_for_clone());
  const Verdict first = judge(shelves.view(), {}, seconds(1));
  CHECK(first.state == State::working);

  SUBCASE("there before") {
    CHECK(judge(shelves.view(), first, seconds(6)).message ==
          "VirtualMachineClone demo/c1 reports success, but VM web2 was there before: nothing was cloned");
  }
  SUBCASE("absent") {
    shelves.remove("virtualmachines", "web2");
    CHECK(judge(shelves.view(), first, seconds(6)).message ==
          "VirtualMachineClone demo/c1 reports success, but there is no VM web2");
  }
  SUBCASE("but the VM's stream is interrupted: nothing is known of it") {
    shelves.at("virtualmachines").trouble = "connection reset";
    CHECK(judge(shelves.view(), first, seconds(60)).state == State::working);
  }
  SUBCASE("the target's stream was only late") {
    shelves.put("virtualmachines", target_vm({claim_name("root")}));
    shelves.put("persistentvolumeclaims", claim(claim_name("root"), "Bound"));
    CHECK(judge(shelves.view(), first, seconds(6)).state == State::done);
  }
}

TEST_CASE("clone judge: volumes without a disk of their own do not count") {
  ShelfSet shelves = clone_shelves();
  Json vm = target_vm({claim_name("root")});
  Json& volumes = vm["spec"]["template"]["spec"]["volumes"];
  volumes.push_back({{"name", "e"}, {"ephemeral", {{"persistentVolumeClaim", {{"claimName", "base"}}}}}});
  volumes.push_back({{"name", "m"}, {"memoryDump", {{"claimName", "dump"}}}});
  volumes.push_back({{"name", "c"}, {"cloudInitNoCloud", {{"userData", "x"}}}});
  shelves.put("virtualmachineclones", clone_object({{"phase", "Succeeded"}}));
  shelves.put("virtualmachines", vm);
  shelves.put("persistentvolumeclaims", claim(claim_name("root"), "Bound"));
  CHECK(status::clone_judge(wait_for_clone())(shelves.view(), {}, seconds(1)).state == State::done);
}

TEST_CASE("clone judge: a refused restore is told by an event of the clone, until there is one") {
  ShelfSet shelves = clone_shelves();
  Json clone = working_clone("RestoreInProgress");
  clone["status"].erase("restoreName");
  shelves.put("virtualmachineclones", clone);
  shelves.put("events",
              event("VirtualMachineClone", "c1", "Warning", "RestoreCreationFailed", "denied: colon"));
  const auto judge = status::clone_judge(wait_for_clone());
  CHECK(judge(shelves.view(), {}, seconds(1)).cause == "denied: colon");
  // Its own restore is there all the same: the event is old news.
  shelves.put("virtualmachinerestores", restore(false, "True", "Creating new PVCs", {}));
  CHECK(judge(shelves.view(), {}, seconds(1)).cause.empty());
}

TEST_CASE("clone judge: whatever a server sends, nothing throws") {
  for (const Json& odd : {Json(nullptr), Json(7), Json::array({1, 2}), Json("x"), Json::object()}) {
    for (const char* resource : {"virtualmachineclones", "virtualmachines", "virtualmachinesnapshots",
                                 "virtualmachinerestores", "persistentvolumeclaims", "events"}) {
      ShelfSet shelves = clone_shelves();
      shelves.put("virtualmachineclones", working_clone("Succeeded"));
      Json object = {{"metadata", {{"name", "web2"}, {"annotations", odd}}}, {"spec", odd}, {"status", odd}};
      if (std::string(resource) == "virtualmachineclones") object["metadata"]["name"] = "c1";
      shelves.put(resource, object);
      CHECK_NOTHROW(status::clone_judge(wait_for_clone())(shelves.view(), {}, seconds(9)));
    }
  }
}

}  // namespace wukong
