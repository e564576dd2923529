#include "base/jsonpath_quote.h"

#include <charconv>
#include <cstdint>
#include <system_error>

namespace wukong {

namespace {

/// Takes `digits` digits of base `base` from the front of `text`.
std::optional<std::uint32_t> take_number(std::string_view& text, std::size_t digits, int base) {
  if (text.size() < digits) return std::nullopt;
  std::uint32_t number = 0;
  const char* const begin = text.data();
  const char* const stop = begin + digits;
  const auto [end, problem] = std::from_chars(begin, stop, number, base);
  if (problem != std::errc() || end != stop) return std::nullopt;
  text.remove_prefix(digits);
  return number;
}

std::string utf8(std::uint32_t code) {
  const auto byte = [](std::uint32_t bits) { return static_cast<char>(bits); };
  const auto tail = [&](unsigned shift) { return byte(0x80U | (code >> shift & 0x3FU)); };
  if (code < 0x80) return {byte(code)};
  if (code < 0x800) return {byte(0xC0U | code >> 6U), tail(0)};
  if (code < 0x10000) return {byte(0xE0U | code >> 12U), tail(6), tail(0)};
  return {byte(0xF0U | code >> 18U), tail(12), tail(6), tail(0)};
}

std::optional<std::string> take_code_point(std::string_view& text, std::size_t digits) {
  const auto code = take_number(text, digits, 16);
  if (!code || *code > 0x10FFFF || (*code >= 0xD800 && *code <= 0xDFFF)) return std::nullopt;
  return utf8(*code);
}

/// One byte, told by its number.
std::optional<std::string> take_byte(std::string_view& text, std::size_t digits, int base) {
  const auto code = take_number(text, digits, base);
  if (!code || *code > 0xFF) return std::nullopt;
  return std::string{static_cast<char>(*code)};
}

/// What stands behind a backslash, taken from the front of `text`.
std::optional<std::string> take_escape(std::string_view& text, char mark) {
  if (text.empty()) return std::nullopt;
  const char c = text.front();
  if (c >= '0' && c <= '7') return take_byte(text, 3, 8);
  text.remove_prefix(1);
  if (c == 'x') return take_byte(text, 2, 16);
  if (c == 'u') return take_code_point(text, 4);
  if (c == 'U') return take_code_point(text, 8);
  constexpr std::string_view kLetters = "abfnrtv\\";
  constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v\\";
  if (const auto at = kLetters.find(c); at != std::string_view::npos) return std::string{kMeanings[at]};
  if (c == mark) return std::string{c};
  return std::nullopt;
}

}  // namespace

std::optional<std::string> unquote_jsonpath(std::string_view quoted) {
  if (quoted.size() < 2) return std::nullopt;
  const char mark = quoted.front();
  std::string_view text = quoted.substr(1, quoted.size() - 2);
  std::string out;
  while (!text.empty()) {
    const char c = text.front();
    if (c == mark) return std::nullopt;
    text.remove_prefix(1);
    if (c != '\\') {
      out += c;
      continue;
    }
    const auto meant = take_escape(text, mark);
    if (!meant) return std::nullopt;
    out += *meant;
  }
  return out;
}

}  // namespace wukong
