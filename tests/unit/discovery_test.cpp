#include "kube/discovery.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace wukong;
using namespace wukong::kube;

namespace {

Json group(const std::string& name, const std::vector<std::string>& versions) {
  Json out = {{"kind", "APIGroup"}, {"apiVersion", "v1"}, {"name", name}, {"versions", Json::array()}};
  for (const std::string& version : versions)
    out["versions"].push_back({{"groupVersion", name + "/" + version}, {"version", version}});
  return out;
}

}  // namespace

TEST_CASE("discovery: our preference counts, not the server's order") {
  const auto clone = version_preference("clone.kubevirt.io");
  CHECK(clone == std::vector<std::string>{"v1beta1", "v1alpha1"});
  CHECK(version_preference("snapshot.kubevirt.io") == clone);
  CHECK(version_preference("export.kubevirt.io") == std::vector<std::string>{"v1", "v1beta1", "v1alpha1"});
  CHECK(version_preference("kubevirt.io").empty());
  CHECK(served_version(group("clone.kubevirt.io", {"v1alpha1", "v1beta1"}), clone) == "v1beta1");
  CHECK(served_version(group("clone.kubevirt.io", {"v1", "v1alpha1"}), clone) == "v1alpha1");
  CHECK_FALSE(served_version(group("clone.kubevirt.io", {"v1"}), clone).has_value());
}

TEST_CASE("discovery: any other answer serves nothing") {
  const auto clone = version_preference("clone.kubevirt.io");
  for (const char* text :
       {"null", "[]", "7", "{}", R"({"versions": {"version": "v1beta1"}})", R"({"versions": [null, 7, {}]})",
        R"({"kind": "Status", "code": 404})", R"({"versions": [{"version": 1}]})"})
    CHECK_FALSE(served_version(parse_json(text).value_or(Json(nullptr)), clone).has_value());
}

TEST_CASE("discovery: a kind gets its group's served version") {
  const auto old = with_served_version(gvr::vm_clone(), group("clone.kubevirt.io", {"v1alpha1"}));
  REQUIRE(old.has_value());
  CHECK(old->api_version() == "clone.kubevirt.io/v1alpha1");
  CHECK(old->resource == gvr::vm_clone().resource);
  CHECK_FALSE(with_served_version(gvr::vm_snapshot(), Json(nullptr)).has_value());
  CHECK(with_served_version(gvr::vm(), Json(nullptr)) == gvr::vm());
}
