// Shows a running operation: bars on a terminal, one line per change elsewhere, JSON for programs.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/progress.h"

namespace wukong::render {

enum class ProgressMode { automatic, bar, plain, json, none };

/// What is known of the place that is written to. Nothing is looked up behind the caller's back.
struct Surface {
  bool terminal{};     // stderr is one
  bool color{};        // after --color, NO_COLOR, CLICOLOR_FORCE, TERM
  bool dumb{};         // TERM is "dumb": the cursor cannot be moved
  bool unicode{true};  // the locale's encoding is UTF-8; else symbols and bars are drawn in ASCII
  int width{80};       // columns
  int height{24};      // lines
};

class ProgressView {
 public:
  virtual ~ProgressView() = default;
  /// Says what begins, before all else.
  virtual void begin(const Progress& progress, Time now) = 0;
  /// Shows the state of now; cheap when nothing changed. Called about ten times a second.
  virtual void update(const Progress& progress, Time now) = 0;
  /// Writes a line of text so that it stays, above whatever is drawn. `kind`: "note", "warning" or empty.
  virtual void note(std::string_view kind, std::string_view message) = 0;
  /// The terminal is somebody else's for a while: what is drawn stays, and the next update draws below it.
  virtual void leave() {}
  /// Last state; leaves the cursor on a fresh line.
  virtual void finish(const Progress& progress, Time now) = 0;
  virtual void resize(int width, int height) = 0;
};

/// `write` takes whole frames or lines (one write each). automatic and bar: a bar on a terminal that is not
/// dumb, else plain lines, so that no escape code ends in a file. `color` holds for notes too.
std::unique_ptr<ProgressView> make_progress_view(ProgressMode mode, const Surface& surface,
                                                 std::function<void(std::string_view)> write);

}  // namespace wukong::render
