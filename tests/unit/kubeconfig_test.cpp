#include "kube/kubeconfig.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "kube/base64.h"
#include "kube/yaml_json.h"

#include "support/golden.h"

using namespace wukong;
using namespace wukong::kube;

namespace {

/// Files that exist only here.
FileReader files(std::map<std::string, std::string> known) {
  return [known = std::move(known)](const std::string& path) -> Result<std::string> {
    if (const auto found = known.find(path); found != known.end()) return found->second;
    return Error{.code = Code::not_found, .message = "cannot read " + path + ": No such file or directory"};
  };
}

std::string typical() { return read_file(testing::tests_dir() / "data/kubeconfig/typical.yaml").value(); }

constexpr const char* kCa = "-----BEGIN CERTIFICATE-----\nCA\n-----END CERTIFICATE-----\n";
constexpr const char* kCert = "-----BEGIN CERTIFICATE-----\nCERT\n-----END CERTIFICATE-----\n";
constexpr const char* kKey = "-----BEGIN PRIVATE KEY-----\nKEY\n-----END PRIVATE KEY-----\n";

/// One cluster, one user, one context, all called "c".
std::string simple(const std::string& cluster, const std::string& user) {
  return fmt::format(
      "current-context: c\n"
      "contexts: [{{name: c, context: {{cluster: c, user: c}}}}]\n"
      "clusters: [{{name: c, cluster: {{{}}}}}]\n"
      "users: [{{name: c, user: {{{}}}}}]\n",
      cluster, user);
}

Result<ClusterAccess> load(const std::string& text, const Overrides& flags = {},
                           std::map<std::string, std::string> more = {}) {
  more.emplace("/home/u/.kube/config", text);
  return load_access(flags, {.home = "/home/u", .read = files(std::move(more))});
}

Error load_error(const std::string& text, const Overrides& flags = {},
                 std::map<std::string, std::string> more = {}) {
  const auto got = load(text, flags, std::move(more));
  REQUIRE_FALSE(got.has_value());
  return got.error();
}

bool says(const Error& error, std::string_view words) {
  return (error.message + "\n" + error.hint).find(words) != std::string::npos;
}

}  // namespace

TEST_CASE("kubeconfig: the current context, with certificates in the file") {
  const auto got = load(typical());
  REQUIRE(got.has_value());
  CHECK(got->server == "https://127.0.0.1:6443");
  CHECK(got->context == "dev");
  CHECK(got->cluster == "dev");
  CHECK(got->user == "dev-admin");
  CHECK(got->ns == "default");
  CHECK(got->ca_pem.find("CA-DEV") != std::string::npos);
  CHECK(got->credentials.client_certificate.find("CERT-DEV") != std::string::npos);
  CHECK(got->credentials.client_key.find("KEY-DEV") != std::string::npos);
  CHECK_FALSE(got->insecure);
}

TEST_CASE("kubeconfig: another context, with files and a plugin beside the kubeconfig") {
  const auto got = load(typical(), {.context = "prod"}, {{"/home/u/.kube/pki/ca.crt", kCa}});
  REQUIRE(got.has_value());
  CHECK(got->server == "https://prod.example.com:6443/k8s/clusters/c-1");
  CHECK(got->ca_pem == kCa);
  CHECK(got->tls_server_name == "kubernetes");
  CHECK(got->proxy_url == "socks5://localhost:1080");
  CHECK(got->disable_compression);
  CHECK(got->ns == "vms");
  REQUIRE(got->credentials.exec.has_value());
  CHECK(got->credentials.exec->command == "/home/u/.kube/bin/get-token");
  CHECK(got->credentials.exec->args == std::vector<std::string>{"--realm", "7"});
  CHECK(got->credentials.exec->provide_cluster_info);
  CHECK(got->credentials.exec->cluster_config.is_null());
}

TEST_CASE("kubeconfig: the plugin gets the cluster's own configuration, with its types") {
  const auto got = load(typical(), {.cluster = "dev", .user = "prod-sso"});
  REQUIRE(got.has_value());
  CHECK(dump(got->credentials.exec->cluster_config) ==
        R"({"audience":"06e3fbd18de8","level":3,"region":"3","strict":true})");
}

