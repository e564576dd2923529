#include "op/observe.h"

#include <doctest/doctest.h>

#include <csignal>

#include "support/fake_api.h"

namespace wukong {
namespace {

using namespace testing;

Json named(const std::string& name) { return {{"metadata", {{"name", name}, {"namespace", "demo"}}}}; }

}  // namespace

TEST_CASE("observe: each change is shown once, and what does not change once a second, until a signal") {
  FakeApi api;
  api.put(gvr::pvc(), named("a"));
  std::vector<std::size_t> counts;
  std::vector<Time> times;
  const auto seen = [&](const op::Shelves& shelves) -> Result<void> {
    counts.push_back(shelves.front()->objects.size());
    times.push_back(api.now());
    if (counts.size() == 1) api.put(gvr::pvc(), named("b"));
    if (counts.size() == 4) api.raise(SIGINT);
    return {};
  };
  const auto ended = op::observe(api, {{.gvr = gvr::pvc(), .ns = "demo"}}, {}, seen);
  REQUIRE_FALSE(ended.has_value());
  CHECK(ended.error().code == Code::interrupted);
  CHECK(counts == std::vector<std::size_t>{1, 2, 2, 2});
  CHECK(times[1] - times[0] >= std::chrono::milliseconds{250});
  CHECK(times[3] - times[2] >= std::chrono::seconds{1});
}

TEST_CASE("observe: of all namespaces, objects of one name are told apart") {
  FakeApi api;
  Json other = named("a");
  other["metadata"]["namespace"] = "other";
  api.put(gvr::pvc(), named("a"));
  api.put(gvr::pvc(), other);
  std::vector<std::string> keys;
  const auto ended =
      op::observe(api, {{.gvr = gvr::pvc()}}, {}, [&](const op::Shelves& shelves) -> Result<void> {
        for (const auto& [key, object] : shelves.front()->objects) keys.push_back(key);
        api.raise(SIGTERM);
        return {};
      });
  CHECK(ended.error().code == Code::terminated);
  CHECK(keys == std::vector<std::string>{"demo/a", "other/a"});
}

TEST_CASE("observe: whoever looks may end it") {
  FakeApi api;
  const auto seen = [](const op::Shelves&) -> Result<void> { return Error{.code = Code::forbidden}; };
  const auto ended = op::observe(api, {{.gvr = gvr::pvc(), .ns = "demo"}}, {}, seen);
  CHECK(ended.error().code == Code::forbidden);
  CHECK(api.watches() == 0);
}

}  // namespace wukong
