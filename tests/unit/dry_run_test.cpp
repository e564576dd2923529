#include "op/dry_run.h"

#include <doctest/doctest.h>

#include "support/fake_api.h"
#include "support/plans.h"

using namespace wukong;
using namespace wukong::op;
using namespace wukong::testing;

namespace {

using Words = std::vector<std::string>;

Operation mixed() {
  Operation operation{.id = kOperationId, .title = "mixed"};
  auto& steps = operation.steps;
  steps.push_back({.id = "fixed", .action = Create{claim("a"), marked(claim("a"))}, .reason = "the disk"});
  steps.push_back({.id = "bound", .needs = {"fixed"}, .action = phase_is(claim("a"), "Bound")});
  steps.push_back({.id = "later",
                   .needs = {"bound"},
                   .action = Create{vm("a"), [](const Seen&) -> Result<Json> { return marked(vm("a")); }}});
  steps.push_back(
      {.id = "undo", .action = Delete{claim("a"), "fixed"}, .phase = Phase::undo, .after = "fixed"});
  return operation;
}

}  // namespace

TEST_CASE("dry run: sends fixed bodies with dryRun=All, names what it cannot send, writes nothing") {
  FakeApi api;
  const auto result = dry_run(api, mixed(), "tester");
  REQUIRE(result.has_value());
  REQUIRE(result->objects.size() == 1);
  CHECK(text(result->objects[0], {"metadata", "name"}) == "a");
  CHECK(result->accepted == Words{"persistentvolumeclaim/a created"});
  CHECK(result->not_tried ==
        Words{"create VirtualMachine demo/a: what it holds is known only after the steps before it"});
  REQUIRE(api.sent.size() == 1);
  CHECK(api.sent[0].query[0] == std::pair<std::string, std::string>{"dryRun", "All"});
  CHECK(api.sent[0].query[2] == std::pair<std::string, std::string>{"fieldValidation", "Strict"});
  CHECK(api.stored("persistentvolumeclaims", "demo", "a") == nullptr);
}

TEST_CASE("dry run: what is not there yet is not changed, and nothing is stopped or started") {
  FakeApi api;
  api.put(gvr::vm(), skeleton(vm("source")));
  const Json body = {{"spec", {{"runStrategy", "Always"}}}};
  Operation operation{.id = kOperationId, .title = "start"};
  operation.results = {vm("a")};  // a controller makes it
  auto& steps = operation.steps;
  steps.push_back({.id = "mark", .action = Patch{vm("source"), body}});
  steps.push_back({.id = "stop", .action = Call{.ref = subresource("source"), .subresource = "stop"}});
  steps.push_back({.id = "shape", .action = Patch{vm("a"), body}});
  steps.push_back({.id = "make", .action = Create{vm("b"), marked(vm("b"))}});
  steps.push_back({.id = "strategy", .needs = {"make"}, .action = Patch{vm("b"), body}});
  steps.push_back({.id = "start", .action = Call{.ref = subresource("b"), .subresource = "start"}});
  const auto result = dry_run(api, operation, "tester");
  REQUIRE(result.has_value());
  CHECK(result->accepted ==
        Words{"virtualmachine.kubevirt.io/source patched", "virtualmachine.kubevirt.io/b created"});
  CHECK(result->not_tried ==
        Words{"stop VirtualMachine demo/source: only creates and changes of objects are tried",
              "change VirtualMachine demo/a: it is not there yet",
              "change VirtualMachine demo/b: it is not there yet",
              "start VirtualMachine demo/b: it is not there yet"});
  CHECK(api.sent.size() == 2);
}

TEST_CASE("dry run: what the user may not do, and can be done without, is no refusal") {
  FakeApi api;
  Operation operation{.id = kOperationId, .title = "mark"};
  operation.steps.push_back({.id = "mark", .action = Patch{vm("source"), Json::object(), true}});
  api.script(kube::Method::patch, kube::object_path(vm("source")), FakeApi::error(Code::forbidden, "no"));
  const auto result = dry_run(api, operation, "tester");
  REQUIRE(result.has_value());
  CHECK(result->not_tried == Words{"change VirtualMachine demo/source: no"});
}

TEST_CASE("dry run: the server's refusal is the error") {
  FakeApi api;
  api.put(gvr::pvc(), skeleton(claim("a")));
  const auto result = dry_run(api, mixed(), "tester");
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().code == Code::already_exists);
}

TEST_CASE("plan_lines: numbered steps with their reasons") {
  const auto lines = plan_lines(mixed());
  CHECK(lines == std::vector<std::string>{"1. create PersistentVolumeClaim demo/a (the disk)",
                                          "2. wait for PersistentVolumeClaim demo/a",
                                          "3. create VirtualMachine demo/a",
                                          "4. if it fails: delete PersistentVolumeClaim demo/a"});
}
