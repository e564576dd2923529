#include "kube/client.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "support/http_server.h"

using namespace wukong;
using namespace wukong::kube;
using namespace std::chrono_literals;
using testing::HttpSeen;
using testing::HttpServer;

namespace {

/// A server and a client in one loop.
struct Pair {
  explicit Pair(HttpServer::Handler handler, ClientOptions options = {}, ClusterAccess access = {})
      : loop(std::move(*Loop::make())), server(*loop, std::move(handler)) {
    access.server = server.url();
    access.user = "jo";
    CredentialIo io{};
    io.read = [this](const std::string&) -> Result<std::string> { return fmt::format("token-{}", ++tokens); };
    CredentialSource credentials(access, std::move(io));
    client = std::move(*Client::make(*loop, std::move(access), std::move(credentials), std::move(options)));
  }

  Result<Response> ask(Request request) {
    std::optional<Result<Response>> answer{};
    client->request(std::move(request), [&](Result<Response> got) { answer = std::move(got); });
    REQUIRE_FALSE(answer.has_value());
    until([&] { return answer.has_value(); });
    return std::move(*answer);
  }
  void until(const std::function<bool()>& finished) {
    const Time end = loop->now() + 20s;
    while (!finished()) {
      REQUIRE(loop->now() < end);
      const Handle guard = loop->after(20s, [] {});
      client->turn();
    }
  }

  std::unique_ptr<Loop> loop;
  HttpServer server;
  int tokens{};
  std::unique_ptr<Client> client{};
};

const std::string kObject = R"({"kind":"Pod","metadata":{"name":"a"},"spec":{"x":1}})";
const Watched kPods{.gvr = {.version = "v1", .resource = "pods", .kind = "Pod"}, .ns = "demo"};

std::string list(const std::string& names_json, int version) {
  return fmt::format(R"({{"kind":"PodList","metadata":{{"resourceVersion":"{}"}},"items":[{}]}})", version,
                     names_json);
}
std::string event(const std::string& type, const std::string& name, int version) {
  return fmt::format(
      R"({{"type":"{}","object":{{"kind":"Pod","metadata":{{"name":"{}","resourceVersion":"{}"}}}}}})", type,
      name, version);
}
bool is_watch(const HttpSeen& seen) { return seen.target.find("watch=true") != std::string::npos; }

}  // namespace

TEST_CASE("client: a request as the API server sees it") {
  ClusterAccess access{.impersonation = {.user = "system:admin"}};
  Pair pair(
      [](const HttpSeen&, const auto& to) {
        to->answer(201, kObject, "Warning: 299 - \"unknown field \\\"x\\\"\"\r\n");
      },
      {.user_agent = "kubectl-wukong/v0"}, access);
  const auto answer = pair.ask({.method = Method::post,
                                .path = "/api/v1/namespaces/demo/pods",
                                .query = {{"fieldManager", "me"}, {"dryRun", "All"}},
                                .body = kObject,
                                .keep = {{"status"}}});
  REQUIRE(answer.has_value());
  CHECK(answer->status == 201);
  CHECK(text(answer->body, {"metadata", "name"}) == "a");
  CHECK_FALSE(answer->body.contains("spec"));
  CHECK(answer->warnings == std::vector<std::string>{"unknown field \"x\""});
  HttpSeen& seen = pair.server.seen.front();
  CHECK(seen.method == "POST");
  CHECK(seen.target == "/api/v1/namespaces/demo/pods?fieldManager=me&dryRun=All");
  CHECK(seen.body == kObject);
  CHECK(seen.headers["content-type"] == "application/json");
  CHECK(seen.headers["accept"] == "application/json, */*");
  CHECK(seen.headers["user-agent"] == "kubectl-wukong/v0");
  CHECK(seen.headers["impersonate-user"] == "system:admin");
  CHECK(seen.headers.count("authorization") == 0);
  CHECK(seen.headers.count("expect") == 0);
}

