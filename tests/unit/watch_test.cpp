#include "kube/watch.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <deque>
#include <map>
#include <nlohmann/json.hpp>

#include "support/fake_api.h"

using namespace wukong;
using namespace wukong::kube;
using namespace std::chrono_literals;

namespace {

/// A Wire whose answers a test gives by hand; time and timers are the fake Api's.
class FakeWire : public Wire {
 public:
  struct Open {
    Request request{};
    std::function<void(Attempt)> done{};  // a list's page
    StreamEvents events{};                // or a watch
  };

  Time now() const override { return clock.now(); }
  Handle after(Duration delay, std::function<void()> fire) override {
    return clock.after(delay, std::move(fire));
  }
  Handle attempt(Request request, std::function<void(Attempt)> done) override {
    return begin({.request = std::move(request), .done = std::move(done)});
  }
  Handle stream(Request request, StreamEvents events) override {
    return begin({.request = std::move(request), .events = std::move(events)});
  }

  /// Lets timers fire, then the one request that is open.
  std::shared_ptr<Open> current() {
    for (int i = 0; i < 5 && open.empty() && clock.can_turn(); ++i) clock.turn();
    REQUIRE(open.size() == 1);
    return open.begin()->second;
  }
  std::string query(const std::string& key) {
    for (const auto& [name, value] : current()->request.query)
      if (name == key) return value;
    return {};
  }
  void answer(const std::string& body) {
    const auto now_open = current();
    REQUIRE(now_open->done);
    auto parsed = parse_json(body, now_open->request.keep, now_open->request.envelope);
    REQUIRE(parsed.has_value());
    Response response{.status = 200, .body = std::move(*parsed)};
    now_open->done(std::move(response));
  }
  void fail(Code code, const std::string& message = "m") {
    const auto now_open = current();
    Failure failure{.error = {.code = code, .message = message}, .retryable = true};
    if (now_open->done) {
      now_open->done(tl::unexpected(failure));
    } else {
      now_open->events.ended(failure);
    }
  }
  void accept() { current()->events.opened(); }
  void send(const std::string& bytes) { current()->events.bytes(bytes); }
  void event(const std::string& type, const std::string& name, int version) {
    send(fmt::format("{{\"type\":\"{}\",\"object\":{}}}\n", type, object(name, version)));
  }
  static std::string object(const std::string& name, int version) {
    return fmt::format(
        R"({{"kind":"Pod","metadata":{{"name":"{}","resourceVersion":"{}"}},"spec":{{"big":1}},"status":{{"phase":"v{}"}}}})",
        name, version, version);
  }
  static std::string list(const std::vector<std::string>& names, int version, const std::string& more = "") {
    std::string out{};
    for (const std::string& name : names) out += (out.empty() ? "" : ",") + object(name, version);
    return fmt::format(
        R"({{"kind":"PodList","metadata":{{"resourceVersion":"{}","continue":"{}"}},"items":[{}]}})", version,
        more, out);
  }

  testing::FakeApi clock{};
  std::map<int, std::shared_ptr<Open>> open{};
  int begun{};

 private:
  Handle begin(Open entry) {
    const int id = ++begun;
    open.emplace(id, std::make_shared<Open>(std::move(entry)));
    return Handle([this, id] { open.erase(id); });
  }
};

const Watched kPods{
    .gvr = {.version = "v1", .resource = "pods", .kind = "Pod"}, .ns = "demo", .keep = {{"status.phase"}}};

std::vector<std::string> names(const Shelf& shelf) {
  std::vector<std::string> out{};
  for (const auto& [name, object] : shelf.objects) out.push_back(name);
  return out;
}

using Names = std::vector<std::string>;

/// A watch that notes each call of `changed`.
struct Held {
  Held(Watches& watches, const Watched& what)
      : watch(watches.watch(what, [this](const std::string& name) { heard.push_back(name); })) {}
  std::vector<std::string> heard{};
  WatchHandle watch;
  const Shelf& shelf() const { return *watch.shelf; }
};

}  // namespace

