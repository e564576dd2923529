#include "render/yaml.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/go_values.h"
#include "base/text.h"

namespace wukong::render {
namespace {

constexpr std::size_t kFoldAfter = 80;          // columns
constexpr std::size_t kLongestSimpleKey = 128;  // bytes; longer keys are written as "? key"
constexpr std::size_t kStep = 2;                // columns per level

bool is_ascii_digit(char32_t c) { return c >= U'0' && c <= U'9'; }
// Letters beyond ASCII only matter for the order of keys, and all that Kubernetes allows in a key is ASCII.
bool is_letter(char32_t c) { return (c >= U'a' && c <= U'z') || (c >= U'A' && c <= U'Z') || c >= 0x80; }

/// Code points of `text`; every byte that belongs to none becomes U+FFFD.
std::u32string decode(std::string_view text) {
  std::u32string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Rune rune = front_rune(text);
    out.push_back(static_cast<char32_t>(rune.code));
    text.remove_prefix(rune.bytes);
  }
  return out;
}

void append(std::string& out, char32_t c) {
  const auto put = [&](char32_t byte) { out.push_back(static_cast<char>(static_cast<unsigned char>(byte))); };
  if (c < 0x80) return put(c);
  if (c < 0x800) {
    put(0xC0U | (c >> 6U));
  } else if (c < 0x10000) {
    put(0xE0U | (c >> 12U));
    put(0x80U | ((c >> 6U) & 0x3FU));
  } else {
    put(0xF0U | (c >> 18U));
    put(0x80U | ((c >> 12U) & 0x3FU));
    put(0x80U | ((c >> 6U) & 0x3FU));
  }
  put(0x80U | (c & 0x3FU));
}

/// True for what only double quotes can hold: control characters, DEL, C1 with NEL, the Unicode line
/// separators, BOM, and everything past U+FFFF (YAML 1.2 allows those plain; go-yaml does not).
bool needs_escape(char32_t c) {
  if (c < 0x20) return c != U'\n';
  return (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029 || c == 0xFEFF || c >= 0xFFFE;
}

enum class Style { plain, single_quoted, double_quoted, literal };

/// True when punctuation in `s` (one line, not empty) would be read as YAML's own.
bool has_indicators(const std::u32string& s) {
  constexpr std::u32string_view kAtStart = U"#,[]{}&*!|>'\"%@`";
  const auto blank_follows = [&](std::size_t i) { return i + 1 >= s.size() || s[i + 1] == U' '; };
  if (kAtStart.find(s[0]) != std::u32string_view::npos) return true;
  if ((s[0] == U'?' || s[0] == U'-') && blank_follows(0)) return true;
  if (s.starts_with(U"---") || s.starts_with(U"...")) return true;
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (s[i] == U':' && blank_follows(i)) return true;
    if (s[i] == U'#' && i > 0 && s[i - 1] == U' ') return true;
  }
  return false;
}

Style choose_style(std::string_view text, const std::u32string& s, bool simple_key) {
  const bool escapes = std::ranges::any_of(s, needs_escape);
  if (s.find(U'\n') != std::u32string::npos) {
    const bool literal =
        !simple_key && !escapes && s.back() != U' ' && s.find(U" \n") == std::u32string::npos;
    return literal ? Style::literal : Style::double_quoted;
  }
  if (escapes || reads_as_other_type(text)) return Style::double_quoted;
  const bool plain = s.front() != U' ' && s.back() != U' ' && !has_indicators(s);
  return plain ? Style::plain : Style::single_quoted;
}

/// go-yaml's order of keys: numbers inside by value, other characters before letters.
bool natural_less(const std::u32string& a, const std::u32string& b) {
  const std::size_t shared = std::min(a.size(), b.size());
  const auto at = static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
  if (at >= shared) return a.size() < b.size();
  if (is_letter(a[at]) && is_letter(b[at])) return a[at] < b[at];
  if (is_letter(a[at]) || is_letter(b[at])) return is_letter(b[at]);
  // Zeros in front count for nothing, zeros after another digit do.
  std::uint64_t start = 0;
  if (a[at] == U'0' || b[at] == U'0')
    for (std::size_t j = at; j > 0 && is_ascii_digit(a[j - 1]); --j)
      if (a[j - 1] != U'0') start = 1;
  const auto number = [&](const std::u32string& s) {
    std::size_t end = at;
    std::uint64_t value = start;
    for (; end < s.size() && is_ascii_digit(s[end]); ++end) value = value * 10 + (s[end] - U'0');
    return std::pair{value, end};
  };
  const auto [a_value, a_end] = number(a);
  const auto [b_value, b_end] = number(b);
  if (a_value != b_value) return a_value < b_value;
  if (a_end != b_end) return a_end < b_end;
  return a[at] < b[at];
}

/// As Go prints it. kubectl's numbers pass through JSON, where a whole one loses its point.
std::string format_number(const Json& number) {
  const double value = number.get<double>();
  if (std::isnan(value)) return ".nan";
  if (std::isinf(value)) return value < 0 ? "-.inf" : ".inf";
  if (number.is_number_float() && value == std::trunc(value) && value > -9.2e18 && value < 9.2e18)
    return std::to_string(static_cast<std::int64_t>(value));
  return go_text(number);
}

class Writer {
 public:
  std::string document(const Json& value) {
    if (value.is_object() && !value.empty()) {
      mapping(value, 0, false);
    } else if (value.is_array() && !value.empty()) {
      sequence(value, 0, false);
    } else {
      leaf(value, kStep);
    }
    if (!out_.ends_with('\n')) out_ += '\n';
    return std::move(out_);
  }

