#include "support/fault_proxy/fault_proxy.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <set>
#include <thread>

#include "support/fault_proxy/certificates.h"

using namespace wukong;
using namespace wukong::faults;
using namespace std::chrono_literals;

namespace {

namespace asio = boost::asio;
namespace ssl = asio::ssl;
namespace http = boost::beast::http;
using Tcp = asio::ip::tcp;
using Error_code = boost::system::error_code;

/// A server on a thread of its own; its connections end with it.
class Server {
 public:
  Server() : acceptor_(io_, Tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {}
  virtual ~Server() { stop(); }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

 protected:
  virtual void serve(Tcp::socket client) = 0;
  void run() {
    accept();
    thread_ = std::thread([this] { io_.run(); });
  }
  void stop() {
    io_.stop();
    if (thread_.joinable()) thread_.join();
  }
  asio::io_context io_{1};

 private:
  void accept() {
    acceptor_.async_accept([this](Error_code failed, Tcp::socket client) {
      if (failed) return;
      serve(std::move(client));
      accept();
    });
  }
  Tcp::acceptor acceptor_;
  std::thread thread_{};
};

/// Says every byte again.
class EchoServer : public Server {
 public:
  EchoServer() { run(); }
  ~EchoServer() override { stop(); }

 private:
  struct Connection {
    Tcp::socket socket;
    std::array<char, 4096> piece{};
  };
  void serve(Tcp::socket client) override {
    echo(std::make_shared<Connection>(Connection{std::move(client)}));
  }
  static void echo(const std::shared_ptr<Connection>& c) {
    c->socket.async_read_some(asio::buffer(c->piece), [c](Error_code failed, std::size_t count) {
      if (failed) return;
      asio::async_write(c->socket, asio::buffer(c->piece.data(), count), [c](Error_code lost, std::size_t) {
        if (!lost) echo(c);
      });
    });
  }
};

/// An API server of few words: every answer says how many requests came before; a watch says an event every 5 ms.
class HttpsServer : public Server {
 public:
  HttpsServer() : certificates_(*make_certificates()) {
    context_.use_certificate_chain(asio::buffer(certificates_.certificate));
    context_.use_private_key(asio::buffer(certificates_.key), ssl::context::pem);
    run();
  }
  ~HttpsServer() override { stop(); }
  Upstream upstream() const {
    return {.host = "127.0.0.1", .port = port(), .name = "127.0.0.1", .authority = certificates_.authority};
  }
  std::atomic<int> requests{};
  std::atomic<int> writes{};

