#include "op/runner.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>

#include "support/fake_api.h"
#include "support/plans.h"

using namespace wukong;
using namespace wukong::op;
using namespace wukong::testing;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

Outcome run_all(FakeApi& api, Operation operation, RunOptions options = {}) {
  return run(api, std::move(operation), std::move(options), [](const Runner&) {});
}

/// One claim, created and waited for; removed again when that fails.
Operation one_claim(std::chrono::nanoseconds timeout = minutes{30}) {
  Operation operation{.id = kOperationId, .title = "make a"};
  operation.steps.push_back({.id = "make", .action = Create{claim("a"), marked(claim("a"))}, .group = "a"});
  operation.steps.push_back(
      {.id = "bound", .needs = {"make"}, .action = phase_is(claim("a"), "Bound", timeout), .group = "a"});
  operation.steps.push_back({.id = "unmake",
                             .action = Delete{claim("a"), "make"},
                             .group = "a",
                             .phase = Phase::undo,
                             .after = "make"});
  return operation;
}

}  // namespace

TEST_CASE("runner: creates, waits, ends") {
  FakeApi api;
  api.at(seconds{5}, [&] { api.merge(gvr::pvc(), "demo", "a", phase("Bound")); });
  const Outcome outcome = run_all(api, one_claim());
  CHECK_FALSE(outcome.error.has_value());
  CHECK(outcome.succeeded == 1);
  CHECK(names(outcome.made) == std::vector<std::string>{"persistentvolumeclaim/a"});
  CHECK(api.elapsed() >= seconds{5});
  CHECK(api.elapsed() < seconds{6});
}

TEST_CASE("runner: what serves no one target is a row, but no target") {
  FakeApi api;
  Operation operation = one_claim();
  operation.steps.push_back({.id = "other", .action = Create{claim("b"), marked(claim("b"))}});
  const Runner runner(api, std::move(operation), {});
  REQUIRE(runner.progress().rows.size() == 2);
  CHECK(targets(runner.progress()).size() == 1);
  CHECK(runner.progress().rows[1].helper);
}

TEST_CASE("runner: without groups, every row is a target") {
  FakeApi api;
  Operation operation;
  operation.steps.push_back({.id = "a", .action = phase_is(claim("a"), "Bound")});
  operation.steps.push_back({.id = "b", .action = phase_is(claim("b"), "Bound")});
  CHECK(targets(Runner(api, std::move(operation), {}).progress()).size() == 2);
}

TEST_CASE("runner: a final failure ends the wait at once and undoes") {
  FakeApi api;
  api.at(seconds{5}, [&] { api.merge(gvr::pvc(), "demo", "a", phase("Failed")); });
  const Outcome outcome = run_all(api, one_claim());
  REQUIRE(outcome.error.has_value());
  CHECK(outcome.error->code == Code::failed);
  CHECK(outcome.error->message == "PersistentVolumeClaim demo/a failed");
  CHECK(outcome.made.empty());
  CHECK(api.stored("persistentvolumeclaims", "demo", "a") == nullptr);
}

TEST_CASE("runner: keep_failed leaves what was made") {
  FakeApi api;
  api.at(seconds{5}, [&] { api.merge(gvr::pvc(), "demo", "a", phase("Failed")); });
  const Outcome outcome = run_all(api, one_claim(), {.keep_failed = true});
  CHECK(names(outcome.made) == std::vector<std::string>{"persistentvolumeclaim/a"});
  CHECK(api.stored("persistentvolumeclaims", "demo", "a") != nullptr);
}

TEST_CASE("runner: a wait that never ends times out with what it last saw") {
  FakeApi api;
  const Outcome outcome = run_all(api, one_claim(minutes{10}), {.keep_failed = true});
  REQUIRE(outcome.error.has_value());
  CHECK(outcome.error->code == Code::timed_out);
  CHECK(outcome.error->message == "timed out after 10m00s waiting for PersistentVolumeClaim demo/a: Pending");
  CHECK(api.elapsed() < minutes{11});
}

namespace {

/// One claim after the other.
Operation two_claims() {
  Operation operation{.id = kOperationId, .title = "make a and b"};
  operation.steps.push_back({.id = "a", .action = phase_is(claim("a"), "Bound", {}), .group = "x"});
  operation.steps.push_back(
      {.id = "b", .needs = {"a"}, .action = phase_is(claim("b"), "Bound", minutes{20}), .group = "x"});
  return operation;
}

}  // namespace

