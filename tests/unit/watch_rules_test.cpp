#include "kube/watch_rules.h"

#include <doctest/doctest.h>

using namespace wukong;
using namespace wukong::kube;
using namespace std::chrono_literals;

namespace {

using Act = WatchRules::Next::Act;

Failure failure(Code code, const std::string& message = "m") {
  return Failure{.error = {.code = code, .message = message}, .retryable = true};
}

constexpr Time kStart{};

}  // namespace

TEST_CASE(
    "watch rules: list, watch from its version, and from the newest one when the server ends the stream") {
  WatchRules rules(1);
  CHECK(rules.start().act == Act::list);
  const auto first = rules.listed("100");
  CHECK(first.act == Act::watch);
  CHECK(first.pause == 0s);
  CHECK(first.version == "100");
  rules.opened(kStart);
  rules.saw("107");
  const auto next = rules.ended(std::nullopt, kStart + 5min);
  CHECK(next.act == Act::watch);
  CHECK(next.pause == 0s);
  CHECK(next.version == "107");
  CHECK(rules.trouble().empty());
}

TEST_CASE("watch rules: a cut is mended in silence; an interruption that lasts is told until data flows") {
  WatchRules rules(1);
  static_cast<void>(rules.listed("100"));
  rules.opened(kStart);
  rules.saw("101");
  auto next = rules.ended(failure(Code::unreachable, "reset"), kStart + 1min);
  CHECK(next.act == Act::watch);
  CHECK(next.version == "101");
  CHECK(next.pause > 0s);
  CHECK(rules.trouble().empty());
  next = rules.ended(failure(Code::unreachable, "connection refused"), kStart + 2min);
  CHECK(next.act == Act::watch);
  CHECK(rules.trouble() == "connection refused");
  rules.opened(kStart + 3min);
  CHECK(rules.trouble().empty());
}

TEST_CASE("watch rules: pauses grow while nothing comes, and never end") {
  WatchRules rules(1);
  static_cast<void>(rules.listed("100"));
  Duration longest{};
  for (int i = 0; i < 100; ++i) {
    const auto next = rules.ended(failure(Code::unreachable), kStart);
    REQUIRE(next.act == Act::watch);
    CHECK(next.pause <= 10s);
    longest = std::max(longest, next.pause);
  }
  CHECK(longest > 5s);
}

TEST_CASE("watch rules: a server that ends each watch at once is not asked without pause") {
  WatchRules rules(1);
  static_cast<void>(rules.listed("100"));
  rules.opened(kStart);
  CHECK(rules.ended(std::nullopt, kStart + 10ms).pause > 0s);
  rules.opened(kStart);
  rules.saw("101");
  CHECK(rules.ended(std::nullopt, kStart + 10ms).pause == 0s);
}

TEST_CASE("watch rules: 410 lists anew, at once the first time") {
  WatchRules rules(1);
  static_cast<void>(rules.listed("100"));
  rules.opened(kStart);
  auto next = rules.ended(failure(Code::expired), kStart);
  CHECK(next.act == Act::list);
  CHECK(next.pause == 0s);
  CHECK_FALSE(next.whole);
  static_cast<void>(rules.listed("200"));
  rules.opened(kStart);
  next = rules.ended(failure(Code::expired), kStart);
  CHECK(next.act == Act::list);
  CHECK(next.pause > 0s);
  static_cast<void>(rules.listed("300"));
  rules.opened(kStart);
  rules.saw("301");
  CHECK(rules.ended(failure(Code::expired), kStart).pause == 0s);
}

TEST_CASE("watch rules: pages that expire while they are read are read in one answer") {
  WatchRules rules(1);
  const auto next = rules.list_failed(failure(Code::expired));
  CHECK(next.act == Act::list);
  CHECK(next.whole);
}

TEST_CASE("watch rules: what we may not see, or what is not served, ends it") {
  for (const Code code : {Code::forbidden, Code::not_found, Code::unauthenticated, Code::invalid}) {
    const Failure refusal{.error = {.code = code, .message = "why"}};
    WatchRules listing(1);
    CHECK(listing.list_failed(refusal).act == Act::stop);
    CHECK(listing.list_failed(refusal).why.message == "why");
    WatchRules watching(1);
    static_cast<void>(watching.listed("1"));
    CHECK(watching.ended(refusal, kStart).act == Act::stop);
  }
}

TEST_CASE("watch rules: a login that fails although it went well before is no end") {
  WatchRules rules(1);
  static_cast<void>(rules.listed("1"));
  for (int i = 0; i < 100; ++i)
    CHECK(rules.ended(failure(Code::unauthenticated, "credential plugin failed"), kStart).act == Act::watch);
  CHECK(rules.trouble() == "credential plugin failed");
}

TEST_CASE("watch rules: a path that is gone in other words than the API's is no end, unless it stays gone") {
  const Failure proxy{.error = {.code = Code::not_found, .message = "404 page not found"}, .foreign = true};
  WatchRules rules(1);
  CHECK(rules.list_failed(proxy).act == Act::stop);  // never listed: not served
  static_cast<void>(rules.listed("1"));
  for (int i = 0; i < 50; ++i) static_cast<void>(rules.ended(failure(Code::unreachable), kStart));
  Duration stood{};
  auto next = rules.ended(proxy, kStart);
  for (; next.act != Act::stop; next = rules.ended(proxy, kStart)) stood += next.pause;
  CHECK(rules.trouble() == "404 page not found");
  CHECK(stood >= 30s);
  CHECK(stood <= 3min);
}

TEST_CASE("watch rules: a list that fails is tried again, with what the server asks for") {
  WatchRules rules(1);
  Failure busy = failure(Code::unreachable, "too many requests");
  busy.retry_after = 7s;
  const auto next = rules.list_failed(busy);
  CHECK(next.act == Act::list);
  CHECK(next.pause == 7s);
  CHECK(rules.trouble() == "too many requests");
  CHECK(rules.list_failed(failure(Code::failed)).act == Act::list);
}

TEST_CASE("watch rules: watches end at different times") {
  WatchRules rules(1);
  for (int i = 0; i < 20; ++i) {
    const int seconds = rules.timeout_seconds();
    CHECK(seconds >= 300);
    CHECK(seconds <= 600);
  }
}
