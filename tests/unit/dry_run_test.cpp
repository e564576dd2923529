#include "op/dry_run.h"

#include <doctest/doctest.h>

#include "support/fake_api.h"
#include "support/plans.h"

using namespace wukong;
using namespace wukong::op;
using namespace wukong::testing;

namespace {

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
  CHECK(result->left_out == std::vector<std::string>{"create VirtualMachine demo/a"});
  REQUIRE(api.sent.size() == 1);
  CHECK(api.sent[0].query[0] == std::pair<std::string, std::string>{"dryRun", "All"});
  CHECK(api.sent[0].query[2] == std::pair<std::string, std::string>{"fieldValidation", "Strict"});
  CHECK(api.stored("persistentvolumeclaims", "demo", "a") == nullptr);
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