TEST_CASE("client: methods, with and without a body") {
  Pair pair([](const HttpSeen&, const auto& to) { to->answer(202, ""); });
  for (const auto& [method, word] :
       {std::pair(Method::put, "PUT"), std::pair(Method::patch, "PATCH"), std::pair(Method::del, "DELETE")}) {
    const auto answer = pair.ask({.method = method, .path = "/x", .body = method == Method::put ? "" : "{}"});
    REQUIRE(answer.has_value());
    CHECK(answer->body.is_null());
    CHECK(pair.server.seen.back().method == word);
    CHECK(pair.server.seen.back().headers["content-length"] == (method == Method::put ? "0" : "2"));
  }
  CHECK(pair.ask({.method = Method::del, .path = "/x"}).has_value());
  CHECK(pair.ask({.path = "/x"}).has_value());
  CHECK(pair.server.seen.back().method == "GET");
}

TEST_CASE("client: plain text is no object; the code and message of a refusal") {
  Pair pair([](const HttpSeen& seen, const auto& to) {
    if (seen.target == "/readyz")
      return to->raw("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok");
    to->answer(
        409,
        R"({"kind":"Status","code":409,"reason":"AlreadyExists","message":"pods \"a\" already exists"})");
  });
  CHECK(pair.ask({.path = "/readyz"})->body.is_null());
  const auto refused = pair.ask({.method = Method::post, .path = "/x", .body = "{}"});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == Code::already_exists);
  CHECK(refused.error().message == "pods \"a\" already exists");
}

TEST_CASE("client: a reset, a cut, a truncated answer and a 503 are tried again") {
  using Fault = std::function<void(HttpServer::Connection)>;
  const std::vector<Fault> faults{[](const auto& to) { to->reset(); }, [](const auto& to) { to->cut(); },
                                  [](const auto& to) { to->answer(200, R"({"kind":"Pod","meta)"); },
                                  [](const auto& to) { to->answer(503, "starting"); }};
  for (const Fault& fault : faults) {
    int tries = 0;
    Pair pair([&](const HttpSeen&, const auto& to) {
      if (++tries == 1) return fault(to);
      to->answer(200, kObject);
    });
    CHECK(pair.ask({.method = Method::post, .path = "/x", .body = "{}"}).has_value());
    CHECK(tries == 2);
  }
}

TEST_CASE("client: 429 waits for Retry-After") {
  int tries = 0;
  Pair pair([&](const HttpSeen&, const auto& to) {
    if (++tries == 1) return to->answer(429, "slow down", "Retry-After: 1\r\n");
    to->answer(200, kObject);
  });
  const Time start = pair.loop->now();
  CHECK(pair.ask({.path = "/x"}).has_value());
  CHECK(pair.loop->now() - start >= 1s);
}

TEST_CASE("client: patience ends; the error says how long it was tried") {
  Pair pair([](const HttpSeen&, const auto& to) { to->reset(); });
  const auto answer = pair.ask({.path = "/x", .patience = 600ms});
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error().code == Code::unreachable);
  CHECK(answer.error().message.starts_with("cannot reach http://127.0.0.1:"));
  CHECK(answer.error().message.find("; tried for ") != std::string::npos);
  CHECK(pair.server.seen.size() >= 2);
  pair.server.away();
  const auto refused = pair.ask({.path = "/x", .patience = 0s});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message.find("connect") != std::string::npos);
}

TEST_CASE("client: an answer that is too large, and one that never comes") {
  Pair pair(
      [](const HttpSeen& seen, const auto& to) {
        if (seen.target == "/large") to->answer(200, std::string(5000, ' '));
      },
      {.request_silence = 50ms, .largest_body = 1000});
  const auto large = pair.ask({.path = "/large", .patience = 0s});
  REQUIRE_FALSE(large.has_value());
  CHECK(large.error().message.find("larger than 1000 bytes") != std::string::npos);
  const auto silent = pair.ask({.method = Method::post, .path = "/silent", .patience = 0s});
  REQUIRE_FALSE(silent.has_value());
  CHECK(silent.error().message.find("no byte for 50ms") != std::string::npos);
}

