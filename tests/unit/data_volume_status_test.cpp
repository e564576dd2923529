#include "status/data_volume_status.h"

#include <doctest/doctest.h>

#include "status/data_volume_sight.h"
#include "support/recording.h"
#include "support/views.h"

namespace wukong {
namespace {

using namespace testing;
using std::chrono::seconds;
using State = Verdict::State;

Json data_volume(const std::string& phase, Json more = Json::object()) {
  more["phase"] = phase;
  return {{"metadata", {{"name", "d1"}, {"uid", "u1"}}}, {"status", std::move(more)}};
}
Json claim(const std::string& phase) {
  return {{"metadata", {{"name", "d1"}, {"uid", "c1"}}},
          {"spec", {{"storageClassName", "fast"}}},
          {"status", {{"phase", phase}}}};
}
Json running(const std::string& reason, const std::string& message) {
  Json list = Json::array();
  list.push_back({{"type", "Running"}, {"status", "False"}, {"reason", reason}, {"message", message}});
  return list;
}
ShelfSet shelves_of(Json object) {
  ShelfSet shelves({"datavolumes", "persistentvolumeclaims", "storageclasses", "events"});
  shelves.put("datavolumes", std::move(object));
  return shelves;
}
Verdict judged(const ShelfSet& shelves, bool consumer_expected = false, const Verdict& before = {},
               seconds waited = seconds(1)) {
  return status::data_volume_judge({"demo", "d1", consumer_expected})(shelves.view(), before, waited);
}

}  // namespace

TEST_CASE("data volume judge: recorded timelines, and no verdict against their ends") {
  for (const std::string& scenario : recorded_scenarios("dv-")) {
    const Recording recording = load_recording(scenario);
    std::string all;
    for (const auto& [name, seen] : appearances(recording, "datavolumes")) {
      const status::DataVolumeWait wait{std::string(text(*seen.object, {"metadata", "namespace"})), name};
      const auto said = replay(recording, status::watches_data_volume(wait), status::data_volume_judge(wait),
                               {.begin = seen.at});
      all += fmt::format("DataVolume {}\n{}\n", name, describe(said));
      bool failed = false;
      bool deleted = false;
      for (const RecordedEvent& event : recording.events) {
        if (event.resource != "datavolumes" || text(event.object, {"metadata", "name"}) != name) continue;
        failed |= text(event.object, {"status", "phase"}) == "Failed";
        deleted |= event.type == "DELETED";
      }
      CAPTURE(scenario);
      CAPTURE(describe(said));
      if (said.back().verdict.state == State::failed) CHECK((failed || deleted));
      if (failed) CHECK(said.back().verdict.state == State::failed);
    }
    CAPTURE(scenario);
    CHECK(golden("golden/status/data_volume/" + scenario + ".txt", all) == all);
  }
}

TEST_CASE("data volume judge: Succeeded over a claim that is not bound is no end") {
  ShelfSet shelves = shelves_of(data_volume("Succeeded"));
  shelves.put("persistentvolumeclaims", claim("Pending"));
  CHECK(judged(shelves).state == State::working);
  shelves.put("persistentvolumeclaims", claim("Bound"));
  CHECK(judged(shelves).state == State::done);
}

TEST_CASE("data volume judge: without sight of claims its own word must do") {
  ShelfSet shelves = shelves_of(data_volume("Succeeded"));
  shelves.close("persistentvolumeclaims");
  CHECK(judged(shelves).state == State::done);
}

TEST_CASE("data volume judge: waiting for a first consumer is an end unless one is expected") {
  const ShelfSet shelves = shelves_of(data_volume("PendingPopulation"));
  const Verdict verdict = judged(shelves);
  CHECK(verdict.state == State::done);
  CHECK(verdict.message == "DataVolume d1 is filled when a VM or pod first uses it");
  CHECK(verdict.memory.at("unbound") == "d1");
  CHECK(judged(shelves, true).state == State::working);
}

TEST_CASE("data volume judge: the last error stays while the worker that had it runs again") {
  ShelfSet shelves = shelves_of(
      data_volume("ImportInProgress", {{"restartCount", 1}, {"conditions", running("Error", "no route")}}));
  const Verdict first = judged(shelves);
  CHECK(first.cause == "no route");
  shelves.put("datavolumes", data_volume("ImportInProgress", {{"restartCount", 1}}));
  CHECK(judged(shelves, false, first).cause == "no route");
  shelves.put("datavolumes", data_volume("ImportInProgress", {{"restartCount", 1}, {"progress", "10.00%"}}));
  const Verdict moving = judged(shelves, false, first);
  CHECK(moving.cause.empty());
  CHECK(moving.fraction == 0.1);
}

TEST_CASE("data volume judge: a claim in its way, of which no condition tells") {
  ShelfSet shelves = shelves_of(data_volume(""));
  shelves.put("events", event("DataVolume", "d1", "Warning", "ErrResourceExists",
                              "Resource \"d1\" already exists and is not managed by DataVolume"));
  CHECK(judged(shelves).cause == "Resource \"d1\" already exists and is not managed by DataVolume");
  ShelfSet others = shelves_of(data_volume(""));
  others.put("events", event("DataVolume", "d1", "Warning", "Error", "what Running said once"));
  CHECK(judged(others).cause.empty());
}

TEST_CASE("data volume judge: a claim that has lost its volume") {
  ShelfSet shelves = shelves_of(data_volume("Pending"));
  shelves.put("persistentvolumeclaims", claim("Lost"));
  const Verdict first = judged(shelves);
  CHECK(first.state == State::working);
  CHECK(judged(shelves, false, first, seconds(9)).message ==
        "PersistentVolumeClaim demo/d1 has lost its volume");
}

TEST_CASE("data volume problem: Unschedulable hides what the Bound condition tells") {
  Json object =
      data_volume("", {{"conditions", running("Unschedulable", "Importer pod cannot be scheduled")}});
  CHECK(status::data_volume_problem(object).empty());
  object["status"]["conditions"].push_back(
      {{"type", "Bound"},
       {"status", "False"},
       {"reason", "Pending"},
       {"message", "target PVC d1 Pending and [prime-x] : no space left on device"}});
  CHECK(status::data_volume_problem(object) == "no space left on device");
  object["status"]["conditions"].back()["message"] =
      "target PVC d1 Pending and [prime-x] : failed to provision volume with StorageClass \"s\": "
      "rpc error: code = Aborted desc = clone from snapshot is already in progress";
  CHECK(status::data_volume_problem(object).empty());
}

TEST_CASE("data volume judge: only a percentage is progress") {
  const auto of = [](const std::string& progress) {
    const Json volume = data_volume("ImportInProgress", {{"progress", progress}});
    return status::fraction_of({.volume = &volume});
  };
  CHECK(of("45.20%").value_or(0) == doctest::Approx(0.452));
  CHECK(of("100.0%").value_or(0) == 1.0);
  for (const char* none : {"N/A", "", "nan%", "-nan%", "inf%", "-1%", "101%"}) {
    CAPTURE(none);
    CHECK_FALSE(of(none).has_value());
  }
}

}  // namespace wukong
