#include "op/waits.h"

#include <doctest/doctest.h>

#include "op/runner.h"
#include "support/fake_api.h"
#include "support/plans.h"

using namespace wukong;
using namespace wukong::op;
using namespace wukong::testing;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

Outcome wait_for(FakeApi& api, const std::vector<ObjectRef>& claims) {
  Operation operation{.id = kOperationId, .title = "wait"};
  for (const ObjectRef& ref : claims)
    operation.steps.push_back(
        {.id = ref.name, .action = phase_is(ref, "Bound", minutes{2}), .group = ref.name});
  return run(api, std::move(operation), {}, [](const Runner&) {});
}

/// The claim's stream says that it has failed, whatever the store has.
void mislead(FakeApi& api) {
  api.edit("persistentvolumeclaims", [](Shelf& shelf) { shelf.objects["a"]["status"]["phase"] = "Failed"; });
}

}  // namespace

TEST_CASE("waits: a failure that only a late stream shows is none") {
  FakeApi api;
  api.put(gvr::pvc(), marked(claim("a")));
  api.at(seconds{5}, [&] { mislead(api); });
  SUBCASE("the fresh look finds the end") {
    api.at(seconds{5}, [&] { api.merge(gvr::pvc(), "demo", "a", phase("Bound")); });
    api.at(seconds{5}, [&] { mislead(api); });
    CHECK_FALSE(wait_for(api, {claim("a")}).error.has_value());
    CHECK(api.lines(false).size() == 1);
  }
  SUBCASE("the wait goes on, with a look now and then, until the stream tells more") {
    api.at(seconds{15}, [&] { api.merge(gvr::pvc(), "demo", "a", phase("Bound")); });
    CHECK_FALSE(wait_for(api, {claim("a")}).error.has_value());
    CHECK(api.elapsed() >= seconds{15});
    CHECK(api.lines(false).size() >= 8);
    CHECK(api.lines(false).size() <= 11);
  }
  SUBCASE("a deadline counts meanwhile") {
    const Outcome outcome = wait_for(api, {claim("a")});
    REQUIRE(outcome.error.has_value());
    CHECK(outcome.error->code == Code::timed_out);
  }
}

TEST_CASE("waits: a failure is believed only when the cluster can be asked") {
  FakeApi api;
  api.put(gvr::pvc(), marked(claim("a")));
  api.at(seconds{5}, [&] { api.merge(gvr::pvc(), "demo", "a", phase("Failed")); });
  api.script(kube::Method::get, kube::collection_path(gvr::pvc(), "demo"),
             FakeApi::error(Code::unreachable, "no way there"));
  const Outcome outcome = wait_for(api, {claim("a")});
  REQUIRE(outcome.error.has_value());
  CHECK(outcome.error->message == "PersistentVolumeClaim demo/a failed");
  CHECK(api.elapsed() >= seconds{6});
}

TEST_CASE("waits: those that fail together share one fresh look") {
  FakeApi api;
  std::vector<ObjectRef> claims;
  for (int i = 0; i < 40; ++i) {
    claims.push_back(claim("c" + std::to_string(i)));
    api.put(gvr::pvc(), marked(claims.back()));
  }
  api.at(seconds{5}, [&] {
    for (const ObjectRef& ref : claims) api.merge(gvr::pvc(), "demo", ref.name, phase("Failed"));
  });
  CHECK(wait_for(api, claims).failed == 40);
  CHECK(api.lines(false).size() == 1);
}

TEST_CASE("waits: an event does not have every wait of the namespace judged at once") {
  FakeApi api;
  std::size_t judged = 0;
  Operation operation{.id = kOperationId, .title = "wait"};
  for (int i = 0; i < 40; ++i) {
    const ObjectRef ref = claim("c" + std::to_string(i));
    api.put(gvr::pvc(), marked(ref));
    Await await = phase_is(ref, "Bound", minutes{1});
    await.watches.push_back({.gvr = gvr::event(), .ns = "demo", .from_now = true});
    await.judge = [&judged, judge = await.judge](const View& view, const Verdict& before, Duration waited) {
      ++judged;
      return judge(view, before, waited);
    };
    operation.steps.push_back({.id = ref.name, .action = std::move(await), .group = ref.name});
  }
  for (int i = 0; i < 300; ++i) {
    api.at(std::chrono::milliseconds{10 * i}, [&api, i] {
      api.put(gvr::event(), {{"metadata", {{"name", "e" + std::to_string(i)}, {"namespace", "demo"}}}});
    });
  }
  api.at(seconds{3}, [&] {
    for (int i = 0; i < 40; ++i) api.merge(gvr::pvc(), "demo", "c" + std::to_string(i), phase("Bound"));
  });
  CHECK_FALSE(run(api, std::move(operation), {}, [](const Runner&) {}).error.has_value());
  CHECK(judged < 40 * 20);  // 12 ticks, the first and the last; by every event it would be 12,000
}

TEST_CASE("waits: done does not count before every stream was heard of") {
  FakeApi api;
  api.put(gvr::pvc(), marked(claim("a")));
  api.hold_loading("datavolumes");
  Operation operation{.id = kOperationId, .title = "wait"};
  Await await = phase_is(claim("a"), "Bound", minutes{10});
  await.watches.push_back({.gvr = gvr::data_volume(), .ns = "demo"});
  operation.steps.push_back({.id = "a", .action = std::move(await), .group = "a"});
  api.at(seconds{1}, [&] { api.trouble("datavolumes", "HTTP 503"); });
  api.at(seconds{2}, [&] { api.merge(gvr::pvc(), "demo", "a", phase("Bound")); });
  SUBCASE("heard of at last") {
    api.at(seconds{30}, [&] { api.loaded("datavolumes"); });
    std::string trouble;
    const Outcome outcome = run(api, operation, {}, [&](const Runner& runner) {
      if (!runner.progress().rows.empty() && trouble.empty())
        trouble = runner.progress().rows.front().trouble;
    });
    CHECK_FALSE(outcome.error.has_value());
    CHECK(api.elapsed() >= seconds{30});
    CHECK(api.elapsed() < seconds{32});
    CHECK(trouble == "datavolumes cannot be read: HTTP 503");
  }
  SUBCASE("they may not be listed") {
    api.at(seconds{30}, [&] { api.forbid("datavolumes", {.code = Code::forbidden}); });
    CHECK_FALSE(run(api, operation, {}, [](const Runner&) {}).error.has_value());
    CHECK(api.elapsed() >= seconds{30});
  }
  SUBCASE("never: it ends as if the cluster could not be reached, so that nothing is taken back") {
    const Outcome outcome = run(api, operation, {.stall_timeout = minutes{2}}, [](const Runner&) {});
    REQUIRE(outcome.error.has_value());
    CHECK(outcome.error->code == Code::unreachable);
    CHECK(outcome.error->causes == std::vector<std::string>{"datavolumes cannot be read: HTTP 503"});
  }
}