TEST_CASE("runner: the limit of the whole counts from the start, over all waits") {
  FakeApi api;
  api.put(gvr::pvc(), marked(claim("a")));
  api.at(minutes{6}, [&] { api.merge(gvr::pvc(), "demo", "a", phase("Bound")); });
  const Outcome outcome = run_all(api, two_claims(), {.timeout = minutes{10}});
  REQUIRE(outcome.error.has_value());
  CHECK(outcome.error->code == Code::timed_out);
  CHECK(outcome.error->message == "timed out after 10m00s waiting for PersistentVolumeClaim demo/b: Pending");
  CHECK(api.elapsed() >= minutes{10});
  CHECK(api.elapsed() < minutes{10} + seconds{1});
}

TEST_CASE("runner: a wait's own limit holds where it is sooner, and where the whole has none") {
  for (const minutes whole : {minutes{0}, minutes{60}}) {
    FakeApi api;
    api.put(gvr::pvc(), marked(claim("a")));
    api.at(minutes{6}, [&] { api.merge(gvr::pvc(), "demo", "a", phase("Bound")); });
    const Outcome outcome = run_all(api, two_claims(), {.timeout = whole});
    REQUIRE(outcome.error.has_value());
    CHECK(outcome.error->message ==
          "timed out after 20m00s waiting for PersistentVolumeClaim demo/b: Pending");
    CHECK(api.elapsed() >= minutes{26});
    CHECK(api.elapsed() < minutes{27});
  }
}

TEST_CASE("runner: an outage counts for the limit of the whole") {
  FakeApi api;
  api.put(gvr::pvc(), marked(claim("a")));
  api.at(minutes{1}, [&] { api.trouble("persistentvolumeclaims", "connection refused"); });
  const Outcome outcome = run_all(api, two_claims(), {.timeout = minutes{5}});
  REQUIRE(outcome.error.has_value());
  CHECK(outcome.error->code == Code::timed_out);
  CHECK(outcome.error->causes == std::vector<std::string>{"connection refused"});
  CHECK(api.elapsed() < minutes{6});
}

TEST_CASE("runner: what is put back has its own time, whatever the whole has used up") {
  FakeApi api;
  api.put(gvr::pvc(), marked(claim("c")));
  api.at(minutes{7}, [&] { api.merge(gvr::pvc(), "demo", "c", phase("Bound")); });
  Operation operation = two_claims();
  operation.steps.push_back(
      {.id = "c", .action = phase_is(claim("c"), "Bound", minutes{5}), .phase = Phase::put_back});
  const Outcome outcome = run_all(api, operation, {.timeout = minutes{5}});
  CHECK(outcome.error->code == Code::timed_out);
  CHECK(outcome.left.empty());
  CHECK(api.elapsed() >= minutes{7});
}

TEST_CASE("runner: a cause that stands ends the wait after the stall timeout, not before") {
  FakeApi api;
  api.at(seconds{1}, [&] { api.merge(gvr::pvc(), "demo", "a", {{"status", {{"error", "no space left"}}}}); });
  std::string shown;
  const Outcome outcome = run(api, one_claim(), {}, [&](const Runner& runner) {
    if (shown.empty() && !runner.progress().rows[0].trouble.empty()) {
      shown = runner.progress().rows[0].trouble;
      CHECK(api.elapsed() >= seconds{3});
      CHECK(api.elapsed() < seconds{4});
    }
  });
  CHECK(shown == "no space left");
  REQUIRE(outcome.error.has_value());
  CHECK(outcome.error->code == Code::failed);
  CHECK(outcome.error->causes == std::vector<std::string>{"no space left"});
  CHECK(api.elapsed() >= minutes{2});
  CHECK(api.elapsed() < minutes{2} + seconds{5});
}

TEST_CASE("runner: a storage that is mended in time is no failure") {
  FakeApi api;
  api.at(seconds{1}, [&] { api.merge(gvr::pvc(), "demo", "a", {{"status", {{"error", "no space left"}}}}); });
  api.at(seconds{100},
         [&] { api.merge(gvr::pvc(), "demo", "a", {{"status", {{"error", nullptr}, {"phase", "Bound"}}}}); });
  CHECK_FALSE(run_all(api, one_claim()).error.has_value());
}

