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

std::string pki(const std::string& name) {
  return read_file(testing::tests_dir() / "data/kubeconfigs/pki" / name).value();
}

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
  CHECK(got->ca_pem == pki("ca.crt"));
  CHECK(got->credentials.client_certificate == pki("ec.crt"));
  CHECK(got->credentials.client_key == pki("ec.key"));
  CHECK(got->credentials.certificate_file.empty());
  CHECK_FALSE(got->insecure);
}

TEST_CASE("kubeconfig: another context, with files and a plugin beside the kubeconfig") {
  const auto got = load(typical(), {.context = "prod"}, {{"/home/u/.kube/pki/ca.crt", pki("ca.crt")}});
  REQUIRE(got.has_value());
  CHECK(got->server == "https://prod.example.com:6443/k8s/clusters/c-1");
  CHECK(got->ca_pem == pki("ca.crt"));
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
      {"rel/c", "current-context: z\nusers: [{name: u, user: {tokenFile: ../t}}]\n"},
      {"./t", "token"}};
  const auto got = load_access(
      {}, {.kubeconfig = "/a:/missing::/empty:/b:rel/c:/a", .home = "/home/u", .read = files(known)});
  REQUIRE(got.has_value());
  CHECK(got->server == "https://a");
  CHECK(got->tls_server_name.empty());
  CHECK(got->context == "x");
  CHECK(got->credentials.token_file == "./t");
}

TEST_CASE("kubeconfig: --kubeconfig is the only file and must exist") {
  const std::map<std::string, std::string> known{{"/env", simple("server: 'https://env'", "token: t")},
                                                 {"/flag", simple("server: 'https://flag'", "token: t")}};
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
  CHECK(says(load_access({}, {.read = files({})}).error(), "nothing in .kube/config"));
  CHECK(says(load_access({}, {.kubeconfig = "::", .read = files({})}).error(), "KUBECONFIG names no file"));
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
    const auto got = load("", {.server = url, .token = "t"});
    return got ? got->server : "error: " + got.error().message;
  };
  CHECK(server("https://h:6443/") == "https://h:6443");
  CHECK(server("HTTPS://H/p//") == "https://H/p");
  CHECK(server("https://h/a//b/./../c d?q=1") == "https://h/a/c%20d");
  CHECK(server("https://h?q=1#f") == "https://h");
  CHECK(server("https://[::1]:6443") == "https://[::1]:6443");
  CHECK(server("h:6443") == "http://h:6443");
  CHECK(server("localhost:8080/") == "http://localhost:8080");
  for (const char* bad : {"ftp://h", "https://", "h:1/path", "https://h h", "https://h\nX: y", "://",
                          "https://h/%zz", "https:h:1", "//h:1", "https://h:x", "https://[::1"})
    CHECK(server(bad).starts_with("error: "));
  const std::string secret = server("https://admin:hunter2@h");
  CHECK(secret.starts_with("error: "));
  CHECK(secret.find("hunter2") == std::string::npos);
}

TEST_CASE("kubeconfig: over plain http no credential is read") {
  const auto got =
      load(simple("server: 'http://h:8080', certificate-authority: /ca, insecure-skip-tls-verify: true",
                  "token: t, client-key: gone"),
           {.as = "jane"}, {{"/ca", "no certificate"}});
  REQUIRE(got.has_value());
  CHECK_FALSE(got->tls());
  CHECK(got->credentials.token.empty());
  CHECK(got->impersonation.user == "jane");
}

TEST_CASE("kubeconfig: flags over the cluster") {
  const std::string text =
      simple("server: 'https://h', tls-server-name: name, insecure-skip-tls-verify: true", "token: t");
  CHECK(load(text)->insecure);
  CHECK(load(text)->tls_server_name == "name");
  CHECK(load(text, {.server = "https://other"})->tls_server_name.empty());
  CHECK(load(text, {.server = "https://other", .tls_server_name = "m"})->tls_server_name == "m");
  CHECK_FALSE(load(text)->disable_compression);
  CHECK(load(text, {.disable_compression = true})->disable_compression);
  const auto with_ca = load(text, {.certificate_authority = "ca"}, {{"ca", pki("ca.crt")}});
  REQUIRE(with_ca.has_value());
  CHECK_FALSE(with_ca->insecure);
  CHECK(with_ca->ca_pem == pki("ca.crt"));

  const std::string trusting = simple("server: 'https://h', certificate-authority: /ca", "token: t");
  const auto skipping = load(trusting, {.insecure_skip_tls_verify = true}, {{"/ca", pki("ca.crt")}});
  REQUIRE(skipping.has_value());
  CHECK(skipping->insecure);
  CHECK(skipping->ca_pem.empty());
  CHECK(says(
      load_error(simple("server: 'https://h', insecure-skip-tls-verify: true, certificate-authority: /ca",
                        "token: t"),
                 {}, {{"/ca", pki("ca.crt")}}),
      "insecure-skip-tls-verify together with"));
}

