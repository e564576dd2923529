#include "op/operation.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace wukong;
using namespace wukong::op;

namespace {

Operation three_steps() {
  Operation operation{.id = "op1", .title = "three"};
  const ObjectRef claim{gvr::pvc(), "demo", "a"};
  operation.steps.push_back({.id = "make", .action = Create{claim, skeleton(claim)}});
  operation.steps.push_back({.id = "bound",
                             .needs = {"make"},
                             .action = Await{claim,
                                             {{.gvr = gvr::pvc(), .ns = "demo", .required = true},
                                              {.gvr = gvr::event(), .ns = "demo"}},
                                             {},
                                             {}}});
  operation.steps.push_back(
      {.id = "remove", .action = Delete{claim, "make"}, .phase = Phase::undo, .after = "make"});
  return operation;
}

}  // namespace

TEST_CASE("shape_problem: a sound operation has none") { CHECK(shape_problem(three_steps()).empty()); }

TEST_CASE("shape_problem: names what is wrong") {
  Operation operation = three_steps();
  SUBCASE("an unknown need") {
    operation.steps[1].needs = {"nope"};
    CHECK(shape_problem(operation) == "step bound needs nope, which does not stand before it");
  }
  SUBCASE("a need on a later step, which every cycle has") {
    operation.steps[0].needs = {"bound"};
    CHECK(shape_problem(operation) == "step make needs bound, which does not stand before it");
  }
  SUBCASE("two steps of one name") {
    operation.steps[1].id = "make";
    operation.steps[1].needs = {};
    CHECK(shape_problem(operation) == "two steps are called make");
  }
  SUBCASE("a main step after another") {
    operation.steps[1].after = "make";
    CHECK(shape_problem(operation) == "step bound is after make, which is no earlier main step");
  }
  SUBCASE("a main step that needs an undo step") {
    std::swap(operation.steps[1], operation.steps[2]);
    operation.steps[2].needs = {"remove"};
    CHECK(shape_problem(operation) == "step bound needs remove of a later phase");
  }
  SUBCASE("no id") {
    operation.steps[0].id.clear();
    CHECK(shape_problem(operation) == "a step has no id");
  }
}

TEST_CASE("permissions: main writes and required watches are required, the rest is optional") {
  const Permissions all = permissions(three_steps());
  REQUIRE(all.required.size() == 3);
  CHECK(all.required[0].verb == "create");
  CHECK(all.required[0].resource == "persistentvolumeclaims");
  CHECK(all.required[0].name.empty());
  CHECK(all.required[1].verb == "list");
  CHECK(all.required[2].verb == "watch");
  REQUIRE(all.optional.size() == 3);
  const bool deletes = std::any_of(all.optional.begin(), all.optional.end(), [](const kube::Permission& p) {
    return p.verb == "delete" && p.resource == "persistentvolumeclaims" && p.name == "a";
  });
  CHECK(deletes);
}

TEST_CASE("permissions: 5,000 creates are one question") {
  Operation operation{.title = "many"};
  for (int i = 0; i < 5000; ++i) {
    const ObjectRef ref{gvr::vm(), "demo", "vm-" + std::to_string(i)};
    operation.steps.push_back({.id = ref.name, .action = Create{ref, Json::object()}});
  }
  CHECK(permissions(operation).required.size() == 1);
}
