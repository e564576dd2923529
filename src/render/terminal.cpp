#include "render/terminal.h"

#include <utility>

#include "base/text.h"
#include "render/frame.h"
#include "render/note.h"
#include "render/style.h"

namespace wukong::render {

TerminalView::TerminalView(const Surface& surface, std::function<void(std::string_view)> write)
    : surface_(surface), lines_(surface.width, surface.height, std::move(write)) {}

void TerminalView::begin(const Progress& progress, Time /*now*/) {
  lines_.write_above(paint(printable(progress.title), surface_.color ? Color::bold : Color::none) + "\n");
}

void TerminalView::update(const Progress& progress, Time now) { lines_.show(frame(progress, surface_, now)); }

void TerminalView::note(std::string_view kind, std::string_view message) {
  lines_.write_above(note_line(kind, message, surface_.color));
}

void TerminalView::finish(const Progress& progress, Time now) {
  update(progress, now);
  lines_.finish();
}

void TerminalView::resize(int width, int height) {
  surface_.width = width;
  surface_.height = height;
  lines_.resize(width, height);
}

}  // namespace wukong::render