TEST_CASE("kubeconfig: flags over the user") {
  const std::string text =
      simple("server: 'https://h'", "username: u, password: p, as: jane, as-groups: [g]");
  CHECK(load(text)->credentials.username == "u");
  CHECK(load(text)->impersonation.groups == std::vector<std::string>{"g"});
  // As kubectl: no flag removes what contradicts it.
  CHECK(says(load_error(text, {.token = "t"}), "both a token and a user name"));
  const auto other = load(text, {.username = "v", .as = "joe", .as_group = {"x", "y"}, .as_uid = "7"});
  REQUIRE(other.has_value());
  CHECK(other->credentials.username == "v");
  CHECK(other->credentials.password == "p");
  CHECK(other->impersonation.user == "joe");
  CHECK(other->impersonation.uid == "7");
  CHECK(other->impersonation.groups == std::vector<std::string>{"x", "y"});
  const std::map<std::string, std::string> pair{{"c", pki("client.crt")}, {"k", pki("client.key")}};
  const auto cert =
      load(simple("server: 'https://h'", "token: t"), {.client_certificate = "c", .client_key = "k"}, pair);
  REQUIRE(cert.has_value());
  CHECK(cert->credentials.client_certificate == pki("client.crt"));
  CHECK(cert->credentials.certificate_file == "c");
  CHECK(cert->credentials.key_file == "k");
  CHECK(cert->credentials.client_key == pki("client.key"));
  CHECK(cert->credentials.token == "t");
  CHECK(says(load_error(typical(), {.client_certificate = "c", .client_key = "k"}, pair),
             "both client-certificate and client-certificate-data"));
}

TEST_CASE("kubeconfig: what a user may and may not have") {
  const auto error = [](const std::string& user, const Overrides& flags = {}) {
    return load_error(simple("server: 'https://h'", user), flags,
                      {{"/cert", pki("ec.crt")},
                       {"/key", pki("ec.key")},
                       {"/other", pki("client.key")},
                       {"/encrypted", pki("client-encrypted.key")},
                       {"/not", "x"},
                       {"/blank", " \n"}});
  };
  CHECK(says(error("client-certificate: /cert"), "without a key"));
  CHECK(says(error("client-certificate: /gone, client-key: /key"), "/gone"));
  CHECK(says(error("client-certificate: /not, client-key: /key"), "is none in PEM form"));
  CHECK(says(error("client-certificate: /cert, client-key: /other"), "does not belong to"));
  CHECK(says(error("client-certificate: /cert, client-key: /encrypted"), "is encrypted"));
  CHECK(says(error("tokenFile: /blank"), "token file /blank is empty"));
  CHECK(says(error("tokenFile: /cert, username: u"), "both a token file and a user name"));
  CHECK(says(error(""), "says nothing to authenticate with"));
  CHECK(says(error("password: p"), "says nothing to authenticate with"));
  CHECK(says(error("client-certificate-data: '%%%', client-key: /key"),
             "client-certificate-data is not base64"));
  CHECK(says(error("token: t, username: u"), "both a token and a user name"));
  CHECK(says(error("auth-provider: {name: oidc}"), "has no idp-issuer-url"));
  CHECK(says(error("token: t, auth-provider: {name: gcp}"), "gke-gcloud-auth-plugin"));
  CHECK(says(error("auth-provider: {name: azure}"), "kubelogin"));
  CHECK(says(error("auth-provider: {name: other}"), "no auth-provider \"other\""));
  CHECK(says(error("as-groups: [g]"), "no user"));
  CHECK(says(error("", {.as_uid = "7"}), "--as"));
  CHECK(says(error("exec: {apiVersion: client.authentication.k8s.io/v1}"), "names no command"));
  CHECK(says(
      error("exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: x, interactiveMode: Never}"),
      "v1alpha1"));
  CHECK(says(error("exec: {apiVersion: client.authentication.k8s.io/v1, command: x}"), "interactiveMode"));
  CHECK(says(error("exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: x, env: [{value: z}]}"),
             "environment variable"));
  CHECK(says(error("exec: {apiVersion: v1, command: x, interactiveMode: Never}, auth-provider: {name: oidc}"),
             "both exec and auth-provider"));
}

