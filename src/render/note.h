// Notes to the user, as lines of text.
#pragma once

#include <string>
#include <string_view>

namespace wukong::render {

/// "warning: a disk is left out\n"; further lines of `message` are indented to stand under the first. An
/// empty `kind` has no label.
std::string note_line(std::string_view kind, std::string_view message, bool color);

/// `label` before the first line of `text`, as many spaces before the others, each line ended; cleaned for a
/// terminal.
std::string labelled(std::string_view label, std::string_view painted_label, std::string_view text);

}  // namespace wukong::render