TEST_CASE("line splitter: pieces cut anywhere, several lines in one piece") {
  LineSplitter splitter{};
  std::vector<std::string> lines{};
  const auto keep = [&](std::string_view line) {
    lines.emplace_back(line);
    return true;
  };
  CHECK(splitter.feed("a", keep));
  CHECK(splitter.feed("b\ncd\n\nef", keep));
  CHECK(splitter.feed("", keep));
  CHECK(splitter.feed("g\n", keep));
  CHECK(lines == Names{"ab", "cd", "efg"});
  CHECK_FALSE(splitter.feed("x\ny\n", [](std::string_view) { return false; }));
}

TEST_CASE("watch: list, then events from its version; bookmarks count for where to resume") {
  FakeWire wire{};
  Watches watches(wire, 1);
  Held held(watches, kPods);
  CHECK(held.shelf().sight == Shelf::Sight::loading);
  CHECK(wire.open.empty());
  CHECK(wire.current()->request.path == "/api/v1/namespaces/demo/pods");
  CHECK(wire.query("limit") == "500");
  wire.answer(FakeWire::list({"a", "b"}, 10));
  CHECK(held.shelf().sight == Shelf::Sight::known);
  CHECK(names(held.shelf()) == Names{"a", "b"});
  CHECK(held.heard == Names{""});
  CHECK(held.shelf().objects.at("a").contains("spec") == false);

  CHECK(wire.query("resourceVersion") == "10");
  CHECK(wire.query("allowWatchBookmarks") == "true");
  wire.accept();
  wire.event("ADDED", "c", 11);
  wire.event("MODIFIED", "a", 12);
  wire.event("DELETED", "b", 13);
  CHECK(names(held.shelf()) == Names{"a", "c"});
  CHECK(text(held.shelf().objects.at("a"), {"status", "phase"}) == "v12");
  CHECK(held.heard == Names{"", "c", "a", "b"});
  wire.send(R"({"type":"BOOKMARK","object":{"kind":"Pod","metadata":{"resourceVersion":"40"}}})"
            "\n");
  CHECK(held.heard.size() == 4);
  wire.current()->events.ended(std::nullopt);
  CHECK(wire.query("resourceVersion") == "40");
  CHECK(names(held.shelf()) == Names{"a", "c"});
}

TEST_CASE("watch: pages are one list") {
  FakeWire wire{};
  Watches watches(wire, 1);
  Held held(watches, kPods);
  wire.answer(FakeWire::list({"a"}, 10, "next"));
  CHECK(held.shelf().sight == Shelf::Sight::loading);
  CHECK(wire.query("continue") == "next");
  wire.answer(FakeWire::list({"b"}, 10));
  CHECK(names(held.shelf()) == Names{"a", "b"});
}

TEST_CASE("watch: 410, as HTTP status or in an ERROR event, lists anew and drops what vanished") {
  for (const bool inside : {false, true}) {
    FakeWire wire{};
    Watches watches(wire, 1);
    Held held(watches, kPods);
    wire.answer(FakeWire::list({"a", "b"}, 10));
    if (inside) {
      wire.accept();
      wire.send(
          R"({"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old resource version"}})"
          "\n");
    } else {
      wire.fail(Code::expired);
    }
    CHECK(wire.query("watch").empty());
    CHECK(names(held.shelf()) == Names{"a", "b"});
    wire.answer(FakeWire::list({"b", "c"}, 50));
    CHECK(names(held.shelf()) == Names{"b", "c"});
    CHECK(held.heard == Names{"", ""});
    CHECK(wire.query("resourceVersion") == "50");
  }
}

TEST_CASE("watch: an interruption that lasts shows as trouble, and ends with it") {
  FakeWire wire{};
  Watches watches(wire, 1);
  Held held(watches, kPods);
  wire.answer(FakeWire::list({"a"}, 10));
  wire.accept();
  wire.event("MODIFIED", "a", 11);
  wire.fail(Code::unreachable, "cut");
  CHECK(held.shelf().trouble.empty());
  wire.fail(Code::unreachable, "connection refused");
  CHECK(held.shelf().trouble == "connection refused");
  CHECK(held.heard.back().empty());
  CHECK(names(held.shelf()) == Names{"a"});
  CHECK(wire.query("resourceVersion") == "11");
  wire.accept();
  CHECK(held.shelf().trouble.empty());
}