TEST_CASE("kubeconfig: data or a file, not both; a plugin loses to other credentials") {
  const std::string data =
      "certificate-authority-data: " + encode_base64("text\n" + pki("ca.crt") + pki("server.key"));
  const std::string plugin =
      "token: t, exec: {apiVersion: client.authentication.k8s.io/v1, command: x, interactiveMode: Never}";
  const auto got = load(simple("server: 'https://h', " + data, plugin));
  REQUIRE(got.has_value());
  CHECK(got->ca_pem == pki("ca.crt"));
  CHECK(got->told_ca == "text\n" + pki("ca.crt") + pki("server.key"));
  CHECK_FALSE(got->credentials.exec.has_value());
  CHECK(says(load_error(simple("server: 'https://h', certificate-authority: /gone, " + data, plugin)),
             "both certificate-authority and"));
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
  CHECK(says(load_error("users: [{name: a, user: {client-key-data: 'a b'}}]"),
             "client-key-data is not base64"));
  CHECK(says(load_error("apiVersion: v2"), "apiVersion \"v2\" is not v1"));
  CHECK(says(load_error("preferences: {colors: 'yes'}"), "colors must be true or false"));
  CHECK(says(load_error("users: [{name: a, user: {as-user-extra: {k: v}}}]"), "k must be a list"));
  CHECK(says(load_error("users: [{name: a, user: {exec: x}}]"), "exec: must be a mapping"));
  CHECK(says(load_error("[1, 2]"), "must be a mapping"));
  CHECK(says(load_error("just words"), "must be a mapping"));
  CHECK(says(load_error("apiVersion: v1\nkind: Pod"), "kind Pod"));
  CHECK(says(load_error("users: [{name: a}, {name: a}]"), "user \"a\" stands there twice"));
  CHECK(load("contexts: null\nclusters:\nunknown: {x: [y]}", {.server = "http://h"}).has_value());
}

