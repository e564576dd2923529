#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "sandbox/protobuf.h"
#include "sandbox/selectors.h"
#include "sandbox/table.h"
#include "sandbox/watch.h"

using namespace wukong;
using namespace wukong::sandbox;

namespace {

bool selects(std::string_view labels, std::string_view fields, const Json& object) {
  const auto selector = parse_selector(kind_named("persistentvolumeclaims"), labels, fields);
  REQUIRE(selector.has_value());
  return matches(*selector, object);
}

Json config_map(const std::string& name) {
  return {{"kind", "ConfigMap"},
          {"metadata", {{"name", name}, {"namespace", "demo"}, {"labels", {{"app", name}}}}}};
}

}  // namespace

TEST_CASE("selectors: labels and fields") {
  const Json object = {
      {"metadata", {{"name", "root"}, {"namespace", "demo"}, {"labels", {{"app", "db"}, {"tier", ""}}}}}};
  for (const char* words : {"", "app=db", "app==db", "app!=web", "app in (web, db)", "app notin (web)", "app",
                            "!none", "app=db,tier", "none!=x", "none notin (x)"})
    CHECK_MESSAGE(selects(words, "", object), words);
  for (const char* words :
       {"app=web", "app!=db", "app in (web)", "app notin (db,web)", "none", "!app", "app=db,none"})
    CHECK_MESSAGE(!selects(words, "", object), words);
  CHECK(selects("", "metadata.name=root,metadata.namespace==demo", object));
  CHECK_FALSE(selects("", "metadata.name!=root", object));
}

TEST_CASE("selectors: what Kubernetes refuses") {
  const auto refused = parse_selector(kind_named("virtualmachines"), "", "spec.runStrategy=Always");
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == 400);
  CHECK(refused.error().message == "field label not supported: spec.runStrategy");
  CHECK_FALSE(parse_selector(kind_named("pods"), "a b", "").has_value());
}

TEST_CASE("store: a watch tells changes once, also when a selector begins or ceases to hold") {
  Store store;
  const Kind& kind = kind_named("configmaps");
  const auto selector = parse_selector(kind, "app=a", "");
  Watch watch({.kind = &kind, .ns = "demo", .selector = *selector}, store.version());
  store.put(kind, config_map("a"));
  store.put(kind, config_map("b"));
  const std::string first = watch.drain(store, {});
  CHECK(first.find("\"ADDED\"") != std::string::npos);
  CHECK(first.find("\"b\"") == std::string::npos);
  CHECK(watch.drain(store, {}).empty());
  Json relabelled = config_map("a");
  relabelled["metadata"]["labels"]["app"] = "other";
  store.put(kind, relabelled);
  CHECK(watch.drain(store, {}).find("\"DELETED\"") != std::string::npos);
}

TEST_CASE("store: a watch from a version that is forgotten ends with 410") {
  Store store(3);
  const Kind& kind = kind_named("configmaps");
  for (int i = 0; i < 10; ++i) store.put(kind, config_map("m" + std::to_string(i)));
  Watch watch({.kind = &kind}, 2);
  const Json event = Json::parse(watch.drain(store, {}));
  CHECK(event["type"] == "ERROR");
  CHECK(event["object"]["code"] == 410);
  CHECK(event["object"]["message"] == "too old resource version: 2 (8)");
  CHECK(watch.has_ended());
  Watch recent({.kind = &kind, .bookmarks = true}, 8);
  CHECK(recent.drain(store, {}).find("m7") != std::string::npos);
  CHECK(Json::parse(recent.bookmark())["object"]["metadata"]["resourceVersion"] == "11");
}

TEST_CASE("table: ages as kubectl writes them") {
  using std::chrono::seconds;
  CHECK(age_text(seconds(7)) == "7s");
  CHECK(age_text(seconds(119)) == "119s");
  CHECK(age_text(seconds(185)) == "3m5s");
  CHECK(age_text(seconds(42 * 60)) == "42m");
  CHECK(age_text(seconds(5 * 3600 + 12 * 60)) == "5h12m");
  CHECK(age_text(seconds(3 * 86400)) == "3d");
}

TEST_CASE("protobuf: what kubectl create namespace sends; never reads past the end") {
  const std::string bytes(
      "k8s\0\n\x0f\n\x02v1\x12\tNamespace\x12\x08\n\x06\n\x04"
      "demo",
      31);
  const auto object = parse_protobuf(bytes);
  REQUIRE(object.has_value());
  CHECK(*object == Json{{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", "demo"}}}});
  for (std::size_t size = 0; size < bytes.size(); ++size)
    CHECK(parse_protobuf(bytes.substr(0, size)) != object);
}