TEST_CASE("runner: a create whose answer was lost knows its own object") {
  FakeApi api;
  api.put(gvr::pvc(), marked(claim("a")));
  api.at(seconds{1}, [&] { api.merge(gvr::pvc(), "demo", "a", phase("Bound")); });
  CHECK_FALSE(run_all(api, one_claim()).error.has_value());
}

TEST_CASE("runner: a create that is said to have failed after it was carried out knows its own object") {
  for (const Code code : {Code::failed, Code::conflict, Code::invalid, Code::forbidden}) {
    FakeApi api;
    api.script(kube::Method::post, "/api/v1/namespaces/demo/persistentvolumeclaims",
               FakeApi::error(code, "the gateway says 500"));
    api.put(gvr::pvc(), marked(claim("a")));
    api.at(seconds{1}, [&] { api.merge(gvr::pvc(), "demo", "a", phase("Bound")); });
    CHECK_FALSE(run_all(api, one_claim()).error.has_value());
  }
}

TEST_CASE(
    "runner: what an earlier run has made is taken over, but for another request, or while it is being "
    "deleted") {
  Operation operation = one_claim();
  operation.request = "of this request";
  Json wanted = marked(claim("a"));
  wanted["metadata"]["annotations"][mark::kRequestHash] = operation.request;
  const auto outcome_with = [&](const Json& there) {
    FakeApi api;
    api.put(gvr::pvc(), there);
    api.merge(gvr::pvc(), "demo", "a", phase("Bound"));
    const Outcome outcome = run_all(api, operation);
    CHECK((api.stored("persistentvolumeclaims", "demo", "a") != nullptr) ==
          text(there, {"metadata", "deletionTimestamp"}).empty());
    return outcome.error ? outcome.error->message + "\n" + outcome.error->hint : "";
  };
  CHECK(outcome_with(wanted).empty());
  Json other = wanted;
  other["metadata"]["annotations"][mark::kRequestHash] = "of another one";
  CHECK(outcome_with(other).find("has made it for another request\nrepeat the command") != std::string::npos);
  Json going = wanted;
  going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
  CHECK(outcome_with(going).find("it is being deleted\ntry again when it is gone") != std::string::npos);
}

TEST_CASE("runner: what is optional is done without by a user who may not do it") {
  for (const bool optional : {true, false}) {
    FakeApi api;
    api.put(gvr::pvc(), skeleton(claim("a")));
    api.script(kube::Method::patch, "/api/v1/namespaces/demo/persistentvolumeclaims/a",
               FakeApi::error(Code::forbidden, "you may not"));
    Operation operation{.id = kOperationId, .title = "mark a"};
    operation.steps.push_back({.id = "mark", .action = Patch{claim("a"), Json::object(), optional}});
    CHECK(permissions(operation).required.empty() == optional);
    CHECK(run_all(api, std::move(operation)).error.has_value() != optional);
  }
}

TEST_CASE("runner: a foreign object of the same name is a failure and stays") {
  FakeApi api;
  api.put(gvr::pvc(), skeleton(claim("a")));
  const Outcome outcome = run_all(api, one_claim());
  REQUIRE(outcome.error.has_value());
  CHECK(outcome.error->code == Code::already_exists);
  CHECK(api.stored("persistentvolumeclaims", "demo", "a") != nullptr);
}

TEST_CASE("runner: undo deletes only the very object that was made") {
  FakeApi api;
  api.at(seconds{5}, [&] {
    api.remove(gvr::pvc(), "demo", "a");
    api.put(gvr::pvc(), skeleton(claim("a")));  // somebody else's, with another uid
    api.merge(gvr::pvc(), "demo", "a", phase("Failed"));
  });
  const Outcome outcome = run_all(api, one_claim());
  CHECK(outcome.error.has_value());
  CHECK(api.stored("persistentvolumeclaims", "demo", "a") != nullptr);
}

TEST_CASE("runner: undo after a create that was never answered finds the object by its label") {
  FakeApi api;
  api.script(kube::Method::post, "/api/v1/namespaces/demo/persistentvolumeclaims",
             FakeApi::error(Code::failed, "the answer was no JSON"));
  api.script(kube::Method::get, "/api/v1/namespaces/demo/persistentvolumeclaims",
             FakeApi::error(Code::failed, "the answer was no JSON"));
  api.put(gvr::pvc(), marked(claim("a")));
  const Outcome outcome = run_all(api, one_claim());
  CHECK(outcome.error.has_value());
  CHECK(api.stored("persistentvolumeclaims", "demo", "a") == nullptr);
}