 private:
  void start_line(std::size_t indent) {
    if (!out_.empty() && !out_.ends_with('\n')) out_ += '\n';
    out_.append(indent, ' ');
  }

  /// `compact`: the first entry stands on the line of the "-", "?" or ":" before it.
  void start_entry(std::size_t indent, bool compact) {
    if (compact) {
      out_ += ' ';
    } else {
      start_line(indent);
    }
  }

  void mapping(const Json& object, std::size_t indent, bool compact) {
    struct Entry {
      std::u32string order{};
      const std::string* key{};
      const Json* value{};
    };
    std::vector<Entry> entries;
    for (const auto& [key, value] : object.items()) entries.push_back({decode(key), &key, &value});
    // Not std::sort: it may run out of bounds should the natural order not be a strict weak one.
    std::ranges::stable_sort(entries, natural_less, &Entry::order);
    for (const Entry& entry : entries) {
      start_entry(indent, compact && &entry == entries.data());
      const bool simple =
          entry.key->size() <= kLongestSimpleKey && entry.key->find('\n') == std::string::npos;
      if (!simple) out_ += "? ";
      scalar(*entry.key, indent + kStep, simple);
      if (!simple) start_line(indent);
      out_ += ':';
      child(*entry.value, indent, !simple);
    }
  }

  void sequence(const Json& array, std::size_t indent, bool compact) {
    for (const Json& item : array) {
      start_entry(indent, compact && &item == &array.front());
      out_ += '-';
      child(item, indent, true);
    }
  }

  /// What follows "key:" or, compact, "-" or the ":" of a long key, of an entry at `indent`.
  void child(const Json& value, std::size_t indent, bool compact) {
    if (value.is_object() && !value.empty()) return mapping(value, indent + kStep, compact);
    if (value.is_array() && !value.empty())
      return sequence(value, compact ? indent + kStep : indent, compact);
    out_ += ' ';
    leaf(value, indent + kStep);
  }

  void leaf(const Json& value, std::size_t indent) {
    if (value.is_string()) return scalar(value.get_ref<const std::string&>(), indent, false);
    out_ += value.is_number() ? format_number(value) : value.dump();  // null, true, {} and []
  }