 private:
  struct Connection {
    ssl::stream<Tcp::socket> stream;
    asio::steady_timer timer;
    boost::beast::flat_buffer buffer{};
    http::request<http::string_body> request{};
    std::string out{};
  };
  void serve(Tcp::socket client) override {
    auto executor = client.get_executor();
    auto c =
        std::make_shared<Connection>(Connection{{std::move(client), context_}, asio::steady_timer(executor)});
    c->stream.async_handshake(ssl::stream_base::server, [this, c](Error_code failed) {
      if (!failed) next(c);
    });
  }
  void next(const std::shared_ptr<Connection>& c) {
    c->request = {};
    http::async_read(c->stream, c->buffer, c->request, [this, c](Error_code failed, std::size_t) {
      if (!failed) answer(c);
    });
  }
  void answer(const std::shared_ptr<Connection>& c) {
    const int number = ++requests;
    if (c->request.method() != http::verb::get) ++writes;
    const bool watch = c->request.target().find("watch=true") != boost::string_view::npos;
    const std::string body =
        fmt::format(R"({{"number": "{:04}", "token": "{}", "filling": "{}"}})", number,
                    std::string(c->request[http::field::authorization]), std::string(2000, 'x'));
    c->out = watch ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                   : fmt::format(
                         "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
                         body.size(), body);
    asio::async_write(c->stream, asio::buffer(c->out), [this, c, watch](Error_code failed, std::size_t) {
      if (failed) return;
      if (watch) return events(c);
      next(c);
    });
  }
  void events(const std::shared_ptr<Connection>& c) {
    c->timer.expires_after(5ms);
    c->timer.async_wait([this, c](Error_code) {
      const std::string event = "{\"type\": \"ADDED\", \"object\": {}}\n";
      c->out = fmt::format("{:x}\r\n{}\r\n", event.size(), event);
      asio::async_write(c->stream, asio::buffer(c->out), [this, c](Error_code failed, std::size_t) {
        if (!failed) events(c);
      });
    });
  }
  Certificates certificates_;
  ssl::context context_{ssl::context::tls_server};
};

std::unique_ptr<FaultProxy> proxy_before(Mode mode, const Upstream& upstream,
                                         const char* rules = R"({"rules": []})") {
  auto parsed = parse_json(rules);
  REQUIRE(parsed.has_value());
  auto read = parse_rules(*parsed);
  REQUIRE(read.has_value());
  auto proxy = FaultProxy::start({.mode = mode, .upstream = upstream, .rules = std::move(*read)});
  REQUIRE(proxy.has_value());
  return std::move(*proxy);
}

std::unique_ptr<FaultProxy> tcp_proxy(const EchoServer& server, const char* rules = R"({"rules": []})") {
  return proxy_before(Mode::tcp, {.host = "127.0.0.1", .port = server.port()}, rules);
}

/// A client of bytes. What it reads: text, "<end>" after FIN, "<reset>" after RST, "<silence>" when nothing comes.
class Plain {
 public:
  explicit Plain(const FaultProxy& proxy) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons(proxy.port());
    connected = connect(fd_, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0;
  }
  ~Plain() { close(fd_); }
  Plain(const Plain&) = delete;
  Plain& operator=(const Plain&) = delete;
  void say(std::string_view words) { static_cast<void>(send(fd_, words.data(), words.size(), MSG_NOSIGNAL)); }
  std::string hear(std::size_t count, std::chrono::milliseconds patience = 5s) {
    std::string out;
    while (out.size() < count) {
      pollfd ready{fd_, POLLIN, 0};
      if (poll(&ready, 1, static_cast<int>(patience.count())) == 0) return out + "<silence>";
      char piece[4096];
      const ssize_t got = recv(fd_, piece, std::min(sizeof piece, count - out.size()), 0);
      if (got == 0) return out + "<end>";
      if (got < 0) return out + "<reset>";
      out.append(piece, static_cast<std::size_t>(got));
    }
    return out;
  }
  std::string ask(std::string_view words) {
    say(words);
    return hear(words.size());
  }
  bool connected{};

 private:
  int fd_;
};

struct Answer {
  CURLcode curl{};
  long status{};
  std::string body{};
  curl_off_t retry_after{};
  std::string serial{};  // of the certificate; only of the request that opened the connection
  bool parses() const { return parse_json(body).has_value(); }
};

/// A client as curl makes one; a watch ends by itself after `patience`.
class Curl {
 public:
  explicit Curl(const FaultProxy& proxy) : proxy_(&proxy), easy_(curl_easy_init()) {}
  ~Curl() { curl_easy_cleanup(easy_); }
  Curl(const Curl&) = delete;
  Curl& operator=(const Curl&) = delete;
  Answer get(const std::string& target, std::chrono::milliseconds patience = 5s) {
    return send("GET", target, patience);
  }
  Answer post(const std::string& target) { return send("POST", target, 5s); }