TEST_CASE("client: a 401 renews the credential once") {
  ClusterAccess access{};
  access.credentials.token_file = "/token";
  int refused = 0;
  Pair pair(
      [&](const HttpSeen&, const auto& to) {
        if (refused-- > 0) return to->answer(401, R"({"kind":"Status","code":401,"message":"Unauthorized"})");
        to->answer(200, kObject);
      },
      {}, access);
  refused = 1;
  CHECK(pair.ask({.path = "/x"}).has_value());
  CHECK(pair.tokens == 2);
  refused = 2;
  const auto answer = pair.ask({.path = "/x"});
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error().code == Code::unauthenticated);
  CHECK(answer.error().hint.find("of user \"jo\"") != std::string::npos);
}

TEST_CASE("client: a credential plugin runs while the loop turns; all requests wait for one run") {
  ClusterAccess access{};
  access.credentials.exec = ExecSpec{
      .api_version = "client.authentication.k8s.io/v1",
      .command = "/bin/sh",
      .args = {
          "-c",
          R"(echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"t"}}')"}};
  access.credentials.exec->interactive_mode = "Never";
  Pair pair([](const HttpSeen&, const auto& to) { to->answer(200, kObject); }, {}, access);
  int done = 0;
  for (int i = 0; i < 3; ++i)
    pair.client->request({.path = "/x"}, [&](Result<Response> got) { done += got ? 1 : 100; });
  pair.until([&] { return done >= 3; });
  CHECK(done == 3);
}

TEST_CASE("client: 200 requests, at most 64 at once") {
  std::vector<HttpServer::Connection> open{};
  std::size_t most = 0;
  Pair pair([&](const HttpSeen&, const auto& to) { open.push_back(to); });
  std::size_t done = 0;
  for (int i = 0; i < 200; ++i)
    pair.client->request({.path = "/x"}, [&](Result<Response> got) { done += got ? 1U : 1000U; });
  while (done < 200) {
    pair.until([&] { return open.size() == std::min<std::size_t>(64, 200 - done); });
    most = std::max(most, open.size());
    for (const auto& each : std::exchange(open, {})) each->answer(200, kObject);
    const std::size_t before = done;
    pair.until([&] { return done > before && (done == 200 || !open.empty()); });
  }
  CHECK(done == 200);
  CHECK(most == 64);
}

TEST_CASE("client: dropped with requests and watches open") {
  Pair pair([](const HttpSeen&, const auto&) {});
  WatchHandle watch = pair.client->watch(kPods, [](const std::string&) { FAIL("told"); });
  pair.client->request({.path = "/x"}, [](Result<Response>) { FAIL("answered"); });
  pair.until([&] { return pair.server.seen.size() == 2; });
  pair.client.reset();
  const Handle timer = pair.loop->after(1ms, [] {});
  pair.loop->turn();
  CHECK(watch.shelf->sight == Shelf::Sight::loading);
}

TEST_CASE("client: Ctrl-C is heard while a request waits") {
  Pair pair([](const HttpSeen&, const auto&) { ::raise(SIGINT); });
  int heard = 0;
  const Handle signals = pair.client->on_signal([&](int signal) { heard = signal; });
  pair.client->request({.path = "/x"}, [](Result<Response>) {});
  pair.until([&] { return heard != 0; });
  CHECK(heard == SIGINT);
}

TEST_CASE("client: a watch over the wire: events, a cut, resume, 410, list anew") {
  HttpServer::Connection stream{};
  std::vector<std::string> watched{};
  int lists = 0;
  Pair pair([&](const HttpSeen& seen, const auto& to) {
    if (!is_watch(seen))
      return to->answer(200, ++lists == 1 ? list(R"({"metadata":{"name":"a"}})", 10) : list("", 50));
    watched.push_back(seen.target);
    stream = to;
    to->open_stream();
  });
  std::vector<std::string> heard{};
  const WatchHandle one = pair.client->watch(kPods, [&](const std::string& name) { heard.push_back(name); });
  const WatchHandle two = pair.client->watch(kPods, [](const std::string&) {});
  CHECK(one.shelf == two.shelf);
  pair.until([&] { return watched.size() == 1; });
  CHECK(one.shelf->objects.size() == 1);
  CHECK(watched.back().find("resourceVersion=10&") != std::string::npos);
  const std::string line = event("ADDED", "b", 11) + "\n";
  stream->piece(line.substr(0, 20));
  stream->piece(line.substr(20));
  pair.until([&] { return one.shelf->objects.contains("b"); });
  stream->reset();
  pair.until([&] { return watched.size() == 2; });
  CHECK(watched.back().find("resourceVersion=11&") != std::string::npos);
  stream->line(R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"30"}}})");
  stream->end();
  pair.until([&] { return watched.size() == 3; });
  CHECK(watched.back().find("resourceVersion=30&") != std::string::npos);
  stream->line(
      R"({"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}})");
  pair.until([&] { return watched.size() == 4; });
  CHECK(lists == 2);
  CHECK(one.shelf->objects.empty());
  CHECK(heard == std::vector<std::string>{"", "b", ""});
}

