#include "kube/retry.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>

namespace wukong::kube {
namespace {

constexpr std::chrono::milliseconds kFirstPause{250};
constexpr std::chrono::milliseconds kLastPause{250};  // less is left: another try so soon tells nothing new
constexpr std::chrono::milliseconds kLongestPause{10'000};
constexpr std::chrono::seconds kLongestRetryAfter{60};

bool contains_any(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](auto word) { return text.find(word) != std::string_view::npos; });
}

/// The API server reached no webhook: nothing was decided. A webhook that denies answers 4xx instead.
bool webhook_unreachable(std::string_view message) {
  return contains_any(message, {"failed calling webhook", "failed to call webhook"}) &&
         contains_any(message, {"connection refused", "connection reset", "timeout", "timed out",
                                "deadline exceeded", "no endpoints available", "EOF", "no route to host"});
}

}  // namespace

Duration backoff(unsigned attempt, std::optional<Duration> retry_after, Random& random) {
  const unsigned doublings = std::min(attempt == 0 ? 0U : attempt - 1, 16U);
  const std::chrono::milliseconds full = std::min(kFirstPause * (1L << doublings), kLongestPause);
  std::uniform_int_distribution<std::int64_t> share(full.count() / 2, full.count());
  const Duration pause = std::chrono::milliseconds{share(random)};
  if (!retry_after) return pause;
  return std::max(pause, std::min<Duration>(*retry_after, kLongestRetryAfter));
}

std::optional<Duration> retry_delay(const Failure& failure, unsigned attempt, Duration spent,
                                    Duration patience, Random& random) {
  if (!failure.retryable) return std::nullopt;
  if (failure.brief) patience = std::min<Duration>(patience, kBrief);
  const Duration left = patience - spent;
  if (left < kLastPause || failure.retry_after.value_or(Duration::zero()) > left) return std::nullopt;
  return std::min(backoff(attempt, failure.retry_after, random),
                  left);  // patience ends with a try, not in a pause
}

bool is_retryable_status(int status, std::string_view message, bool has_retry_after) {
  switch (status) {
    case 429:
    case 502:
    case 503:
    case 504:
      return true;
    case 500:
      return has_retry_after || webhook_unreachable(message) ||
             contains_any(message, {"etcdserver: leader changed", "etcdserver: request timed out"});
    default:
      return false;
  }
}

bool is_retryable_transport(int curl_code, std::string_view text) {
  static constexpr std::array kFinal{
      CURLE_UNSUPPORTED_PROTOCOL,  CURLE_URL_MALFORMAT,        CURLE_PEER_FAILED_VERIFICATION,
      CURLE_SSL_CERTPROBLEM,       CURLE_SSL_CIPHER,           CURLE_SSL_CACERT_BADFILE,
      CURLE_SSL_ISSUER_ERROR,      CURLE_OUT_OF_MEMORY,        CURLE_FAILED_INIT,
      CURLE_BAD_FUNCTION_ARGUMENT, CURLE_SSL_INVALIDCERTSTATUS};
  if (std::find(kFinal.begin(), kFinal.end(), static_cast<CURLcode>(curl_code)) != kFinal.end()) return false;
  // https spoken to a port that does not, in OpenSSL's words; a proxy that does not let us.
  return !contains_any(text, {"wrong version number", "unknown protocol",
                              "CONNECT tunnel failed, response 403", "CONNECT tunnel failed, response 407"});
}

}  // namespace wukong::kube
