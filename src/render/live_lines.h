// Lines on a terminal that are drawn over again and again.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace wukong::render {

/// Draws over its own last lines. Below them stands the cursor, hidden until finish() or destruction. Every change is one write,
/// and nothing is cleared before it is drawn over, so that nothing flickers.
class LiveLines {
 public:
  LiveLines(int width, int height, std::function<void(std::string_view)> write);
  LiveLines(const LiveLines&) = delete;
  LiveLines& operator=(const LiveLines&) = delete;
  ~LiveLines();

  /// Draws `lines`, if they are others than before; none of them wider than the terminal.
  void show(std::vector<std::string> lines);
  /// Writes a text of whole lines so that it stays, above whatever is drawn.
  void write_above(const std::string& text);
  /// What is drawn stays; the cursor is shown again.
  void finish();
  /// Takes effect with what is drawn next; lines that a narrower terminal has wrapped are taken into account.
  void resize(int width, int height);

 private:
  std::string to_first_line() const;
  std::string drawing(const std::vector<std::string>& lines) const;
  std::string show_cursor();

  int width_{};
  int height_{};
  std::function<void(std::string_view)> write_{};
  std::vector<std::string> drawn_{};  // what stands above the cursor
  bool resized_{};                    // since it was drawn
  bool hidden_{};                     // the cursor is
};

}  // namespace wukong::render