TEST_CASE("kubeconfig: several files, the first one wins per entry and for current-context") {
  const std::map<std::string, std::string> known{
      {"/a", "clusters: [{name: one, cluster: {server: 'https://a'}}]\n"},
      {"/empty", ""},
      {"/b",
       "current-context: x\ncontexts: [{name: x, context: {cluster: one, user: u}}]\n"
       "clusters: [{name: one, cluster: {server: 'https://b', tls-server-name: b}}, {name: two, cluster: "
       "{}}]\n"},
      {"rel/c", "current-context: y\nusers: [{name: u, user: {tokenFile: t}}]\n"}};
  const auto got = load_access(
      {}, {.kubeconfig = "/a:/missing::/empty:/b:rel/c:/a", .home = "/home/u", .read = files(known)});
  REQUIRE(got.has_value());
  CHECK(got->server == "https://a");
  CHECK(got->tls_server_name.empty());
  CHECK(got->context == "x");
  CHECK(got->credentials.token_file == "rel/t");
}

TEST_CASE("kubeconfig: --kubeconfig is the only file and must exist") {
  const std::map<std::string, std::string> known{{"/env", simple("server: 'https://env'", "")},
                                                 {"/flag", simple("server: 'https://flag'", "")}};
  const auto got = load_access({.kubeconfig = "/flag"}, {.kubeconfig = "/env", .read = files(known)});
  REQUIRE(got.has_value());
  CHECK(got->server == "https://flag");
  const auto missing = load_access({.kubeconfig = "/gone"}, {.kubeconfig = "/env", .read = files(known)});
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().code == Code::usage);
  CHECK(says(missing.error(), "/gone"));
}

TEST_CASE("kubeconfig: nothing configured says where was looked") {
  const auto nothing = load_access({}, {.home = "/home/u", .read = files({})});
  REQUIRE_FALSE(nothing.has_value());
  CHECK(nothing.error().code == Code::unreachable);
  CHECK(says(nothing.error(), "/home/u/.kube/config"));
  CHECK(says(nothing.error(), "--kubeconfig"));
  CHECK(says(load_access({}, {.read = files({})}).error(), "neither KUBECONFIG nor HOME"));
  CHECK(says(load_access({}, {.kubeconfig = "/x:/y", .home = "/h", .read = files({})}).error(), "/x, /y"));
  const auto flags_only = load_access({.server = "https://h:1", .token = "t"}, {.read = files({})});
  REQUIRE(flags_only.has_value());
  CHECK(flags_only->server == "https://h:1");
  CHECK(flags_only->credentials.token == "t");
}

TEST_CASE("kubeconfig: unknown names list the known ones and the closest") {
  const Error context = load_error(typical(), {.context = "prdo"});
  CHECK(context.code == Code::usage);
  CHECK(context.message == "context \"prdo\" is not in /home/u/.kube/config");
  CHECK(context.hint == "did you mean \"prod\"? known contexts: dev, prod");
  CHECK(says(load_error(typical(), {.cluster = "zzz"}), "known clusters: dev, prod"));
  CHECK(says(load_error(typical(), {.user = "dev-admni"}), "did you mean \"dev-admin\"?"));
  CHECK(says(load_error("current-context: gone\nclusters: [{name: c, cluster: {server: 'https://h'}}]"),
             "context \"gone\" (current-context)"));
  const std::string dangling =
      "current-context: c\ncontexts: [{name: c, context: {cluster: gone, user: gone}}]\n"
      "clusters: [{name: c, cluster: {server: 'https://h'}}]";
  CHECK(says(load_error(dangling), "cluster \"gone\" of context \"c\""));
  CHECK(says(load_error(dangling, {.server = "https://h"}), "user \"gone\" of context \"c\""));
  CHECK(load(dangling, {.server = "https://h", .token = "t"}).has_value());
}

