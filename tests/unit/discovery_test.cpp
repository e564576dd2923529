#include "kube/discovery.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "support/fake_api.h"

using namespace wukong;
using namespace wukong::kube;
using namespace std::chrono_literals;

namespace {

Json parsed(const std::string& text) { return parse_json(text).value_or(Json(nullptr)); }

const Json kAggregated = parsed(R"({"kind": "APIGroupDiscoveryList", "items": [
  {"metadata": {"name": "clone.kubevirt.io"}, "versions": [
    {"version": "v1beta1", "resources": [{"resource": "virtualmachineclones", "scope": "Namespaced"}]},
    {"version": "v1alpha1", "resources": [{"resource": "virtualmachineclones"}]}]},
  {"metadata": {"name": "export.kubevirt.io"}, "versions": [{"version": "v1beta1", "resources": [
    {"resource": "virtualmachineexports"}]}]}]})");

const Json kPlain = parsed(R"({"kind": "APIGroupList", "groups": [
  {"name": "clone.kubevirt.io", "versions": [{"groupVersion": "clone.kubevirt.io/v1alpha1", "version": "v1alpha1"}]}]})");

/// A folder that is gone after the test.
struct Folder {
  Folder() { REQUIRE(mkdtemp(path) != nullptr); }
  ~Folder() { std::filesystem::remove_all(path); }
  char path[32] = "/tmp/wukong-cache-XXXXXX";
};

}  // namespace

TEST_CASE("discovery: our preference counts, not the server's order") {
  CHECK(version_preference("clone.kubevirt.io") == std::vector<std::string>{"v1beta1", "v1alpha1"});
  CHECK(version_preference("export.kubevirt.io") == std::vector<std::string>{"v1", "v1beta1", "v1alpha1"});
  CHECK(version_preference("kubevirt.io").empty());
  const auto served = served_apis(kAggregated);
  REQUIRE(served.has_value());
  CHECK(spoken(gvr::vm_clone(), *served)->api_version() == "clone.kubevirt.io/v1beta1");
  CHECK(spoken({"export.kubevirt.io", "v1", "virtualmachineexports", "VirtualMachineExport"}, *served)
            ->version == "v1beta1");
}

TEST_CASE("discovery: groups, versions and kinds that are not served") {
  const auto served = served_apis(kAggregated);
  REQUIRE(served.has_value());
  CHECK_FALSE(spoken(gvr::vm_snapshot(), *served).has_value());
  CHECK_FALSE(spoken({"clone.kubevirt.io", "v1beta1", "others", "Other"}, *served).has_value());
  CHECK(spoken(gvr::pvc(), *served) == gvr::pvc());
}

TEST_CASE("discovery: a server without aggregated discovery tells versions, and no resources") {
  const auto served = served_apis(kPlain);
  REQUIRE(served.has_value());
  CHECK(spoken(gvr::vm_clone(), *served)->version == "v1alpha1");
}

TEST_CASE("discovery: any other answer tells nothing") {
  for (const char* text : {"null", "[]", "7", "{}", R"({"kind": "Status", "code": 404})"})
    CHECK_FALSE(served_apis(parsed(text)).has_value());
  for (const char* text :
       {R"({"kind": "APIGroupList", "groups": [null, 7, {}, {"name": "x", "versions": {"version": "v1"}}]})",
        R"({"kind": "APIGroupDiscoveryList", "items": [{"metadata": 1, "versions": [{"version": 1}]}]})"})
    CHECK(served_apis(parsed(text))->groups.empty());
}

TEST_CASE("discovery: where an answer is kept") {
  CHECK(discovery_cache_file("https://10.0.0.1:6443", "", "/home/jo") ==
        "/home/jo/.kube/cache/wukong/discovery/10.0.0.1_6443.json");
  CHECK(discovery_cache_file("https://h/../../etc/x y", "/c", "/home/jo") ==
        "/c/wukong/discovery/h_.._.._etc_x_y.json");
  CHECK(discovery_cache_file("https://h", "", "").empty());
}

TEST_CASE("discovery: what is kept comes back as it was; anything else is refused") {
  const auto served = served_apis(kAggregated);
  CHECK(parse_cache(cache_text(*served)) == *served);
  for (const char* text :
       {"", "{}", "null", R"({"format": 2, "groups": {}})", R"({"format": 1, "groups": {"a": 1}})"})
    CHECK_FALSE(parse_cache(text).has_value());
}

TEST_CASE("discovery: the server is asked once in six hours") {
  const Folder folder;
  const std::string file = std::string(folder.path) + "/deep/server.json";
  const WallTime now = std::chrono::system_clock::now() + 1s;
  const auto requests = [&](WallTime at) {
    testing::FakeApi api;
    api.script(Method::get, "/apis", testing::FakeApi::ok(kAggregated));
    Discovery discovery(api, file, at);
    CHECK(discovery.served()->has_value());
    CHECK(discovery.served()->has_value());
    return api.sent.size();
  };
  CHECK(requests(now) == 1);
  CHECK(requests(now + 5h) == 0);
  CHECK(requests(now + 7h) == 1);
  CHECK(requests(now - 24h) == 1);  // written in the future: a clock was wrong
  std::ofstream(file) << "{ cut off";
  CHECK(requests(now) == 1);
}

TEST_CASE("discovery: a disk that cannot be written is no error") {
  testing::FakeApi api;
  api.script(Method::get, "/apis", testing::FakeApi::ok(kAggregated));
  Discovery discovery(api, "/proc/nothing/here.json", {});
  CHECK(discovery.served()->has_value());
}

TEST_CASE("discovery: who may not ask is told nothing; a lost connection is an error") {
  testing::FakeApi api;
  api.script(Method::get, "/apis", testing::FakeApi::error(Code::forbidden, "no"));
  api.script(Method::get, "/apis", testing::FakeApi::error(Code::unreachable, "gone"));
  Discovery discovery(api, "", {});
  CHECK_FALSE(discovery.served()->has_value());
  CHECK(discovery.renew().error().code == Code::unreachable);
}