  /// `indent`: of the lines that follow the first.
  void scalar(std::string_view text, std::size_t indent, bool simple_key) {
    const std::u32string s = decode(text);
    const Style style = choose_style(text, s, simple_key);
    if (style == Style::literal) return literal(s, indent);
    column_ = current_column();
    if (style == Style::double_quoted) return double_quoted(s, indent, !simple_key);
    if (style == Style::single_quoted) put(U'\'');
    for (std::size_t i = 0; i < s.size(); ++i) {
      // Only single spaces are folded: a reader turns the break into exactly one.
      const bool inner = i > 0 && i + 1 < s.size() && s[i - 1] != U' ' && s[i + 1] != U' ';
      if (s[i] == U' ' && inner && !simple_key && column_ > kFoldAfter) {
        fold(indent);
        continue;
      }
      if (s[i] == U'\'' && style == Style::single_quoted) put(U'\'');
      put(s[i]);
    }
    if (style == Style::single_quoted) put(U'\'');
  }

  void double_quoted(const std::u32string& s, std::size_t indent, bool may_fold) {
    put(U'"');
    bool after_space = false;  // a space that was folded away counts too
    for (std::size_t i = 0; i < s.size(); ++i) {
      const bool foldable = s[i] == U' ' && !after_space && i > 0 && i + 1 < s.size();
      after_space = s[i] == U' ';
      if (foldable && may_fold && column_ > kFoldAfter) {
        fold(indent);
        if (s[i + 1] == U' ') put(U'\\');  // or the reader would strip it
      } else if (needs_escape(s[i]) || s[i] == U'"' || s[i] == U'\\' || s[i] == U'\n') {
        escape(s[i]);
      } else {
        put(s[i]);
      }
    }
    put(U'"');
  }

  void escape(char32_t c) {
    constexpr std::u32string_view kNamed{U"\0\a\b\t\n\v\f\r\x1b\"\\\u0085\u2028\u2029",
                                         14};  // 14: NUL counts
    constexpr std::string_view kNames = "0abtnvfre\"\\NLP";
    put(U'\\');
    if (const auto at = kNamed.find(c); at != std::u32string_view::npos)
      return put(static_cast<char32_t>(kNames[at]));
    const unsigned digits = c <= 0xFF ? 2 : c <= 0xFFFF ? 4 : 8;
    put(digits == 2 ? U'x' : digits == 4 ? U'u' : U'U');
    for (unsigned shift = digits * 4; shift > 0; shift -= 4)
      put(U"0123456789ABCDEF"[(c >> (shift - 4)) & 0xFU]);
  }

  void literal(const std::u32string& s, std::size_t indent) {
    out_ += '|';
    if (s.front() == U' ' || s.front() == U'\n') out_ += std::to_string(kStep);
    if (s.back() != U'\n') {
      out_ += '-';
    } else if (s.size() == 1 || s[s.size() - 2] == U'\n') {
      out_ += '+';
    }
    out_ += '\n';
    for (const char32_t c : s) {
      if (c != U'\n' && out_.ends_with('\n')) out_.append(indent, ' ');
      append(out_, c);
    }
  }

  void put(char32_t c) {
    append(out_, c);
    ++column_;
  }

  void fold(std::size_t indent) {
    start_line(indent);
    column_ = indent;
  }

  /// Columns are counted in code points, as go-yaml does.
  std::size_t current_column() const {
    const std::size_t line = out_.rfind('\n') + 1;  // npos + 1 is 0
    return static_cast<std::size_t>(
        std::count_if(out_.begin() + static_cast<std::ptrdiff_t>(line), out_.end(),
                      [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
  }

  std::string out_{};
  std::size_t column_{};
};

}  // namespace

std::string to_yaml(const Json& value) { return Writer().document(value); }

}  // namespace wukong::render
