#include "status/object_status.h"

#include <doctest/doctest.h>

#include "status/export_status.h"
#include "status/volume_snapshot_status.h"
#include "support/recording.h"
#include "support/views.h"

namespace wukong {
namespace {

using namespace testing;
using std::chrono::seconds;
using State = Verdict::State;

const ObjectRef kRef{gvr::pvc(), "demo", "data"};

Json object(const std::string& uid, Json status = Json::object()) {
  return {{"metadata", {{"name", "data"}, {"uid", uid}, {"generation", 3}}}, {"status", std::move(status)}};
}
ShelfSet shelves_of(Json made) {
  ShelfSet shelves({"persistentvolumeclaims"});
  shelves.put("persistentvolumeclaims", std::move(made));
  return shelves;
}
Verdict judged(const Judge& judge, const ShelfSet& shelves, const Verdict& before = {},
               seconds waited = seconds(1)) {
  return judge(shelves.view(), before, waited);
}

}  // namespace

TEST_CASE("what is left: by name, or how many") {
  CHECK(status::left_words({"a"}, "claims") == "a left");
  CHECK(status::left_words({"a", "b", "c"}, "claims") == "3 claims left, a among them");
}

TEST_CASE("condition judge: type and value whatever their case, and only of this generation") {
  const Judge judge = status::condition_judge(kRef, "ready", "true");
  ShelfSet shelves = shelves_of(object("u1"));
  CHECK(judged(judge, shelves).detail == "no condition ready yet");
  Json condition = {{"type", "Ready"}, {"status", "False"}, {"reason", "Busy"}, {"message", "not yet"}};
  const auto put = [&] {
    Json list = Json::array();
    list.push_back(condition);
    shelves.put("persistentvolumeclaims", object("u1", {{"conditions", list}}));
  };
  put();
  CHECK(judged(judge, shelves).detail == "ready=False: Busy, not yet");
  condition["status"] = "True";
  condition["observedGeneration"] = 2;
  put();
  CHECK(judged(judge, shelves).state == State::working);
  condition["observedGeneration"] = 3;
  put();
  CHECK(judged(judge, shelves).state == State::done);
}

TEST_CASE(
    "condition judge: an object that is deleted meanwhile ends it, another of its name does not count") {
  const Judge judge = status::condition_judge(kRef, "Ready", "True");
  const Verdict first = judged(judge, shelves_of(object("u1")));
  ShelfSet other = shelves_of(object("u2"));
  Verdict gone = judged(judge, other, first, seconds(10));
  gone = judged(judge, other, gone, seconds(20));
  CHECK(gone.state == State::failed);
  CHECK(gone.message == "PersistentVolumeClaim demo/data was deleted");
}

TEST_CASE("gone judge: absent, or another of its name") {
  const Judge judge = status::gone_judge(kRef);
  Json held = object("u1");
  held["metadata"]["deletionTimestamp"] = "2026-11-20T05:28:19Z";
  held["metadata"]["finalizers"] = {"kubernetes.io/pvc-protection"};
  const Verdict first = judged(judge, shelves_of(held));
  CHECK(first.state == State::working);
  CHECK(first.detail == "held by kubernetes.io/pvc-protection");
  CHECK(judged(judge, shelves_of(object("u2")), first).state == State::done);
  CHECK(judged(judge, ShelfSet({"persistentvolumeclaims"})).state == State::done);
  ShelfSet late = shelves_of(object("u1"));
  CHECK(judged(judge, late).detail == "nobody has deleted it yet");
}

TEST_CASE("value judge: anything, or just this") {
  const auto phase = [](const Json& object) -> std::optional<std::string> {
    const std::string_view found = text(object, {"status", "phase"});
    return found.empty() ? std::nullopt : std::optional(std::string(found));
  };
  const Judge any = status::value_judge(kRef, "{.status.phase}", phase, std::nullopt);
  const Judge bound = status::value_judge(kRef, "{.status.phase}", phase, "Bound");
  CHECK(judged(any, shelves_of(object("u1"))).detail == "there is no {.status.phase} yet");
  const ShelfSet pending = shelves_of(object("u1", {{"phase", "Pending"}}));
  CHECK(judged(any, pending).state == State::done);
  CHECK(judged(bound, pending).detail == "{.status.phase} is Pending");
  CHECK(judged(bound, shelves_of(object("u1", {{"phase", "Bound"}}))).state == State::done);
}

TEST_CASE("export judge: recorded timelines") {
  for (const std::string& scenario : recorded_scenarios("export-")) {
    const Recording recording = load_recording(scenario);
    std::string all;
    for (const auto& [name, seen] : appearances(recording, "virtualmachineexports")) {
      const status::ExportWait wait{std::string(text(*seen.object, {"metadata", "namespace"})), name};
      const auto said =
          replay(recording, status::watches_export(wait), status::export_judge(wait), {.begin = seen.at});
      all += fmt::format("VirtualMachineExport {}\n{}\n", name, describe(said));
      bool ready = false;
      for (const RecordedEvent& event : recording.events)
        ready |= event.resource == "virtualmachineexports" &&
                 text(event.object, {"metadata", "name"}) == name &&
                 text(event.object, {"status", "phase"}) == "Ready";
      CAPTURE(scenario);
      CAPTURE(describe(said));
      CHECK((said.back().verdict.state == State::done) == ready);
    }
    CAPTURE(scenario);
    CHECK(golden("golden/status/export/" + scenario + ".txt", all) == all);
  }
}

TEST_CASE("volume snapshot judge: an error of the storage is a cause, readyToUse the end") {
  const Judge judge = status::volume_snapshot_judge({"demo", "data"});
  ShelfSet shelves({"volumesnapshots"});
  shelves.put("volumesnapshots",
              object("u1", {{"readyToUse", false}, {"error", {{"message", "pool is full"}}}}));
  CHECK(judged(judge, shelves).cause == "pool is full");
  const std::string at_work = "rpc error: code = DeadlineExceeded desc = context deadline exceeded";
  shelves.put("volumesnapshots", object("u1", {{"readyToUse", false}, {"error", {{"message", at_work}}}}));
  CHECK(judged(judge, shelves).cause.empty());
  CHECK(judged(judge, shelves).detail == "the storage is still at work");
  shelves.put("volumesnapshots", object("u1", {{"readyToUse", true}}));
  CHECK(judged(judge, shelves).state == State::done);
}

}  // namespace wukong
