#include "kube/api_error.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "base/time.h"

namespace wukong::kube {
namespace {

constexpr std::string_view kNotServed = "404 page not found";
constexpr std::size_t kLongestPlainText = 300;
constexpr const char* kNameHint = "check the server's name in the kubeconfig, and the network or VPN";
constexpr const char* kProxyHint = "check proxy-url in the kubeconfig, and HTTPS_PROXY and NO_PROXY";

bool contains(std::string_view text, std::string_view word) {
  return text.find(word) != std::string_view::npos;
}

Code code_of(int status, std::string_view reason, std::string_view message) {
  switch (status) {
    case 400:
    case 405:
    case 406:
    case 413:
    case 415:
    case 422:
      return Code::invalid;
    case 401:
      return Code::unauthenticated;
    // A used up ResourceQuota is a 403, too, but nobody lacks a permission.
    case 403:
      return contains(message, "exceeded quota") ? Code::failed : Code::forbidden;
    case 404:
      return Code::not_found;
    case 409:
      return reason == "AlreadyExists" ? Code::already_exists : Code::conflict;
    case 410:
      return Code::expired;
    case 429:
      return Code::overloaded;
    case 502:
    case 503:
    case 504:
      return Code::unreachable;
    default:
      return reason == "Expired" || reason == "Gone" ? Code::expired : Code::failed;
  }
}

/// `details.causes` as "field: message"; what the message says anyway is left out.
std::vector<std::string> causes_of(const Json& status, std::string_view message) {
  std::vector<std::string> out;
  for (const Json& cause : items(status, {"details", "causes"})) {
    const std::string_view field = text(cause, {"field"});
    const std::string_view words = text(cause, {"message"});
    if (words.empty() || (contains(message, words) && contains(message, field))) continue;
    out.push_back(field.empty() ? std::string(words) : fmt::format("{}: {}", field, words));
  }
  return out;
}

std::string hint_of(const Error& error) {
  if (contains(error.message, "exceeded quota"))
    return "the namespace's ResourceQuota is used up: see `kubectl describe resourcequota`";
  if (error.code == Code::forbidden && contains(error.message, "system:anonymous"))
    return "no credentials were sent: check the user of this kubeconfig context";
  return {};
}

Error plain_error(int status, std::string_view body, const std::string& path) {
  const std::string_view words = trim(body);
  if (status == 404 && words.starts_with(kNotServed)) {
    return Error{.code = Code::not_found,
                 .message = fmt::format("the server does not serve {} ({})", path, kNotServed),
                 .hint = "see what it serves with `kubectl api-resources`"};
  }
  const bool tells = !words.empty() && !words.starts_with('<') && words.size() <= kLongestPlainText;
  Error error{.code = code_of(status, "", words),
              .message = tells ? fmt::format("{} (HTTP {})", words, status)
                               : fmt::format("the server answered {} with HTTP {}", path, status)};
  if (status != 404) return error;
  // Of an object that is not there the API server says so in a Status.
  error.code = Code::unreachable;
  error.hint = "a proxy on the way may have said so: check the server's URL in the kubeconfig";
  return error;
}

std::string credentials_hint(const Peer& peer) {
  const std::string whose =
      peer.user.empty() ? std::string("that were sent") : fmt::format("of user \"{}\"", peer.user);
  const std::string where =
      peer.context.empty() ? std::string() : fmt::format(" (context \"{}\")", peer.context);
  return fmt::format("the server does not accept the credentials {}{}: they may have expired; log in again",
                     whose, where);
}

std::string transfer_hint(int code, std::string_view text) {
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
      if (contains(text, "subject name"))
        return "the server's certificate is for other names: use one of them in the server's URL, or "
               "--tls-server-name";
      if (contains(text, "expired"))
        return "the server's certificate has expired (or this machine's clock is wrong)";
      return "check certificate-authority-data of this cluster in the kubeconfig, or --certificate-authority";
    case CURLE_SSL_CERTPROBLEM:
      return "check client-certificate-data and client-key-data of this user in the kubeconfig";
    case CURLE_SSL_CACERT_BADFILE:
      return "certificate-authority-data of this cluster is no PEM certificate";
    case CURLE_COULDNT_RESOLVE_PROXY:
      return kProxyHint;
    case CURLE_COULDNT_RESOLVE_HOST:
      return kNameHint;
    case CURLE_SSL_CONNECT_ERROR:
      if (contains(text, "wrong version number"))
        return "the port does not speak https: check the server's URL";
      [[fallthrough]];
    default:
      if (contains(text, "Resolving timed out")) return kNameHint;
      if (contains(text, "CONNECT tunnel failed") || contains(text, "SOCKS")) return kProxyHint;
      return "check that the cluster is running and the network or VPN to it";
  }
}

}  // namespace

