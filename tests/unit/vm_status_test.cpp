#include "status/vm_status.h"

#include <doctest/doctest.h>

#include "support/recording.h"
#include "support/views.h"

namespace wukong {
namespace {

using namespace testing;
using std::chrono::milliseconds;
using std::chrono::seconds;
using State = Verdict::State;

Json vm(const std::string& strategy, const std::string& word, Json conditions = Json::array()) {
  return {
      {"metadata", {{"name", "web"}}},
      {"spec",
       {{"runStrategy", strategy},
        {"template",
         {{"spec", {{"volumes", {{{"name", "r"}, {"persistentVolumeClaim", {{"claimName", "root"}}}}}}}}}}}},
      {"status", {{"printableStatus", word}, {"conditions", std::move(conditions)}}}};
}
Verdict running(const ShelfSet& shelves, const Verdict& before = {}, seconds waited = seconds(1)) {
  return status::vm_running_judge({.ns = "demo", .name = "web"})(shelves.view(), before, waited);
}
Verdict stopped(const ShelfSet& shelves) {
  return status::vm_stopped_judge({.ns = "demo", .name = "web"})(shelves.view(), {}, seconds(1));
}

/// Moments at which a VM's run strategy became `strategy` (or it was created with it).
std::vector<milliseconds> turns_to(const Recording& recording, const std::string& name, bool halted) {
  std::vector<milliseconds> turns;
  std::string last = "?";
  for (const RecordedEvent& event : recording.events) {
    if (event.resource != "virtualmachines" || text(event.object, {"metadata", "name"}) != name) continue;
    const std::string strategy(text(event.object, {"spec", "runStrategy"}));
    if (strategy != last && (strategy == "Halted") == halted && (last != "?" || !halted))
      turns.push_back(event.at);
    last = strategy;
  }
  return turns;
}

}  // namespace

TEST_CASE("VM judges: recorded starts and stops") {
  for (const std::string& scenario : recorded_scenarios("vm-")) {
    const Recording recording = load_recording(scenario);
    std::string all;
    for (const auto& [name, seen] : appearances(recording, "virtualmachines")) {
      const status::VmWait wait{.ns = std::string(text(*seen.object, {"metadata", "namespace"})),
                                .name = name};
      for (const milliseconds at : turns_to(recording, name, false))
        all += fmt::format("VM {} started at {}\n{}\n", name, at.count(),
                           describe(replay(recording, status::watches_vm_running(wait),
                                           status::vm_running_judge(wait), {.begin = at})));
      for (const milliseconds at : turns_to(recording, name, true))
        all += fmt::format("VM {} stopped at {}\n{}\n", name, at.count(),
                           describe(replay(recording, status::watches_vm_stopped(wait),
                                           status::vm_stopped_judge(wait), {.begin = at})));
    }
    CAPTURE(scenario);
    CHECK(golden("golden/status/vm/" + scenario + ".txt", all) == all);
  }
}

TEST_CASE("VM running judge: words of trouble are causes, never ends") {
  ShelfSet shelves({"virtualmachines", "events"});
  shelves.put("virtualmachines",
              vm("Always", "ErrorUnschedulable",
                 {{{"type", "PodScheduled"}, {"status", "False"}, {"message", "0/1 nodes are available"}}}));
  Verdict verdict = running(shelves, {}, seconds(999));
  CHECK(verdict.state == State::working);
  CHECK(verdict.detail == "ErrorUnschedulable");
  CHECK(verdict.cause == "ErrorUnschedulable: 0/1 nodes are available");

  SUBCASE("a claim that cannot be provisioned is the deeper cause") {
    shelves.put("events",
                event("PersistentVolumeClaim", "root", "Warning", "ProvisioningFailed", "pool is full"));
    CHECK(running(shelves).cause == "pool is full");
  }
  SUBCASE("a missing instancetype shows as plain Stopped") {
    shelves.put("virtualmachines", vm("Always", "Stopped",
                                      {{{"type", "Failure"},
                                        {"status", "True"},
                                        {"reason", "FailedFindInstancetype"},
                                        {"message", "not found"}}}));
    CHECK(running(shelves).cause == "FailedFindInstancetype: not found");
  }
}

TEST_CASE("VM running judge: Running while halted is a VM on its way down") {
  ShelfSet shelves({"virtualmachines", "events"});
  shelves.put("virtualmachines", vm("Halted", "Running"));
  const Verdict first = running(shelves);
  CHECK(first.state == State::working);
  CHECK(running(shelves, first, seconds(9)).state == State::failed);
  shelves.put("virtualmachines", vm("Manual", "Running"));
  CHECK(running(shelves).state == State::done);
}

TEST_CASE("VM stopped judge: only without an instance are the disks free") {
  ShelfSet shelves({"virtualmachineinstances"});
  shelves.put("virtualmachineinstances",
              {{"metadata", {{"name", "web"}}}, {"status", {{"phase", "Running"}}}});
  CHECK(stopped(shelves).state == State::working);
  CHECK(stopped(shelves).cause.empty());
  shelves.put("virtualmachineinstances",
              {{"metadata", {{"name", "web"}}}, {"status", {{"phase", "Succeeded"}}}});
  CHECK(stopped(shelves).state == State::working);
  CHECK_FALSE(stopped(shelves).cause.empty());
  shelves.remove("virtualmachineinstances", "web");
  CHECK(stopped(shelves).state == State::done);
  shelves.at("virtualmachineinstances").trouble = "connection reset";
  CHECK(stopped(shelves).state == State::working);
}

}  // namespace wukong
