// Progress as frames that replace each other on a terminal.
#pragma once

#include <functional>
#include <string_view>

#include "render/live_lines.h"
#include "render/progress_view.h"

namespace wukong::render {

class TerminalView final : public ProgressView {
 public:
  TerminalView(const Surface& surface, std::function<void(std::string_view)> write);

  void begin(const Progress& progress, Time now) override;
  void update(const Progress& progress, Time now) override;
  void note(std::string_view kind, std::string_view message) override;
  void leave() override { lines_.finish(); }
  void finish(const Progress& progress, Time now) override;
  void resize(int width, int height) override;

 private:
  Surface surface_{};
  LiveLines lines_;
};

}  // namespace wukong::render
