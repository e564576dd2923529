#include "kube/outage.h"

#include <doctest/doctest.h>

using namespace wukong;
using namespace wukong::kube;
using namespace std::chrono_literals;

TEST_CASE("outage: told once, by the first answer after more than a moment without any") {
  const Time start{};
  Outage outage{};
  CHECK_FALSE(outage.reached(start));
  outage.failed(start + 1s);
  CHECK_FALSE(outage.reached(start + 1500ms));  // one request's own trouble
  outage.failed(start + 2s);
  outage.failed(start + 5s);
  CHECK(outage.reached(start + 5s));
  CHECK_FALSE(outage.reached(start + 9s));
}