TEST_CASE("watch: a line that is no JSON resumes from the last good event") {
  FakeWire wire{};
  Watches watches(wire, 1);
  Held held(watches, kPods);
  wire.answer(FakeWire::list({}, 10));
  wire.accept();
  wire.event("ADDED", "a", 11);
  const int before = wire.begun;
  wire.send("{\"type\":\"ADD\n");
  CHECK(wire.query("resourceVersion") == "11");
  CHECK(wire.begun == before + 1);
}

TEST_CASE("watch: forbidden or not served ends it with the reason") {
  FakeWire wire{};
  Watches watches(wire, 1);
  Held held(watches, kPods);
  wire.fail(Code::forbidden, "pods is forbidden");
  CHECK(held.shelf().sight == Shelf::Sight::unreadable);
  CHECK(held.shelf().why.message == "pods is forbidden");
  CHECK(held.heard == Names{""});
  CHECK(wire.open.empty());
  CHECK_FALSE(wire.clock.can_turn());
}

TEST_CASE("watch: from now on: a list only for its version, nothing of it kept") {
  FakeWire wire{};
  Watches watches(wire, 1);
  Watched what = kPods;
  what.from_now = true;
  what.fields = "involvedObject.name=web";
  Held held(watches, what);
  CHECK(wire.query("limit") == "1");
  CHECK(wire.query("fieldSelector") == "involvedObject.name=web");
  wire.answer(FakeWire::list({"old"}, 10, "more"));
  CHECK(held.shelf().sight == Shelf::Sight::known);
  CHECK(held.shelf().objects.empty());
  wire.accept();
  wire.event("ADDED", "new", 11);
  CHECK(names(held.shelf()) == Names{"new"});
  wire.fail(Code::expired);
  wire.answer(FakeWire::list({"old"}, 90));
  CHECK(names(held.shelf()) == Names{"new"});
}

TEST_CASE("watch: selectors") {
  FakeWire wire{};
  Watches watches(wire, 1);
  Watched what = kPods;
  what.name = "web";
  what.fields = "status.phase=Running";
  what.labels = "a=b";
  const Held held(watches, what);
  CHECK(wire.query("fieldSelector") == "metadata.name=web,status.phase=Running");
  CHECK(wire.query("labelSelector") == "a=b");
}

TEST_CASE("watch: equal ones share a stream, whoever requires it; it ends with the last holder") {
  FakeWire wire{};
  Watches watches(wire, 1);
  auto first = std::make_unique<Held>(watches, kPods);
  wire.answer(FakeWire::list({"a"}, 10));
  Watched what = kPods;
  what.required = true;
  auto second = std::make_unique<Held>(watches, what);
  CHECK(second->watch.shelf == first->watch.shelf);
  CHECK(second->heard.empty());
  wire.accept();
  CHECK(wire.begun == 2);
  CHECK(second->heard == Names{""});
  wire.event("ADDED", "b", 11);
  CHECK(first->heard.back() == "b");
  CHECK(second->heard.back() == "b");
  first.reset();
  wire.event("ADDED", "c", 12);
  CHECK(second->heard.back() == "c");
  second.reset();
  CHECK(wire.open.empty());
  what.name = "other";
  const Held third(watches, what);
  CHECK(wire.query("watch").empty());
}

TEST_CASE("watch: a holder may drop it from within changed") {
  FakeWire wire{};
  Watches watches(wire, 1);
  WatchHandle watch{};
  int heard = 0;
  watch = watches.watch(kPods, [&](const std::string&) {
    if (++heard == 2) watch = {};
  });
  wire.answer(FakeWire::list({}, 10));
  wire.accept();
  const auto stream = wire.current();
  stream->events.bytes(
      fmt::format("{{\"type\":\"ADDED\",\"object\":{0}}}\n{{\"type\":\"ADDED\",\"object\":{0}}}\n",
                  FakeWire::object("a", 11)));
  CHECK(heard == 2);
  CHECK(wire.open.empty());
}