 private:
  static std::size_t take(char* bytes, std::size_t one, std::size_t count, void* to) {
    static_cast<std::string*>(to)->append(bytes, one * count);
    return one * count;
  }
  Answer send(const char* method, const std::string& target, std::chrono::milliseconds patience) {
    Answer out{};
    const std::string url = fmt::format("https://127.0.0.1:{}{}", proxy_->port(), target);
    const std::string& authority = proxy_->authority();
    curl_blob trusted{const_cast<char*>(authority.data()), authority.size(), CURL_BLOB_COPY};
    curl_easy_setopt(easy_, CURLOPT_CAINFO_BLOB, &trusted);
    curl_easy_setopt(easy_, CURLOPT_URL, url.c_str());
    curl_easy_setopt(easy_, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(easy_, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy_, CURLOPT_XOAUTH2_BEARER, "secret");
    curl_easy_setopt(easy_, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
    curl_easy_setopt(easy_, CURLOPT_TIMEOUT_MS, static_cast<long>(patience.count()));
    curl_easy_setopt(easy_, CURLOPT_WRITEFUNCTION, &take);
    curl_easy_setopt(easy_, CURLOPT_WRITEDATA, &out.body);
    curl_easy_setopt(easy_, CURLOPT_CERTINFO, 1L);
    out.curl = curl_easy_perform(easy_);
    const curl_certinfo* chain = nullptr;
    curl_easy_getinfo(easy_, CURLINFO_CERTINFO, &chain);
    for (const curl_slist* at = chain != nullptr && chain->num_of_certs > 0 ? chain->certinfo[0] : nullptr;
         at != nullptr; at = at->next)
      if (const std::string_view field = at->data; field.starts_with("Serial Number:")) out.serial = field;
    curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &out.status);
    curl_easy_getinfo(easy_, CURLINFO_RETRY_AFTER, &out.retry_after);
    return out;
  }
  const FaultProxy* proxy_;
  CURL* easy_;
};

Result<std::vector<Rule>> rules_of(const char* text) { return parse_rules(*parse_json(text)); }

}  // namespace

TEST_CASE("a script: fields that are not known, and faults where they cannot be, are refused") {
  CHECK(rules_of(R"({"rules": [{"fault": "cut"}, {"path": "/api", "fault": "status", "status": 429}]})")
            ->size() == 2);
  CHECK(rules_of(R"({"rules": [{"fault": "cuts"}]})").error().message == "no such fault: \"cuts\"");
  CHECK(rules_of(R"({"rules": [{"fault": "cut", "nht": 2}]})").error().message ==
        "a rule has no field \"nht\"");
  CHECK(
      rules_of(R"({"rules": [{"fault": "status"}]})").error().message.starts_with("status strikes requests"));
  CHECK(rules_of(R"({"rules": [{"path": "x", "fault": "refuse"}]})")
            .error()
            .message.starts_with("refuse strikes connections"));
  CHECK(rules_of(R"({"rules": [{"path": "(", "fault": "cut"}]})").error().code == Code::usage);
}

TEST_CASE("commands are read") {
  const auto stall = parse_command("stall 1.5s down");
  REQUIRE(stall.has_value());
  CHECK(stall->kind == Kind::stall);
  CHECK(stall->time == 1500ms);
  CHECK(stall->direction == Direction::down);
  CHECK(parse_command("blackhole")->time == 0ms);
  CHECK(parse_command("throttle 2000")->bytes == 2000);
  for (const char* bad : {"", "status", "stall soon", "throttle much", "stall 1s left"})
    CHECK_FALSE(parse_command(bad).has_value());
}

TEST_CASE("the shape of a request leaves out names, namespaces and versions") {
  CHECK(shape_of("GET", "/api/v1/namespaces/demo/persistentvolumeclaims?limit=500") ==
        "GET persistentvolumeclaims");
  CHECK(shape_of("GET", "/apis/kubevirt.io/v1/namespaces/demo/virtualmachines/web") ==
        "GET virtualmachines/*");
  CHECK(shape_of("PUT", "/apis/subresources.kubevirt.io/v1/namespaces/demo/virtualmachines/web/start") ==
        "PUT virtualmachines/*/start");
  CHECK(shape_of("GET", "/apis/kubevirt.io/v1/virtualmachines?watch=true&resourceVersion=1") ==
        "WATCH virtualmachines");
  CHECK(shape_of("GET", "/apis/clone.kubevirt.io") == "GET /apis/clone.kubevirt.io");
  CHECK(shape_of("GET", "/api/v1/namespaces/demo") == "GET namespaces/*");
}

TEST_CASE("rules: the nth match is struck, and as many as are wanted") {
  const auto rules = rules_of(
      R"({"rules": [{"method": "GET", "path": "vms", "nth": 2, "times": 2, "watch": false, "fault": "cut"}]})");
  Decider decider(*rules, {});
  std::string struck;
  for (const char* target : {"/vms", "/vms", "/pods", "/vms?watch=true", "/vms", "/vms"})
    struck += decider.on_request({"GET", target, 0ms}) ? "x" : ".";
  CHECK(struck == ".x..x.");
  CHECK_FALSE(decider.on_request({"POST", "/vms", 0ms}).has_value());
}

TEST_CASE("chance: the same seed strikes the same, in whatever order requests come and whatever they name") {
  const Chance chance{.seed = 7, .rate = 0.5, .most = 100};
  const auto faults_of = [&](const std::vector<std::string>& targets) {
    Decider decider({}, chance);
    std::map<std::string, std::vector<std::string>> out;
    for (const std::string& target : targets) {
      const auto decision = decider.on_request({"GET", target, 0ms});
      out[shape_of("GET", target)].push_back(decision ? describe(decision->fault) : "");
    }
    return out;
  };
  const auto path = [](const char* resource, const char* name) {
    return fmt::format("/api/v1/namespaces/n/{}/{}", resource, name);
  };
  const auto one = faults_of(
      {path("pods", "a"), path("pods", "b"), path("vms", "a"), path("pods", "c"), path("vms", "b")});
  const auto other = faults_of(
      {path("vms", "z"), path("vms", "y"), path("pods", "x"), path("pods", "w"), path("pods", "v")});
  CHECK(one == other);
}

TEST_CASE("chance: outages can be stretched, and nothing else changes") {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Decider once({}, Chance{.seed = seed, .connection_rate = 1});
    Decider thrice({}, Chance{.seed = seed, .connection_rate = 1, .stretch = 3});
    const Strike a = once.on_connection(1, 0ms).front();
    const Strike b = thrice.on_connection(1, 0ms).front();
    CHECK(a.fault.kind == b.fault.kind);
    CHECK(a.after == b.after);
    CHECK(b.fault.time == a.fault.time * (a.fault.kind == Kind::delay ? 1 : 3));
  }
}

TEST_CASE("chance: seeds differ, and come to an end") {
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Decider decider({}, Chance{.seed = seed, .rate = 1, .connection_rate = 1, .most = 3, .until = 1s});
    for (int i = 0; i < 3; ++i) {
      const auto decision = decider.on_request({"POST", "/api/v1/pods", 0ms});
      REQUIRE(decision.has_value());
      seen.insert(describe(decision->fault));
    }
    CHECK_FALSE(decider.on_request({"POST", "/api/v1/pods", 0ms}).has_value());
    CHECK(decider.on_connection(1, 0ms).empty());
    Decider late({}, Chance{.seed = seed, .rate = 1, .connection_rate = 1, .until = 1s});
    CHECK(late.on_connection(1, 999ms).size() == 1);
    CHECK_FALSE(late.on_request({"POST", "/api/v1/pods", 1s}).has_value());
  }
  CHECK(seen.size() > 10);
  CHECK(seen.contains("lost"));
}

TEST_CASE("pass-through: bytes pass") {
  const EchoServer server;
  const auto proxy = tcp_proxy(server);
  Plain client(*proxy);
  CHECK(client.ask(std::string(100'000, 'a')) == std::string(100'000, 'a'));
}

TEST_CASE("pass-through: a cut after some bytes, in good order; the next connection passes") {
  const EchoServer server;
  const auto proxy = tcp_proxy(server, R"({"rules": [{"fault": "cut", "after_bytes": 3}]})");
  Plain first(*proxy);
  first.say("hello");
  CHECK(first.hear(5) == "hel<end>");
  Plain second(*proxy);
  CHECK(second.ask("hello") == "hello");
  CHECK(proxy->log().size() == 1);
}

TEST_CASE("pass-through: a reset after a time") {
  const EchoServer server;
  const auto proxy = tcp_proxy(server, R"({"rules": [{"fault": "reset", "after_ms": 20, "nth": 2}]})");
  Plain first(*proxy);
  Plain second(*proxy);
  CHECK(first.ask("a") == "a");
  CHECK(second.hear(1) == "<reset>");
  CHECK(first.ask("b") == "b");
}

TEST_CASE("pass-through: a stall holds bytes and lets them go on") {
  const EchoServer server;
  const auto proxy = tcp_proxy(server);
  Plain client(*proxy);
  CHECK(client.ask("a") == "a");
  proxy->impose(*parse_command("stall 0s down"));  // until it is healed
  client.say("b");
  CHECK(client.hear(1, 30ms) == "<silence>");
  proxy->heal();
  CHECK(client.hear(1) == "b");
}

TEST_CASE("pass-through: a blackhole takes all and gives nothing, and those in it stay there") {
  const EchoServer server;
  const auto proxy = tcp_proxy(server);
  Plain before(*proxy);
  CHECK(before.ask("a") == "a");
  proxy->impose(*parse_command("blackhole"));
  Plain during(*proxy);
  CHECK(during.connected);
  before.say("b");
  during.say("b");
  proxy->heal();
  Plain after(*proxy);
  CHECK(after.ask("c") == "c");
  CHECK(before.hear(1, 20ms) == "<silence>");
}

TEST_CASE("pass-through: a blackhole of some time ends with a reset") {
  const EchoServer server;
  const auto proxy = tcp_proxy(server);
  Plain before(*proxy);
  CHECK(before.ask("a") == "a");
  proxy->impose(*parse_command("blackhole 30ms"));
  Plain during(*proxy);
  CHECK(before.hear(1) == "<reset>");
  CHECK(during.hear(1) == "<reset>");
}

TEST_CASE("pass-through: refusing, and listening again on the same port") {
  const EchoServer server;
  const auto proxy = tcp_proxy(server);
  const auto port = proxy->port();
  Plain before(*proxy);
  CHECK(before.ask("a") == "a");
  proxy->impose(*parse_command("refuse"));
  CHECK(before.hear(1) == "<reset>");
  CHECK_FALSE(Plain(*proxy).connected);
  proxy->heal();
  CHECK(proxy->port() == port);
  CHECK(Plain(*proxy).ask("b") == "b");
}

TEST_CASE("pass-through: delay and throttle slow down") {
  const EchoServer server;
  const auto proxy = tcp_proxy(server);
  Plain client(*proxy);
  CHECK(client.ask("a") == "a");
  const auto seconds_of = [&] {
    const auto began = std::chrono::steady_clock::now();
    CHECK(client.ask(std::string(100, 'b')) == std::string(100, 'b'));
    return std::chrono::steady_clock::now() - began;
  };
  proxy->impose(*parse_command("delay 30ms"));
  CHECK(seconds_of() >= 60ms);  // both ways
  proxy->heal();
  proxy->impose(*parse_command("throttle 2000"));
  CHECK(seconds_of() >= 100ms);
}

TEST_CASE("a server that is not there: the connection is reset") {
  std::uint16_t nobody{};
  {
    const EchoServer server;
    nobody = server.port();
  }
  const auto proxy = proxy_before(Mode::tcp, {.host = "127.0.0.1", .port = nobody});
  Plain client(*proxy);
  CHECK(client.hear(1) == "<reset>");
  CHECK(FaultProxy::start({.upstream = {.host = "no.such.name.invalid", .port = 1}}).error().code ==
        Code::unreachable);
}

TEST_CASE("ending TLS: requests pass with their token, one connection for many") {
  HttpsServer server;
  const auto proxy = proxy_before(Mode::tls, server.upstream());
  Curl client(*proxy);
  const Answer first = client.get("/a");
  CHECK(first.status == 200);
  CHECK(text(*parse_json(first.body), {"token"}) == "Bearer secret");
  CHECK(client.post("/a").status == 200);
  CHECK(server.requests == 2);
  CHECK(server.writes == 1);
}

TEST_CASE("ending TLS: a server whose certificate is not to be trusted gets no request") {
  HttpsServer server;
  Upstream upstream = server.upstream();
  upstream.authority = make_certificates()->authority;
  const auto proxy = proxy_before(Mode::tls, upstream);
  CHECK(Curl(*proxy).get("/a").status == 0);
  CHECK(server.requests == 0);
}

TEST_CASE("ending TLS: statuses") {
  HttpsServer server;
  const auto proxy = proxy_before(Mode::tls, server.upstream(), R"({"rules": [
      {"path": "/a", "fault": "status", "status": 429, "retry_after": 3}, {"path": "/a", "fault": "status", "status": 502, "nth": 2},
      {"path": "/a", "fault": "status", "status": 410, "nth": 3}]})");
  Curl client(*proxy);
  const Answer busy = client.get("/a");
  CHECK(busy.status == 429);
  CHECK(busy.retry_after == 3);
  CHECK(text(*parse_json(busy.body), {"reason"}) == "TooManyRequests");
  const Answer gateway = client.get("/a");
  CHECK(gateway.status == 502);
  CHECK_FALSE(gateway.parses());
  CHECK(integer(*parse_json(client.get("/a").body), {"code"}) == 410);
  CHECK(server.requests == 0);
  CHECK(client.get("/a").status == 200);
}