Error status_error(const Json& status) {
  const std::string_view message = text(status, {"message"});
  const std::string_view reason = text(status, {"reason"});
  const int code = static_cast<int>(integer(status, {"code"}).value_or(0));
  Error error{.code = code_of(code, reason, message),
              .message = message.empty() ? fmt::format("the server answered HTTP {} {}", code, reason)
                                         : std::string(message),
              .causes = causes_of(status, message)};
  error.hint = hint_of(error);
  return error;
}

Failure failed_status(int status, std::string_view body, std::optional<Duration> retry_after,
                      const std::string& path, const Peer& peer) {
  auto parsed = parse_json(body);
  // A 409 may say that an object is there already, or that it has changed: the missing half tells. Below 500 nothing was
  // carried out, so it can be asked again.
  if (!parsed && status < 500 && status != 401 && trim(body).starts_with('{')) {
    Failure broken = broken_answer(parsed.error(), path);
    broken.retry_after = retry_after;
    return broken;
  }
  const bool is_status = parsed.has_value() && text(*parsed, {"kind"}) == "Status";
  if (is_status) (*parsed)["code"] = status;  // some aggregated servers leave it out
  Failure failure{.error = is_status ? status_error(*parsed) : plain_error(status, body, path),
                  .retry_after = retry_after};
  failure.retryable = is_retryable_status(status, failure.error.message, retry_after.has_value());
  failure.foreign = !is_status && (status == 400 || status == 404);
  if (status == 404 && failure.error.code == Code::unreachable) failure.retryable = failure.brief = true;
  if (failure.error.code == Code::unauthenticated) {
    failure.error.message = fmt::format("not logged in to {}: {}", peer.server, failure.error.message);
    failure.error.hint = credentials_hint(peer);
  }
  return failure;
}

Failure failed_transfer(int curl_code, std::string_view text, const Peer& peer) {
  const bool retryable = is_retryable_transport(curl_code, text);
  const bool certificate = curl_code == CURLE_PEER_FAILED_VERIFICATION || curl_code == CURLE_SSL_ISSUER_ERROR;
  const std::string_view words = certificate ? "cannot verify the certificate of" : "cannot reach";
  return Failure{.error = {.code = Code::unreachable,
                           .message = fmt::format("{} {}: {}", words, peer.server, text),
                           .hint = transfer_hint(curl_code, text)},
                 .retryable = retryable};
}

Failure broken_answer(const Error& why, const std::string& path) {
  return Failure{.error = {.code = Code::unreachable,
                           .message = fmt::format("the answer to {} is cut off or no JSON", path),
                           .causes = {why.message}},
                 .retryable = true};
}

Error final_error(Failure failure, Duration spent, unsigned attempts, const Peer& peer) {
  Error error = std::move(failure.error);
  const bool passing = error.code == Code::unreachable || error.code == Code::overloaded;
  if (!failure.retryable || !passing || attempts < 2) return error;
  error.message = fmt::format("{}; tried for {}", error.message, format_duration(spent));
  if (error.hint.empty())
    error.hint = fmt::format("see whether {} is healthy: `kubectl get --raw /readyz`", peer.server);
  return error;
}

bool is_not_served(const Error& error) {
  return error.code == Code::not_found && contains(error.message, kNotServed);
}

}  // namespace wukong::kube