TEST_CASE("runner: an unreachable cluster is not asked to undo; what may stand there is said") {
  FakeApi api;
  api.script(kube::Method::post, "/api/v1/namespaces/demo/persistentvolumeclaims",
             FakeApi::error(Code::unreachable, "connection lost"));
  const Outcome outcome = run_all(api, one_claim());
  REQUIRE(outcome.error.has_value());
  CHECK(exit_code(outcome.error->code) == 4);
  CHECK(api.sent.size() == 1);
  CHECK(outcome.left ==
        std::vector<std::string>{"PersistentVolumeClaim demo/a: may have been created, the answer was lost"});
}

TEST_CASE("runner: what timed out is left in place") {
  FakeApi api;
  const Outcome outcome = run_all(api, one_claim(minutes{10}));
  CHECK(outcome.error->code == Code::timed_out);
  CHECK(api.stored("persistentvolumeclaims", "demo", "a") != nullptr);
}

TEST_CASE("runner: what undo cannot do is said") {
  FakeApi api;
  api.at(seconds{5}, [&] { api.merge(gvr::pvc(), "demo", "a", phase("Failed")); });
  api.script(kube::Method::del, "/api/v1/namespaces/demo/persistentvolumeclaims/a",
             FakeApi::error(Code::forbidden, "not allowed"));
  const Outcome outcome = run_all(api, one_claim());
  CHECK(outcome.left == std::vector<std::string>{"PersistentVolumeClaim demo/a: not allowed"});
  CHECK(names(outcome.made) == std::vector<std::string>{"persistentvolumeclaim/a"});
}

TEST_CASE("runner: a path that nobody serves proves no object gone") {
  FakeApi api;
  api.at(seconds{5}, [&] { api.merge(gvr::pvc(), "demo", "a", phase("Failed")); });
  api.script(kube::Method::del, kube::object_path(claim("a")),
             FakeApi::error(Code::not_found, "the server does not serve /x (404 page not found)"));
  const Outcome outcome = run_all(api, one_claim());
  CHECK_FALSE(outcome.undone);
  CHECK(outcome.left.size() == 1);
}

TEST_CASE("runner: undo goes on in its order although a step of it failed") {
  FakeApi api;
  api.at(seconds{5}, [&] { api.merge(gvr::pvc(), "demo", "a", phase("Failed")); });
  Operation operation = one_claim();
  operation.steps.back().needs = {"undo-first"};
  Sweep sweep{gvr::vm(), "demo", "", [](const Json&, const Seen&) { return true; }, "the VMs"};
  operation.steps.insert(
      operation.steps.end() - 1,
      {.id = "undo-first", .action = sweep, .group = "a", .phase = Phase::undo, .after = "make"});
  api.script(kube::Method::get, "/apis/kubevirt.io/v1/namespaces/demo/virtualmachines",
             FakeApi::error(Code::forbidden, "not allowed"));
  const Outcome outcome = run_all(api, operation);
  CHECK(outcome.left == std::vector<std::string>{"the VMs: not allowed"});
  CHECK(api.stored("persistentvolumeclaims", "demo", "a") == nullptr);
}

TEST_CASE("runner: a sweep removes what it picks, and nothing else") {
  FakeApi api;
  for (const char* name : {"x", "y", "z"}) api.put(gvr::pvc(), skeleton(claim(name)));
  Operation operation{.id = kOperationId, .title = "sweep"};
  const auto pick = [](const Json& c, const Seen&) { return text(c, {"metadata", "name"}) != "y"; };
  operation.steps.push_back({.id = "sweep", .action = Sweep{gvr::pvc(), "demo", "", pick, "x and z"}});
  CHECK_FALSE(run_all(api, operation).error.has_value());
  CHECK(api.stored("persistentvolumeclaims", "demo", "x") == nullptr);
  CHECK(api.stored("persistentvolumeclaims", "demo", "y") != nullptr);
  CHECK(api.stored("persistentvolumeclaims", "demo", "z") == nullptr);
}

