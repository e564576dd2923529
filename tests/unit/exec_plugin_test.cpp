#include "kube/exec_plugin.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "kube/base64.h"
#include "kube/kubeconfig.h"

#include "support/golden.h"

using namespace wukong;
using namespace wukong::kube;

namespace {

std::string pki(const std::string& name) {
  return kube::read_file(testing::tests_dir() / "data/kubeconfigs/pki" / name).value();
}

constexpr const char* kV1 = "client.authentication.k8s.io/v1";

ExecSpec plugin() { return {.api_version = kV1, .command = "/bin/sh", .interactive_mode = "IfAvailable"}; }

std::string variable(const std::vector<std::string>& environment, const std::string& name) {
  std::string found = "(absent)";
  std::size_t count = 0;
  for (const std::string& entry : environment)
    if (entry.starts_with(name + "=")) {
      found = entry.substr(name.size() + 1);
      ++count;
    }
  CHECK(count <= 1);
  return found;
}

std::string answer(const std::string& status) {
  return std::string(R"({"kind":"ExecCredential","apiVersion":")") + kV1 + R"(","status":)" + status + "}";
}

std::string error_of(const std::string& text) {
  const auto got = parse_exec_credential(text, kV1);
  REQUIRE_FALSE(got.has_value());
  CHECK(got.error().code == Code::unauthenticated);
  CHECK(got.error().message.find("hunter2") == std::string::npos);
  return got.error().message;
}

Result<ChildEnd> shell(const std::string& script, std::function<void(std::string_view)> on_stderr = {}) {
  return run_child({.program = "/bin/sh",
                    .arguments = {"-c", script},
                    .environment = {"PATH=/usr/bin:/bin", "GREETING=hello"},
                    .err = on_stderr ? ChildSpec::Output::pipe : ChildSpec::Output::null,
                    .max_output = 1000,
                    .on_stderr = on_stderr});
}

}  // namespace

TEST_CASE("exec plugin: interactive modes") {
  ExecSpec spec = plugin();
  CHECK(may_interact(spec, true).value());
  CHECK_FALSE(may_interact(spec, false).value());
  spec.interactive_mode = "Never";
  CHECK_FALSE(may_interact(spec, true).value());
  spec.interactive_mode = "Always";
  CHECK(may_interact(spec, true).value());
  REQUIRE_FALSE(may_interact(spec, false).has_value());
  CHECK(may_interact(spec, false).error().code == Code::unauthenticated);
}

TEST_CASE("exec plugin: environment, later names win, ours last") {
  ExecSpec spec = plugin();
  spec.env = {{"A", "spec"}, {"KUBERNETES_EXEC_INFO", "spoof"}};
  const auto got = exec_environment(spec, {}, true, {"A=base", "B=b=c", "odd", "KUBERNETES_EXEC_INFO=old"});
  CHECK(variable(got, "A") == "spec");
  CHECK(variable(got, "B") == "b=c");
  CHECK(
      variable(got, "KUBERNETES_EXEC_INFO") ==
      R"({"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","spec":{"interactive":true}})");
}

TEST_CASE("exec plugin: cluster info only where it is asked for") {
  ExecSpec spec = plugin();
  spec.provide_cluster_info = true;
  spec.cluster_config = {{"audience", "x"}};
  const ClusterAccess access{
      .tls_server_name = "n", .proxy_url = "http://p", .told_server = "HTTPS://h/", .told_ca = "PEM"};
  const auto info = parse_json(variable(exec_environment(spec, access, false, {}), "KUBERNETES_EXEC_INFO"));
  REQUIRE(info.has_value());
  CHECK_FALSE(flag(*info, {"spec", "interactive"}, true));
  const Json& cluster = fields(*info, {"spec", "cluster"});
  CHECK(text(cluster, {"server"}) == "HTTPS://h/");
  CHECK(text(cluster, {"certificate-authority-data"}) == encode_base64("PEM"));
  CHECK(text(cluster, {"tls-server-name"}) == "n");
  CHECK(text(cluster, {"proxy-url"}) == "http://p");
  CHECK(text(cluster, {"config", "audience"}) == "x");
  CHECK(find(cluster, {"insecure-skip-tls-verify"}) == nullptr);
}

TEST_CASE("exec plugin: good answers") {
  const auto token =
      parse_exec_credential(answer(R"({"token":"t","expirationTimestamp":"2026-01-01T00:00:00Z"})"), kV1);
  REQUIRE(token.has_value());
  CHECK(token->token == "t");
  REQUIRE(token->expires.has_value());
  CHECK(format_rfc3339(*token->expires) == "2026-01-01T00:00:00Z");
  const Json pair = {{"clientCertificateData", pki("ec.crt")}, {"clientKeyData", pki("ec.key")}};
  const auto cert = parse_exec_credential(answer(dump(pair)), kV1);
  REQUIRE(cert.has_value());
  CHECK(cert->client_certificate == pki("ec.crt"));
  CHECK(cert->client_key == pki("ec.key"));
  CHECK_FALSE(cert->expires.has_value());
  const auto without_end =
      parse_exec_credential(answer(R"({"token":"t","expirationTimestamp":"9999-12-31T23:59:59Z"})"), kV1);
  REQUIRE(without_end.has_value());
  CHECK(without_end->expires == WallTime::max());
  const auto zero =
      parse_exec_credential(answer(R"({"token":"t","expirationTimestamp":"0001-01-01T00:00:00Z"})"), kV1);
  REQUIRE(zero.has_value());
  CHECK_FALSE(zero->expires.has_value());
  const auto yaml = parse_exec_credential(
      "apiVersion: client.authentication.k8s.io/v1\nkind: ExecCredential\nstatus: {token: t}\n", kV1);
  REQUIRE(yaml.has_value());
  CHECK(yaml->token == "t");
}

TEST_CASE("exec plugin: bad answers are refused without being quoted") {
  CHECK(error_of("") == "it did not print an ExecCredential as JSON");
  CHECK(error_of("hunter2") == "it did not print an ExecCredential as JSON");
  CHECK(error_of("kind: Pod") == "it did not print an ExecCredential");
  CHECK(error_of(R"({"token":"hunter2)") == "it did not print an ExecCredential as JSON");
  CHECK(error_of(R"(["hunter2"])") == "it did not print an ExecCredential as JSON");
  CHECK(error_of(R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1"})")
            .find("v1beta1") != std::string::npos);
  CHECK(error_of(answer("null")) == "it gave neither a token nor a client certificate");
  CHECK(error_of(answer(R"({"token":7})")) == "its answer has a token that is no text");
  CHECK(error_of(answer("[]")) == "its answer has a status that is no object");
  CHECK(error_of(answer(R"({"clientCertificateData":"hunter2","clientKeyData":"hunter2"})")) ==
        "its answer cannot be used: the client certificate is none in PEM form");
  CHECK(error_of(answer(R"({"token":"hunter2","clientKeyData":"K"})")).find("but not both") !=
        std::string::npos);
  CHECK(error_of(answer(R"({"token":"hunter2","expirationTimestamp":"soon"})")).find("not a time") !=
        std::string::npos);
}

TEST_CASE("exec plugin: a variable's name may hold the equals sign") {
  ExecSpec spec = plugin();
  spec.env = {{"A=B", "c"}};
  CHECK(variable(exec_environment(spec, {}, false, {"A=old"}), "A") == "B=c");
}

TEST_CASE("exec plugin: sought in absolute folders of PATH, and without zero bytes") {
  ClusterAccess access{};
  access.credentials.exec = plugin();
  const auto program = [&](const std::string& command, const std::string& path) {
    access.credentials.exec->command = command;
    const auto child = exec_child(access, false, {"PATH=" + path}, {});
    return child ? child->program : child.error().message;
  };
  CHECK(program("sh", "/nowhere:/bin") == "/bin/sh");
  CHECK(program("./sh", "/bin") == "./sh");
  for (const char* path : {".:/bin", ":/bin", "", "/nowhere"}) {
    const auto there = std::filesystem::current_path();
    std::filesystem::current_path("/bin");
    CHECK(program("sh", path).find("is not installed, or not in PATH") != std::string::npos);
    std::filesystem::current_path(there);
  }
  access.credentials.exec->args = {std::string("a\0b", 3)};
  CHECK(program("sh", "/bin").find("zero byte") != std::string::npos);
}

TEST_CASE("exec plugin: how it ended") {
  const auto message = [](const ChildEnd& end) { return exec_result(plugin(), end).error().message; };
  CHECK(message({.exit_code = 3}) == "credential plugin /bin/sh failed with exit code 3");
  CHECK(message({.signal = 15}) == "credential plugin /bin/sh was ended by signal 15");
  CHECK(message({.exit_code = 0, .out = "x"}) ==
        "credential plugin /bin/sh: it did not print an ExecCredential as JSON");
  CHECK(message({.signal = 9, .too_much_output = true}) == "credential plugin /bin/sh printed too much");
  const Error failed = exec_result(plugin(), {.exit_code = 1, .err_tail = "log in\x1b[2J first\n"}).error();
  REQUIRE(failed.causes.size() == 1);
  CHECK(failed.causes[0].find('\x1b') == std::string::npos);
  CHECK(exec_result(plugin(), {.exit_code = 0, .out = answer(R"({"token":"t"})")})->token == "t");
}

TEST_CASE("exec plugin: not installed shows its hint") {
  ExecSpec spec = plugin();
  spec.command = "no-such-plugin";
  spec.install_hint = "brew install it\n";
  const auto started = Child::start({.program = spec.command});
  REQUIRE_FALSE(started.has_value());
  CHECK(started.error().code == Code::not_found);
  const Error error = exec_start_error(spec, started.error());
  CHECK(error.code == Code::unauthenticated);
  CHECK(error.message == "credential plugin no-such-plugin is not installed, or not in PATH");
  CHECK(error.hint == "brew install it");
  CHECK(Child::start({.program = "/etc/passwd"}).error().code == Code::failed);
}

TEST_CASE("child: output, exit code, environment, no stdin") {
  const auto end = shell("read -r line; echo \"$GREETING [$line] $HOME\"; exit 7");
  REQUIRE(end.has_value());
  CHECK(end->exit_code == 7);
  CHECK(end->out == "hello [] \n");
  CHECK(shell("kill -TERM $$")->signal == SIGTERM);
}

TEST_CASE("child: stderr comes in pieces and its tail is kept") {
  std::string heard{};
  const auto end =
      shell("echo one >&2; i=0; while [ $i -lt 600 ]; do echo 0123456789 >&2; i=$((i+1)); done; echo two >&2",
            [&heard](std::string_view piece) { heard += piece; });
  REQUIRE(end.has_value());
  CHECK(heard.starts_with("one\n"));
  CHECK(heard.ends_with("two\n"));
  CHECK(heard.size() == 4 + 600 * 11 + 4);
  CHECK(end->err_tail.size() == 4096);
  CHECK(end->err_tail.ends_with("two\n"));
}

TEST_CASE("child: too much output ends it") {
  const auto end = shell("while :; do echo 0123456789; done");
  REQUIRE(end.has_value());
  CHECK(end->too_much_output);
  CHECK(end->signal == SIGKILL);
  CHECK(end->out.size() <= 1000);
}

TEST_CASE("child: starts with no blocked and no ignored signals") {
  sigset_t blocked{};
  sigset_t before{};
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  sigaddset(&blocked, SIGINT);
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  const auto end = shell("grep -E 'SigBlk|SigIgn' /proc/self/status");
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  REQUIRE(end.has_value());
  CHECK(end->out.find("SigBlk:\t0000000000000000") != std::string::npos);
}

TEST_CASE("child: dropping it kills it and leaves no zombie") {
  pid_t pid{};
  {
    auto child = Child::start({.program = "/bin/sleep", .arguments = {"1000"}});
    REQUIRE(child.has_value());
    child->pump();
    CHECK_FALSE(child->ended());
    CHECK(child->waits().size() == 2);
    pid = child->pid();
    Child other = std::move(*child);
    CHECK(other.pid() == pid);
  }
  CHECK(::kill(pid, 0) != 0);
}

TEST_CASE("child: a grandchild that keeps the pipe open is not waited for") {
  const auto end = shell("sleep 1000 & echo $!");
  REQUIRE(end.has_value());
  CHECK(end->exit_code == 0);
  const pid_t grandchild = std::stoi(end->out);
  ::kill(grandchild, SIGKILL);
}
