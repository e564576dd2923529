// Progress as frames that replace each other on a terminal.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "render/progress_view.h"

namespace wukong::render {

/// Draws over its own last frame. Below the frame stands the cursor, hidden until finish() or destruction.
/// Every change is one write, and nothing is cleared before it is drawn over, so that nothing flickers.
class TerminalView final : public ProgressView {
 public:
  TerminalView(const Surface& surface, std::function<void(std::string_view)> write);
  TerminalView(const TerminalView&) = delete;
  TerminalView& operator=(const TerminalView&) = delete;
  ~TerminalView() override;

  void update(const Progress& progress, Time now) override;
  void note(std::string_view kind, std::string_view message) override;
  void finish(const Progress& progress, Time now) override;
  /// Takes effect with the next update or note; lines that a narrower terminal has wrapped are taken into
  /// account.
  void resize(int width, int height) override;

 private:
  std::string to_first_line() const;
  std::string drawing(const std::vector<std::string>& lines) const;
  std::string show_cursor();

  Surface surface_{};
  std::function<void(std::string_view)> write_{};
  std::vector<std::string> drawn_{};  // what stands above the cursor
  bool resized_{};                    // since it was drawn
  bool hidden_{};                     // the cursor is
};

}  // namespace wukong::render