TEST_CASE("runner: a tidy step after a wait runs only when the wait ended well") {
  for (const char* end : {"Bound", "Failed"}) {
    FakeApi api;
    api.at(seconds{5}, [&] { api.merge(gvr::pvc(), "demo", "a", phase(end)); });
    Operation operation = one_claim();
    operation.steps.push_back(
        {.id = "tidy", .action = Create{vm("t"), marked(vm("t"))}, .phase = Phase::tidy, .after = "bound"});
    run_all(api, operation);
    CHECK((api.stored("virtualmachines", "demo", "t") != nullptr) == (std::string_view(end) == "Bound"));
  }
}

TEST_CASE("runner: a required watch that is forbidden ends the wait with the reason") {
  FakeApi api;
  api.forbid("persistentvolumeclaims", {.code = Code::forbidden, .message = "cannot list claims"});
  const Outcome outcome = run_all(api, one_claim(), {.keep_failed = true});
  REQUIRE(outcome.error.has_value());
  CHECK(outcome.error->code == Code::forbidden);
}

TEST_CASE("runner: a body that cannot be built fails its step and what needs it, nothing else") {
  FakeApi api;
  Operation operation{.id = kOperationId, .title = "two"};
  operation.steps.push_back(
      {.id = "bad",
       .action =
           Create{claim("bad"), [](const Seen&) -> Result<Json> { return Error{.message = "no size"}; }},
       .group = "bad"});
  operation.steps.push_back(
      {.id = "next", .needs = {"bad"}, .action = Create{vm("bad"), marked(vm("bad"))}, .group = "bad"});
  operation.steps.push_back(
      {.id = "good", .action = Create{claim("good"), marked(claim("good"))}, .group = "good"});
  const Outcome outcome = run_all(api, operation);
  REQUIRE(outcome.error.has_value());
  CHECK(outcome.error->code == Code::partly);
  CHECK(outcome.succeeded == 1);
  CHECK(outcome.failed == 1);
  CHECK(api.lines() == std::vector<std::string>{"POST /api/v1/namespaces/demo/persistentvolumeclaims"});
}

TEST_CASE("runner: connection trouble is shown, stops the stall clock, and is no failure") {
  FakeApi api;
  api.at(seconds{1}, [&] { api.merge(gvr::pvc(), "demo", "a", {{"status", {{"error", "quota"}}}}); });
  api.at(seconds{30}, [&] { api.trouble("persistentvolumeclaims", "connection refused"); });
  api.at(minutes{8}, [&] {
    api.trouble("persistentvolumeclaims", "");
    api.merge(gvr::pvc(), "demo", "a", {{"status", {{"error", nullptr}, {"phase", "Bound"}}}});
  });
  bool shown = false;
  const Outcome outcome = run(api, one_claim(), {}, [&](const Runner& runner) {
    shown = shown || runner.progress().connection == "connection refused";
  });
  CHECK(shown);
  CHECK_FALSE(outcome.error.has_value());
}

TEST_CASE("runner: at most max_in_flight requests at a time, waits not counted") {
  FakeApi api;
  api.latency = seconds{1};
  Operation operation{.id = kOperationId, .title = "many"};
  for (int i = 0; i < 10; ++i) {
    const std::string name = "c" + std::to_string(i);
    operation.steps.push_back(
        {.id = name, .action = Create{claim(name), marked(claim(name))}, .group = name});
  }
  CHECK_FALSE(run_all(api, operation, {.max_in_flight = 3}).error.has_value());
  CHECK(api.elapsed() == seconds{4});  // 3 + 3 + 3 + 1
}

TEST_CASE("runner: Ctrl-C lets a write in flight finish, starts nothing new, leaves what was made") {
  FakeApi api;
  api.latency = seconds{2};
  api.at(seconds{1}, [&] { api.raise(SIGINT); });
  const Outcome outcome = run_all(api, one_claim());
  REQUIRE(outcome.error.has_value());
  CHECK(outcome.error->code == Code::interrupted);
  CHECK(names(outcome.made) == std::vector<std::string>{"persistentvolumeclaim/a"});
  CHECK(api.watches() == 0);
}

TEST_CASE("runner: Ctrl-C while waiting ends the wait and undoes nothing") {
  FakeApi api;
  api.at(seconds{5}, [&] { api.raise(SIGTERM); });
  const Outcome outcome = run_all(api, one_claim());
  REQUIRE(outcome.error.has_value());
  CHECK(outcome.error->code == Code::terminated);
  CHECK(exit_code(outcome.error->code) == 143);
  CHECK(api.stored("persistentvolumeclaims", "demo", "a") != nullptr);
}

