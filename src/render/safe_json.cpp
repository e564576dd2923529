#include "render/safe_json.h"

#include <fmt/format.h>

#include <cstdint>

#include "base/text.h"

namespace wukong::render {
namespace {

bool is_obeyed(std::uint32_t code) {
  return (code >= 0x7F && code <= 0x9F) || code == 0x061C || code == 0x200E || code == 0x200F ||
         (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

}  // namespace

std::string safe_json(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  while (!json.empty()) {
    const Rune rune = front_rune(json);
    if (is_obeyed(rune.code))
      out += fmt::format("\\u{:04x}", rune.code);
    else
      out += json.substr(0, rune.bytes);
    json.remove_prefix(rune.bytes);
  }
  return out;
}

}  // namespace wukong::render
