#include "kube/credentials.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "support/golden.h"
#include "support/http_server.h"

using namespace wukong;
using namespace wukong::kube;
using namespace std::chrono_literals;

namespace {

/// A process whose clocks and file stand still until told otherwise.
struct World {
  Time now{};
  WallTime wall{parse_rfc3339("2026-01-01T00:00:00Z").value()};
  std::optional<std::string> file{};
  int reads{};

  CredentialIo io() {
    return {.read = [this](const std::string& path) -> Result<std::string> {
              ++reads;
              if (file) return *file;
              return Error{.code = Code::not_found, .message = "cannot read " + path};
            },
            .now = [this] { return now; },
            .wall_now = [this] { return wall; },
            .environment = {"PATH=/usr/bin:/bin"},
            .on_stderr = [](std::string_view) {}};
  }
};

/// A folder that goes with the test.
struct Folder {
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "wukong-test-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path); }
  std::string path{};
};

/// A plugin that counts its runs in a file and answers with "t<count>".
ClusterAccess with_plugin(const std::string& folder, const std::string& status,
                          const std::string& before = "") {
  ClusterAccess access{.server = "https://h"};
  access.credentials.exec = ExecSpec{
      .api_version = "client.authentication.k8s.io/v1",
      .command = "/bin/sh",
      .args = {"-c", before + "echo x >> " + folder + "/runs; n=$(wc -l < " + folder + "/runs); echo \"" +
                         "{\\\"kind\\\":\\\"ExecCredential\\\",\\\"apiVersion\\\":\\\"client.authentication."
                         "k8s.io/v1\\\"," +
                         "\\\"status\\\":" + status + "}\""},
      .interactive_mode = "Never"};
  return access;
}

Result<std::string> pki(const std::string& name) {
  return read_file(testing::tests_dir() / "data/kubeconfigs/pki" / name);
}

/// As read from client.crt and client.key.
ClusterAccess with_certificate_files() {
  ClusterAccess access{.server = "https://h"};
  access.credentials.client_certificate = pki("client.crt").value();
  access.credentials.client_key = pki("client.key").value();
  access.credentials.certificate_file = ".crt";
  access.credentials.key_file = ".key";
  return access;
}

CredentialIo reading(World& world, FileReader read) {
  CredentialIo io = world.io();
  io.read = std::move(read);
  return io;
}

constexpr const char* kCounted = R"({\"token\":\"t$n\"})";

std::string header(const Headers& headers, const std::string& name) {
  for (const auto& [key, value] : headers)
    if (key == name) return value;
  return "(absent)";
}

}  // namespace

TEST_CASE("headers: bearer, basic, neither over plain http") {
  const Credential bearer{.token = "t", .username = "u", .password = "p"};
  CHECK(header(*auth_headers(bearer, {}, true), "Authorization") == "Bearer t");
  CHECK(auth_headers(bearer, {}, false)->empty());
  const Credential basic{.username = "user", .password = "pass"};
  CHECK(header(*auth_headers(basic, {}, true), "Authorization") == "Basic dXNlcjpwYXNz");
  CHECK(auth_headers(basic, {}, false)->empty());
  CHECK(auth_headers({}, {}, true)->empty());
}

TEST_CASE("headers: impersonation") {
  const Impersonation as{.user = "jane",
                         .uid = "7",
                         .groups = {"a", "b"},
                         .extra = {{"example.com/scopes", {"x", "y"}}, {"50%", {"z"}}}};
  const Headers expected{{"Impersonate-User", "jane"},
                         {"Impersonate-Uid", "7"},
                         {"Impersonate-Group", "a"},
                         {"Impersonate-Group", "b"},
                         {"Impersonate-Extra-50%25", "z"},
                         {"Impersonate-Extra-example.com%2Fscopes", "x"},
                         {"Impersonate-Extra-example.com%2Fscopes", "y"}};
  CHECK(*auth_headers({}, as, false) == expected);
  CHECK(header(*auth_headers({}, {.user = " jane "}, true), "Impersonate-User") == "jane");
  CHECK(auth_headers({}, {.groups = {"a"}}, true)->empty());
}