TEST_CASE("ending TLS: a write that is carried out although the answer is lost, or says that it failed") {
  HttpsServer server;
  const auto proxy = proxy_before(Mode::tls, server.upstream(), R"({"rules": [
      {"method": "POST", "path": "lost", "fault": "lost"},
      {"method": "POST", "path": "late", "fault": "status", "status": 504, "after_write": true}]})");
  CHECK(Curl(*proxy).post("/lost").curl != CURLE_OK);
  CHECK(server.writes == 1);
  Curl client(*proxy);
  CHECK(client.post("/late").status == 504);
  CHECK(server.writes == 2);
  CHECK(client.post("/late").status == 200);
}

TEST_CASE("ending TLS: truncated, broken and slow bodies") {
  HttpsServer server;
  const auto proxy = proxy_before(Mode::tls, server.upstream(), R"({"rules": [
      {"path": "short", "fault": "truncated"}, {"path": "broken", "fault": "broken"},
      {"path": "slow", "fault": "slow", "bytes": 500, "time_ms": 10}]})");
  const Answer cut_off = Curl(*proxy).get("/short");
  CHECK(cut_off.curl != CURLE_OK);
  CHECK(cut_off.body.size() > 500);
  Curl client(*proxy);
  const Answer broken = client.get("/broken");
  CHECK(broken.curl == CURLE_OK);
  CHECK_FALSE(broken.parses());
  const auto began = std::chrono::steady_clock::now();
  CHECK(client.get("/slow").parses());
  CHECK(std::chrono::steady_clock::now() - began >= 40ms);
  CHECK(client.get("/short").parses());
}