TEST_CASE("kubeconfig: no context, no server") {
  const std::string contexts = "contexts: [{name: a, context: {}}, {name: b, context: {}}]";
  CHECK(says(load_error(contexts), "known contexts: a, b"));
  CHECK(says(load_error(contexts, {.context = "a"}), "names no cluster"));
  CHECK(says(load_error(simple("", "")), "/home/u/.kube/config: cluster \"c\" has no server"));
  CHECK(load_error("users: [{name: u, user: {}}]").code == Code::unreachable);
}

TEST_CASE("kubeconfig: servers as client-go understands them") {
  const auto server = [](const std::string& url) {
    const auto got = load("", {.server = url});
    return got ? got->server : "error: " + got.error().message;
  };
  CHECK(server("https://h:6443/") == "https://h:6443");
  CHECK(server("HTTPS://H/p//") == "https://H/p");
  CHECK(server("https://h/p?q=1#f") == "https://h/p");
  CHECK(server("https://[::1]:6443") == "https://[::1]:6443");
  CHECK(server("h:6443") == "http://h:6443");
  CHECK(server("localhost:8080/") == "http://localhost:8080");
  for (const char* bad : {"ftp://h", "https://", "h:1/path", "https://h h", "https://h\nX: y", "://"})
    CHECK(server(bad).starts_with("error: "));
  const std::string secret = server("https://admin:hunter2@h");
  CHECK(secret.starts_with("error: "));
  CHECK(secret.find("hunter2") == std::string::npos);
}

TEST_CASE("kubeconfig: over plain http no credential is read") {
  const auto got =
      load(simple("server: 'http://h:8080', certificate-authority: gone", "token: t, client-key: gone"),
           {.as = "jane"});
  REQUIRE(got.has_value());
  CHECK_FALSE(got->tls());
  CHECK(got->credentials.token.empty());
  CHECK(got->impersonation.user == "jane");
}

TEST_CASE("kubeconfig: flags over the cluster") {
  const std::string text =
      simple("server: 'https://h', tls-server-name: n, insecure-skip-tls-verify: true", "");
  CHECK(load(text)->insecure);
  CHECK(load(text)->tls_server_name == "n");
  CHECK(load(text, {.server = "https://other"})->tls_server_name.empty());
  CHECK(load(text, {.server = "https://other", .tls_server_name = "m"})->tls_server_name == "m");
  CHECK_FALSE(load(text, {.insecure_skip_tls_verify = false})->insecure);
  const auto with_ca = load(text, {.certificate_authority = "ca"}, {{"ca", kCa}});
  REQUIRE(with_ca.has_value());
  CHECK_FALSE(with_ca->insecure);
  CHECK(with_ca->ca_pem == kCa);

  const std::string trusting = simple("server: 'https://h', certificate-authority: ca", "");
  const auto skipping = load(trusting, {.insecure_skip_tls_verify = true});
  REQUIRE(skipping.has_value());
  CHECK(skipping->insecure);
  CHECK(skipping->ca_pem.empty());
  CHECK(
      says(load_error(
               simple("server: 'https://h', insecure-skip-tls-verify: true, certificate-authority: /ca", ""),
               {}, {{"/ca", kCa}}),
           "insecure-skip-tls-verify together with"));
}

TEST_CASE("kubeconfig: flags over the user") {
  const std::string text =
      simple("server: 'https://h'", "username: u, password: p, as: jane, as-groups: [g]");
  CHECK(load(text)->credentials.username == "u");
  CHECK(load(text)->impersonation.groups == std::vector<std::string>{"g"});
  const auto token = load(text, {.token = " t\n", .as = "joe", .as_group = {"x", "y"}, .as_uid = "7"});
  REQUIRE(token.has_value());
  CHECK(token->credentials.token == "t");
  CHECK(token->credentials.username.empty());
  CHECK(token->impersonation.user == "joe");
  CHECK(token->impersonation.uid == "7");
  CHECK(token->impersonation.groups == std::vector<std::string>{"x", "y"});
  const auto cert =
      load(typical(), {.client_certificate = "c", .client_key = "k"}, {{"c", kCert}, {"k", kKey}});
  REQUIRE(cert.has_value());
  CHECK(cert->credentials.client_certificate == kCert);
  CHECK(cert->credentials.client_key == kKey);
}

