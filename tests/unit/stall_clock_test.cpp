#include "op/stall_clock.h"

#include <doctest/doctest.h>

using namespace wukong;
using namespace wukong::op;
using std::chrono::seconds;

namespace {

Verdict stuck(std::string cause, std::string detail = "0 of 1 volumes bound") {
  return {.stage = "Restoring", .detail = std::move(detail), .cause = std::move(cause)};
}

Time at(int s) { return Time{} + seconds{100 + s}; }

}  // namespace

TEST_CASE("stall clock: a problem stands from its first sight, whatever words it takes") {
  StallClock clock;
  clock.feed(stuck("no space left"), at(0), false);
  clock.feed(stuck("the object has been modified"), at(10), false);
  clock.feed(stuck("no space left"), at(20), false);
  CHECK(clock.stood(at(20)) == seconds{20});
  CHECK(clock.cause() == "no space left");
}

TEST_CASE("stall clock: movement starts it anew") {
  StallClock clock;
  clock.feed(stuck("quota"), at(0), false);
  clock.feed(stuck("quota", "1 of 2 volumes bound"), at(30), false);
  CHECK(clock.stood(at(31)) == seconds{1});
}

TEST_CASE("stall clock: a short gap does not clear it, a long one does") {
  StallClock clock;
  clock.feed(stuck("404 Not Found"), at(0), false);
  clock.feed(stuck(""), at(3), false);
  CHECK(clock.stood(at(3)) == seconds{3});
  clock.feed(stuck("404 Not Found"), at(4), false);
  CHECK(clock.stood(at(10)) == seconds{10});
  clock.feed(stuck(""), at(12), false);
  CHECK(clock.stood(at(12)) == Duration::zero());
  CHECK(clock.cause().empty());
}

TEST_CASE("stall clock: nothing stands while the cluster cannot be heard") {
  StallClock clock;
  clock.feed(stuck("quota"), at(0), false);
  clock.feed(stuck("quota"), at(100), true);
  CHECK(clock.stood(at(100)) == Duration::zero());
  clock.feed(stuck("quota"), at(101), false);
  CHECK(clock.stood(at(103)) == seconds{2});
}
