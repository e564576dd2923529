#include "kube/watch_rules.h"

namespace wukong::kube {
namespace {

using Next = WatchRules::Next;

// A watch that ends sooner, without a word, is taken for a failure: else it would be begun again without a
// pause.
constexpr std::chrono::seconds kShortest{1};

/// Tries that take about a minute.
constexpr unsigned kPatientTries = 12;

Next stop(const Error& why) { return Next{.act = Next::Act::stop, .why = why}; }

}  // namespace

/// True when a further try can do no better.
bool WatchRules::is_final(const Failure& failure) {
  const bool doubtful = failure.foreign && listed_;
  doubts_ = doubtful ? doubts_ + 1 : 0;
  switch (failure.error.code) {
    case Code::forbidden:
    case Code::usage:
      return true;
    case Code::unauthenticated:
      return !failure.retryable;
    case Code::not_found:
    case Code::invalid:
      // It was there a moment ago: an ingress that reloads knows no path. A kind that was taken away is not awaited for ever.
      return !doubtful || doubts_ > kPatientTries;
    default:
      return false;
  }
}

Next WatchRules::listed(const std::string& version) {
  listed_ = true;
  version_ = version;
  failures_ = 0;
  trouble_.clear();
  return Next{.act = Next::Act::watch, .version = version_};
}

Next WatchRules::list_failed(const Failure& failure) {
  if (is_final(failure)) return stop(failure.error);
  if (failure.error.code == Code::expired) {
    Next next = expired();
    next.whole = true;
    return next;
  }
  trouble_ = failure.error.message;
  return again(Next::Act::list, failure.retry_after);
}

void WatchRules::opened(Time now) {
  opened_at_ = now;
  saw_any_ = false;
  trouble_.clear();
}

void WatchRules::saw(const std::string& version) {
  if (!version.empty()) version_ = version;
  saw_any_ = true;
  failures_ = 0;
  expiries_ = 0;
  trouble_.clear();
}

Next WatchRules::ended(const std::optional<Failure>& failure, Time now) {
  const std::optional<Time> opened_at = std::exchange(opened_at_, std::nullopt);
  if (failure && is_final(*failure)) return stop(failure->error);
  if (failure && failure->error.code == Code::expired) return expired();
  const bool lived = opened_at && (saw_any_ || now - *opened_at >= kShortest);
  if (lived) failures_ = 0;
  if (!failure && lived) return Next{.act = Next::Act::watch, .version = version_};
  if (failure && (!opened_at || failures_ > 0)) trouble_ = failure->error.message;
  return again(Next::Act::watch, failure ? failure->retry_after : std::nullopt);
}

Next WatchRules::again(Next::Act act, std::optional<Duration> retry_after) {
  const Duration pause = backoff(++failures_, retry_after, random_);
  return Next{.act = act, .pause = pause, .version = act == Next::Act::watch ? version_ : std::string()};
}

/// A version that the server no longer knows. A busy server with a small watch cache may say so within
/// seconds of the list: the first time nothing is lost by listing at once.
Next WatchRules::expired() {
  version_.clear();
  const Duration pause = expiries_ == 0 ? Duration::zero() : backoff(expiries_, std::nullopt, random_);
  ++expiries_;
  return Next{.act = Next::Act::list, .pause = pause};
}

int WatchRules::timeout_seconds() { return std::uniform_int_distribution<int>(300, 600)(random_); }

}  // namespace wukong::kube
