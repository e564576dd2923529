// JSON that may go to a terminal. Pure.
#pragma once

#include <string>
#include <string_view>

namespace wukong::render {

/// `json` (UTF-8) with the characters that a terminal would obey, and JSON lets stand as they are, written as \uXXXX: DEL,
/// C1, marks that turn the direction of text, line separators. They stand in strings only, so the values stay the same.
std::string safe_json(std::string_view json);

}  // namespace wukong::render
