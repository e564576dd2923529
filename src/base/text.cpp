#include "base/text.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdint>

namespace wukong {
namespace {

constexpr std::uint32_t kJoiner = 0x200D;
constexpr std::uint32_t kEmojiStyle = 0xFE0F;
constexpr std::string_view kReplacementUtf8 = "\xEF\xBF\xBD";
constexpr std::string_view kEllipsis = "\u2026";
constexpr std::size_t kMaxSubdomain = 253;
constexpr std::size_t kMaxLabel = 63;

bool is_regional(std::uint32_t code) { return code >= 0x1F1E6 && code <= 0x1F1FF; }

/// Steps through text and says how many columns each code point adds to what stood before it.
class Columns {
 public:
  std::size_t add(std::uint32_t code) {
    const std::size_t columns = next(code);
    if (code != kEmojiStyle && columns > 0) last_width_ = columns;
    previous_ = code;
    return columns;
  }

 private:
  std::size_t next(std::uint32_t code) {
    // What a joiner ties to an emoji is drawn in its cells (families, professions).
    if (previous_ == kJoiner && last_width_ == 2) return 0;
    if (code >= 0x1F3FB && code <= 0x1F3FF && last_width_ == 2) return 0;  // skin tones
    // A flag is a pair of letters in two columns.
    if (is_regional(code)) {
      second_of_flag_ = is_regional(previous_) && !second_of_flag_;
      return second_of_flag_ ? 0 : 2;
    }
    if (code == kEmojiStyle && last_width_ == 1 && previous_ > 0x2000) {
      last_width_ = 2;
      return 1;
    }
    return static_cast<std::size_t>(std::max(0, utf8proc_charwidth(static_cast<utf8proc_int32_t>(code))));
  }

  std::uint32_t previous_{};
  std::size_t last_width_{};
  bool second_of_flag_{};
};

bool is_control(std::uint32_t code) {
  return code < 0x20 || (code >= 0x7F && code <= 0x9F) || (code >= 0x202A && code <= 0x202E) ||
         (code >= 0x2066 && code <= 0x2069) || code == 0x200E || code == 0x200F || code == 0x061C ||
         code == 0x2028 || code == 0x2029;
}

std::string clean(std::string_view text, bool keep_lines) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Rune rune = front_rune(text);
    const std::string_view bytes = text.substr(0, rune.bytes);
    text.remove_prefix(rune.bytes);
    if (rune.code == '\r' && text.starts_with('\n')) continue;
    if (!rune.valid)
      out += kReplacementUtf8;
    else if (rune.code == '\n' && keep_lines)
      out += '\n';
    else if (rune.code == '\n' || rune.code == '\r' || rune.code == '\t')
      out += ' ';
    else if (!is_control(rune.code))
      out += bytes;
  }
  return out;
}

bool is_name_char(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

/// What keeps one part between dots from being a DNS label, its length aside.
std::string characters_problem(std::string_view label) {
  if (label.empty()) return "must not be empty or have an empty part between dots";
  for (const char c : label)
    if (!is_name_char(c) && c != '-') return "may have only lower-case letters, digits, '-' and '.'";
  if (!is_name_char(label.front()) || !is_name_char(label.back()))
    return "must begin and end with a lower-case letter or digit";
  return "";
}

}  // namespace

Rune front_rune(std::string_view text) {
  utf8proc_int32_t code = -1;
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  const utf8proc_ssize_t used =
      utf8proc_iterate(bytes, static_cast<utf8proc_ssize_t>(std::min<std::size_t>(text.size(), 4)), &code);
  if (used <= 0 || code < 0) return {};
  return {static_cast<std::uint32_t>(code), static_cast<std::size_t>(used), true};
}

std::size_t display_width(std::string_view text) {
  Columns columns;
  std::size_t width = 0;
  while (!text.empty()) {
    const Rune rune = front_rune(text);
    width += columns.add(rune.code);
    text.remove_prefix(rune.bytes);
  }
  return width;
}

std::string fit(std::string_view text, std::size_t columns) {
  if (display_width(text) <= columns) return std::string(text);
  if (columns == 0) return "";
  Columns counted;
  std::size_t width = 0;
  std::size_t kept = 0;  // bytes that leave a column for the ellipsis
  for (std::size_t at = 0; at < text.size();) {
    const Rune rune = front_rune(text.substr(at));
    width += counted.add(rune.code);
    if (width > columns - 1) break;
    at += rune.bytes;
    kept = at;
  }
  return std::string(text.substr(0, kept)).append(kEllipsis);
}

std::string pad(std::string_view text, std::size_t columns) {
  const std::size_t width = display_width(text);
  std::string out(text);
  if (width < columns) out.append(columns - width, ' ');
  return out;
}

std::string printable(std::string_view text) { return clean(text, false); }

std::string printable_lines(std::string_view text) { return clean(text, true); }

std::string shell_word(std::string_view word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@%+=,";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string_view::npos) return std::string(word);
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  // Optimal string alignment, three rows: `before` is two rows up, for swaps.
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> above(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(above);
    above.swap(row);
  }
  return above[b.size()];
}

std::string closest(std::string_view word, std::span<const std::string> candidates) {
  const std::string* best = nullptr;
  std::size_t best_distance = word.size() / 3 + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance >= best_distance) continue;
    best = &candidate;
    best_distance = distance;
  }
  return best != nullptr ? *best : "";
}

std::vector<std::string> wrapped(const std::string& text, std::size_t columns) {
  std::vector<std::string> lines{""};
  for (const std::string& word : split(text, ' ')) {
    std::string& line = lines.back();
    if (line.empty())
      line = word;
    else if (display_width(line) + 1 + display_width(word) <= columns)
      line += " " + word;
    else
      lines.push_back(word);
  }
  return lines;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t at = 0;;) {
    const std::size_t end = text.find(separator, at);
    parts.emplace_back(text.substr(at, end - at));
    if (end == std::string_view::npos) return parts;
    at = end + 1;
  }
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\v\f";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::string lower(std::string_view text) {
  std::string out(text);
  // ASCII only: tolower() would follow the locale.
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string subdomain_problem(std::string_view name) {
  if (name.empty()) return "must not be empty";
  if (name.size() > kMaxSubdomain) return "must have at most 253 characters";
  for (const std::string& part : split(name, '.'))
    if (auto problem = characters_problem(part); !problem.empty()) return problem;
  return "";
}

std::string label_problem(std::string_view name) {
  if (name.empty()) return "must not be empty";
  if (name.size() > kMaxLabel) return "must have at most 63 characters";
  if (name.find('.') != std::string_view::npos) return "may have only lower-case letters, digits and '-'";
  return characters_problem(name);
}

}  // namespace wukong