TEST_CASE("headers: no value can add a header, and it is not shown") {
  for (const char* bad : {"hunter2\r\nX: y", "hunter2\n", "a\x01", "a\x7f"}) {
    const auto token = auth_headers({.token = bad}, {}, true);
    REQUIRE_FALSE(token.has_value());
    CHECK(token.error().code == Code::unauthenticated);
    CHECK(token.error().message.find("hunter2") == std::string::npos);
    CHECK_FALSE(auth_headers({}, {.user = bad}, true).has_value());
  }
}

TEST_CASE("credentials: fixed ones cannot be refreshed") {
  World world{};
  ClusterAccess access{.server = "https://h"};
  access.credentials.token = "t";
  access.credentials.client_certificate = "C";
  CredentialSource source(access, world.io());
  const auto got = source.wait();
  REQUIRE(got.has_value());
  CHECK(got->token == "t");
  CHECK(got->client_certificate == "C");
  CHECK_FALSE(source.refresh(got->generation));
  CHECK(source.waits().empty());
}

TEST_CASE("credentials: certificate files are read again after ten seconds, or after a 401") {
  World world{};
  std::string name = "client";
  CredentialSource source(with_certificate_files(),
                          reading(world, [&](const std::string& end) { return pki(name + end); }));
  const auto first = source.wait();
  name = "ec";
  CHECK(source.wait()->generation == first->generation);
  world.now += 10s;
  const auto second = source.wait();
  CHECK(second->client_certificate == *pki("ec.crt"));
  CHECK(second->client_key == *pki("ec.key"));
  CHECK(second->generation != first->generation);
  CHECK(source.refresh(first->generation));
  CHECK_FALSE(source.refresh(second->generation));
  name = "ed25519";
  CHECK(source.refresh(second->generation));
  CHECK(source.wait()->client_certificate == *pki("ed25519.crt"));
}

TEST_CASE("credentials: half of a renewed certificate does not count") {
  World world{};
  std::string key = "client.key";
  CredentialSource source(with_certificate_files(), reading(world, [&](const std::string& end) {
                            return pki(end == ".crt" ? "ec.crt" : key);
                          }));
  for (const char* half : {"client.key", "missing.key"}) {
    key = half;
    world.now += 10s;
    CHECK(source.wait()->client_certificate == *pki("client.crt"));
  }
  key = "ec.key";
  world.now += 10s;
  CHECK(source.wait()->client_certificate == *pki("ec.crt"));
}

TEST_CASE("credentials: a token file is read again after fifty seconds, or after a 401") {
  World world{.file = " one\n"};
  ClusterAccess access{.server = "https://h"};
  access.credentials.token_file = "/token";
  CredentialSource source(access, world.io());
  const auto first = source.wait();
  REQUIRE(first.has_value());
  CHECK(first->token == "one");
  world.file = "two";
  world.now += 49s;
  CHECK(source.wait()->token == "one");
  CHECK(world.reads == 1);
  world.now += 1s;
  const auto second = source.wait();
  CHECK(second->token == "two");
  CHECK(second->generation != first->generation);
  world.file = "three";
  CHECK(source.refresh(first->generation));
  CHECK(source.wait()->token == "two");
  CHECK(source.refresh(second->generation));
  CHECK(source.wait()->token == "three");
}

TEST_CASE("credentials: a token file that goes away leaves the last token; one that never was is an error") {
  World world{};
  ClusterAccess access{.server = "https://h"};
  access.credentials.token_file = "/token";
  CredentialSource source(access, world.io());
  REQUIRE_FALSE(source.wait().has_value());
  CHECK(source.wait().error().code == Code::unauthenticated);
  CHECK(source.wait().error().message == "cannot read /token");
  world.file = "\n";
  CHECK(source.wait().error().message == "token file /token is empty");
  world.file = "one";
  CHECK(source.wait()->token == "one");
  world.file.reset();
  world.now += 2min;
  CHECK(source.wait()->token == "one");

  World other{};
  access.credentials.token = "fallback";
  CredentialSource with_fallback(access, other.io());
  CHECK(with_fallback.wait()->token == "fallback");
}