TEST_CASE("runner: Ctrl-C with cancel_on_interrupt undoes") {
  FakeApi api;
  api.at(seconds{5}, [&] { api.raise(SIGINT); });
  const Outcome outcome = run_all(api, one_claim(), {.cancel_on_interrupt = true});
  CHECK(outcome.error->code == Code::interrupted);
  CHECK(api.stored("persistentvolumeclaims", "demo", "a") == nullptr);
}

TEST_CASE("runner: what somebody else has deleted is not left in place") {
  FakeApi api;
  api.at(seconds{5}, [&] {
    api.merge(gvr::pvc(), "demo", "a", phase("Failed"));
    api.script(kube::Method::del, "/api/v1/namespaces/demo/persistentvolumeclaims/a",
               FakeApi::error(Code::not_found, "not found"));
  });
  const Outcome outcome = run_all(api, one_claim());
  CHECK(outcome.error.has_value());
  CHECK(outcome.made.empty());
  CHECK(outcome.left.empty());
}

TEST_CASE("runner: Ctrl-C during the undo of a failure skips the rest of it, and ends") {
  FakeApi api;
  Operation operation = one_claim();
  operation.steps.back().needs = {"settled"};
  operation.steps.insert(operation.steps.begin() + 2, {.id = "settled",
                                                       .action = phase_is(claim("never"), "Bound"),
                                                       .group = "a",
                                                       .phase = Phase::undo,
                                                       .after = "make"});
  Step more = operation.steps.back();
  more.id = "unmake more";
  more.needs = {"unmake"};
  operation.steps.push_back(std::move(more));
  api.at(seconds{5}, [&] { api.merge(gvr::pvc(), "demo", "a", phase("Failed")); });
  api.at(seconds{20}, [&] { api.raise(SIGINT); });
  const Outcome outcome = run_all(api, std::move(operation));
  CHECK(outcome.error->code == Code::interrupted);
  CHECK(names(outcome.made) == std::vector<std::string>{"persistentvolumeclaim/a"});
  CHECK(api.lines() == std::vector<std::string>{"POST /api/v1/namespaces/demo/persistentvolumeclaims"});
  CHECK(api.elapsed() < seconds{22});
}

TEST_CASE("runner: one stream that gets through means that the cluster is reachable") {
  FakeApi api;
  Operation operation = one_claim();
  auto& wait = std::get<Await>(operation.steps[1].action);
  wait.watches.push_back(all_of(gvr::vm()));
  api.at(seconds{10}, [&] { api.trouble("persistentvolumeclaims", "connection refused"); });
  api.at(seconds{20}, [&] { api.trouble("virtualmachines", "connection refused"); });
  api.at(seconds{30}, [&] {
    api.trouble("persistentvolumeclaims", "");
    api.merge(gvr::pvc(), "demo", "a", phase("Bound"));
  });
  std::optional<std::chrono::nanoseconds> since;
  const Outcome outcome = run(api, std::move(operation), {}, [&](const Runner& runner) {
    if (!since && !runner.progress().connection.empty()) since = api.elapsed();
  });
  CHECK_FALSE(outcome.error.has_value());
  REQUIRE(since.has_value());
  CHECK(*since >= seconds{20});
}

TEST_CASE("runner: a second Ctrl-C leaves at once, even with a write in flight") {
  FakeApi api;
  api.script(kube::Method::post, "/api/v1/namespaces/demo/persistentvolumeclaims",
             std::nullopt);  // never answered
  api.at(seconds{1}, [&] { api.raise(SIGINT); });
  api.at(seconds{2}, [&] { api.raise(SIGINT); });
  const Outcome outcome = run_all(api, one_claim());
  CHECK(outcome.abandoned);
  CHECK(api.elapsed() < seconds{3});
}

TEST_CASE("runner: a wait that is no longer let in says nothing about its object, which stays") {
  for (const Code code : {Code::forbidden, Code::unauthenticated}) {
    FakeApi api;
    api.at(seconds{5},
           [&] { api.forbid("persistentvolumeclaims", {.code = code, .message = "token expired"}); });
    const Outcome outcome = run_all(api, one_claim());
    REQUIRE(outcome.error.has_value());
    CHECK(exit_code(outcome.error->code) == 4);
    CHECK(api.stored("persistentvolumeclaims", "demo", "a") != nullptr);
  }
}