TEST_CASE("kubeconfig: what a user may and may not have") {
  const auto error = [](const std::string& user, const Overrides& flags = {}) {
    return load_error(simple("server: 'https://h'", user), flags,
                      {{"/cert", kCert}, {"/key", kKey}, {"/not", "x"}});
  };
  CHECK(says(error("client-certificate: /cert"), "without a key"));
  CHECK(says(error("client-certificate: /gone, client-key: /key"), "/gone"));
  CHECK(says(error("client-certificate: /not, client-key: /key"), "/not holds no PEM"));
  CHECK(says(error("client-certificate-data: '%%%', client-key: /key"),
             "client-certificate-data is not base64"));
  CHECK(says(error("token: t, username: u"), "both a token and a user name"));
  CHECK(says(error("auth-provider: {name: oidc}"), "auth-provider \"oidc\""));
  CHECK(says(error("as-groups: [g]"), "no user"));
  CHECK(says(error("", {.as_uid = "7"}), "--as"));
  CHECK(says(error("exec: {apiVersion: client.authentication.k8s.io/v1}"), "names no command"));
  CHECK(says(error("exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: x}"), "v1alpha1"));
  CHECK(says(error("exec: {apiVersion: client.authentication.k8s.io/v1, command: x}"), "interactiveMode"));
  CHECK(says(error("exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: x, env: [{value: y}]}"),
             "environment variable"));
}

TEST_CASE("kubeconfig: base64 data wins over the file, a plugin loses to other credentials") {
  const std::string data = encode_base64(kCa);
  const auto got =
      load(simple("server: 'https://h', certificate-authority: /gone, certificate-authority-data: " + data,
                  "token: t, exec: {command: x}"));
  REQUIRE(got.has_value());
  CHECK(got->ca_pem == kCa);
  CHECK_FALSE(got->credentials.exec.has_value());
  const auto beta =
      load(simple("server: 'https://h'",
                  "exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: aws, args: [eks]}"));
  REQUIRE(beta.has_value());
  CHECK(beta->credentials.exec->interactive_mode == "IfAvailable");
  CHECK(beta->credentials.exec->command == "aws");
}

TEST_CASE("kubeconfig: request timeout and namespace") {
  using namespace std::chrono_literals;
  CHECK(load(typical(), {.request_timeout = "30"})->request_timeout == 30s);
  CHECK(load(typical(), {.request_timeout = "1m30s"})->request_timeout == 90s);
  CHECK(load(typical(), {.request_timeout = "0"})->request_timeout == 0s);
  for (const char* bad : {"-1", "soon", "-5s", "1 m"})
    CHECK(load_error(typical(), {.request_timeout = bad}).code == Code::usage);
  CHECK(load(typical(), {.ns = "other"})->ns == "other");
  CHECK(says(load_error(typical(), {.ns = "../x"}), "\"../x\""));
}

TEST_CASE("kubeconfig: wrong types name file, entry and field, never the value") {
  const Error token = load_error(simple("server: 'https://h'", "token: 12345678"));
  CHECK(token.code == Code::usage);
  CHECK(token.message == "/home/u/.kube/config: user \"c\": token must be text; put it in quotes");
  CHECK(says(load_error(simple("server: [x]", "")), "cluster \"c\": server must be text"));
  CHECK(says(load_error(simple("server: h, insecure-skip-tls-verify: 'true'", "")), "must be true or false"));
  CHECK(says(load_error("clusters: {a: b}"), "clusters must be a list"));
  CHECK(says(load_error("clusters: [a]"), "clusters: must be a mapping"));
  CHECK(says(load_error("clusters: [{name: a, cluster: text}]"), "cluster \"a\": must be a mapping"));
  CHECK(says(load_error("users: [{name: a, user: {as-groups: [1]}}]"), "as-groups must be a list of text"));
  CHECK(says(load_error("users: [{name: a, user: {as-user-extra: {k: v}}}]"), "k must be a list"));
  CHECK(says(load_error("users: [{name: a, user: {exec: x}}]"), "exec: must be a mapping"));
  CHECK(says(load_error("[1, 2]"), "must be a mapping"));
  CHECK(says(load_error("just words"), "must be a mapping"));
  CHECK(says(load_error("apiVersion: v1\nkind: Pod"), "kind Pod"));
  CHECK(says(load_error("users: [{name: a}, {name: a}]"), "user \"a\" stands there twice"));
  CHECK(load("contexts: null\nclusters:\nunknown: {x: [y]}", {.server = "https://h"}).has_value());
}

