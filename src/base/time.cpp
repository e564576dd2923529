#include "base/time.h"

#include <date/date.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "base/text.h"

namespace wukong {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr std::string_view kDigits = "0123456789";

/// Reads exactly `count` digits at the front of `text` and removes them.
std::optional<int> take_number(std::string_view& text, std::size_t count) {
  if (text.size() < count || text.substr(0, count).find_first_not_of(kDigits) != std::string_view::npos)
    return std::nullopt;
  int number = 0;
  for (const char c : text.substr(0, count)) number = number * 10 + (c - '0');
  text.remove_prefix(count);
  return number;
}

bool take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<date::sys_days> take_date(std::string_view& text) {
  const auto year = take_number(text, 4);
  if (!year || !take(text, "-")) return std::nullopt;
  const auto month = take_number(text, 2);
  if (!month || !take(text, "-")) return std::nullopt;
  const auto day = take_number(text, 2);
  if (!day) return std::nullopt;
  const date::year_month_day ymd{date::year(*year), date::month(static_cast<unsigned>(*month)),
                                 date::day(static_cast<unsigned>(*day))};
  if (!ymd.ok()) return std::nullopt;
  return date::sys_days(ymd);
}

std::optional<seconds> take_clock(std::string_view& text) {
  const auto hours = take_number(text, 2);
  if (!hours || *hours > 23 || !take(text, ":")) return std::nullopt;
  const auto minutes = take_number(text, 2);
  if (!minutes || *minutes > 59 || !take(text, ":")) return std::nullopt;
  const auto whole = take_number(text, 2);
  if (!whole || *whole > 60) return std::nullopt;  // 60: a leap second
  return std::chrono::hours(*hours) + std::chrono::minutes(*minutes) + seconds(*whole);
}

/// ".123456789": digits past nanoseconds are cut.
std::optional<nanoseconds> take_fraction(std::string_view& text) {
  if (!take(text, ".")) return nanoseconds(0);
  const std::size_t count = std::min(text.find_first_not_of(kDigits), text.size());
  if (count == 0) return std::nullopt;
  std::int64_t count_ns = 0;
  for (std::size_t i = 0; i < 9; ++i) count_ns = count_ns * 10 + (i < count ? text[i] - '0' : 0);
  text.remove_prefix(count);
  return nanoseconds(count_ns);
}

std::optional<seconds> take_offset(std::string_view& text) {
  if (take(text, "Zz")) return seconds(0);
  const bool west = !text.empty() && text.front() == '-';
  if (!take(text, "+-")) return std::nullopt;
  const auto hours = take_number(text, 2);
  if (!hours || *hours > 23 || !take(text, ":")) return std::nullopt;
  const auto minutes = take_number(text, 2);
  if (!minutes || *minutes > 59) return std::nullopt;
  const seconds offset = std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
  return west ? -offset : offset;
}

std::optional<WallTime> rfc3339(std::string_view text) {
  const auto day = take_date(text);
  if (!day || !take(text, "Tt ")) return std::nullopt;
  const auto clock = take_clock(text);
  if (!clock) return std::nullopt;
  const auto fraction = take_fraction(text);
  if (!fraction) return std::nullopt;
  const auto offset = take_offset(text);
  if (!offset || !text.empty()) return std::nullopt;
  const auto whole = std::chrono::time_point_cast<seconds>(*day) + *clock - *offset;
  const WallTime time = wall_time(whole.time_since_epoch());
  if (time == WallTime::max() || time == WallTime::min()) return time;
  return time + std::chrono::duration_cast<WallTime::duration>(*fraction);
}

struct Unit {
  std::string_view name{};
  std::int64_t ns{};
};

/// Longer names first: "ms" is not "m". Both "µ" (U+00B5) and "μ" (U+03BC), as Go.
constexpr std::array<Unit, 9> kUnits{{{"ns", 1},
                                      {"us", 1'000},
                                      {"\u00b5s", 1'000},
                                      {"\u03bcs", 1'000},
                                      {"ms", 1'000'000},
                                      {"s", 1'000'000'000},
                                      {"m", 60'000'000'000},
                                      {"h", 3'600'000'000'000},
                                      {"d", 86'400'000'000'000}}};

std::optional<std::int64_t> take_unit(std::string_view& text) {
  for (const Unit& unit : kUnits) {
    if (!text.starts_with(unit.name)) continue;
    text.remove_prefix(unit.name.size());
    return unit.ns;
  }
  return std::nullopt;
}

/// One "1.5h", in nanoseconds; a fraction of one is cut, as Go does.
std::optional<std::int64_t> take_term(std::string_view& text) {
  const std::size_t whole = std::min(text.find_first_not_of(kDigits), text.size());
  const std::string_view digits = text.substr(0, whole);
  text.remove_prefix(whole);
  std::string_view decimals;
  const bool point = take(text, ".");
  if (point) {
    decimals = text.substr(0, std::min(text.find_first_not_of(kDigits), text.size()));
    text.remove_prefix(decimals.size());
  }
  if (digits.empty() && decimals.empty()) return std::nullopt;
  const auto unit = take_unit(text);
  if (!unit || (point && *unit == kUnits.back().ns)) return std::nullopt;
  std::int64_t total = 0;
  for (const char c : digits)
    if (__builtin_mul_overflow(total, 10, &total) || __builtin_add_overflow(total, c - '0', &total))
      return std::nullopt;
  if (__builtin_mul_overflow(total, *unit, &total)) return std::nullopt;
  // From the last decimal to the first; a cut at every place cuts no more than one at the end.
  std::int64_t part = 0;
  for (auto digit = decimals.rbegin(); digit != decimals.rend(); ++digit)
    part = (part + (*digit - '0') * *unit) / 10;
  if (__builtin_add_overflow(total, part, &total)) return std::nullopt;
  return total;
}

std::optional<nanoseconds> duration(std::string_view text) {
  take(text, "+");
  if (text == "0") return nanoseconds(0);
  if (text.empty()) return std::nullopt;
  std::int64_t total = 0;
  while (!text.empty()) {
    const auto term = take_term(text);
    if (!term || __builtin_add_overflow(total, *term, &total)) return std::nullopt;
  }
  return nanoseconds(total);
}

}  // namespace

WallTime wall_time(seconds since_epoch) {
  constexpr seconds kLimit = std::chrono::duration_cast<seconds>(WallTime::duration::max()) - seconds(1);
  if (since_epoch > kLimit) return WallTime::max();
  if (since_epoch < -kLimit) return WallTime::min();
  return WallTime(since_epoch);
}

Result<WallTime> parse_rfc3339(std::string_view text) {
  if (const auto time = rfc3339(text)) return *time;
  return usage(fmt::format("\"{}\" is not a time", printable(text)), "write it as 2026-11-20T05:28:19Z");
}

std::string format_rfc3339(WallTime time) { return date::format("%FT%TZ", date::floor<seconds>(time)); }

std::string utc_stamp(WallTime time) { return date::format("%Y%m%d-%H%M%S", date::floor<seconds>(time)); }

Result<nanoseconds> parse_duration(std::string_view text) {
  if (const auto parsed = duration(text)) return *parsed;
  return usage(fmt::format("\"{}\" is not a duration", printable(text)), "write it as 90s, 1h30m or 7d");
}

std::string format_duration(nanoseconds duration) {
  const auto ns = std::max<std::int64_t>(duration.count(), 0);
  const std::int64_t s = ns / 1'000'000'000;
  if (s < 1) return fmt::format("{}ms", ns / 1'000'000);
  if (s < 60) return fmt::format("{}s", s);
  if (s < 3'600) return fmt::format("{}m{:02}s", s / 60, s % 60);
  if (s < 86'400) return fmt::format("{}h{:02}m", s / 3'600, s % 3'600 / 60);
  return fmt::format("{}d{}h", s / 86'400, s % 86'400 / 3'600);
}

}  // namespace wukong
