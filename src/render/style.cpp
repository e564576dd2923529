#include "render/style.h"

#include <algorithm>

#include "base/text.h"

namespace wukong::render {
namespace {

std::string_view code_of(Color color) {
  switch (color) {
    case Color::red:
      return "\x1b[31m";
    case Color::green:
      return "\x1b[32m";
    case Color::yellow:
      return "\x1b[33m";
    case Color::bold:
      return "\x1b[1m";
    case Color::dim:
      return "\x1b[2m";
    case Color::none:
      break;
  }
  return "";
}

}  // namespace

std::string paint(std::string_view text, Color color) {
  const std::string_view code = code_of(color);
  if (code.empty() || text.empty()) return std::string(text);
  return std::string(code).append(text).append("\x1b[0m");
}

std::size_t visible_width(std::string_view line) {
  std::string bare;
  while (!line.empty()) {
    const std::size_t escape = std::min(line.find("\x1b["), line.size());
    bare += line.substr(0, escape);
    line.remove_prefix(escape);
    if (line.empty()) break;
    const std::size_t end = line.find('m');
    line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
  }
  return display_width(bare);
}

}  // namespace wukong::render