TEST_CASE("ending TLS: a stale answer is the first that was given") {
  HttpsServer server;
  const auto proxy = proxy_before(Mode::tls, server.upstream(),
                                  R"({"rules": [{"path": "/a", "nth": 3, "fault": "stale"}]})");
  Curl client(*proxy);
  const std::string first = client.get("/a").body;
  CHECK(client.get("/a").body != first);
  CHECK(client.get("/a").body == first);
  CHECK(client.get("/a").body != first);
  CHECK(server.requests == 3);
}

TEST_CASE("ending TLS: a stalled request is answered after its time, once") {
  HttpsServer server;
  const auto proxy = proxy_before(Mode::tls, server.upstream(),
                                  R"({"rules": [{"path": "/a", "fault": "stall", "time_ms": 700}]})");
  Curl client(*proxy);
  CHECK(client.get("/a", 300ms).curl == CURLE_OPERATION_TIMEDOUT);
  const auto again = proxy_before(Mode::tls, server.upstream(),
                                  R"({"rules": [{"path": "/a", "fault": "stall", "time_ms": 700}]})");
  CHECK(Curl(*again).get("/a", 1300ms).status == 200);
  CHECK(server.requests >= 1);
}

TEST_CASE("ending TLS: cut and reset instead of an answer") {
  HttpsServer server;
  const auto proxy =
      proxy_before(Mode::tls, server.upstream(),
                   R"({"rules": [{"path": "/a", "fault": "cut"}, {"path": "/b", "fault": "reset"}]})");
  CHECK(Curl(*proxy).get("/a").status == 0);
  CHECK(Curl(*proxy).get("/b").curl == CURLE_RECV_ERROR);
  CHECK(server.requests == 0);
}

