// Choosing from kubeconfig files and flags: which cluster, as whom.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "base/time.h"
#include "kube/client_identity.h"
#include "kube/kubeconfig.h"
#include "kube/pem.h"
#include "kube/server_address.h"

namespace wukong::kube {
namespace {

struct Choice {
  std::string context{};
  std::string cluster{};
  std::string user{};
  Kubeconfig::Context context_entry{};
  Kubeconfig::Cluster cluster_entry{};
  Kubeconfig::User user_entry{};
  // A context may name what does not exist, as long as flags say all that is needed.
  std::optional<Error> no_cluster{};
  std::optional<Error> no_user{};

  std::string cluster_owner() const {
    return cluster_entry.from.empty() ? "the flags"
                                      : fmt::format("{}: cluster \"{}\"", cluster_entry.from, cluster);
  }
  std::string user_owner() const {
    return user_entry.from.empty() ? "the flags" : fmt::format("{}: user \"{}\"", user_entry.from, user);
  }
};

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

/// The entry called `name`; an empty one when there is none. Without a name, that is no problem.
template <class Entry>
std::optional<Error> find_entry(Entry& into, std::string_view what, const std::string& name,
                                std::string_view named_by, const std::map<std::string, Entry>& entries,
                                const Kubeconfig& config) {
  if (const auto found = entries.find(name); found != entries.end()) {
    into = found->second;
    return std::nullopt;
  }
  if (name.empty()) return std::nullopt;
  return unknown(what, name, named_by, entries, config.files);
}

Result<Choice> choose(const Kubeconfig& config, const Overrides& flags) {
  Choice out{.context = flags.context.empty() ? config.current_context : flags.context};
  const std::string_view current = flags.context.empty() ? " (current-context)" : "";
  if (auto missing = find_entry(out.context_entry, "context", out.context, current, config.contexts, config))
    return std::move(*missing);
  out.cluster = flags.cluster.empty() ? out.context_entry.cluster : flags.cluster;
  out.user = flags.user.empty() ? out.context_entry.user : flags.user;
  const std::string by = fmt::format(" of context \"{}\"", out.context);
  out.no_cluster = find_entry(out.cluster_entry, "cluster", out.cluster, flags.cluster.empty() ? by : "",
                              config.clusters, config);
  if (out.no_cluster && !flags.cluster.empty()) return std::move(*out.no_cluster);
  out.no_user =
      find_entry(out.user_entry, "user", out.user, flags.user.empty() ? by : "", config.users, config);
  if (out.no_user && !flags.user.empty()) return std::move(*out.no_user);
  return out;
}

/// Flags over the cluster's entry: --server also drops the file's tls-server-name, --certificate-authority its
/// insecure-skip-tls-verify. Source: client-go tools/clientcmd/client_config.go, getCluster.
void override_cluster(Kubeconfig::Cluster& cluster, const Overrides& flags) {
  if (!flags.server.empty()) cluster.server = flags.server;
  if (!flags.server.empty() || !flags.tls_server_name.empty())
    cluster.tls_server_name = flags.tls_server_name;
  if (flags.disable_compression) cluster.disable_compression = true;
  if (flags.certificate_authority.empty() && !flags.insecure_skip_tls_verify) return;
  cluster.ca_file = flags.certificate_authority;
  cluster.ca_data.clear();
  cluster.insecure = flags.insecure_skip_tls_verify;
}

/// Each flag over its own field: what contradicts another field is refused later, as kubectl does it.
void override_user(Kubeconfig::User& user, const Overrides& flags) {
  const auto put = [](std::string& field, const std::string& flag) {
    if (!flag.empty()) field = flag;
  };
  put(user.certificate_file, flags.client_certificate);
  put(user.key_file, flags.client_key);
  put(user.token, flags.token);
  put(user.username, flags.username);
  put(user.password, flags.password);
  put(user.impersonation.user, flags.as);
  put(user.impersonation.uid, flags.as_uid);
  if (!flags.as_group.empty()) user.impersonation.groups = flags.as_group;
}

/// Source: client-go tools/clientcmd/validation.go, validateClusterInfo.
Result<void> check_cluster(const Kubeconfig::Cluster& cluster, const std::string& owner,
                           const FileReader& read) {
  if (!cluster.proxy_url.empty()) {
    auto proxy = check_proxy(cluster.proxy_url);
    if (!proxy) {
      proxy.error().message = fmt::format("{}: {}", owner, proxy.error().message);
      return proxy;
    }
  }
  if (!cluster.ca_file.empty() && !cluster.ca_data.empty())
    return usage(fmt::format("{}: both certificate-authority and certificate-authority-data are set", owner),
                 "remove one of them");
  WUKONG_CHECK(data_or_file("certificate-authority", owner, {}, cluster.ca_file, read));
  return {};
}

Result<void> add_trust(ClusterAccess& access, const Kubeconfig::Cluster& cluster, const std::string& owner,
                       const FileReader& read) {
  WUKONG_TRY(access.told_ca,
             data_or_file("certificate-authority", owner, cluster.ca_data, cluster.ca_file, read));
  access.insecure = cluster.insecure;
  access.tls_server_name = cluster.tls_server_name;
  if (access.insecure && (!cluster.ca_data.empty() || !cluster.ca_file.empty()))
    return usage(fmt::format("{}: insecure-skip-tls-verify together with a certificate authority", owner),
                 "remove one of them; --insecure-skip-tls-verify drops the certificate authority");
  WUKONG_TRY(access.ca_pem, authorities("certificate-authority", owner, access.told_ca));
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

/// True in a pod with a service account. Source: client-go tools/clientcmd/client_config.go, Possible.
bool in_pod(const Environment& environment) {
  if (environment.service_host.empty() || environment.service_port.empty()) return false;
  const auto token = environment.read(environment.service_account + "/token");
  return token.has_value() || token.error().code != Code::not_found;
}

/// In a pod, where the kubeconfig says nothing else, the pod's own, even with a kubeconfig for another cluster.
Result<std::string> chosen_namespace(const Choice& chosen, const Overrides& flags,
                                     const Environment& environment, bool pod) {
  std::string ns = flags.ns.empty() ? chosen.context_entry.ns : flags.ns;
  std::string_view from = flags.ns.empty() ? " of the context" : "";
  if (ns.empty() && pod) {
    ns = environment.pod_namespace;
    from = " of this pod";
    if (const auto text = environment.read(environment.service_account + "/namespace"); ns.empty() && text)
      ns = trim(*text);
  }
  if (ns.empty()) return std::string("default");
  const std::string problem = label_problem(ns);
  if (problem.empty()) return ns;
  return usage(fmt::format("namespace \"{}\"{}: {}", ns, from, problem));
}

Error no_server(const Kubeconfig& config, const Choice& chosen) {
  if (chosen.no_cluster) return *chosen.no_cluster;
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

/// Source: client-go rest/config.go, InClusterConfig; of the flags, as in inClusterClientConfig.ClientConfig, only the
/// token and the authority count for the connection.
Result<void> use_service_account(ClusterAccess& out, const Overrides& flags, const Environment& environment) {
  const std::string& host = environment.service_host;
  const bool colon = host.find(':') != std::string::npos;
  out.server =
      fmt::format("https://{}{}{}:{}", colon ? "[" : "", host, colon ? "]" : "", environment.service_port);
  out.told_server = out.server;
  const std::string folder = environment.service_account;
  const std::string authority =
      flags.certificate_authority.empty() ? folder + "/ca.crt" : flags.certificate_authority;
  const auto bundle = environment.read(authority);
  if (bundle) out.ca_pem = certificates_in(*bundle);
  if (out.ca_pem.empty() && !flags.certificate_authority.empty())
    return usage(fmt::format("--certificate-authority {}: holds no certificate", authority));
  out.credentials.token = flags.token;
  if (flags.token.empty()) out.credentials.token_file = folder + "/token";
  return {};
}

}  // namespace

Result<ClusterAccess> choose_access(const Kubeconfig& config, const Overrides& flags,
                                    const Environment& environment) {
  WUKONG_TRY(Choice chosen, choose(config, flags));
  Kubeconfig::Cluster& cluster = chosen.cluster_entry;
  Kubeconfig::User& user = chosen.user_entry;
  const FileReader& read = environment.read;
  override_cluster(cluster, flags);
  override_user(user, flags);
  WUKONG_CHECK(check_user(user, chosen.user_owner(), read));
  WUKONG_CHECK(check_cluster(cluster, chosen.cluster_owner(), read));

  const bool pod = in_pod(environment);
  ClusterAccess out{
      .files = config.files, .context = chosen.context, .cluster = chosen.cluster, .user = chosen.user};
  WUKONG_TRY(out.ns, chosen_namespace(chosen, flags, environment, pod));
  WUKONG_TRY(out.request_timeout, request_timeout(flags.request_timeout));
  out.impersonation = user.impersonation;
  out.disable_compression = cluster.disable_compression;
  if (cluster.server.empty() && pod) {
    WUKONG_CHECK(use_service_account(out, flags, environment));
    return out;
  }
  if (cluster.server.empty()) cluster.server = environment.kubernetes_master;
  if (cluster.server.empty()) return no_server(config, chosen);
  WUKONG_TRY(ServerAddress address, server_address(cluster.server));
  out.server = std::move(address.url);
  out.told_server = std::move(address.told);
  out.proxy_url = cluster.proxy_url;
  // As client-go: over plain http no credential is even read.
  if (!out.tls()) return out;
  auto credentials = identify(user, chosen.user, chosen.user_owner(), cluster.exec_config, read);
  if (!credentials) return chosen.no_user ? std::move(*chosen.no_user) : std::move(credentials.error());
  out.credentials = std::move(*credentials);
  WUKONG_CHECK(add_trust(out, cluster, chosen.cluster_owner(), read));
  return out;
}

}  // namespace wukong::kube
