#include "render/note.h"

#include "base/text.h"
#include "render/style.h"

namespace wukong::render {

std::string labelled(std::string_view label, std::string_view painted_label, std::string_view text) {
  const std::string clean = printable_lines(text);
  std::string out;
  for (const std::string& line : split(trim(clean), '\n')) {
    if (out.empty()) {
      out += painted_label;
    } else {
      out.append(display_width(label), ' ');
    }
    out += line + "\n";
  }
  return out;
}

std::string note_line(std::string_view kind, std::string_view message, bool color) {
  if (kind.empty()) return labelled("", "", message);
  const std::string label = printable(kind) + ":";
  const Color chosen = !color ? Color::none : kind == "warning" ? Color::yellow : Color::bold;
  return labelled(label + " ", paint(label, chosen) + " ", message);
}

}  // namespace wukong::render
