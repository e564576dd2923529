// Wall-clock time in text: RFC 3339, Go durations, ages.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"

namespace wukong {

using WallTime = std::chrono::system_clock::time_point;

/// A Unix time; the clock counts nanoseconds in 64 bits and so ends in 1677 and 2262: what lies beyond is its end.
WallTime wall_time(std::chrono::seconds since_epoch);
/// Parses RFC 3339 ("2026-11-20T05:28:19Z", fractions and offsets allowed) as wall_time() does. Errors: `usage`.
Result<WallTime> parse_rfc3339(std::string_view text);
/// "2026-11-20T05:28:19Z", always UTC, whole seconds.
std::string format_rfc3339(WallTime time);
/// "20261120-052819", UTC: the part of generated names that holds a time.
std::string utc_stamp(WallTime time);

/// A Go duration ("1h30m", "90s", "1.5h", "500ms") or "0"; also whole days ("7d"), which Go lacks. Never negative.
/// Errors: `usage`, with an example.
Result<std::chrono::nanoseconds> parse_duration(std::string_view text);
/// Short form for people: "850ms", "12s", "3m05s", "2h04m", "5d3h".
std::string format_duration(std::chrono::nanoseconds duration);

}  // namespace wukong
