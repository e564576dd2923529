#include "kube/api.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "support/fake_api.h"

using namespace wukong;
using namespace wukong::kube;
using namespace std::chrono_literals;
using testing::FakeApi;

namespace {

Json named(const std::string& ns, const std::string& name) {
  Json object = Json::object();
  object["metadata"]["namespace"] = ns;
  object["metadata"]["name"] = name;
  return object;
}

}  // namespace

TEST_CASE("paths") {
  CHECK(collection_path(gvr::pvc(), "demo") == "/api/v1/namespaces/demo/persistentvolumeclaims");
  CHECK(collection_path(gvr::vm(), "") == "/apis/kubevirt.io/v1/virtualmachines");
  CHECK(object_path({gvr::vm(), "demo", "web"}) ==
        "/apis/kubevirt.io/v1/namespaces/demo/virtualmachines/web");
  CHECK(object_path({gvr::storage_class(), "", "a b/c"}) ==
        "/apis/storage.k8s.io/v1/storageclasses/a%20b%2Fc");
  CHECK(object_path({gvr::vm(), "demo", "web"}, "start").ends_with("/virtualmachines/web/start"));
}

TEST_CASE("fetch: known, absent, unreadable, in order") {
  FakeApi api{};
  api.put(gvr::vm(), named("demo", "web"));
  api.script(Method::get, object_path({gvr::pvc(), "demo", "hidden"}), FakeApi::error(Code::forbidden, "no"));
  api.script(Method::get, collection_path(gvr::vm_clone(), "demo"),
             FakeApi::error(Code::not_found, "the server does not serve x (404 page not found)"));
  api.script(Method::get, object_path({gvr::vm_clone(), "demo", "c"}),
             FakeApi::error(Code::not_found, "the server does not serve x (404 page not found)"));
  const auto facts = fetch(api, {{.gvr = gvr::vm(), .ns = "demo", .name = "web"},
                                 {.gvr = gvr::vm(), .ns = "demo", .name = "none"},
                                 {.gvr = gvr::pvc(), .ns = "demo", .name = "hidden"},
                                 {.gvr = gvr::vm_clone(), .ns = "demo"},
                                 {.gvr = gvr::vm_clone(), .ns = "demo", .name = "c"},
                                 {.gvr = gvr::vm(), .ns = "demo"}});
  REQUIRE(facts.has_value());
  CHECK((*facts)[0].is_known());
  CHECK((*facts)[1].is_absent());
  CHECK((*facts)[2].is_unreadable());
  CHECK((*facts)[2].why.message == "no");
  CHECK((*facts)[3].is_unreadable());
  CHECK((*facts)[4].is_unreadable());
  REQUIRE((*facts)[5].is_known());
  CHECK(items((*facts)[5].object, {"items"}).size() == 1);
}

TEST_CASE("fetch: nothing to read") {
  FakeApi api{};
  CHECK(fetch(api, {}).value().empty());
  bool done = false;
  fetch(api, {}, [&](Result<std::vector<Fact>> facts) { done = facts.has_value(); });
  CHECK_FALSE(done);
  api.turn();
  CHECK(done);
}

TEST_CASE("fetch: a raw path that is not there is absent") {
  FakeApi api{};
  api.script(Method::get, "/apis/clone.kubevirt.io", FakeApi::error(Code::not_found, "404 page not found"));
  const auto facts = fetch(api, {{.raw_path = "/apis/clone.kubevirt.io"}});
  REQUIRE(facts.has_value());
  CHECK(facts->front().is_absent());
}

TEST_CASE("fetch: pages become one list; pages that expire are read again in one answer") {
  FakeApi api{};
  const std::string path = collection_path(gvr::pvc(), "demo");
  const auto page = [](const std::string& name, const std::string& more) {
    Json list = Json::object();
    list["kind"] = "List";
    list["metadata"]["continue"] = more;
    list["items"] = Json::array({named("demo", name)});
    return FakeApi::ok(list);
  };
  api.script(Method::get, path, page("a", "1"));
  api.script(Method::get, path, page("b", "2"));
  api.script(Method::get, path, page("c", ""));
  auto facts = fetch(api, {{.gvr = gvr::pvc(), .ns = "demo"}});
  REQUIRE(facts.has_value());
  CHECK(items(facts->front().object, {"items"}).size() == 3);
  CHECK(api.sent[2].query ==
        std::vector<std::pair<std::string, std::string>>{{"limit", "500"}, {"continue", "2"}});

  api.script(Method::get, path, page("a", "1"));
  api.script(Method::get, path, FakeApi::error(Code::expired, "continue token too old"));
  api.script(Method::get, path, page("z", ""));
  facts = fetch(api, {{.gvr = gvr::pvc(), .ns = "demo"}});
  REQUIRE(facts.has_value());
  REQUIRE(items(facts->front().object, {"items"}).size() == 1);
  CHECK(api.sent.back().query.empty());
}

