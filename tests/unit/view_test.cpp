#include "base/view.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace wukong {
namespace {

/// A core/v1 Event about PersistentVolumeClaim web-root.
Json event(const std::string& name, Json more) {
  Json made = Json::parse(R"({"involvedObject":{"kind":"PersistentVolumeClaim","name":"web-root"}})");
  made["metadata"]["name"] = name;
  made.update(more, true);
  return made;
}

Shelf known(const std::vector<Json>& objects) {
  Shelf shelf{.sight = Shelf::Sight::known};
  for (const Json& each : objects) shelf.objects.emplace(text(each, {"metadata", "name"}), each);
  return shelf;
}

std::string newest(const std::vector<Json>& events, const std::function<bool(const Json&)>& accept = {}) {
  const Shelf shelf = known(events);
  View view;
  view.add("events", &shelf);
  const Json* found = view.newest_event("PersistentVolumeClaim", "web-root", accept);
  return found == nullptr ? "" : std::string(text(*found, {"metadata", "name"}));
}

TEST_CASE("view: what is not watched is unreadable") {
  const View view;
  CHECK(view.unreadable("pods"));
  CHECK_FALSE(view.known("pods"));
  CHECK_FALSE(view.loading());
  CHECK(view.find("pods", "a") == nullptr);
  CHECK_FALSE(view.shelf("pods").why.message.empty());
  CHECK(view.newest_event("Pod", "a", {}) == nullptr);
}

TEST_CASE("view: known, loading, unreadable") {
  const Shelf pods = known({event("a", Json::object())});
  Shelf claims{};
  View view;
  view.add("pods", &pods);
  view.add("persistentvolumeclaims", &claims);
  CHECK(view.known("pods"));
  CHECK(view.find("pods", "a") != nullptr);
  CHECK(view.find("pods", "b") == nullptr);
  CHECK(view.loading());
  claims.sight = Shelf::Sight::unreadable;
  CHECK_FALSE(view.loading());
  CHECK(view.unreadable("persistentvolumeclaims"));
}

TEST_CASE("view: two watches of one kind are known only together") {
  const Shelf one = known({event("a", Json::object())});
  Shelf two = known({event("b", Json::object())});
  View view;
  view.add("pods", &one);
  view.add("pods", &two);
  CHECK(view.known("pods"));
  CHECK(view.find("pods", "b") != nullptr);
  two.sight = Shelf::Sight::loading;
  CHECK_FALSE(view.known("pods"));
  two.sight = Shelf::Sight::unreadable;
  CHECK(view.find("pods", "a") != nullptr);
  CHECK(view.find("pods", "b") == nullptr);
}

TEST_CASE("newest_event: by the last time it was seen") {
  const Json old = event("old", Json::parse(R"({"lastTimestamp":"2026-01-01T00:00:01Z"})"));
  const Json later = event("later", Json::parse(R"({"lastTimestamp":"2026-01-01T00:00:02Z"})"));
  const Json micro =
      event("micro", Json::parse(R"({"lastTimestamp":null,"eventTime":"2026-01-01T00:00:02.000001Z"})"));
  const Json series =
      event("series", Json::parse(R"({"lastTimestamp":null,"eventTime":"2025-01-01T00:00:00.0Z",
    "series":{"count":3,"lastObservedTime":"2026-01-01T00:00:03.000000Z"}})"));
  const Json bare =
      event("bare", Json::parse(R"({"metadata":{"creationTimestamp":"2026-01-01T00:00:04Z"}})"));
  CHECK(newest({}) == "");
  CHECK(newest({old, later}) == "later");
  CHECK(newest({old, later, micro}) == "micro");
  CHECK(newest({old, later, micro, series}) == "series");
  CHECK(newest({old, later, micro, series, bare}) == "bare");
  CHECK(newest({old, later}, [](const Json& each) { return text(each, {"metadata", "name"}) == "old"; }) ==
        "old");
}

TEST_CASE("newest_event: equal times go by resourceVersion, as numbers") {
  const Json nine = event(
      "nine", Json::parse(R"({"metadata":{"resourceVersion":"9"},"lastTimestamp":"2026-01-01T00:00:01Z"})"));
  const Json ten =
      event("a-ten",
            Json::parse(R"({"metadata":{"resourceVersion":"10"},"lastTimestamp":"2026-01-01T00:00:01Z"})"));
  CHECK(newest({nine, ten}) == "a-ten");
  CHECK(newest({ten, nine}) == "a-ten");
}

TEST_CASE("newest_event: events.k8s.io/v1 says regarding and deprecatedLastTimestamp") {
  const Json core = event("core", Json::parse(R"({"lastTimestamp":"2026-01-01T00:00:01Z"})"));
  const Json modern = Json::parse(
      R"({"metadata":{"name":"modern"},"regarding":{"kind":"PersistentVolumeClaim","name":"web-root"},
    "deprecatedLastTimestamp":"2026-01-01T00:00:05Z","eventTime":null})");
  CHECK(newest({core, modern}) == "modern");
}

TEST_CASE("newest_event: an earlier object of the same name was another one") {
  const auto about = [](const char* name, const char* uid) {
    Json made = event(name, Json::object());
    made["involvedObject"]["uid"] = uid;
    return made;
  };
  const Shelf events = known({about("old", "u1"), about("silent", "")});
  const Shelf claims = known({Json{{"metadata", {{"name", "web-root"}, {"uid", "u2"}}}}});
  View view;
  view.add("events", &events);
  const auto is_old = [](const Json& each) { return text(each, {"metadata", "name"}) == "old"; };
  CHECK(view.newest_event("PersistentVolumeClaim", "web-root", is_old) != nullptr);  // nobody knows better
  view.add("persistentvolumeclaims", &claims);
  CHECK(view.newest_event("PersistentVolumeClaim", "web-root", is_old) == nullptr);
  CHECK(view.newest_event("PersistentVolumeClaim", "web-root", {}) != nullptr);  // "silent"
}

TEST_CASE("newest_event: others' events and broken ones are passed over") {
  Json other = event("other", Json::object());
  other["involvedObject"]["name"] = "web-data";
  Json kind = event("kind", Json::object());
  kind["involvedObject"]["kind"] = "Pod";
  const Json broken =
      event("broken",
            Json::parse(
                R"({"lastTimestamp":12,"series":"x","eventTime":"soon","metadata":{"resourceVersion":[]}})"));
  CHECK(newest({other, kind}) == "");
  CHECK(newest({other, kind, broken}) == "broken");
  CHECK(newest({broken, event("good", Json::parse(R"({"eventTime":"1990-01-01T00:00:00Z"})"))}) == "good");
}

}  // namespace
}  // namespace wukong
