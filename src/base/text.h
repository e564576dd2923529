// Text for people: display width, cutting, cleaning, similar words.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace wukong {

/// One code point of UTF-8 text. What is no UTF-8 is one byte, not valid.
struct Rune {
  std::uint32_t code{0xFFFD};
  std::size_t bytes{1};
  bool valid{};
};
/// The one at the front of `text`, which is not empty.
Rune front_rune(std::string_view text);

/// Columns that `text` (UTF-8) takes on a terminal: CJK and emoji two, combining marks none.
std::size_t display_width(std::string_view text);
/// `text` cut to at most `columns`, with "…" as its last column where something was cut.
std::string fit(std::string_view text, std::size_t columns);
/// `text` filled with spaces to `columns`; longer text stays as it is.
std::string pad(std::string_view text, std::size_t columns);
/// `text` without control characters (C0, DEL, C1, bidi marks and overrides): an escape sequence loses its ESC. Bytes that
/// are not UTF-8 become U+FFFD each, line breaks and tabs a space. Everything that came from a server or a file passes here before a terminal.
std::string printable(std::string_view text);
/// As `printable`, but keeps line breaks.
std::string printable_lines(std::string_view text);

/// `word` as a POSIX shell takes it for one: as it is where that is plain, else in quotes.
std::string shell_word(std::string_view word);

/// Number of edits (insert, delete, replace, swap of neighbours) between two words.
std::size_t edit_distance(std::string_view a, std::string_view b);
/// The candidate closest to `word` within a third of its length, or "".
std::string closest(std::string_view word, std::span<const std::string> candidates);

/// `text` as lines of at most `columns`, broken at spaces; a longer word has a line of its own.
std::vector<std::string> wrapped(const std::string& text, std::size_t columns);

std::vector<std::string> split(std::string_view text, char separator);
std::string_view trim(std::string_view text);
std::string lower(std::string_view text);

/// A name Kubernetes accepts for most objects (RFC 1123 subdomain, at most 253) or why not ("" = fine).
std::string subdomain_problem(std::string_view name);
/// The same for a DNS label (at most 63), which namespaces must be.
std::string label_problem(std::string_view name);

}  // namespace wukong