TEST_CASE("fetch: a cluster that is not reached makes all facts worthless") {
  FakeApi api{};
  api.script(Method::get, object_path({gvr::vm(), "demo", "web"}),
             FakeApi::error(Code::unreachable, "refused"));
  const auto facts =
      fetch(api, {{.gvr = gvr::vm(), .ns = "demo", .name = "web"}, {.gvr = gvr::pvc(), .ns = "demo"}});
  REQUIRE_FALSE(facts.has_value());
  CHECK(facts.error().code == Code::unreachable);
  CHECK(facts.error().context == std::vector<std::string>{"while reading VirtualMachine demo/web"});
}

TEST_CASE("fetch: Ctrl-C ends it") {
  for (const auto& [signal, code] :
       {std::pair(SIGINT, Code::interrupted), std::pair(SIGTERM, Code::terminated)}) {
    FakeApi api{};
    api.script(Method::get, object_path({gvr::vm(), "demo", "web"}), std::nullopt);
    api.raise(signal);
    const auto facts = fetch(api, {{.gvr = gvr::vm(), .ns = "demo", .name = "web"}});
    REQUIRE_FALSE(facts.has_value());
    CHECK(facts.error().code == code);
    api.release(FakeApi::ok(Json::object()));
    api.turn();
  }
}

TEST_CASE("missing_permissions: asked all at once; a review that fails counts as allowed") {
  FakeApi api{};
  api.latency = 10ms;
  const std::vector<Permission> wanted{
      {.verb = "create", .resource = "pods", .ns = "demo"},
      {.verb = "get", .group = "kubevirt.io", .resource = "virtualmachines", .ns = "demo", .name = "web"},
      {.verb = "list", .resource = "secrets"}};
  api.handle([](const Request& request) -> std::optional<FakeApi::Answer> {
    Json body = Json::parse(request.body, nullptr, false);
    const auto verb = text(body, {"spec", "resourceAttributes", "verb"});
    if (verb == "list") return FakeApi::error(Code::failed, "broken");
    body["status"]["allowed"] = verb == "create";
    return FakeApi::ok(body, 201);
  });
  const auto missing = missing_permissions(api, wanted);
  REQUIRE(missing.has_value());
  REQUIRE(missing->size() == 1);
  CHECK(missing->front() == wanted[1]);
  CHECK(api.elapsed() == 10ms);
  CHECK(api.sent[0].path == "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews");
  CHECK(api.sent[1].body.find("\"subresource\"") == std::string::npos);
}

TEST_CASE("fake api: the store answers, watches follow, time jumps") {
  FakeApi api{};
  std::vector<std::string> heard{};
  const WatchHandle watch =
      api.watch({.gvr = gvr::pvc(), .ns = "demo"}, [&](const std::string& name) { heard.push_back(name); });
  CHECK(watch.shelf->sight == Shelf::Sight::loading);
  api.turn();
  CHECK(watch.shelf->sight == Shelf::Sight::known);
  Result<Response> answer = Error{};
  const auto keep = [&](Result<Response> got) { answer = std::move(got); };
  Json body = named("", "d");
  body["kind"] = "PersistentVolumeClaim";
  api.request({.method = Method::post, .path = collection_path(gvr::pvc(), "demo"), .body = dump(body)},
              keep);
  api.turn_until([&] { return heard.size() == 2; });
  REQUIRE(answer.has_value());
  CHECK(text(answer->body, {"metadata", "uid"}) == "uid-1");
  CHECK(heard == std::vector<std::string>{"", "d"});
  api.request({.method = Method::post, .path = collection_path(gvr::pvc(), "demo"), .body = dump(body)},
              keep);
  api.turn();
  CHECK(answer.error().code == Code::already_exists);
  api.request({.method = Method::del, .path = object_path({gvr::pvc(), "demo", "d"})}, keep);
  api.turn_until([&] { return heard.size() == 3; });
  CHECK(watch.shelf->objects.empty());
  bool fired = false;
  const Handle timer = api.after(2h, [&] { fired = true; });
  api.turn();
  CHECK(fired);
  CHECK(api.elapsed() == 2h);
  CHECK_THROWS(api.turn());
}
