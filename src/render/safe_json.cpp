#include "render/safe_json.h"

#include <fmt/format.h>

#include <cstdint>

namespace wukong::render {
namespace {

struct Rune {
  std::uint32_t code{};
  std::size_t bytes{1};
};

/// The character that begins `text`, of those that UTF-8 writes with two or three bytes; else one byte, and no character
/// that matters here.
Rune front(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80; };
  const std::uint32_t first = byte(0);
  if (first >= 0xC2 && first < 0xE0 && follows(1)) return {(first & 0x1FU) << 6U | (byte(1) & 0x3FU), 2};
  if (first >= 0xE0 && first < 0xF0 && follows(1) && follows(2))
    return {(first & 0x0FU) << 12U | (byte(1) & 0x3FU) << 6U | (byte(2) & 0x3FU), 3};
  return {first < 0x80 ? first : 0xFFFD, 1};
}

bool is_obeyed(std::uint32_t code) {
  return (code >= 0x7F && code <= 0x9F) || code == 0x061C || code == 0x200E || code == 0x200F ||
         (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

}  // namespace

std::string safe_json(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  while (!json.empty()) {
    const Rune rune = front(json);
    if (is_obeyed(rune.code))
      out += fmt::format("\\u{:04x}", rune.code);
    else
      out += json.substr(0, rune.bytes);
    json.remove_prefix(rune.bytes);
  }
  return out;
}

}  // namespace wukong::render
