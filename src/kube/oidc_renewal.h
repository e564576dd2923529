// Getting a new token from an OIDC issuer: two HTTP requests on a thread of their own, and the kubeconfig that keeps it.
#pragma once

#include <poll.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "kube/oidc.h"

namespace wukong::kube {

/// Asks the issuer and keeps its answer in the kubeconfig. Blocks, for at most half a minute per request or until `stop`.
/// A refresh token may be good for one use only, so nothing is sent where the answer could not be kept, and once it was sent
/// the answer is waited for a few seconds more. Errors: `unauthenticated`; `unreachable`: another try may do better.
Result<OidcTokens> renew_tokens(const OidcSpec& spec, const std::atomic<bool>& stop);

using Renew = std::function<Result<OidcTokens>(const OidcSpec&, const std::atomic<bool>& stop)>;

/// A renewal that is under way. Dropping it stops and waits for it.
class OidcRenewal {
 public:
  /// Errors: `failed` when the system has no thread for it.
  static Result<OidcRenewal> start(const OidcSpec& spec, Renew renew);
  OidcRenewal(OidcRenewal&&) noexcept = default;
  OidcRenewal& operator=(OidcRenewal&&) noexcept = default;
  OidcRenewal(const OidcRenewal&) = delete;
  OidcRenewal& operator=(const OidcRenewal&) = delete;
  ~OidcRenewal() = default;

  /// What to poll for.
  pollfd wait() const;
  /// What came of it, once it has ended; never blocks.
  std::optional<Result<OidcTokens>> result() const;

 private:
  struct State;
  explicit OidcRenewal(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

}  // namespace wukong::kube
