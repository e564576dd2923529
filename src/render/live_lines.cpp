#include "render/live_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "render/style.h"

namespace wukong::render {
namespace {

constexpr std::string_view kHideCursor = "\x1b[?25l";
constexpr std::string_view kShowCursor = "\x1b[?25h";
constexpr std::string_view kClearLine = "\x1b[K";
constexpr std::string_view kClearBelow = "\x1b[J";

}  // namespace

LiveLines::LiveLines(int width, int height, std::function<void(std::string_view)> write)
    : width_(width), height_(height), write_(std::move(write)) {}

LiveLines::~LiveLines() {
  if (hidden_) write_(show_cursor());
}

/// To the first line of what is drawn. A terminal that got narrower has wrapped our lines, each for itself.
std::string LiveLines::to_first_line() const {
  const std::size_t width = static_cast<std::size_t>(std::max(width_, 1));
  std::size_t rows = 0;
  for (const std::string& line : drawn_)
    rows += std::max<std::size_t>((visible_width(line) + width - 1) / width, 1);
  return rows == 0 ? "\r" : fmt::format("\r\x1b[{}A", rows);
}

/// `lines` drawn over the frame whose first line the cursor stands on.
std::string LiveLines::drawing(const std::vector<std::string>& lines) const {
  std::string out;
  for (const std::string& line : lines) out.append(line).append(kClearLine).append("\n");
  return out;
}

std::string LiveLines::show_cursor() {
  return std::exchange(hidden_, false) ? std::string(kShowCursor) : std::string();
}

void LiveLines::show(std::vector<std::string> lines) {
  if (lines == drawn_ && !resized_) return;
  std::string out;
  if (!std::exchange(hidden_, true)) out += kHideCursor;
  if (!drawn_.empty()) out += to_first_line();
  // Wrapped leftovers would stand between the new lines, so here clearing comes first.
  if (std::exchange(resized_, false) && !drawn_.empty()) out += kClearBelow;
  out += drawing(lines);
  if (drawn_.size() > lines.size()) out += kClearBelow;
  drawn_ = std::move(lines);
  write_(out);
}

void LiveLines::write_above(const std::string& text) {
  if (drawn_.empty()) return write_(text);
  // The text may be wider than the terminal and wrap, so what is below has to be cleared first.
  write_(to_first_line() + std::string(kClearBelow) + text + drawing(drawn_));
}

void LiveLines::finish() {
  drawn_.clear();
  if (hidden_) write_(show_cursor());
}

void LiveLines::resize(int width, int height) {
  resized_ = resized_ || width != width_ || height != height_;
  width_ = width;
  height_ = height;
}

}  // namespace wukong::render