TEST_CASE("kubeconfig: what is not YAML is an error, with the line and without the content") {
  const auto message = [](const std::string& text) {
    const auto got = parse_kubeconfig(text, "/f");
    return got ? std::string("fine") : got.error().message;
  };
  CHECK(message("clusters:\n- name: a\n  cluster: {server: 'https://hunter2\n") ==
        "/f is not a kubeconfig: line 4: found unexpected end of stream");
  CHECK(message("users:\n\t- name: a\n").find("cannot start any token") != std::string::npos);
  CHECK(message("token: hunter2: hunter3: {").find("hunter") == std::string::npos);
  CHECK(message("a: *gone").find("stands for nothing") != std::string::npos);
  CHECK(message("? [a]\n: b").find("a key is not text") != std::string::npos);
  CHECK(message(std::string("\x7f"
                            "ELF\x02\x01\x01\0\0\0\xff\xfe",
                            12)) != "fine");
  CHECK(message(std::string(100'000, '\0')) != "");
  CHECK(message(read_file(testing::tests_dir() / "data/kubeconfig/alias_bomb.yaml").value())
            .find("too many values") != std::string::npos);
  CHECK(message("a: &a [*a]").find("contains itself") != std::string::npos);
  std::string chain = "a0: &a0 x\n";
  for (int i = 1; i < 20'000; ++i) chain += fmt::format("a{}: &a{} [*a{}]\n", i, i, i - 1);
  CHECK(message(chain).find("nested too deeply") != std::string::npos);
  for (const std::string piece : {"[", "{a: ", "- ", "? ", "{", "!a ", "'"}) {
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
        R"([1,-2,1.5,1000.0,31,"inf","1.2.3","+","7","x",true,false,null,null,"~","5"])");
  CHECK(
      json(
          "[y, N, 017, 0o17, 0b11, 1_000, +1, .5, 089, 2001-01-01, 1e400, ! 12, !!int '5', !!binary aGk=]") ==
      R"([true,false,15,15,3,1000,1,0.5,89.0,"2001-01-01","1e400","12",5,"hi"])");
  CHECK(json("[18446744073709551615, -9223372036854775808, 99999999999999999999]") ==
        "[18446744073709551615,-9223372036854775808,1e+20]");
  CHECK(json("a: .inf").find("JSON has no words") != std::string::npos);
  CHECK(json("a: !!bool 7").find("does not fit its tag") != std::string::npos);
  CHECK(json("{1: a, yes: b, 1.50: c, 0x10: d}") == R"({"1":"a","1.5":"c","16":"d","true":"b"})");
  CHECK(json("~: a").find("a key is null") != std::string::npos);
  CHECK(json("a: 1\nb: 2\na: 3") == R"({"a":3,"b":2})");
  // In place, as kubectl has it: what stands before is overridden, what stands behind overrides.
  CHECK(json("base: &b {x: 1, z: 2}\nc:\n  x: 9\n  <<: *b\n  z: 3\n") ==
        R"({"base":{"x":1,"z":2},"c":{"x":1,"z":3}})");
  CHECK(json("<<: [{a: 1}, {a: 2, b: 2}]") == R"({"a":1,"b":2})");
  CHECK(json("<<: text").find("<< wants") != std::string::npos);
  CHECK(json("'<<': text") == R"({"<<":"text"})");
  CHECK(json("{\"a\":\t\"\\u00e9\\/\"}") == R"({"a":"é/"})");
  CHECK(json("\xef\xbb\xbf"
             "a: é\n") == R"({"a":"é"})");
  CHECK(json("a: |\n  x\n  y\n") == R"({"a":"x\ny\n"})");
}

TEST_CASE("base64: there and back; wrapped; refused") {
  for (const std::string text : {"", "a", "ab", "abc", "abcd"})
    CHECK(decode_base64(encode_base64(text)) == text);
  CHECK(encode_base64("user:pass") == "dXNlcjpwYXNz");
  CHECK(decode_base64("YWJj\nZGVm\r\n") == "abcdef");
  CHECK_FALSE(decode_base64("YWJj ZGVm").has_value());
  for (const char* bad : {"YWJ", "YW=j", "YWJj====", "====", "YWJj!!!!", "Y=Jj"})
    CHECK_FALSE(decode_base64(bad).has_value());
}

TEST_CASE("read_file: missing, a folder") {
  CHECK(read_file("/nonexistent/x").error().code == Code::not_found);
  CHECK(read_file("/").error().code == Code::failed);
  CHECK(read_file("/etc/passwd/x").error().code == Code::failed);
  CHECK(read_file(std::string("/etc/passwd\0x", 13)).error().code == Code::failed);
}

TEST_CASE("kubeconfig: in a pod, the service account where nothing else is said") {
  std::map<std::string, std::string> known{
      {"/sa/token", "pod-token\n"}, {"/sa/ca.crt", pki("ca.crt")}, {"/sa/namespace", "podns\n"}};
  const auto pod = [&](const Overrides& flags = {}, const std::string& host = "10.0.0.1") {
    return load_access(flags, {.home = "/home/u",
                               .kubernetes_master = "http://elsewhere",
                               .service_host = host,
                               .service_port = "443",
                               .service_account = "/sa",
                               .read = files(known)});
  };
  auto got = pod();
  REQUIRE(got.has_value());
  CHECK(got->server == "https://10.0.0.1:443");
  CHECK(got->ca_pem == pki("ca.crt"));
  CHECK(got->credentials.token_file == "/sa/token");
  CHECK(got->ns == "podns");
  CHECK(pod({}, "fd00::1")->server == "https://[fd00::1]:443");
  CHECK(pod({.as = "jane", .ns = "other"})->impersonation.user == "jane");
  CHECK(pod({.ns = "other"})->ns == "other");
  got = pod({.token = "mine"});
  CHECK(got->credentials.token == "mine");
  CHECK(got->credentials.token_file.empty());
  CHECK(pod({.server = "http://h"})->server == "http://h");

  known.emplace("/home/u/.kube/config", simple("server: 'https://file'", "token: t"));
  got = pod();
  CHECK(got->server == "https://file");
  CHECK(got->ns == "podns");
  CHECK(pod({}, "")->ns == "default");
  known.erase("/home/u/.kube/config");
  CHECK(pod({}, "")->server == "http://elsewhere");
  known.erase("/sa/token");
  CHECK(pod()->server == "http://elsewhere");
}

TEST_CASE("kubeconfig: the file of the elder name, where there is no newer one") {
  const auto got = load_access(
      {}, {.home = "/h", .read = files({{"/h/.kube/.kubeconfig", simple("server: 'http://old'", "")}})});
  REQUIRE(got.has_value());
  CHECK(got->server == "http://old");
}

TEST_CASE("kubeconfig: proxies") {
  const auto proxy = [](const std::string& url) {
    return load(simple("server: 'http://h', proxy-url: '" + url + "'", "")).has_value();
  };
  for (const char* good : {"http://p:1", "https://p", "socks5://p:1", "HTTP://u:secret@p:1/"})
    CHECK(proxy(good));
  for (const char* bad : {"socks5h://p", "p:1", "http://", "http://[::1", "ftp://p"}) CHECK_FALSE(proxy(bad));
  CHECK_FALSE(says(load_error(simple("server: 'http://h', proxy-url: 'ftp://u:hunter2@p'", "")), "hunter2"));
}