TEST_CASE("credentials: a plugin runs once, and again after a 401 to its newest answer") {
  const Folder folder{};
  World world{};
  CredentialSource source(with_plugin(folder.path, kCounted), world.io());
  const auto nothing_yet = source.current();
  REQUIRE(nothing_yet.has_value());
  CHECK_FALSE(nothing_yet->has_value());
  CHECK_FALSE(source.waits().empty());
  const auto first = source.wait();
  REQUIRE(first.has_value());
  CHECK(first->token == "t1");
  world.wall += 24h;
  CHECK(source.wait()->token == "t1");
  CHECK(source.refresh(first->generation));
  CHECK(source.wait()->token == "t2");
  CHECK(source.refresh(first->generation));
  CHECK(source.wait()->token == "t2");
}

TEST_CASE("credentials: a plugin runs again once its answer has expired") {
  const Folder folder{};
  World world{};
  CredentialSource source(
      with_plugin(folder.path, R"({\"token\":\"t$n\",\"expirationTimestamp\":\"2026-01-01T01:00:00Z\"})"),
      world.io());
  CHECK(source.wait()->token == "t1");
  world.now += 1min;
  world.wall += 59min;
  CHECK(source.wait()->token == "t1");
  world.wall += 2min;
  // Expired as well, but it is the newest there is.
  CHECK(source.wait()->token == "t2");
  CHECK(source.wait()->token == "t2");
  world.now += 10s;
  CHECK(source.wait()->token == "t3");
}

TEST_CASE("credentials: a plugin's failure stands for a while") {
  const Folder folder{};
  World world{};
  const std::string fail_first = "echo log in first >&2; [ -e " + folder.path + "/ok ] || exit 3; ";
  CredentialSource source(with_plugin(folder.path, kCounted, fail_first), world.io());
  const auto failed = source.wait();
  REQUIRE_FALSE(failed.has_value());
  CHECK_FALSE(source.may_recover());  // it has never answered
  CHECK(failed.error().code == Code::unauthenticated);
  CHECK(failed.error().message == "credential plugin /bin/sh failed with exit code 3");
  CHECK(failed.error().causes == std::vector<std::string>{"log in first"});
  std::ofstream(folder.path + "/ok") << "";
  world.now += 9s;
  CHECK_FALSE(source.wait().has_value());
  world.now += 1s;
  const auto got = source.wait();
  REQUIRE(got.has_value());
  CHECK(got->token == "t1");
  std::filesystem::remove(folder.path + "/ok");
  CHECK(source.refresh(got->generation));
  CHECK_FALSE(source.wait().has_value());
  CHECK(source.may_recover());
}

TEST_CASE("credentials: a plugin that is missing, or needs a terminal") {
  World world{};
  ClusterAccess access{.server = "https://h"};
  access.credentials.exec = ExecSpec{.api_version = "client.authentication.k8s.io/v1",
                                     .command = "/nonexistent/plugin",
                                     .install_hint = "get it",
                                     .interactive_mode = "IfAvailable"};
  CHECK(CredentialSource(access, world.io()).wait().error().hint == "get it");
  access.credentials.exec->interactive_mode = "Always";
  CHECK(CredentialSource(access, world.io()).wait().error().code == Code::unauthenticated);
}

