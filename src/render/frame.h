// A running operation as lines of text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/progress.h"
#include "render/progress_view.h"

namespace wukong::render {

/// The lines to show at `now`, below the title: pure. No line is as wide as `surface.width`, for the last column of a terminal
/// wraps; there are fewer lines than `surface.height`, or one. More than eight rows: those that
/// failed and the seven that run longest, and how many there are beside them.
std::vector<std::string> frame(const Progress& progress, const Surface& surface, Time now);

/// "23 done, 2 failed, 100 waiting": how many rows of each state; states that no row has are left out.
std::string count_states(const std::vector<const Row*>& rows);

/// "cluster not reachable for 12s: connection refused - retrying", or "" while it is.
std::string connection_line(const Progress& progress, Time now);

/// How long a row has been at work, or had been when it ended: "12s"; "" before it began.
std::string elapsed_text(const Row& row, Time now);

}  // namespace wukong::render