TEST_CASE("ending TLS: a watch ends in good order, with an ERROR event, or is cut") {
  HttpsServer server;
  const auto proxy = proxy_before(Mode::tls, server.upstream(), R"({"rules": [
      {"path": "ends", "watch": true, "after_ms": 150, "fault": "end_watch"},
      {"path": "gone", "watch": true, "after_ms": 150, "fault": "gone_event"},
      {"path": "cut", "watch": true, "after_ms": 150, "fault": "cut"},
      {"path": "torn", "watch": true, "after_ms": 150, "fault": "truncated"}]})");
  Curl client(*proxy);
  const Answer ended = client.get("/ends?watch=true");
  CHECK(ended.curl == CURLE_OK);
  CHECK_MESSAGE(ended.body.ends_with("}\n"), ended.body);
  const Answer gone = client.get("/gone?watch=true");
  CHECK(gone.curl == CURLE_OK);
  const auto last = gone.body.rfind('\n', gone.body.size() - 2);
  const auto event = parse_json(gone.body.substr(last + 1));
  REQUIRE(event.has_value());
  CHECK(text(*event, {"type"}) == "ERROR");
  CHECK(integer(*event, {"object", "code"}) == 410);
  const Answer cut = client.get("/cut?watch=true");
  CHECK(cut.curl != CURLE_OK);
  CHECK(cut.body.ends_with("}\n"));
  const Answer torn = client.get("/torn?watch=true");
  CHECK(torn.curl != CURLE_OK);
  CHECK_FALSE(torn.body.ends_with("}\n"));
  CHECK(client.get("/ends?watch=true", 50ms).curl == CURLE_OPERATION_TIMEDOUT);
}

