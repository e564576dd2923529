// Colours as SGR codes, and the width of text that holds them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace wukong::render {

enum class Color { none, red, green, yellow, bold, dim };

/// `text` between the codes of `color`; as it is when there is nothing to colour.
std::string paint(std::string_view text, Color color);

/// Columns that `line` takes on a terminal, its colour codes not counted.
std::size_t visible_width(std::string_view line);

}  // namespace wukong::render
