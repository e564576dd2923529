// When a request that went wrong is sent again. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <string_view>
#include <tl/expected.hpp>

#include "base/result.h"
#include "base/view.h"
#include "kube/api.h"

namespace wukong::kube {

using Random = std::mt19937_64;

/// One try that went wrong.
struct Failure {
  Error error{};
  bool retryable{};  // the same request may get through later
  bool brief{};      // if so, within moments: it is tried again for `kBrief` only
  bool foreign{};    // a 400 or 404 in other words than the API's: something on the way may have said it
  std::optional<Duration> retry_after{};
};

/// Patience with what is more likely to stay than to pass: a read that is answered with a plain 500, a proxy's own 404.
inline constexpr std::chrono::seconds kBrief{3};

/// What one try came to.
using Attempt = tl::expected<Response, Failure>;

/// Pause before try number `attempt` + 1 (`attempt` >= 1 tries were made): 0.25 s doubling to 10 s, of which
/// between half and all is taken by chance; never shorter than `retry_after`, which is taken as at most 60 s.
Duration backoff(unsigned attempt, std::optional<Duration> retry_after, Random& random);

/// The same for a request with patience: nothing when the failure is final, or when `patience` is used up (the first
/// try began `spent` ago) or would be before `retry_after`. The last pause is shortened to what is left.
std::optional<Duration> retry_delay(const Failure& failure, unsigned attempt, Duration spent,
                                    Duration patience, Random& random);

/// True for answers that a later try may turn into success: 429, 502, 503, 504; 500 only with Retry-After, or
/// when the API server could not reach a webhook or its own storage for a moment. `message`: of the Status.
bool is_retryable_status(int status, std::string_view message, bool has_retry_after);

/// True for curl codes of trouble on the way; false for what will not mend itself (certificates, malformed
/// URLs).
bool is_retryable_transport(int curl_code, std::string_view text);

}  // namespace wukong::kube
