// Choosing from kubeconfig files and flags: which cluster, as whom.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.h"
#include "base/time.h"
#include "kube/base64.h"
#include "kube/kubeconfig.h"

namespace wukong::kube {
namespace {

struct Choice {
  std::string context{};
  std::string cluster{};
  std::string user{};
  std::string ns{};
  Kubeconfig::Cluster cluster_entry{};
  Kubeconfig::User user_entry{};
};

Error usage(std::string message, std::string hint = {}) {
  return {.code = Code::usage, .message = std::move(message), .hint = std::move(hint)};
}

template <class Entries>
std::string known_names(const Entries& entries) {
  constexpr std::size_t kShown = 12;
  std::vector<std::string> names{};
  for (const auto& [name, entry] : entries)
    if (names.size() < kShown) names.push_back(name);
  const std::string more =
      entries.size() > kShown ? fmt::format(" and {} more", entries.size() - kShown) : "";
  return entries.empty() ? "none" : fmt::format("{}{}", fmt::join(names, ", "), more);
}

template <class Entries>
Error unknown(std::string_view what, const std::string& name, std::string_view named_by,
              const Entries& entries, const std::vector<std::string>& files) {
  std::vector<std::string> names{};
  names.reserve(entries.size());
  for (const auto& [known, entry] : entries) names.push_back(known);
  const std::string near = closest(name, names);
  return usage(fmt::format("{} \"{}\"{} is not in {}", what, name, named_by,
                           files.empty() ? "any kubeconfig" : fmt::format("{}", fmt::join(files, ", "))),
               fmt::format("{}known {}s: {}", near.empty() ? "" : fmt::format("did you mean \"{}\"? ", near),
                           what, known_names(entries)));
}

/// The entry called `name`. Without a name, or where `optional`, a missing one reads as an empty entry.
template <class Entry>
Result<Entry> entry(std::string_view what, const std::string& name, std::string_view named_by, bool optional,
                    const std::map<std::string, Entry>& entries, const Kubeconfig& config) {
  if (const auto found = entries.find(name); found != entries.end()) return found->second;
  if (name.empty() || optional) return Entry{};
  return unknown(what, name, named_by, entries, config.files);
}

Result<Choice> choose(const Kubeconfig& config, const Overrides& flags) {
  Choice out{.context = flags.context.empty() ? config.current_context : flags.context};
  const std::string_view current = flags.context.empty() ? " (current-context)" : "";
  WUKONG_TRY(const auto context, entry("context", out.context, current, false, config.contexts, config));
  out.cluster = flags.cluster.empty() ? context.cluster : flags.cluster;
  out.user = flags.user.empty() ? context.user : flags.user;
  out.ns = flags.ns.empty() ? context.ns : flags.ns;
  const std::string by = fmt::format(" of context \"{}\"", out.context);
  WUKONG_TRY(out.cluster_entry,
             entry("cluster", out.cluster, flags.cluster.empty() ? by : "",
                   flags.cluster.empty() && !flags.server.empty(), config.clusters, config));
  const bool has_credentials = !flags.token.empty() || !flags.client_certificate.empty();
  WUKONG_TRY(out.user_entry, entry("user", out.user, flags.user.empty() ? by : "",
                                   flags.user.empty() && has_credentials, config.users, config));
  return out;
}

/// Flags over the cluster's entry. Source: client-go tools/clientcmd/client_config.go, getCluster: --server
/// also drops the file's tls-server-name, and --certificate-authority its insecure-skip-tls-verify. Unlike
/// there, an explicit --insecure-skip-tls-verify=false counts.
void override_cluster(Kubeconfig::Cluster& cluster, const Overrides& flags) {
  if (!flags.server.empty()) cluster.server = flags.server;
  if (!flags.server.empty() || !flags.tls_server_name.empty())
    cluster.tls_server_name = flags.tls_server_name;
  if (!flags.certificate_authority.empty() || flags.insecure_skip_tls_verify.value_or(false)) {
    cluster.ca_file = flags.certificate_authority;
    cluster.ca_data.clear();
    cluster.insecure = flags.insecure_skip_tls_verify.value_or(false);
  } else if (flags.insecure_skip_tls_verify) {
    cluster.insecure = false;
  }
}

void override_user(Kubeconfig::User& user, const Overrides& flags) {
  if (!flags.client_certificate.empty()) {
    user.certificate_file = flags.client_certificate;
    user.certificate_data.clear();
  }
  if (!flags.client_key.empty()) {
    user.key_file = flags.client_key;
    user.key_data.clear();
  }
  if (!flags.token.empty()) {
    user.token = flags.token;
    user.token_file.clear();
    user.username.clear();
    user.password.clear();
  }
  Impersonation& as = user.impersonation;
  if (!flags.as.empty()) as.user = flags.as;
  if (!flags.as_uid.empty()) as.uid = flags.as_uid;
  if (!flags.as_group.empty()) as.groups = flags.as_group;
}

/// "https://host:port/prefix". Source: client-go rest/url_utils.go, DefaultServerURL, as clientcmd calls it:
/// a host without a scheme is http, whatever certificates are configured. Never quotes a URL that holds a
/// password.
Result<std::string> server_url(const std::string& server) {
  const auto scheme_end = server.find("://");
  std::string url = scheme_end == std::string::npos ? "http://" + server : server;
  const std::string scheme = lower(url.substr(0, url.find("://")));
  const auto host_begin = scheme.size() + 3;
  const auto host_end = std::min(url.find_first_of("/?#", host_begin), url.size());
  const std::string host = url.substr(host_begin, host_end - host_begin);
  if (host.find('@') != std::string::npos)
    return usage("the server's URL holds a user name or password",
                 "put them into the kubeconfig's user entry, or use --token");
  const bool odd = std::any_of(url.begin(), url.end(),
                               [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f'; });
  if ((scheme != "https" && scheme != "http") || host.empty() || odd ||
      (scheme_end == std::string::npos && url.find_first_not_of('/', host_end) != std::string::npos))
    return usage(fmt::format("\"{}\" is not the URL of a server", server), "write it like https://host:6443");
  std::string path = url.substr(host_end, std::min(url.find_first_of("?#", host_end), url.size()) - host_end);
  while (path.ends_with('/')) path.pop_back();
  return fmt::format("{}://{}{}", scheme, host, path);
}

/// The PEM text of `data` (base64) or else of `file`; empty when neither is set.
Result<std::string> pem(std::string_view what, const std::string& owner, const std::string& data,
                        const std::string& file, const FileReader& read) {
  std::string out{};
  if (!data.empty()) {
    auto decoded = decode_base64(data);
    if (!decoded) return usage(fmt::format("{}: {}-data is not base64", owner, what));
    out = std::move(*decoded);
  } else if (!file.empty()) {
    auto text = read(file);
    if (!text) return usage(fmt::format("{}: {}: {}", owner, what, text.error().message));
    out = std::move(*text);
  } else {
    return out;
  }
  if (out.find("-----BEGIN ") == std::string::npos)
    return usage(
        fmt::format("{}: {} holds no PEM text", owner, data.empty() ? file : fmt::format("{}-data", what)),
        "expected are lines between \"-----BEGIN …\" and \"-----END …\"");
  return out;
}

Result<void> check_exec(const ExecSpec& exec, const std::string& owner) {
  constexpr std::array kVersions{"client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"};
  constexpr std::array kModes{"Never", "IfAvailable", "Always"};
  if (exec.command.empty()) return usage(fmt::format("{}: exec names no command", owner));
  if (std::find(kVersions.begin(), kVersions.end(), exec.api_version) == kVersions.end())
    return usage(fmt::format("{}: exec apiVersion \"{}\" is not known", owner, exec.api_version),
                 fmt::format("known are {}", fmt::join(kVersions, " and ")));
  if (std::find(kModes.begin(), kModes.end(), exec.interactive_mode) == kModes.end())
    return usage(fmt::format("{}: exec interactiveMode is \"{}\"", owner, exec.interactive_mode),
                 fmt::format("set it to one of {}", fmt::join(kModes, ", ")));
  for (const auto& [name, value] : exec.env)
    if (name.empty() || name.find('=') != std::string::npos)
      return usage(fmt::format("{}: exec has an environment variable without a proper name", owner));
  return {};
}

/// Source for what goes with what: client-go tools/clientcmd/validation.go, validateAuthInfo, and exec.go,
/// UpdateTransportConfig (a plugin is not run where another credential is given).
Result<CredentialSpec> credentials(const Kubeconfig::User& user, const std::string& owner,
                                   const Json& exec_config, const FileReader& read) {
  CredentialSpec out{.token = std::string(trim(user.token)),
                     .token_file = user.token_file,
                     .username = user.username,
                     .password = user.password};
  WUKONG_TRY(out.client_certificate,
             pem("client-certificate", owner, user.certificate_data, user.certificate_file, read));
  WUKONG_TRY(out.client_key, pem("client-key", owner, user.key_data, user.key_file, read));
  const bool basic = !out.username.empty() || !out.password.empty();
  if (out.client_certificate.empty()) out.client_key.clear();
  if (!out.client_certificate.empty() && out.client_key.empty())
    return usage(fmt::format("{}: a client certificate without a key", owner),
                 "set client-key or client-key-data, or give --client-key");
  if (basic && !out.token.empty())
    return usage(fmt::format("{}: both a token and a user name are set", owner), "remove one of them");
  const bool other =
      basic || !out.token.empty() || !out.token_file.empty() || !out.client_certificate.empty();
  if (!other && user.exec) {
    WUKONG_CHECK(check_exec(*user.exec, owner));
    out.exec = user.exec;
    out.exec->cluster_config = exec_config;
  } else if (!other && !user.auth_provider.empty()) {
    return usage(fmt::format("{} uses auth-provider \"{}\", which only kubectl has built in", owner,
                             user.auth_provider),
                 "use a credential plugin (users[].user.exec) for it, or give --token");
  }
  return out;
}

Result<void> add_trust(ClusterAccess& access, const Kubeconfig::Cluster& cluster, const FileReader& read) {
  const std::string owner =
      access.cluster.empty() ? "the flags" : fmt::format("{}: cluster \"{}\"", cluster.from, access.cluster);
  WUKONG_TRY(access.ca_pem, pem("certificate-authority", owner, cluster.ca_data, cluster.ca_file, read));
  access.insecure = cluster.insecure.value_or(false);
  access.tls_server_name = cluster.tls_server_name;
  if (access.insecure && !access.ca_pem.empty())
    return usage(fmt::format("{}: insecure-skip-tls-verify together with a certificate authority", owner),
                 "remove insecure-skip-tls-verify, or give --insecure-skip-tls-verify=false");
  return {};
}

/// Seconds, or a duration with units. Source: client-go tools/clientcmd/helpers.go, ParseTimeout.
Result<std::chrono::nanoseconds> request_timeout(const std::string& text) {
  if (text.empty()) return std::chrono::nanoseconds{};
  std::int32_t seconds{};
  const char* const end = text.data() + text.size();
  if (const auto got = std::from_chars(text.data(), end, seconds);
      got.ec == std::errc{} && got.ptr == end && seconds >= 0)
    return std::chrono::seconds{seconds};
  auto parsed = parse_duration(text);
  if (!parsed)
    return usage(fmt::format("--request-timeout {}: not a time", text),
                 "write it like 30s, 2m or 0 (no limit)");
  return *parsed;
}

Result<std::string> chosen_namespace(const Choice& chosen, const Overrides& flags) {
  if (chosen.ns.empty()) return std::string("default");
  const std::string problem = label_problem(chosen.ns);
  if (problem.empty()) return chosen.ns;
  return usage(fmt::format("namespace \"{}\"{}: {}", chosen.ns,
                           flags.ns.empty() ? fmt::format(" of context \"{}\"", chosen.context) : "",
                           problem));
}

Error no_server(const Kubeconfig& config, const Choice& chosen) {
  if (!chosen.cluster.empty())
    return usage(fmt::format("{}: cluster \"{}\" has no server", chosen.cluster_entry.from, chosen.cluster),
                 "add its server to the file, or give --server");
  if (!chosen.context.empty())
    return usage(fmt::format("context \"{}\" names no cluster", chosen.context),
                 "give --cluster or --server");
  if (config.contexts.empty())
    return {.code = Code::unreachable,
            .message = "no cluster is configured",
            .hint = "set KUBECONFIG, or give --kubeconfig or --server"};
  return usage("no context is chosen: the kubeconfig has no current-context",
               fmt::format("give --context, or set one with `kubectl config use-context`; known contexts: {}",
                           known_names(config.contexts)));
}

std::vector<std::string> config_paths(const Overrides& flags, const Environment& environment) {
  if (!flags.kubeconfig.empty()) return {flags.kubeconfig};
  std::vector<std::string> out{};
  for (std::string& path : split(environment.kubeconfig, ':'))
    if (!path.empty() && std::find(out.begin(), out.end(), path) == out.end()) out.push_back(std::move(path));
  if (environment.kubeconfig.empty() && !environment.home.empty())
    out.push_back(environment.home + "/.kube/config");
  return out;
}

Error not_configured(const std::vector<std::string>& looked_at) {
  return {.code = Code::unreachable,
          .message = looked_at.empty()
                         ? "no cluster is configured: neither KUBECONFIG nor HOME is set"
                         : fmt::format("no cluster is configured: nothing in {}", fmt::join(looked_at, ", ")),
          .hint = "set KUBECONFIG to a kubeconfig file, or give --kubeconfig FILE or --server URL"};
}

}  // namespace

Result<ClusterAccess> choose_access(const Kubeconfig& config, const Overrides& flags,
                                    const FileReader& read) {
  WUKONG_TRY(Choice chosen, choose(config, flags));
  Kubeconfig::Cluster& cluster = chosen.cluster_entry;
  Kubeconfig::User& user = chosen.user_entry;
  override_cluster(cluster, flags);
  override_user(user, flags);
  if (cluster.server.empty()) return no_server(config, chosen);

  ClusterAccess out{.context = chosen.context, .cluster = chosen.cluster, .user = chosen.user};
  WUKONG_TRY(out.server, server_url(cluster.server));
  WUKONG_TRY(out.ns, chosen_namespace(chosen, flags));
  WUKONG_TRY(out.request_timeout, request_timeout(flags.request_timeout));
  out.proxy_url = cluster.proxy_url;
  out.disable_compression = cluster.disable_compression;
  out.impersonation = user.impersonation;
  const Impersonation& as = out.impersonation;
  const std::string owner =
      chosen.user.empty() ? "the flags" : fmt::format("{}: user \"{}\"", user.from, chosen.user);
  if (as.user.empty() && (!as.uid.empty() || !as.groups.empty() || !as.extra.empty()))
    return usage(fmt::format("{}: a group, uid or extra to act as, but no user", owner), "give --as, too");
  // As client-go: over plain http no credential is even read.
  if (!out.tls()) return out;
  WUKONG_CHECK(add_trust(out, cluster, read));
  WUKONG_TRY(out.credentials, credentials(user, owner, cluster.exec_config, read));
  return out;
}

Result<ClusterAccess> load_access(const Overrides& flags, const Environment& environment) {
  const std::vector<std::string> paths = config_paths(flags, environment);
  Kubeconfig config{};
  for (const std::string& path : paths) {
    auto text = environment.read(path);
    if (!text && text.error().code == Code::not_found && flags.kubeconfig.empty()) continue;
    if (!text)
      return Error{
          .code = Code::usage, .message = text.error().message, .hint = "check --kubeconfig and KUBECONFIG"};
    WUKONG_TRY(Kubeconfig next, parse_kubeconfig(*text, path));
    merge(config, std::move(next));
  }
  const bool empty = config.clusters.empty() && config.users.empty() && config.contexts.empty() &&
                     config.current_context.empty();
  if (empty && flags.server.empty() && flags.context.empty() && flags.cluster.empty() && flags.user.empty())
    return not_configured(paths);
  return choose_access(config, flags, environment.read);
}

}  // namespace wukong::kube
