#include "base/time.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace wukong {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

std::int64_t unix_ns(std::string_view written) {
  const auto parsed = parse_rfc3339(written);
  REQUIRE_MESSAGE(parsed.has_value(), written);
  return std::chrono::duration_cast<nanoseconds>(parsed->time_since_epoch()).count();
}

TEST_CASE("parse_rfc3339: fractions and offsets") {
  CHECK(unix_ns("1970-01-01T00:00:00Z") == 0);
  CHECK(unix_ns("2026-11-20T05:28:19Z") == 1'795'152'499'000'000'000);
  CHECK(unix_ns("2026-11-20T07:28:19+02:00") == unix_ns("2026-11-20T05:28:19Z"));
  CHECK(unix_ns("2026-11-19T23:58:19-05:30") == unix_ns("2026-11-20T05:28:19Z"));
  CHECK(unix_ns("2026-11-20t05:28:19z") == unix_ns("2026-11-20T05:28:19Z"));
  CHECK(unix_ns("1970-01-01T00:00:00.5Z") == 500'000'000);
  CHECK(unix_ns("1970-01-01T00:00:00.000001Z") == 1'000);  // metav1.MicroTime
  CHECK(unix_ns("1970-01-01T00:00:00.1234567899999Z") == 123'456'789);
  CHECK(unix_ns("1969-12-31T23:59:59Z") == -1'000'000'000);
  CHECK(unix_ns("2016-12-31T23:59:60Z") == unix_ns("2017-01-01T00:00:00Z"));
  CHECK(unix_ns("2024-02-29T00:00:00Z") == unix_ns("2024-03-01T00:00:00Z") - 86'400'000'000'000);
}

TEST_CASE("parse_rfc3339: refusals") {
  for (const std::string_view bad : {"",
                                     "2026",
                                     "2026-11-20",
                                     "2026-11-20T05:28Z",
                                     "2026-11-20T05:28:19",
                                     "2026-11-20T05:28:19.Z",
                                     "2026-13-01T00:00:00Z",
                                     "2026-02-29T00:00:00Z",
                                     "2026-00-10T00:00:00Z",
                                     "2026-01-00T00:00:00Z",
                                     "2026-01-01T24:00:00Z",
                                     "2026-01-01T00:60:00Z",
                                     "2026-01-01T00:00:61Z",
                                     "2026-1-1T0:0:0Z",
                                     "2026-01-01T00:00:00+0200",
                                     "2026-01-01T00:00:00+24:00",
                                     "2026-01-01T00:00:00Zx",
                                     " 2026-01-01T00:00:00Z",
                                     "-026-01-01T00:00:00Z",
                                     "2026-01-01T00:00:00.5",
                                     "2026-01-01T+1:00:00Z",
                                     "now"}) {
    CAPTURE(bad);
    const auto parsed = parse_rfc3339(bad);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().code == Code::usage);
  }
  CHECK_FALSE(parse_rfc3339(std::string_view("2026-01-01T00:00:00Z\0", 21)).has_value());
}

TEST_CASE("parse_rfc3339: what the clock cannot hold is its end") {
  CHECK(*parse_rfc3339("9999-12-31T23:59:59Z") == WallTime::max());
  CHECK(*parse_rfc3339("9999-12-31T23:59:59.999999999-23:59") == WallTime::max());
  CHECK(*parse_rfc3339("0001-01-01T00:00:00Z") == WallTime::min());
  CHECK(*parse_rfc3339("2262-04-11T23:00:00Z") < WallTime::max());
  CHECK(*parse_rfc3339("1677-09-22T00:00:00Z") > WallTime::min());
  CHECK(wall_time(std::chrono::seconds::max()) == WallTime::max());
  CHECK(wall_time(std::chrono::seconds::min()) == WallTime::min());
}

TEST_CASE("format_rfc3339 and parse_rfc3339: round trip of whole seconds") {
  for (std::int64_t s = -9'000'000'000; s < 9'000'000'000; s += 123'456'789) {
    const WallTime time{std::chrono::seconds(s)};
    CHECK(parse_rfc3339(format_rfc3339(time)).value() == time);
  }
  CHECK(format_rfc3339(*parse_rfc3339("2026-11-20T05:28:19.999Z")) == "2026-11-20T05:28:19Z");
  CHECK(format_rfc3339(WallTime(-1ns)) == "1969-12-31T23:59:59Z");
  CHECK(utc_stamp(*parse_rfc3339("2026-11-20T05:28:19.5+01:00")) == "20261120-042819");
}

TEST_CASE("parse_duration: Go's forms and whole days") {
  const std::vector<std::pair<std::string, nanoseconds>> table{{"0", 0ns},
                                                               {"+0", 0ns},
                                                               {"0s", 0ns},
                                                               {"90s", 90s},
                                                               {"1h30m", 90min},
                                                               {"1.5h", 90min},
                                                               {"500ms", 500ms},
                                                               {"1us", 1us},
                                                               {"1\u00b5s", 1us},
                                                               {"1\u03bcs", 1us},
                                                               {"3ns", 3ns},
                                                               {".5s", 500ms},
                                                               {"5.s", 5s},
                                                               {"7d", 168h},
                                                               {"1d12h", 36h},
                                                               {"1m1m", 2min},
                                                               {"1s1h", 3601s},
                                                               {"0.1ns", 0ns},
                                                               {"0.333333333333333333h", 1'199'999'999'999ns},
                                                               {"0.100000000000000000000h", 360s},
                                                               {"9223372036854775807ns", nanoseconds::max()}};
  for (const auto& [written, wanted] : table) {
    CAPTURE(written);
    const auto parsed = parse_duration(written);
    REQUIRE(parsed.has_value());
    CHECK(parsed->count() == wanted.count());
  }
}

TEST_CASE("parse_duration: refusals") {
  for (const std::string_view bad : {"",
                                     "+",
                                     "-",
                                     "-1s",
                                     "-0",
                                     "30",
                                     "1",
                                     "s",
                                     ".",
                                     ".s",
                                     "1x",
                                     "1 s",
                                     " 1s",
                                     "1s ",
                                     "1h30",
                                     "1S",
                                     "1w",
                                     "1.5d",
                                     "1e3s",
                                     "1..5s",
                                     "1.5.5s",
                                     "9223372036854775808ns",
                                     "2562048h",
                                     "106752d",
                                     "99999999999999999999s",
                                     "inf",
                                     "1h-1m",
                                     "0x1s"}) {
    CAPTURE(bad);
    const auto parsed = parse_duration(bad);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().code == Code::usage);
    CHECK(parsed.error().hint.find("1h30m") != std::string::npos);
  }
  CHECK_FALSE(parse_duration(std::string_view("1s\0", 3)).has_value());
  CHECK_FALSE(parse_duration("1\x1b[31ms").has_value());
  CHECK(parse_duration("1\x1b[31ms").error().message.find('\x1b') == std::string::npos);
}

TEST_CASE("format_duration: short forms") {
  CHECK(format_duration(0ns) == "0ms");
  CHECK(format_duration(-5s) == "0ms");
  CHECK(format_duration(850ms) == "850ms");
  CHECK(format_duration(999'999'999ns) == "999ms");
  CHECK(format_duration(12s) == "12s");
  CHECK(format_duration(59'999ms) == "59s");
  CHECK(format_duration(185s) == "3m05s");
  CHECK(format_duration(124min) == "2h04m");
  CHECK(format_duration(123h) == "5d3h");
  CHECK(format_duration(nanoseconds::max()) == "106751d23h");
}

}  // namespace
}  // namespace wukong