TEST_CASE("client: a watch survives a server that is away, and says so meanwhile") {
  HttpServer::Connection stream{};
  Pair pair([&](const HttpSeen& seen, const auto& to) {
    if (!is_watch(seen)) return to->answer(200, list("", 10));
    stream = to;
    to->open_stream();
  });
  const WatchHandle watch = pair.client->watch(kPods, [](const std::string&) {});
  pair.until([&] { return stream != nullptr; });
  stream.reset();
  pair.server.away();
  pair.until([&] { return !watch.shelf->trouble.empty(); });
  CHECK(watch.shelf->sight == Shelf::Sight::known);
  pair.server.back();
  pair.until([&] { return watch.shelf->trouble.empty(); });
  CHECK(stream != nullptr);
}

TEST_CASE("client: a watch that goes silent is begun again") {
  std::vector<HttpServer::Connection> streams{};
  Pair pair(
      [&](const HttpSeen& seen, const auto& to) {
        if (!is_watch(seen)) return to->answer(200, list("", 10));
        streams.push_back(to);
        to->open_stream();
      },
      {.watch_silence = 100ms});
  const WatchHandle watch = pair.client->watch(kPods, [](const std::string&) {});
  pair.until([&] { return streams.size() == 2; });
  CHECK(pair.server.connections() >= 2);
}

TEST_CASE("client: silence is noticed by a probe beside the watch, long before the watch's own limit") {
  std::vector<HttpServer::Connection> streams{};
  std::vector<std::string> probes{};
  bool dead = false;
  Pair pair(
      [&](const HttpSeen& seen, const auto& to) {
        if (seen.target == "/livez") {
          probes.push_back(seen.target);
          if (!dead) to->answer(404, "not here");  // any answer will do
          return;
        }
        if (!is_watch(seen)) return to->answer(200, list("", 10));
        streams.push_back(to);
        to->open_stream();
      },
      {.watch_quiet = 60ms, .probe_silence = 40ms, .watch_silence = 30s});
  const WatchHandle watch = pair.client->watch(kPods, [](const std::string&) {});
  pair.until([&] { return probes.size() == 2; });
  CHECK(streams.size() == 1);
  dead = true;
  pair.until([&] { return streams.size() == 2; });
  CHECK(watch.shelf->sight == Shelf::Sight::known);
}

TEST_CASE("client: silence counts from the last byte, not from the last look") {
  HttpServer::Connection stream{};
  std::optional<Time> probed{};
  Pair pair(
      [&](const HttpSeen& seen, const auto& to) {
        if (seen.target == "/livez") probed = pair.loop->now();
        if (!is_watch(seen)) return to->answer(200, list("", 10));
        stream = to;
        to->open_stream();
      },
      {.watch_quiet = 1s, .probe_silence = 40ms, .watch_silence = 30s});
  const WatchHandle watch = pair.client->watch(kPods, [](const std::string&) {});
  pair.until([&] { return stream != nullptr; });
  const Handle speak = pair.loop->after(100ms, [&] { stream->line(event("ADDED", "b", 20)); });
  pair.until([&] { return watch.shelf->objects.contains("b"); });
  const Time spoke = pair.loop->now();
  pair.until([&] { return probed.has_value(); });
  CHECK(*probed - spoke >= 900ms);
  CHECK(*probed - spoke < 1700ms);
}

