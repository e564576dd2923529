#include "manifest/mac.h"

#include <fmt/format.h>

#include <charconv>

namespace wukong::manifest {
namespace {

constexpr std::size_t kDigits = 12;
constexpr std::uint64_t kGroupBit = 0x01'00'00'00'00'00;

/// `text` without `separator`, when it stands after every `every`th digit and nowhere else.
std::optional<std::string> without(std::string_view text, char separator, std::size_t every) {
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool between = i % (every + 1) == every;
    if (between != (text[i] == separator)) return std::nullopt;
    if (!between) digits += text[i];
  }
  return digits.size() == kDigits ? std::optional(digits) : std::nullopt;
}

}  // namespace

std::optional<std::uint64_t> parse_mac(std::string_view text) {
  std::optional<std::string> digits;
  if (text.size() == kDigits) digits = std::string(text);
  for (const auto& [separator, every] : {std::pair{':', 2UL}, std::pair{'-', 2UL}, std::pair{'.', 4UL}})
    if (!digits) digits = without(text, separator, every);
  if (!digits) return std::nullopt;
  std::uint64_t mac = 0;
  const char* const end = digits->data() + digits->size();
  const auto [stop, error] = std::from_chars(digits->data(), end, mac, 16);
  if (error != std::errc{} || stop != end || (mac & kGroupBit) != 0) return std::nullopt;
  return mac;
}

std::string format_mac(std::uint64_t mac, char separator) {
  std::string out;
  for (int shift = 40; shift >= 0; shift -= 8) {
    if (!out.empty()) out += separator;
    out += fmt::format("{:02x}", (mac >> static_cast<unsigned>(shift)) & 0xffU);
  }
  return out;
}

}  // namespace wukong::manifest
