// What `doctor --connection` tells of the facts.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ctime>

#include "base/text.h"
#include "commands/doctor.h"

namespace wukong::commands {

namespace {

constexpr std::chrono::hours kSoon{7 * 24};
constexpr std::chrono::minutes kClocksDiffer{5};
constexpr std::string_view kInCluster = "/var/run/secrets/kubernetes.io/serviceaccount/";

std::string context_words(const kube::ClusterAccess& access) {
  const auto or_none = [](const std::string& name) {
    return name.empty() ? std::string("none") : printable(name);
  };
  return fmt::format("{} (cluster {}, user {}, namespace {})", or_none(access.context),
                     or_none(access.cluster), or_none(access.user), printable(access.ns));
}

/// 99991231235959Z says that there is none. Source: RFC 5280, 4.1.2.5.
std::string end_words(WallTime not_after) {
  return not_after == WallTime::max() ? "without an end" : "until " + format_rfc3339(not_after);
}

/// The ways to authenticate that are in use, in the order in which they are sent.
std::string credential_words(const ConnectionFacts& facts) {
  const kube::CredentialSpec& spec = facts.access.credentials;
  std::vector<std::string> ways;
  if (!facts.access.tls()) return "none: nothing secret is sent over plain http";
  if (facts.certificate)
    ways.push_back(fmt::format("client certificate {}, {}", printable(facts.certificate->subject),
                               end_words(facts.certificate->not_after)));
  else if (!spec.client_certificate.empty())
    ways.emplace_back("client certificate");
  if (!spec.token_file.empty())
    ways.push_back(fmt::format("bearer token from {}", printable(spec.token_file)));
  else if (!spec.token.empty())
    ways.emplace_back("bearer token");
  else if (!spec.username.empty())
    ways.push_back(fmt::format("user name {} and password", printable(spec.username)));
  if (spec.exec) ways.push_back(fmt::format("plugin {}", printable(spec.exec->command)));
  if (spec.oidc) ways.emplace_back("token of an OIDC issuer (auth-provider oidc)");
  if (!facts.access.impersonation.user.empty())
    ways.push_back(fmt::format("acting as {}", printable(facts.access.impersonation.user)));
  return ways.empty() ? "none (anonymous)" : fmt::format("{}", fmt::join(ways, ", "));
}

/// A URL without the password that may stand in it.
std::string without_password(const std::string& url) {
  const auto host = url.find("://");
  const auto at = url.rfind('@');
  if (host == std::string::npos || at == std::string::npos || at < host) return printable(url);
  return printable(url.substr(0, host + 3) + "<masked>" + url.substr(at));
}

std::string trust_words(const kube::ClusterAccess& access) {
  if (!access.tls()) return "plain http: neither checked nor encrypted";
  std::string out = access.insecure         ? "certificate NOT checked"
                    : access.ca_pem.empty() ? "certificate checked against the system's authorities"
                                            : "certificate checked against the kubeconfig's authority";
  if (!access.tls_server_name.empty()) out += ", for the name " + printable(access.tls_server_name);
  return out;
}

/// What the network did, up to the step that failed.
void add_network(const ConnectionFacts& facts, std::vector<Check>& out) {
  if (!facts.exchange) return;
  const kube::Traced& seen = *facts.exchange;
  const bool proxied = !facts.proxy.empty();
  std::string answer = fmt::format("HTTP/{}, status {}", seen.http_version, seen.status);
  if (const std::string_view version = text(facts.version, {"gitVersion"}); !version.empty())
    answer += fmt::format(", Kubernetes {}", printable(version));
  std::vector<Check> steps{
      {"name lookup", "", seen.dns},
      {"connect", fmt::format("{}{}", proxied ? "to the proxy, " : "", seen.remote), seen.dial}};
  if (facts.access.tls()) steps.push_back({"TLS", trust_words(facts.access), seen.tls});
  steps.push_back({"answer", answer, seen.server});
  for (Check& step : steps) {
    const bool last = &step == &steps.back();
    const bool reached = last ? seen.status != 0 : step.took > Duration::zero() || seen.status != 0;
    if (!reached) step = {step.name, "FAILED: " + printable(seen.problem), std::nullopt};
    out.push_back(std::move(step));
    if (!reached) return;
  }
}

std::string who(const Json& review) {
  const Json& user = fields(review, {"status", "userInfo"});
  std::vector<std::string> groups;
  for (const Json& group : items(user, {"groups"})) groups.push_back(printable(text(group, {})));
  const std::string name = printable(text(user, {"username"}));
  return groups.empty() ? name : fmt::format("{} (groups {})", name, fmt::join(groups, ", "));
}

/// How far the server's clock is from ours, by its Date header.
std::optional<Duration> clock_lead(const ConnectionFacts& facts) {
  if (!facts.exchange) return std::nullopt;
  for (const auto& [name, value] : facts.exchange->response_headers) {
    if (lower(name) != "date") continue;
    std::tm parts{};
    if (::strptime(value.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts) == nullptr) return std::nullopt;
    const WallTime told = wall_time(std::chrono::seconds{::timegm(&parts)});
    if (told == WallTime::min()) return std::nullopt;
    return told - facts.now;
  }
  return std::nullopt;
}

}  // namespace

std::vector<Check> connection_checks(const ConnectionFacts& facts) {
  const kube::ClusterAccess& access = facts.access;
  std::vector<Check> out;
  const std::string files = printable(fmt::format("{}", fmt::join(access.files, ", ")));
  const char* const none =
      access.credentials.token_file.starts_with(kInCluster) ? "none: this pod's service account" : "none";
  out.push_back({"kubeconfig", files.empty() ? none : files, {}});
  out.push_back({"context", context_words(access), {}});
  out.push_back({"server", printable(access.server), {}});
  std::string proxy = facts.proxy.empty() ? "none" : without_password(facts.proxy);
  if (facts.proxy_of_environment) proxy += " (of the environment)";
  out.push_back({"proxy", proxy, {}});
  const bool plugin = access.credentials.exec.has_value() || access.credentials.oidc.has_value();
  out.push_back({"credential", credential_words(facts), plugin ? facts.credential : std::nullopt});
  add_network(facts, out);
  if (!facts.review.is_null()) out.push_back({"you are", who(facts.review), {}});
  return out;
}

std::vector<std::string> connection_doubts(const ConnectionFacts& facts) {
  std::vector<std::string> out;
  const kube::ClusterAccess& access = facts.access;
  if (facts.certificate && facts.certificate->not_after < facts.now)
    out.push_back(
        fmt::format("the client certificate expired at {}", format_rfc3339(facts.certificate->not_after)));
  else if (facts.certificate && facts.certificate->not_after - facts.now < kSoon)
    out.push_back(
        fmt::format("the client certificate expires at {}", format_rfc3339(facts.certificate->not_after)));
  if (facts.certificate && facts.certificate->not_before > facts.now)
    out.push_back(fmt::format("the client certificate is valid only from {}: is this machine's clock right?",
                              format_rfc3339(facts.certificate->not_before)));
  if (!access.tls())
    out.emplace_back(
        "the server is spoken to over plain http: everyone on the way can read and change what is said");
  else if (access.insecure)
    out.emplace_back("the server's certificate is not checked: it may be anyone (insecure-skip-tls-verify)");
  if (const auto lead = clock_lead(facts); lead && std::chrono::abs(*lead) > kClocksDiffer)
    out.push_back(fmt::format("the server's clock is {} {} this machine's",
                              format_duration(std::chrono::abs(*lead)),
                              *lead > Duration::zero() ? "ahead of" : "behind"));
  return out;
}

}  // namespace wukong::commands
