#include "kube/exec_plugin.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "kube/base64.h"
#include "kube/pem.h"
#include "kube/yaml_json.h"

namespace wukong::kube {
namespace {

constexpr const char* kExecInfo = "KUBERNETES_EXEC_INFO";

Error refused(std::string message, std::string hint = {}) {
  return {.code = Code::unauthenticated, .message = std::move(message), .hint = std::move(hint)};
}

/// Source: client-go pkg/apis/clientauthentication/v1/types.go, Cluster.
Json cluster_info(const ExecSpec& spec, const ClusterAccess& access) {
  Json out = {{"server", access.told_server}, {"config", spec.cluster_config}};
  if (!access.tls_server_name.empty()) out["tls-server-name"] = access.tls_server_name;
  if (access.insecure) out["insecure-skip-tls-verify"] = true;
  if (!access.told_ca.empty()) out["certificate-authority-data"] = encode_base64(access.told_ca);
  if (!access.proxy_url.empty()) out["proxy-url"] = access.proxy_url;
  if (access.disable_compression) out["disable-compression"] = true;
  return out;
}

/// What a plugin printed. The parsers' own messages are left out: they may quote what they read.
std::optional<Json> answer_of(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  const bool json = first != std::string_view::npos && text[first] == '{';
  auto parsed = json ? parse_json(text) : yaml_to_json(text);
  if (!parsed || !parsed->is_object()) return std::nullopt;
  return std::move(*parsed);
}

/// Go's time.Time{}: a plugin that sets nothing writes it, and client-go takes it for "never".
bool is_go_zero(std::string_view time) { return time.starts_with("0001-01-01T00:00:00"); }

bool has_zero(const ExecSpec& spec) {
  const auto zero = [](const std::string& text) { return text.find('\0') != std::string::npos; };
  return zero(spec.command) || std::any_of(spec.args.begin(), spec.args.end(), zero) ||
         std::any_of(spec.env.begin(), spec.env.end(),
                     [&](const auto& variable) { return zero(variable.first) || zero(variable.second); });
}

/// What stands in relative folders of PATH is not run: as Go does it, lest a folder somebody else filled decides.
Result<std::string> find_program(const std::string& command, const std::vector<std::string>& environment) {
  if (command.find('/') != std::string::npos) return command;
  std::string_view path{};
  for (const std::string& variable : environment)
    if (variable.starts_with("PATH=")) path = std::string_view(variable).substr(5);
  for (const std::string& folder : split(path, ':')) {
    std::string file = (folder.empty() ? "." : folder) + "/" + command;
    struct stat about{};
    if (::stat(file.c_str(), &about) != 0 || S_ISDIR(about.st_mode) || ::access(file.c_str(), X_OK) != 0)
      continue;
    if (file.starts_with('/')) return file;
    break;
  }
  return Error{.code = Code::not_found, .message = fmt::format("{} is not in PATH", command)};
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
  for (const auto& [name, value] : spec.env) {
    const std::string variable = fmt::format("{}={}", name, value);
    const auto equals = variable.find('=');
    variables.insert_or_assign(variable.substr(0, equals), variable.substr(equals + 1));
  }
  variables.insert_or_assign(kExecInfo, dump(info));
  std::vector<std::string> out{};
  out.reserve(variables.size());
  for (const auto& [name, value] : variables) out.push_back(fmt::format("{}={}", name, value));
  return out;
}

Result<ExecCredential> parse_exec_credential(std::string_view text, const std::string& api_version) {
  const auto json = answer_of(text);
  if (!json) return refused("it did not print an ExecCredential as JSON");
  for (const Path path :
       {Path{"kind"}, Path{"apiVersion"}, Path{"status", "token"}, Path{"status", "clientCertificateData"},
        Path{"status", "clientKeyData"}, Path{"status", "expirationTimestamp"}})
    if (const Json* value = find(*json, path); value != nullptr && !value->is_string())
      return refused(fmt::format("its answer has a {} that is no text", *(path.end() - 1)));
  for (const char* part : {"spec", "status"})
    if (const Json* value = find(*json, {part}); value != nullptr && !value->is_object())
      return refused(fmt::format("its answer has a {} that is no object", part));
  if (find(*json, {"kind"}) != nullptr && wukong::text(*json, {"kind"}) != "ExecCredential")
    return refused("it did not print an ExecCredential");
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
  if (!out.client_key.empty())
    if (const std::string problem = pair_problem(out.client_certificate, out.client_key); !problem.empty())
      return refused("its answer cannot be used: " + problem);
  if (const Json* expires = find(status, {"expirationTimestamp"}); expires != nullptr) {
    const auto time = parse_rfc3339(wukong::text(*expires, {}));
    if (!time) return refused("it gave an expirationTimestamp that is not a time");
    if (!is_go_zero(wukong::text(*expires, {}))) out.expires = *time;
  }
  return out;
}

Result<ChildSpec> exec_child(const ClusterAccess& access, bool stdin_is_terminal,
                             const std::vector<std::string>& base,
                             std::function<void(std::string_view)> on_stderr) {
  if (!access.credentials.exec) return refused("no credential plugin is configured");
  const ExecSpec& spec = *access.credentials.exec;
  WUKONG_TRY(const bool interactive, may_interact(spec, stdin_is_terminal));
  if (has_zero(spec)) return refused("the credential plugin's command, args or env hold a zero byte");
  auto program = find_program(spec.command, base);
  if (!program) return exec_start_error(spec, program.error());
  return ChildSpec{.program = std::move(*program),
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
