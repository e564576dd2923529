#include "op/stall_clock.h"

namespace wukong::op {

void StallClock::feed(const Verdict& verdict, Time now, bool blind) {
  const bool moved = verdict.stage != stage_ || verdict.detail != detail_ || verdict.fraction != fraction_;
  stage_ = verdict.stage;
  detail_ = verdict.detail;
  fraction_ = verdict.fraction;

  if (moved || blind || (since_ && verdict.cause.empty() && now - last_seen_ > kGone)) {
    since_.reset();
    cause_.clear();
  }
  if (verdict.cause.empty() || blind) return;
  cause_ = verdict.cause;
  last_seen_ = now;
  if (!since_) since_ = now;
}

}  // namespace wukong::op