TEST_CASE("client: a watch that speaks is not probed") {
  HttpServer::Connection stream{};
  std::size_t probes = 0;
  Pair pair(
      [&](const HttpSeen& seen, const auto& to) {
        if (seen.target == "/livez") ++probes;
        if (!is_watch(seen)) return to->answer(200, list("", 10));
        stream = to;
        to->open_stream();
      },
      {.watch_quiet = 1s, .probe_silence = 40ms, .watch_silence = 30s});
  const WatchHandle watch = pair.client->watch(kPods, [](const std::string&) {});
  pair.until([&] { return stream != nullptr; });
  int version = 20;
  for (int i = 0; i < 20; ++i) {
    const Time next = pair.loop->now() + 75ms;
    const Handle tick = pair.loop->after(75ms, [] {});
    while (pair.loop->now() < next) pair.client->turn();
    stream->line(event("ADDED", "b", ++version));
  }
  CHECK(probes == 0);
}

TEST_CASE("client: whoever gets through after an outage wakes the others") {
  std::size_t streams = 0;
  Pair pair([&](const HttpSeen& seen, const auto& to) {
    if (seen.target == "/x") return to->answer(200, kObject);
    if (!is_watch(seen)) return to->answer(200, list("", 10));
    ++streams;
    to->open_stream();
  });
  std::vector<WatchHandle> watches{};
  for (const char* ns : {"a", "b", "c", "d", "e"})
    watches.push_back(pair.client->watch({.gvr = kPods.gvr, .ns = ns}, [](const std::string&) {}));
  pair.until([&] { return streams == watches.size(); });
  pair.server.away();
  const Time away = pair.loop->now();
  // Long enough for pauses of 2 s and more.
  while (pair.loop->now() < away + 4s) {
    const Handle tick = pair.loop->after(50ms, [] {});
    pair.client->turn();
  }
  pair.server.back();
  CHECK(pair.ask({.path = "/x"}).has_value());
  const Time back = pair.loop->now();
  pair.until([&] { return streams == 2 * watches.size(); });
  CHECK(pair.loop->now() - back < 1s);
}

TEST_CASE("client: a 429 that stays was not carried out, unless an earlier try may have been") {
  int tries = 0;
  bool lose_first = false;
  Pair pair([&](const HttpSeen&, const auto& to) {
    if (++tries == 1 && lose_first) return to->cut();
    to->answer(429, R"({"kind":"Status","code":429,"message":"too many requests, please try again later"})");
  });
  const auto busy = pair.ask({.method = Method::post, .path = "/x", .body = "{}", .patience = 700ms});
  REQUIRE_FALSE(busy.has_value());
  CHECK(busy.error().code == Code::overloaded);
  CHECK(busy.error().message.find("; tried for ") != std::string::npos);
  CHECK(tries > 1);
  tries = 0;
  lose_first = true;
  const auto unsure = pair.ask({.method = Method::post, .path = "/x", .body = "{}", .patience = 700ms});
  REQUIRE_FALSE(unsure.has_value());
  CHECK(unsure.error().code == Code::unreachable);
}

TEST_CASE("client: a read that fails with a plain 500 is tried again for a moment, a write is not") {
  int tries = 0;
  Pair pair([&](const HttpSeen& seen, const auto& to) {
    if (++tries > 1 && seen.target == "/passes") return to->answer(200, kObject);
    to->answer(500, R"({"kind":"Status","code":500,"reason":"InternalError","message":"oops"})");
  });
  CHECK(pair.ask({.path = "/passes"}).has_value());
  CHECK(tries == 2);
  tries = 0;
  const Time start = pair.loop->now();
  const auto stays = pair.ask({.path = "/stays"});
  REQUIRE_FALSE(stays.has_value());
  CHECK(stays.error().code == Code::failed);
  CHECK(stays.error().message == "oops");
  CHECK(tries > 2);
  CHECK(pair.loop->now() - start < 6s);
  tries = 0;
  CHECK_FALSE(pair.ask({.method = Method::post, .path = "/stays", .body = "{}"}).has_value());
  CHECK(tries == 1);
}

