#include "manifest/key_filter.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace wukong;
using namespace wukong::manifest;

TEST_CASE("key filter: as KubeVirt reads them") {
  CHECK(keeps_key({}, "anything"));
  CHECK(keeps_key({"*"}, "anything"));
  CHECK(keeps_key({"app"}, "my-app/x"));  // unanchored
  CHECK_FALSE(keeps_key({"^app"}, "my-app/x"));
  CHECK_FALSE(keeps_key({"*", "!kubectl"}, "kubectl.kubernetes.io/x"));
  CHECK(keeps_key({"!kubectl", "*"}, "app"));
  CHECK_FALSE(keeps_key({"!other"}, "app"));  // only negations keep nothing
  CHECK(keeps_key({"some/key*"}, "some/ke"));
  CHECK(keeps_key({"(?i)APP"}, "app"));
  CHECK(keeps_key({"^\\pL+$"}, "app"));
}

TEST_CASE("key filter: what cannot be one") {
  CHECK(filter_problem("*").empty());
  CHECK(filter_problem("!app.kubernetes.io/").empty());
  CHECK(filter_problem("") == "it is empty");
  CHECK(filter_problem("!") == "it is empty");
  CHECK(filter_problem("a!b") == "\"!\" may only stand first");
  CHECK(filter_problem("a*b") == "\"*\" may only stand last");
  CHECK(filter_problem("a(") == "it is no regular expression: missing ): a(");
  CHECK_FALSE(filter_problem("(?=app)").empty());  // Go knows no lookahead
}

TEST_CASE("key filter: maps") {
  const Json map = {{"app", "web"}, {"tier", "db"}};
  CHECK(kept_keys(map, {"*", "!tier"}) == Json{{"app", "web"}});
  CHECK(kept_keys(Json(nullptr), {"*"}) == Json::object());
}
