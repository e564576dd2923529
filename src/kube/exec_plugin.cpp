#include "kube/exec_plugin.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "kube/base64.h"

namespace wukong::kube {
namespace {

constexpr const char* kExecInfo = "KUBERNETES_EXEC_INFO";

Error refused(std::string message, std::string hint = {}) {
  return {.code = Code::unauthenticated, .message = std::move(message), .hint = std::move(hint)};
}

/// Source: client-go pkg/apis/clientauthentication/v1/types.go, Cluster.
Json cluster_info(const ExecSpec& spec, const ClusterAccess& access) {
  Json out = {{"server", access.server}};
  if (!access.tls_server_name.empty()) out["tls-server-name"] = access.tls_server_name;
  if (access.insecure) out["insecure-skip-tls-verify"] = true;
  if (!access.ca_pem.empty()) out["certificate-authority-data"] = encode_base64(access.ca_pem);
  if (!access.proxy_url.empty()) out["proxy-url"] = access.proxy_url;
  if (access.disable_compression) out["disable-compression"] = true;
  if (!spec.cluster_config.is_null()) out["config"] = spec.cluster_config;
  return out;
}

}  // namespace

Result<bool> may_interact(const ExecSpec& spec, bool stdin_is_terminal) {
  if (spec.interactive_mode == "Always" && !stdin_is_terminal)
    return refused(
        fmt::format("credential plugin {} needs a terminal (interactiveMode: Always), and stdin is none",
                    spec.command),
        "run it once in a terminal, or use a credential that needs nobody to ask");
  return spec.interactive_mode != "Never" && stdin_is_terminal;
}

std::vector<std::string> exec_environment(const ExecSpec& spec, const ClusterAccess& access, bool interactive,
                                          const std::vector<std::string>& base) {
  Json info = {
      {"kind", "ExecCredential"}, {"apiVersion", spec.api_version}, {"spec", {{"interactive", interactive}}}};
  if (spec.provide_cluster_info) info["spec"]["cluster"] = cluster_info(spec, access);
  // Of two equal names getenv would find the first; the last shall count.
  std::map<std::string, std::string> variables{};
  for (const std::string& variable : base)
    if (const auto equals = variable.find('='); equals != std::string::npos)
      variables.insert_or_assign(variable.substr(0, equals), variable.substr(equals + 1));
  for (const auto& [name, value] : spec.env) variables.insert_or_assign(name, value);
  variables.insert_or_assign(kExecInfo, dump(info));
  std::vector<std::string> out{};
  out.reserve(variables.size());
  for (const auto& [name, value] : variables) out.push_back(fmt::format("{}={}", name, value));
  return out;
}

Result<ExecCredential> parse_exec_credential(std::string_view text, const std::string& api_version) {
  // The parser's own message is left out: it may quote what it read.
  const auto json = parse_json(text);
  if (!json) return refused("it did not print an ExecCredential as JSON");
  if (wukong::text(*json, {"kind"}) != "ExecCredential") return refused("it did not print an ExecCredential");
  if (const auto got = wukong::text(*json, {"apiVersion"}); got != api_version)
    return refused(
        fmt::format("it answered in apiVersion \"{}\" instead of \"{}\"", printable(got), api_version),
        "set the plugin's apiVersion in the kubeconfig to what the plugin speaks");
  const Json& status = fields(*json, {"status"});
  ExecCredential out{.token = std::string(wukong::text(status, {"token"})),
                     .client_certificate = std::string(wukong::text(status, {"clientCertificateData"})),
                     .client_key = std::string(wukong::text(status, {"clientKeyData"}))};
  if (out.client_certificate.empty() != out.client_key.empty())
    return refused("it gave a client certificate or a key, but not both");
  if (out.token.empty() && out.client_key.empty())
    return refused("it gave neither a token nor a client certificate");
  if (const Json* expires = find(status, {"expirationTimestamp"}); expires != nullptr) {
    const auto time = parse_rfc3339(wukong::text(*expires, {}));
    if (!time) return refused("it gave an expirationTimestamp that is not a time");
    out.expires = *time;
  }
  return out;
}

Result<ChildSpec> exec_child(const ClusterAccess& access, bool stdin_is_terminal,
                             const std::vector<std::string>& base,
                             std::function<void(std::string_view)> on_stderr) {
  if (!access.credentials.exec) return refused("no credential plugin is configured");
  const ExecSpec& spec = *access.credentials.exec;
  WUKONG_TRY(const bool interactive, may_interact(spec, stdin_is_terminal));
  return ChildSpec{.program = spec.command,
                   .arguments = spec.args,
                   .environment = exec_environment(spec, access, interactive, base),
                   .in = interactive ? ChildSpec::Input::inherit : ChildSpec::Input::null,
                   .out = ChildSpec::Output::pipe,
                   .err = on_stderr ? ChildSpec::Output::pipe : ChildSpec::Output::inherit,
                   .on_stderr = std::move(on_stderr)};
}

Error exec_start_error(const ExecSpec& spec, const Error& why) {
  if (why.code != Code::not_found) return refused(fmt::format("credential plugin: {}", why.message));
  return refused(fmt::format("credential plugin {} is not installed, or not in PATH", spec.command),
                 spec.install_hint.empty() ? "install it, or choose another user with --user"
                                           : printable_lines(trim(spec.install_hint)));
}

Result<ExecCredential> exec_result(const ExecSpec& spec, const ChildEnd& end) {
  const std::string plugin = fmt::format("credential plugin {}", spec.command);
  const auto failed = [&](const std::string& how) {
    Error error =
        refused(fmt::format("{} {}", plugin, how), "run the command of users[].user.exec by hand to see why");
    if (const auto said = trim(end.err_tail); !said.empty()) error.causes.push_back(printable_lines(said));
    return error;
  };
  if (end.too_much_output) return failed("printed too much");
  if (end.signal != 0) return failed(fmt::format("was ended by signal {}", end.signal));
  if (end.exit_code != 0) return failed(fmt::format("failed with exit code {}", end.exit_code));
  auto parsed = parse_exec_credential(end.out, spec.api_version);
  if (!parsed) parsed.error().message = fmt::format("{}: {}", plugin, parsed.error().message);
  return parsed;
}

}  // namespace wukong::kube
