#include "kube/yaml_scalar.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "kube/base64.h"

namespace wukong::kube {
namespace {

constexpr std::string_view kTag = "tag:yaml.org,2002:";

bool is_one_of(std::string_view text, auto words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Go's strconv.ParseInt with base 0: 0x, 0o, 0b and 0 choose the base.
std::optional<Json> integer_of(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  int base = 10;
  const char second = text.size() > 1 && text[0] == '0' ? text[1] : '\0';
  if (second == 'x' || second == 'X') base = 16;
  if (second == 'o' || second == 'O') base = 8;
  if (second == 'b' || second == 'B') base = 2;
  if (base != 10)
    text.remove_prefix(2);
  else if (second != '\0')
    base = 8;
  std::uint64_t value{};
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  const auto got = std::from_chars(begin, end, value, base);
  if (text.empty() || got.ec != std::errc{} || got.ptr != end) return std::nullopt;
  constexpr std::uint64_t kLowest = 1ULL << 63U;
  if (!negative) return Json(value);
  if (value > kLowest) return std::nullopt;
  return Json(static_cast<std::int64_t>(0 - value));
}

/// [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?
bool looks_like_float(std::string_view text) {
  std::size_t at = text.starts_with('-') || text.starts_with('+') ? 1 : 0;
  const auto digits = [&] {
    const std::size_t from = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    return at - from;
  };
  const bool whole = digits() > 0;
  bool fraction = false;
  if (at < text.size() && text[at] == '.') {
    ++at;
    fraction = digits() > 0;
  }
  if (!whole && !fraction) return false;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
    if (digits() == 0) return false;
  }
  return at == text.size();
}

std::optional<Json> float_of(const std::string& text) {
  if (!looks_like_float(text)) return std::nullopt;
  const double value = std::strtod(text.c_str(), nullptr);
  if (std::isinf(value)) return std::nullopt;  // too large for Go, too: text
  return Json(value);
}

std::optional<Json> number_of(const std::string& text) {
  std::string plain = text;
  if (text.front() == '.') return float_of(text);
  std::erase(plain, '_');
  if (auto whole = integer_of(plain)) return whole;
  return float_of(plain);
}

struct Resolved {
  enum class Kind { null, boolean, integer, real, text };
  Kind kind{Kind::text};
  Json value = Json();
};

Resolved resolve(const std::string& text) {
  constexpr std::array<std::string_view, 11> kYes{"y",    "Y",    "yes", "Yes", "YES", "true",
                                                  "True", "TRUE", "on",  "On",  "ON"};
  constexpr std::array<std::string_view, 11> kNo{"n",     "N",     "no",  "No",  "NO", "false",
                                                 "False", "FALSE", "off", "Off", "OFF"};
  constexpr std::array<std::string_view, 5> kNull{"", "~", "null", "Null", "NULL"};
  constexpr std::array<std::string_view, 12> kNoNumber{".nan",  ".NaN",  ".NAN",  ".inf",  ".Inf",  ".INF",
                                                       "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF"};
  if (is_one_of(text, kYes)) return {Resolved::Kind::boolean, true};
  if (is_one_of(text, kNo)) return {Resolved::Kind::boolean, false};
  if (is_one_of(text, kNull)) return {Resolved::Kind::null, nullptr};
  if (is_one_of(text, kNoNumber)) return {Resolved::Kind::real, nullptr};
  if (const char first = text.front(); is_digit(first) || first == '+' || first == '-' || first == '.')
    if (auto number = number_of(text))
      return {number->is_number_float() ? Resolved::Kind::real : Resolved::Kind::integer, std::move(*number)};
  return {Resolved::Kind::text, text};
}

bool fits(std::string_view tag, Resolved::Kind kind) {
  if (tag == "int") return kind == Resolved::Kind::integer;
  if (tag == "float") return kind == Resolved::Kind::real || kind == Resolved::Kind::integer;
  if (tag == "bool") return kind == Resolved::Kind::boolean;
  return kind == Resolved::Kind::null;
}

Result<Json> binary(const YamlNode& node) {
  auto bytes = decode_base64(node.text);
  if (!bytes) return yaml_error(node.line, "!!binary without base64");
  return Json(std::move(*bytes));
}

}  // namespace

Result<Json> yaml_scalar(const YamlNode& node) {
  const std::string_view tag =
      node.tag.starts_with(kTag) ? std::string_view(node.tag).substr(kTag.size()) : "";
  if (tag == "binary") return binary(node);
  const bool typed = tag == "int" || tag == "float" || tag == "bool" || tag == "null";
  if (!node.plain && !typed) return Json(node.text);
  Resolved resolved = resolve(node.text);
  if (typed && !fits(tag, resolved.kind)) return yaml_error(node.line, "a value does not fit its tag");
  if (resolved.kind == Resolved::Kind::real && resolved.value.is_null())
    return yaml_error(node.line, "a number that JSON has no words for");
  return std::move(resolved.value);
}

Result<std::string> yaml_key(const YamlNode& node) {
  WUKONG_TRY(const Json value, yaml_scalar(node));
  if (value.is_string()) return std::string(text(value, {}));
  if (value.is_boolean()) return std::string(flag(value, {}) ? "true" : "false");
  if (value.is_number_float())
    return fmt::format("{}", static_cast<float>(std::strtod(dump(value).c_str(), nullptr)));
  if (value.is_number()) return dump(value);
  return yaml_error(node.line, "a key is null");
}

}  // namespace wukong::kube
