#include "render/progress_view.h"

#include <utility>

#include "render/json_lines.h"
#include "render/note.h"
#include "render/plain.h"
#include "render/terminal.h"

namespace wukong::render {
namespace {

/// Shows notes and nothing else (--progress=none).
class NotesOnly final : public ProgressView {
 public:
  NotesOnly(bool color, std::function<void(std::string_view)> write)
      : color_(color), write_(std::move(write)) {}

  void begin(const Progress& /*progress*/, Time /*now*/) override {}
  void update(const Progress& /*progress*/, Time /*now*/) override {}
  void note(std::string_view kind, std::string_view message) override {
    write_(note_line(kind, message, color_));
  }
  void finish(const Progress& /*progress*/, Time /*now*/) override {}
  void resize(int /*width*/, int /*height*/) override {}

 private:
  bool color_{};
  std::function<void(std::string_view)> write_{};
};

}  // namespace

std::unique_ptr<ProgressView> make_progress_view(ProgressMode mode, const Surface& surface,
                                                 std::function<void(std::string_view)> write) {
  if (mode == ProgressMode::json) return std::make_unique<JsonLinesView>(std::move(write));
  if (mode == ProgressMode::none) return std::make_unique<NotesOnly>(surface.color, std::move(write));
  if (mode != ProgressMode::plain && surface.terminal && !surface.dumb)
    return std::make_unique<TerminalView>(surface, std::move(write));
  return std::make_unique<PlainView>(surface, std::move(write));
}

}  // namespace wukong::render
