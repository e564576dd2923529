#include "base/go_values.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>

namespace wukong {

namespace {

/// From which exponents on numbers are written with "e", and the least digits of the exponent then.
struct Notation {
  int lowest{};   // below it
  int highest{};  // from it on
  int digits{};
};
constexpr Notation kJson{.lowest = -6, .highest = 21, .digits = 1};
constexpr Notation kText{.lowest = -4, .highest = 6, .digits = 2};

/// The shortest digits that mean `number`.
std::string go_float(double number, const Notation& notation) {
  if (number == 0) return std::signbit(number) ? "-0" : "0";
  std::array<char, 32> buffer{};
  const auto written =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, std::chars_format::scientific);
  const std::string_view text(buffer.data(), static_cast<std::size_t>(written.ptr - buffer.data()));
  const std::size_t mark = text.find('e');
  int exponent = 0;
  const std::size_t unsigned_at = mark + (text[mark + 1] == '+' ? 2 : 1);
  std::from_chars(text.data() + unsigned_at, text.data() + text.size(), exponent);
  if (exponent < notation.lowest || exponent >= notation.highest)
    return fmt::format("{}e{}{:0{}}", text.substr(0, mark), exponent < 0 ? '-' : '+', std::abs(exponent),
                       notation.digits);
  std::string digits;
  for (const char c : text.substr(0, mark))
    if (c >= '0' && c <= '9') digits += c;
  const std::string sign = number < 0 ? "-" : "";
  if (exponent < 0) return sign + "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
  const auto whole = static_cast<std::size_t>(exponent) + 1;
  if (digits.size() <= whole) return sign + digits + std::string(whole - digits.size(), '0');
  return sign + digits.substr(0, whole) + "." + digits.substr(whole);
}

/// Integers beyond int64 are float64 to kubectl.
std::string go_number(const Json& value, const Notation& notation) {
  constexpr auto kLargest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (value.is_number_float() || (value.is_number_unsigned() && value.get<std::uint64_t>() > kLargest))
    return go_float(value.get<double>(), notation);
  return dump(value);
}

std::string go_string(const std::string& text) {
  std::string out;
  for (const char c : dump(Json(text))) {
    if (c == '<' || c == '>' || c == '&')
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    else
      out += c;
  }
  for (const auto& [raw, escaped] : {std::pair{"\u2028", "\\u2028"}, std::pair{"\u2029", "\\u2029"}})
    for (auto at = out.find(raw); at != std::string::npos; at = out.find(raw, at))
      out.replace(at, std::string_view(raw).size(), escaped);
  return out;
}

void write_json(const Json& value, int indent, int depth, std::string& out) {
  const auto line = [&](int levels) {
    if (indent > 0) out += "\n" + std::string(static_cast<std::size_t>(indent * levels), ' ');
  };
  const auto brackets = [&](char open, char close, const auto& write_items) {
    out += open;
    if (!value.empty()) {
      write_items();
      line(depth);
    }
    out += close;
  };
  const auto next = [&](bool& first) {
    if (!std::exchange(first, false)) out += ',';
    line(depth + 1);
  };
  bool first = true;
  if (value.is_object()) {
    brackets('{', '}', [&] {
      for (const auto& [key, item] : value.items()) {
        next(first);
        out += go_string(key) + (indent > 0 ? ": " : ":");
        write_json(item, indent, depth + 1, out);
      }
    });
  } else if (value.is_array()) {
    brackets('[', ']', [&] {
      for (const Json& item : value) {
        next(first);
        write_json(item, indent, depth + 1, out);
      }
    });
  } else if (value.is_string()) {
    out += go_string(value.get_ref<const std::string&>());
  } else {
    out += value.is_number() ? go_number(value, kJson) : dump(value);
  }
}

}  // namespace

std::string go_json(const Json& value, int indent) {
  std::string out;
  write_json(value, indent, 0, out);
  return out;
}

std::string go_text(const Json& value) {
  if (value.is_null()) return "<nil>";
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number()) return go_number(value, kText);
  if (!value.is_structured()) return dump(value);
  std::string out;
  for (const auto& [key, item] : value.items()) {
    if (!out.empty()) out += ' ';
    out += value.is_object() ? key + ":" + go_text(item) : go_text(item);
  }
  return value.is_object() ? "map[" + out + "]" : "[" + out + "]";
}

}  // namespace wukong
