#include "commands/doctor.h"

#include <doctest/doctest.h>

using namespace wukong;
using namespace wukong::commands;
using namespace std::chrono_literals;

namespace {

const WallTime kNow = parse_rfc3339("2026-11-20T12:00:00Z").value_or(WallTime{});

ConnectionFacts sound() {
  ConnectionFacts facts{.now = kNow};
  facts.access.files = {"/home/jo/.kube/config"};
  facts.access.server = "https://10.0.0.1:6443";
  facts.access.ca_pem = "x";
  facts.access.context = "prod";
  facts.access.cluster = "prod-cluster";
  facts.access.user = "jo";
  facts.access.ns = "web";
  facts.access.credentials.client_certificate = "x";
  facts.certificate = {.subject = "CN=jo, O=dev", .not_before = kNow - 24h, .not_after = kNow + 24h * 300};
  facts.exchange = kube::Traced{.status = 200,
                                .response_headers = {{"Date", "Fri, 20 Nov 2026 12:00:01 GMT"}},
                                .http_version = "2",
                                .remote = "10.0.0.1:6443",
                                .dns = 1ms,
                                .dial = 2ms,
                                .tls = 12ms,
                                .server = 5ms};
  facts.version = {{"gitVersion", "v1.34.3"}};
  facts.review = {
      {"status", {{"userInfo", {{"username", "jo"}, {"groups", {"dev", "system:authenticated"}}}}}}};
  return facts;
}

std::string report(const ConnectionFacts& facts) {
  std::string out;
  for (const Check& check : connection_checks(facts))
    out +=
        check.name + " | " + (check.took ? format_duration(*check.took) : "") + " | " + check.result + "\n";
  return out;
}

}  // namespace

TEST_CASE("doctor: every step of a connection that works") {
  CHECK(report(sound()) ==
        "kubeconfig |  | /home/jo/.kube/config\n"
        "context |  | prod (cluster prod-cluster, user jo, namespace web)\n"
        "server |  | https://10.0.0.1:6443\n"
        "proxy |  | none\n"
        "credential |  | client certificate CN=jo, O=dev, until 2027-09-16T12:00:00Z\n"
        "name lookup | 1ms | \n"
        "connect | 2ms | 10.0.0.1:6443\n"
        "TLS | 12ms | certificate checked against the kubeconfig's authority\n"
        "answer | 5ms | HTTP/2, status 200, Kubernetes v1.34.3\n"
        "you are |  | jo (groups dev, system:authenticated)\n");
  CHECK(connection_doubts(sound()).empty());
}

TEST_CASE("doctor: ends at the step that failed") {
  ConnectionFacts facts = sound();
  facts.version = facts.review = Json();
  *facts.exchange = {.problem = "Connection refused", .dns = 1ms};
  CHECK(report(facts).ends_with("name lookup | 1ms | \nconnect |  | FAILED: Connection refused\n"));
  *facts.exchange = {
      .problem = "certificate has expired", .remote = "10.0.0.1:6443", .dns = 1ms, .dial = 1ms};
  CHECK(report(facts).ends_with("connect | 1ms | 10.0.0.1:6443\nTLS |  | FAILED: certificate has expired\n"));
  *facts.exchange = {.problem = "no byte for 10s", .dns = 1ms, .dial = 1ms, .tls = 1ms};
  CHECK(report(facts).ends_with("answer |  | FAILED: no byte for 10s\n"));
  *facts.exchange = {.problem = "Could not resolve host"};
  CHECK(report(facts).ends_with("name lookup |  | FAILED: Could not resolve host\n"));
  facts.exchange.reset();  // the credential failed before anything was sent
  CHECK(report(facts).find("name lookup") == std::string::npos);
}

TEST_CASE("doctor: a connection that stood already took no time to dial, and is no failure") {
  ConnectionFacts facts = sound();
  facts.exchange->dns = facts.exchange->dial = facts.exchange->tls = 0ms;
  CHECK(report(facts).find("FAILED") == std::string::npos);
}

TEST_CASE("doctor: the ways to authenticate, without their secrets") {
  ConnectionFacts facts = sound();
  facts.certificate.reset();
  facts.access.credentials = {.token = "t0ps3cret", .username = "jo", .password = "t0ps3cret"};
  facts.proxy = "http://jo:t0ps3cret@proxy:3128";
  facts.proxy_of_environment = true;
  CHECK(report(facts).find("t0ps3cret") == std::string::npos);
  CHECK(report(facts).find("proxy |  | http://<masked>@proxy:3128 (of the environment)\n") !=
        std::string::npos);
  CHECK(report(facts).find("credential |  | bearer token\n") != std::string::npos);
  facts.access.credentials = {.exec = kube::ExecSpec{.command = "aws"}};
  facts.credential = 250ms;
  facts.access.impersonation.user = "admin";
  CHECK(report(facts).find("credential | 250ms | plugin aws, acting as admin\n") != std::string::npos);
  facts.access.credentials = {.oidc = kube::OidcSpec{}};
  facts.access.impersonation.user.clear();
  CHECK(report(facts).find("credential | 250ms | token of an OIDC issuer (auth-provider oidc)\n") !=
        std::string::npos);
  facts.access.server = "http://h";
  CHECK(report(facts).find("nothing secret is sent over plain http") != std::string::npos);
}

TEST_CASE("doctor: doubts about what works") {
  ConnectionFacts facts = sound();
  const auto doubt = [&](const char* words) {
    const auto doubts = connection_doubts(facts);
    REQUIRE(doubts.size() == 1);
    CHECK_MESSAGE(doubts.front().find(words) != std::string::npos, doubts.front());
    facts = sound();
  };
  facts.certificate->not_after = kNow + 24h;
  doubt("expires at 2026-11-21T12:00:00Z");
  facts.certificate->not_after = kNow - 1h;
  doubt("expired at 2026-11-20T11:00:00Z");
  facts.certificate->not_before = kNow + 1h;
  doubt("valid only from 2026-11-20T13:00:00Z");
  facts.access.insecure = true;
  doubt("not checked");
  facts.access.server = "http://h";
  doubt("plain http");
  facts.exchange->response_headers[0].second = "Fri, 20 Nov 2026 14:00:00 GMT";
  doubt("the server's clock is 2h00m ahead of this machine's");
  facts.exchange->response_headers[0].second = "Fri, 20 Nov 2026 11:50:00 GMT";
  doubt("the server's clock is 10m00s behind this machine's");
}

TEST_CASE("doctor: hostile names and answers leave no control characters") {
  ConnectionFacts facts = sound();
  facts.access.context = "a\x1b[31m";
  facts.version = {{"gitVersion", "v1\x07"}};
  facts.review = {{"status", {{"userInfo", {{"username", "\x1b]0;x\x07"}}}}}};
  for (const char c : report(facts)) CHECK((c == '\n' || static_cast<unsigned char>(c) >= ' '));
}
