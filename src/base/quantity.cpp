#include "base/quantity.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "base/text.h"

namespace wukong {
namespace {

constexpr std::string_view kDigits = "0123456789";

/// value * 2^two * 10^ten
struct Scale {
  int two{};
  int ten{};
};

struct Suffix {
  std::string_view name{};
  Scale scale{};
};

constexpr std::array<Suffix, 16> kSuffixes{{{"", {0, 0}},
                                            {"Ki", {10, 0}},
                                            {"Mi", {20, 0}},
                                            {"Gi", {30, 0}},
                                            {"Ti", {40, 0}},
                                            {"Pi", {50, 0}},
                                            {"Ei", {60, 0}},
                                            {"n", {0, -9}},
                                            {"u", {0, -6}},
                                            {"m", {0, -3}},
                                            {"k", {0, 3}},
                                            {"M", {0, 6}},
                                            {"G", {0, 9}},
                                            {"T", {0, 12}},
                                            {"P", {0, 15}},
                                            {"E", {0, 18}}}};

/// "e9", "E+9", "e-3". A lone "E" is the suffix exa.
std::optional<int> exponent(std::string_view text) {
  if (text.size() < 2 || (text.front() != 'e' && text.front() != 'E')) return std::nullopt;
  text.remove_prefix(1);
  const bool negative = text.front() == '-';
  if (negative || text.front() == '+') text.remove_prefix(1);
  if (text.empty() || text.find_first_not_of(kDigits) != std::string_view::npos) return std::nullopt;
  int value = 0;
  // Past a thousand the sign alone decides: a quantity has at most 256 characters.
  for (const char c : text) value = std::min(value * 10 + (c - '0'), 1000);
  return negative ? -value : value;
}

std::optional<Scale> scale_of(std::string_view suffix) {
  for (const Suffix& each : kSuffixes)
    if (each.name == suffix) return each.scale;
  if (const auto ten = exponent(suffix)) return Scale{0, *ten};
  return std::nullopt;
}

/// `digits` (a decimal number) twice as large. Text keeps it exact at any length.
void double_number(std::string& digits) {
  int carry = 0;
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit) {
    const int sum = (*digit - '0') * 2 + carry;
    *digit = static_cast<char>('0' + sum % 10);
    carry = sum / 10;
  }
  if (carry > 0) digits.insert(digits.begin(), '1');
}

/// digits * 2^two * 10^ten, rounded up to whole bytes; nothing past 2^63-1.
std::optional<std::int64_t> bytes_of(std::string digits, Scale scale) {
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
  if (digits.empty()) return 0;
  for (int i = 0; i < scale.two; ++i) double_number(digits);
  const std::int64_t whole = static_cast<std::int64_t>(digits.size()) + scale.ten;
  if (whole <= 0) return 1;  // more than nothing, less than a byte
  constexpr std::int64_t kMostDigits = 19;
  if (whole > kMostDigits) return std::nullopt;
  const auto length = static_cast<std::size_t>(whole);
  const bool round_up = length < digits.size() && digits.find_first_not_of('0', length) != std::string::npos;
  digits.resize(length, '0');
  // Nineteen digits fit in 64 bits without a sign.
  std::uint64_t count = 0;
  for (const char digit : digits) count = count * 10 + static_cast<std::uint64_t>(digit - '0');
  if (round_up) ++count;
  if (count > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
  return static_cast<std::int64_t>(count);
}

Error no_quantity(std::string_view text, std::string_view problem) {
  return {.code = Code::usage,
          .message = fmt::format("\"{}\" {}", printable(text), problem),
          .hint = "write it as 20Gi, 500M or 1073741824"};
}

std::string_view take_digits(std::string_view& text) {
  const std::string_view digits = text.substr(0, std::min(text.find_first_not_of(kDigits), text.size()));
  text.remove_prefix(digits.size());
  return digits;
}

}  // namespace

Result<Bytes> parse_quantity(std::string_view text) {
  constexpr std::size_t kLongest = 256;
  std::string_view rest = text.substr(0, kLongest);
  if (rest.size() < text.size()) return no_quantity(rest, "is too long for a quantity");
  if (rest.starts_with('-')) return no_quantity(text, "is negative or not a quantity");
  if (rest.starts_with('+')) rest.remove_prefix(1);
  std::string digits(take_digits(rest));
  std::string_view decimals;
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    decimals = take_digits(rest);
  }
  digits += decimals;
  auto scale = scale_of(rest);
  if (digits.empty() || !scale) return no_quantity(text, "is not a quantity");
  scale->ten -= static_cast<int>(decimals.size());
  if (const auto count = bytes_of(std::move(digits), *scale)) return Bytes{*count};
  return no_quantity(text, "is too large: the most is 8Ei less one byte");
}

std::int64_t bytes_at(const Json& object, Path path) {
  const auto parsed = parse_quantity(text(object, path));
  return parsed ? parsed->count : 0;
}

std::string format_quantity(Bytes bytes) {
  constexpr std::array<std::string_view, 7> kUnits{"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
  std::size_t unit = 0;
  std::int64_t count = bytes.count;
  for (; count != 0 && count % 1024 == 0; ++unit) count /= 1024;
  return fmt::format("{}{}", count, kUnits.at(unit));
}

std::string format_bytes(Bytes bytes) {
  constexpr std::array<std::string_view, 7> kUnits{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  const std::string_view sign = bytes.count < 0 ? "-" : "";
  const auto raw = static_cast<std::uint64_t>(bytes.count);
  const std::uint64_t count = bytes.count < 0 ? 0 - raw : raw;
  if (count < 1024) return fmt::format("{}{} B", sign, count);
  std::size_t unit = 0;
  std::uint64_t size = 1;
  // 1023.95 KiB would be printed as 1024.0: that is 1.0 MiB.
  while (unit + 1 < kUnits.size() && count >= size * 1024 - (unit == 0 ? 0 : size / 20)) {
    size *= 1024;
    ++unit;
  }
  const std::uint64_t whole = count / size;
  const std::uint64_t tenths = (count % size * 10 + size / 2) / size;
  return fmt::format("{}{}.{} {}", sign, whole + tenths / 10, tenths % 10, kUnits.at(unit));
}

}  // namespace wukong
