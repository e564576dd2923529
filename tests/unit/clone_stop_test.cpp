#include "commands/clone_stop.h"

#include <doctest/doctest.h>

#include <algorithm>

#include <algorithm>

#include "commands/clone_parts.h"
#include "op/runner.h"
#include "support/fake_api.h"

using namespace wukong;
using namespace wukong::commands;

namespace {

const Scope kAt{.ns = "demo", .operation_id = "opid1"};
const CloneNames kNames{.source = "web", .running = Running::stop};

Json web(const Json& spec) {
  Json vm = skeleton({gvr::vm(), "demo", "web"});
  vm["spec"] = spec;
  vm["status"] = {{"created", true}, {"printableStatus", "Running"}};
  return vm;
}

op::Operation stopped(const Json& vm, const MadeOfStopped& made = {}) {
  op::Operation operation{.id = "opid1"};
  add_stop(operation, kNames, vm, kAt);
  if (made.snapshot)
    add_snapshot(operation, {.ref = *made.snapshot, .vm = "web", .needs = {"off"}}, {"opid1", "hash"});
  add_start_again(operation, kNames, vm, made, kAt);
  CHECK(op::shape_problem(operation).empty());
  return operation;
}

std::vector<std::string> put_back(const op::Operation& operation) {
  std::vector<std::string> ids;
  for (const op::Step& step : operation.steps)
    if (step.phase == op::Phase::put_back) ids.push_back(step.id);
  return ids;
}

Json patch(const op::Operation& operation, std::string_view id) {
  for (const op::Step& step : operation.steps)
    if (step.id == id) return std::get<Json>(std::get<op::Patch>(step.action).body);
  FAIL("no step of this id");
  return {};
}

const Json kNoMarks = {{mark::kStoppedBy, nullptr}, {mark::kStoppedFrom, nullptr}};

}  // namespace

TEST_CASE(
    "clone --running=stop: the source gets back the run strategy that it had, in one write with its marks") {
  for (const char* strategy : {"Always", "Once"}) {
    const op::Operation operation = stopped(web({{"runStrategy", strategy}}));
    CHECK(put_back(operation) == std::vector<std::string>{"unlocked", "start-again"});
    CHECK(patch(operation, "mark-stopped")["metadata"]["annotations"] ==
          Json{{mark::kStoppedBy, "opid1"}, {mark::kStoppedFrom, strategy}});
    const Json back = patch(operation, "start-again");
    CHECK(back["spec"]["runStrategy"] == strategy);
    CHECK(back["metadata"]["annotations"] == kNoMarks);
  }
  CHECK(patch(stopped(web({{"running", true}})), "start-again")["spec"] == Json{{"running", true}});
}

TEST_CASE(
    "clone --running=stop: what keeps its strategy is told to start once it is off, and forgotten only "
    "then") {
  for (const char* strategy : {"Manual", "RerunOnFailure"}) {
    const op::Operation operation = stopped(web({{"runStrategy", strategy}}));
    CHECK(put_back(operation) ==
          std::vector<std::string>{"unlocked", "off-again", "start-again", "unmark-stopped"});
    CHECK(operation.put_back_command == "virtctl start web -n demo");
  }
}

TEST_CASE("clone --running=stop: the command that puts it back is one to type") {
  CHECK(stopped(web({{"runStrategy", "Once"}})).put_back_command ==
        R"(kubectl patch virtualmachine web -n demo --type merge -p '{"spec":{"runStrategy":"Once"}}')");
}

TEST_CASE("clone --running=stop: what is half done goes before the source runs again") {
  const ObjectRef snapshot{gvr::vm_snapshot(), "demo", "s"};
  CHECK(put_back(stopped(web({{"runStrategy", "Always"}}), {.snapshot = snapshot, .volumes_ns = "demo"})) ==
        std::vector<std::string>{"snapshot-settled", "half-snapshot", "half-volumes", "unlocked",
                                 "start-again"});
}

TEST_CASE("clone --running=stop: of a VM with several disks all are copied again, or none") {
  const op::Operation operation =
      stopped(web({{"runStrategy", "Always"}}),
              {.volumes_ns = "demo", .targets = {{"web2-root", "web2"}, {"web2-data", "web2"}}});
  const auto step = std::find_if(operation.steps.begin(), operation.steps.end(),
                                 [](const op::Step& each) { return each.id == "half-volumes"; });
  REQUIRE(step != operation.steps.end());
  const auto& pick = std::get<op::Sweep>(step->action).pick;
  const Json filled = {{"metadata", {{"name", "web2-root"}}}, {"status", {{"phase", "Succeeded"}}}};
  op::Seen seen;
  CHECK(pick(filled, seen));
  seen.keep("usable-web2", Verdict{.state = Verdict::State::working});
  CHECK(pick(filled, seen));
  seen.keep("usable-web2", Verdict{.state = Verdict::State::done});
  CHECK_FALSE(pick(filled, seen));
}

TEST_CASE(
    "clone --running=stop: a run that goes on with one that was cut off starts it as the first one noted") {
  Json vm = web({{"runStrategy", "Halted"}});
  vm["status"] = Json::object();
  CHECK_FALSE(is_to_stop(kNames, vm, kAt));
  vm["metadata"]["annotations"] = {{mark::kStoppedBy, "opid1"}, {mark::kStoppedFrom, "Once"}};
  CHECK(is_to_stop(kNames, vm, kAt));
  vm["status"] = {{"created", true}};  // it is still going down
  CHECK(patch(stopped(vm), "start-again")["spec"]["runStrategy"] == "Once");
  vm["status"] = Json::object();
  const op::Operation operation = stopped(vm);
  CHECK(std::ranges::none_of(operation.steps, [](const op::Step& step) { return step.id == "stop"; }));
  CHECK(patch(operation, "start-again")["spec"]["runStrategy"] == "Once");
}

TEST_CASE("a VM whose guest has finished does not run: it holds no disk") {
  Json vm = web({{"runStrategy", "Once"}});
  CHECK(is_running(vm));
  vm["status"]["printableStatus"] = "Stopped";
  CHECK_FALSE(is_running(vm));
}

TEST_CASE(
    "clone --running=stop: a locked source is waited for; one that stays locked is an error, and stays "
    "marked") {
  testing::FakeApi api;
  Json vm = web({{"runStrategy", "Always"}});
  vm["status"]["snapshotInProgress"] = "other";
  api.put(gvr::vm(), vm);
  bool opens = true;
  SUBCASE("it opens") {}
  SUBCASE("it does not") { opens = false; }
  const std::string path = "/apis/kubevirt.io/v1/namespaces/demo/virtualmachines/web";
  if (opens)
    api.at(std::chrono::seconds{20},
           [&] { api.merge(gvr::vm(), "demo", "web", {{"status", {{"snapshotInProgress", nullptr}}}}); });
  else
    api.at(std::chrono::seconds{20}, [&] {
      api.script(
          kube::Method::patch, path,
          testing::FakeApi::error(Code::invalid, "Cannot update vm running state until snapshot completes"));
    });
  const op::Outcome outcome = op::run(api, stopped(vm), {}, [](const op::Runner&) {});
  const Json& after = *api.stored("virtualmachines", "demo", "web");
  CHECK(outcome.error.has_value() == !opens);
  CHECK(text(after, {"metadata", "annotations", mark::kStoppedBy}) == (opens ? "" : "opid1"));
  if (!opens) CHECK(outcome.error->code == Code::partly);
}