TEST_CASE("kubeconfig: what is not YAML is an error, with the line and without the content") {
  const auto message = [](const std::string& text) {
    const auto got = parse_kubeconfig(text, "/f");
    return got ? std::string("fine") : got.error().message;
  };
  CHECK(message("clusters:\n- name: a\n  cluster: {server: 'https://hunter2\n") ==
        "/f is not a kubeconfig: line 4: not YAML");
  CHECK(message("users:\n\t- name: a\n").find("not YAML") != std::string::npos);
  CHECK(message("token: hunter2: hunter3: {").find("hunter") == std::string::npos);
  CHECK(message("a: *gone").find("not YAML") != std::string::npos);
  CHECK(message("? [a]\n: b").find("a key is not text") != std::string::npos);
  CHECK(message(std::string("\x7f"
                            "ELF\x02\x01\x01\0\0\0\xff\xfe",
                            12)) != "fine");
  CHECK(message(std::string(100'000, '\0')) != "");
  CHECK(message(read_file(testing::tests_dir() / "data/kubeconfig/alias_bomb.yaml").value())
            .find("too many values") != std::string::npos);
  CHECK(message("a: &a [*a]") != "fine");
  for (const std::string piece : {"[", "{a: ", "- ", "? ", "{", "!a ", "&a ", "'"}) {
    std::string deep{};
    for (int i = 0; i < 20'000; ++i) deep += piece;
    CHECK_MESSAGE(message(deep) != "fine", piece);
  }
}

TEST_CASE("yaml_to_json: scalars, duplicates, merge keys, JSON") {
  const auto json = [](const std::string& text) {
    const auto got = yaml_to_json(text);
    return got ? dump(*got) : "error: " + got.error().message;
  };
  CHECK(json("") == "null");
  CHECK(json("# only a comment\n---\n") == "null");
  CHECK(json("[1, -2, 1.5, 1e3, 0x1f, inf, 1.2.3, +, '7', \"x\", yes, Off, ~, null, '~', !!str 5]") ==
        R"([1,-2,1.5,1000.0,"0x1f","inf","1.2.3","+","7","x",true,false,null,null,"~","5"])");
  CHECK(json("a: 1\nb: 2\na: 3") == R"({"a":3,"b":2})");
  CHECK(json("base: &b {x: 1, y: 2}\nc:\n  x: 9\n  <<: *b\n") ==
        R"({"base":{"x":1,"y":2},"c":{"x":9,"y":2}})");
  CHECK(json("{\"a\":\t\"\\ud83d\\ude00\\/\"}") == R"({"a":"😀/"})");
  CHECK(json("a: |\n  x\n  y\n") == R"({"a":"x\ny\n"})");
}

TEST_CASE("base64: there and back; wrapped; refused") {
  for (const std::string text : {"", "a", "ab", "abc", "abcd"})
    CHECK(decode_base64(encode_base64(text)) == text);
  CHECK(encode_base64("user:pass") == "dXNlcjpwYXNz");
  CHECK(decode_base64("YWJj\n  ZGVm\n") == "abcdef");
  for (const char* bad : {"YWJ", "YW=j", "YWJj====", "====", "YWJj!!!!", "Y=Jj"})
    CHECK_FALSE(decode_base64(bad).has_value());
}

TEST_CASE("read_file: missing, a folder") {
  CHECK(read_file("/nonexistent/x").error().code == Code::not_found);
  CHECK(read_file("/").error().code == Code::failed);
}