TEST_CASE("runner: a stream that can be done without, and never loads, holds nobody up") {
  FakeApi api;
  api.hold_loading("events");
  Operation operation = one_claim(minutes{10});
  std::get<Await>(operation.steps[1].action)
      .watches.push_back({.gvr = gvr::event(), .ns = "demo", .from_now = true});
  api.at(seconds{1}, [&] { api.trouble("events", "500 storage is broken"); });
  api.at(seconds{5}, [&] { api.merge(gvr::pvc(), "demo", "a", phase("Bound")); });
  CHECK_FALSE(run_all(api, operation).error.has_value());
  CHECK(api.elapsed() < seconds{7});
}

TEST_CASE("runner: of 1,200 waits none starves: all time out in time") {
  FakeApi api;
  Operation operation{.id = kOperationId, .title = "many"};
  for (int i = 0; i < 1200; ++i) {
    const std::string name = "c" + std::to_string(i);
    operation.steps.push_back(
        {.id = name, .action = phase_is(claim(name), "Bound", seconds{30}), .group = name});
  }
  const Outcome outcome = run_all(api, operation);
  CHECK(outcome.failed == 1200);
  CHECK(api.elapsed() < seconds{33});
}

TEST_CASE("runner: the first Ctrl-C with cancel_on_interrupt does not end an undo that runs already") {
  FakeApi api;
  api.latency = seconds{1};
  api.at(seconds{5}, [&] { api.merge(gvr::pvc(), "demo", "a", phase("Failed")); });
  api.at(milliseconds{5500}, [&] { api.raise(SIGINT); });
  Operation operation = one_claim();
  operation.steps.back().needs = {"undo-first"};
  Sweep sweep{gvr::vm(), "demo", "", [](const Json&, const Seen&) { return true; }, "the VMs"};
  operation.steps.insert(
      operation.steps.end() - 1,
      {.id = "undo-first", .action = sweep, .group = "a", .phase = Phase::undo, .after = "make"});
  const Outcome outcome = run_all(api, operation, {.cancel_on_interrupt = true});
  CHECK(outcome.signal == SIGINT);
  CHECK(api.stored("persistentvolumeclaims", "demo", "a") == nullptr);
}

TEST_CASE("runner: an undo step of no group leaves what timed out, too") {
  FakeApi api;
  Operation operation = one_claim(minutes{1});
  operation.steps.back().group.clear();
  CHECK(run_all(api, operation).error->code == Code::timed_out);
  CHECK(api.stored("persistentvolumeclaims", "demo", "a") != nullptr);
}

TEST_CASE("runner: left at once with a create in flight: it is said what may be there") {
  FakeApi api;
  api.script(kube::Method::post, "/api/v1/namespaces/demo/persistentvolumeclaims", std::nullopt);
  api.at(seconds{1}, [&] { api.raise(SIGINT); });
  api.at(seconds{2}, [&] { api.raise(SIGINT); });
  const Outcome outcome = run_all(api, one_claim());
  CHECK(outcome.left == std::vector<std::string>{"PersistentVolumeClaim demo/a: may have been created"});
}

// ---- what was there before, and what is left in place

namespace {

const std::string kVmPath = "/apis/kubevirt.io/v1/namespaces/demo/virtualmachines/web";

/// one_claim(), for which the VM web is changed and changed back: by two writes, the second only after the first.
Operation with_vm_changed() {
  Operation operation = one_claim();
  const auto write = [](const char* key) { return Patch{vm("web"), Json{{"spec", {{key, true}}}}}; };
  operation.steps.insert(operation.steps.begin(), {.id = "change", .action = write("changed"), .group = "a"});
  operation.steps.push_back(
      {.id = "back", .action = write("back"), .phase = Phase::put_back, .after = "change"});
  operation.steps.push_back({.id = "forget",
                             .needs = {"back"},
                             .action = write("forgotten"),
                             .phase = Phase::put_back,
                             .after = "change"});
  return operation;
}

}  // namespace