TEST_CASE("client: each distinct warning is told once") {
  std::vector<std::string> told{};
  Pair pair(
      [](const HttpSeen& seen, const auto& to) {
        to->answer(200, kObject,
                   seen.target == "/b" ? "Warning: 299 - \"two\"\r\n"
                                       : "Warning: 299 - \"one\"\r\nWarning: 299 - \"two\"\r\n");
      },
      {.warn = [&](std::string_view words) { told.emplace_back(words); }});
  CHECK(pair.ask({.path = "/a"})->warnings.empty());
  CHECK(pair.ask({.path = "/b"}).has_value());
  CHECK(pair.ask({.path = "/a"}).has_value());
  CHECK(told == std::vector<std::string>{"one", "two"});
}

TEST_CASE("client: gzip is asked for, unless the kubeconfig says otherwise, and read") {
  // {"kind":"Pod","metadata":{"name":"a"},"spec":{"x":1}} as gzip writes it.
  static constexpr unsigned char kPacked[] = {
      0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xab, 0x56, 0xca, 0xce,
      0xcc, 0x4b, 0x51, 0xb2, 0x52, 0x0a, 0xc8, 0x4f, 0x51, 0xd2, 0x51, 0xca, 0x4d, 0x2d,
      0x49, 0x4c, 0x49, 0x2c, 0x49, 0x54, 0xb2, 0xaa, 0x56, 0xca, 0x4b, 0xcc, 0x4d, 0x05,
      0x4a, 0x24, 0x2a, 0xd5, 0xea, 0x28, 0x15, 0x17, 0xa4, 0x26, 0x83, 0xc4, 0x2a, 0x94,
      0xac, 0x0c, 0x6b, 0x6b, 0x01, 0xca, 0xf7, 0x99, 0x2d, 0x35, 0x00, 0x00, 0x00};
  const std::string packed(std::begin(kPacked), std::end(kPacked));
  const auto serve = [&](const HttpSeen& seen, const auto& to) {
    const bool asked = seen.headers.contains("accept-encoding");
    to->answer(200, asked ? packed : kObject, asked ? "Content-Encoding: gzip\r\n" : "");
  };
  Pair pair(serve);
  CHECK(text(pair.ask({.path = "/x"})->body, {"metadata", "name"}) == "a");
  CHECK(pair.server.seen.front().headers.at("accept-encoding") == "gzip");
  Pair plain(serve, {}, {.disable_compression = true});
  CHECK(text(plain.ask({.path = "/x"})->body, {"metadata", "name"}) == "a");
  CHECK_FALSE(plain.server.seen.front().headers.contains("accept-encoding"));
}

TEST_CASE("client: a credential plugin that worked and fails once is run again") {
  const std::string runs = fmt::format("/tmp/wukong-client-test-{}", ::getpid());
  ClusterAccess access{};
  access.credentials.exec =
      ExecSpec{.api_version = "client.authentication.k8s.io/v1",
               .command = "/bin/sh",
               .args = {"-c", "echo x >> " + runs + "; [ $(wc -l < " + runs +
                                  R"() != 2 ] || exit 1; echo '{"kind":"ExecCredential","apiVersion":)"
                                  R"("client.authentication.k8s.io/v1","status":{"token":"t"}}')"}};
  access.credentials.exec->interactive_mode = "Never";
  int answered = 0;
  Pair pair(
      [&](const HttpSeen&, const auto& to) {
        if (++answered == 2)
          return to->answer(401, R"({"kind":"Status","code":401,"message":"Unauthorized"})");
        to->answer(200, kObject);
      },
      {}, access);
  CHECK(pair.ask({.path = "/x"}).has_value());
  CHECK(pair.ask({.path = "/x"}).has_value());  // 401, the plugin fails, and ten seconds later it does not
  CHECK(answered == 3);
  ::unlink(runs.c_str());
}

TEST_CASE("client: a 404 of a proxy that reloads is tried again") {
  int refused = 2;
  Pair pair([&](const HttpSeen&, const auto& to) {
    if (refused-- > 0) return to->answer(404, "404 page not found");
    to->answer(200, kObject);
  });
  CHECK(pair.ask({.method = Method::del, .path = "/x"}).has_value());
  refused = 1;
  const auto read = pair.ask({.path = "/x"});
  REQUIRE_FALSE(read.has_value());  // a kind that is not served is told at once
  CHECK(read.error().code == Code::not_found);
}