TEST_CASE("ending TLS: a rotated certificate is seen by later connections, and of the same authority") {
  HttpsServer server;
  const auto proxy = proxy_before(Mode::tls, server.upstream());
  Curl before(*proxy);
  const Answer old = before.get("/a");
  proxy->rotate();
  CHECK(before.get("/a").status == 200);  // its connection goes on
  Curl after(*proxy);
  const Answer fresh = after.get("/a");
  CHECK(fresh.status == 200);
  CHECK_FALSE(old.serial.empty());
  CHECK(fresh.serial != old.serial);
}

TEST_CASE("a kubeconfig that goes through the proxy") {
  const Certificates made = *make_certificates();
  const KubeconfigFile file{
      .text =
          R"({"current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u", "namespace": "n"}}],
      "clusters": [{"name": "k", "cluster": {"server": "https://api.test:6443", "certificate-authority": "pki/ca.crt", "proxy-url": "http://x"}}],
      "users": [{"name": "u", "user": {"token": "secret"}}]})",
      .folder = "/etc/kube"};
  const auto tcp = through_proxy(file, Mode::tcp, 7000, "");
  REQUIRE(tcp.has_value());
  for (const char* part : {"https://127.0.0.1:7000", "tls-server-name", "api.test", "/etc/kube/pki/ca.crt",
                           "secret", "namespace"})
    CHECK_MESSAGE(tcp->find(part) != std::string::npos, part);
  CHECK(tcp->find("proxy-url") == std::string::npos);

  const auto tls = through_proxy(file, Mode::tls, 7000, made.authority);
  REQUIRE(tls.has_value());
  CHECK(tls->find("pki/ca.crt") == std::string::npos);
  CHECK(tls->find("tls-server-name") == std::string::npos);
  // Reading it again gives the authority that was put in.
  CHECK(upstream_of({.text = *tls, .folder = "/"})->authority == made.authority);
  CHECK(upstream_of({.text = *tls, .folder = "/"})->port == 7000);
  CHECK(upstream_of({.text = "current-context: nothing", .folder = "/"}).error().code == Code::usage);
}