TEST_CASE("runner: what is not put back is an error of the whole, and is not forgotten") {
  FakeApi api;
  api.put(gvr::vm(), skeleton(vm("web")));
  api.at(seconds{5}, [&] {
    api.merge(gvr::pvc(), "demo", "a", phase("Bound"));
    api.script(kube::Method::patch, kVmPath, FakeApi::error(Code::failed, "locked"));
  });
  const Outcome outcome = run_all(api, with_vm_changed());
  REQUIRE(outcome.error.has_value());
  CHECK(outcome.error->code == Code::partly);
  CHECK(outcome.error->message == "make a: done, but not all is as it was before");
  CHECK(outcome.error->causes == std::vector<std::string>{"locked"});
  CHECK_FALSE(flag(*api.stored("virtualmachines", "demo", "web"), {"spec", "forgotten"}));
  CHECK(outcome.succeeded == 1);
}

TEST_CASE(
    "runner: a terminal that goes is told of more than once, and what was changed is changed back all the "
    "same") {
  for (const std::vector<int>& signals :
       {std::vector<int>{SIGHUP, SIGHUP}, {SIGINT, SIGHUP}, {SIGHUP, SIGTERM}}) {
    FakeApi api;
    api.latency = seconds{1};
    api.put(gvr::vm(), skeleton(vm("web")));
    api.at(seconds{5}, [&] { api.raise(signals[0]); });
    api.at(milliseconds{5500}, [&] { api.raise(signals[1]); });
    const Outcome outcome = run_all(api, with_vm_changed());
    REQUIRE(outcome.error.has_value());
    CHECK(outcome.error->code == ended_by(signals[1] == SIGHUP ? signals[0] : signals[1]));
    CHECK_FALSE(outcome.abandoned);
    CHECK(flag(*api.stored("virtualmachines", "demo", "web"), {"spec", "forgotten"}));
  }
}

TEST_CASE("runner: a refusal after a write does not claim that nothing was written") {
  FakeApi api;
  Operation operation = one_claim();
  operation.steps.push_back({.id = "check",
                             .needs = {"make"},
                             .action = Guard{.check = [](const auto&, const auto&) -> Result<void> {
                               return Error{.code = Code::precondition, .message = "no"};
                             }},
                             .group = "a"});
  CHECK(run_all(api, std::move(operation)).error->code == Code::failed);
}

TEST_CASE(
    "runner: a wait that loses sight undoes nothing, and what is left in place keeps its temporary objects") {
  FakeApi api;
  Operation operation = one_claim();
  operation.steps.push_back(
      {.id = "tidy", .action = Delete{claim("a"), "make"}, .phase = Phase::tidy, .after = "make"});
  SUBCASE("it may not be looked at any more") {
    api.script(kube::Method::get, "/api/v1/namespaces/demo/persistentvolumeclaims",
               FakeApi::error(Code::not_found, "404 page not found"));
  }
  SUBCASE("it takes too long") { operation.steps[1].action = phase_is(claim("a"), "Bound", seconds{3}); }
  const Outcome outcome = run_all(api, std::move(operation));
  REQUIRE(outcome.error.has_value());
  CHECK(api.stored("persistentvolumeclaims", "demo", "a") != nullptr);
  CHECK(names(outcome.made) == std::vector<std::string>{"persistentvolumeclaim/a"});
}

TEST_CASE("runner: a temporary object that stays because a step before its removal failed is named") {
  FakeApi api;
  api.at(seconds{5}, [&] { api.merge(gvr::pvc(), "demo", "a", phase("Bound")); });
  api.put(gvr::vm(), skeleton(vm("web")));
  api.script(kube::Method::patch, kVmPath, FakeApi::error(Code::failed, "no"));
  Operation operation = one_claim();
  const auto tidy = [&](std::string id, std::vector<std::string> needs, Action action) {
    operation.steps.push_back({.id = std::move(id),
                               .needs = std::move(needs),
                               .action = std::move(action),
                               .phase = Phase::tidy,
                               .after = "make"});
  };
  tidy("mark", {}, Patch{vm("web"), Json{{"metadata", {{"labels", {{"a", "b"}}}}}}});
  tidy("look", {"mark"}, Guard{.check = [](const auto&, const auto&) { return Result<void>{}; }});
  tidy("remove", {"look"}, Delete{claim("a"), "make"});
  const Outcome outcome = run_all(api, std::move(operation));
  CHECK_FALSE(outcome.error.has_value());
  CHECK(outcome.left ==
        std::vector<std::string>{"VirtualMachine demo/web: no", "PersistentVolumeClaim demo/a: not removed"});
}