TEST_CASE("credentials: an id-token is renewed ten seconds before its end, and the new one is kept") {
  // {"exp":1767225600}: 2026-01-01T00:00:00Z; then {"exp":1767229200}, an hour later.
  const std::string first = "e30.eyJleHAiOjE3NjcyMjU2MDB9.x";
  const std::string second = "e30.eyJleHAiOjE3NjcyMjkyMDB9.x";
  World world{.wall = parse_rfc3339("2025-12-31T23:59:49Z").value()};
  ClusterAccess access{.server = "https://h"};
  access.credentials.oidc = OidcSpec{.settings = {{"id-token", first}, {"refresh-token", "r1"}}};
  std::vector<std::string> sent{};
  CredentialIo io = world.io();
  io.renew = [&](const OidcSpec& spec, const std::atomic<bool>&) -> Result<OidcTokens> {
    sent.push_back(spec.settings.at("refresh-token"));
    if (sent.size() == 1) return Error{.code = Code::unauthenticated, .message = "no"};
    return OidcTokens{.id_token = second, .refresh_token = "r2"};
  };
  CredentialSource source(access, std::move(io));
  CHECK(source.wait()->token == first);
  CHECK(sent.empty());
  world.wall += 1s;
  CHECK(source.wait().error().message == "no");
  world.now += 9s;
  CHECK_FALSE(source.wait().has_value());
  CHECK(sent.size() == 1);
  world.now += 1s;
  const auto got = source.wait();
  REQUIRE(got.has_value());
  CHECK(got->token == second);
  CHECK_FALSE(source.refresh(got->generation));
  world.now += 1min;
  world.wall += 30min;
  CHECK(source.wait()->token == second);
  world.wall += 30min;
  CHECK(source.wait()->token == second);  // as the issuer gave it, whatever our clock says
  CHECK(sent == std::vector<std::string>{"r1", "r1", "r2"});
}

TEST_CASE("credentials: a renewal that is dropped is told to stop") {
  World world{};
  ClusterAccess access{.server = "https://h"};
  access.credentials.oidc = OidcSpec{.settings = {{"refresh-token", "r"}}};
  CredentialIo io = world.io();
  io.renew = [](const OidcSpec&, const std::atomic<bool>& stop) -> Result<OidcTokens> {
    while (!stop) std::this_thread::yield();
    return Error{};
  };
  CredentialSource source(access, std::move(io));
  CHECK_FALSE(source.current()->has_value());
  REQUIRE(source.waits().size() == 1);
}

TEST_CASE("credentials: an issuer that was not reached is asked again, one that refuses is not") {
  const std::string first = "e30.eyJleHAiOjE3NjcyMjU2MDB9.x";  // until 2026-01-01T00:00:00Z
  World world{.wall = parse_rfc3339("2025-12-31T23:59:00Z").value()};
  ClusterAccess access{.server = "https://h"};
  access.credentials.oidc = OidcSpec{.settings = {{"id-token", first}, {"refresh-token", "r1"}}};
  Code why = Code::unreachable;
  CredentialIo io = world.io();
  io.renew = [&](const OidcSpec&, const std::atomic<bool>&) -> Result<OidcTokens> {
    return Error{.code = why};
  };
  CredentialSource source(access, std::move(io));
  CHECK(source.wait().has_value());
  world.wall += 2min;
  CHECK_FALSE(source.wait().has_value());
  CHECK(source.may_recover());
  why = Code::unauthenticated;
  world.now += 10s;
  CHECK_FALSE(source.wait().has_value());
  CHECK_FALSE(source.may_recover());
}

TEST_CASE("credentials: what a refresh token was given for is waited for and kept, although all shall stop") {
  const Folder folder{};
  const std::string file = folder.path + "/config";
  std::ofstream(file) << "users:\n- name: jo\n  user:\n    auth-provider:\n      name: oidc\n      config:\n"
                         "        refresh-token: r1\n";
  const auto loop = std::move(*Loop::make());
  std::atomic<bool> stop{};
  std::atomic<bool> over{};
  Handle later{};
  std::string url{};
  testing::HttpServer server(*loop, [&](const testing::HttpSeen& seen, const auto& to) {
    if (seen.method == "GET") return to->answer(200, fmt::format(R"({{"token_endpoint":"{}/token"}})", url));
    stop = true;
    later = loop->after(
        2500ms, [to] { to->answer(200, R"({"access_token":"a","id_token":"i2","refresh_token":"r2"})"); });
  });
  url = server.url();
  OidcSpec spec{.user = "jo", .file = file};
  spec.settings = {{"idp-issuer-url", url}, {"client-id", "me"}, {"refresh-token", "r1"}};
  Result<OidcTokens> got = Error{};
  std::thread renewal([&] {
    got = renew_tokens(spec, stop);
    over = true;
    loop->post([] {});
  });
  while (!over) loop->turn();
  renewal.join();
  REQUIRE(got.has_value());
  CHECK(got->refresh_token == "r2");
  CHECK(read_file(file)->find("r2") != std::string::npos);
}
