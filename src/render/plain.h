// Progress as lines for a log: one per change.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "render/progress_view.h"

namespace wukong::render {

/// One line whenever a row's state, stage or trouble changes, and one per 10 s while nothing does. More than
/// 20 rows: only failures, and the counts every 10 s. No escape codes but the colour of notes.
class PlainView final : public ProgressView {
 public:
  PlainView(const Surface& surface, std::function<void(std::string_view)> write);

  void begin(const Progress& progress, Time now) override;
  void update(const Progress& progress, Time now) override;
  void note(std::string_view kind, std::string_view message) override;
  void finish(const Progress& progress, Time now) override;
  void resize(int /*width*/, int /*height*/) override {}

 private:
  struct Told {  // what was last said of a row
    Row::State state{Row::State::waiting};
    std::string stage{};
    std::string trouble{};
  };

  std::string headlines(const Progress& progress, Time now);
  std::string changes(const Progress& progress, Time now);
  std::string sign_of_life(const Progress& progress, Time now) const;

  Surface surface_{};
  std::function<void(std::string_view)> write_{};
  std::vector<Told> told_{};
  std::string title_{};
  std::string phase_{};
  std::string counts_{};  // as last written
  bool lost_{};           // the cluster was out of reach when last told
  std::optional<Time> last_line_{};
};

}  // namespace wukong::render
