// What a plain word means to a YAML 1.1 reader.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "render/yaml.h"

namespace wukong::render {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Reads a word from the left; each `take` says whether it found what it looked for.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }
  bool take(std::string_view any_of) {
    if (rest_.empty() || any_of.find(rest_.front()) == std::string_view::npos) return false;
    rest_.remove_prefix(1);
    return true;
  }
  /// The longest run of characters out of `any_of`.
  std::string_view take_all(std::string_view any_of) {
    const std::string_view run = rest_.substr(0, std::min(rest_.find_first_not_of(any_of), rest_.size()));
    rest_.remove_prefix(run.size());
    return run;
  }
  /// One or two digits.
  bool take_two() {
    const std::string_view digits = take_all("0123456789");
    return !digits.empty() && digits.size() <= 2;
  }

 private:
  std::string_view rest_;
};

constexpr std::string_view kDigits = "0123456789";

bool is_word_with_meaning(std::string_view text) {
  constexpr std::array kWords{"",     "~",    "null",  "Null",  "NULL", "y",    "Y",     "yes",   "Yes",
                              "YES",  "true", "True",  "TRUE",  "on",   "On",   "ON",    "n",     "N",
                              "no",   "No",   "NO",    "off",   "Off",  "OFF",  "false", "False", "FALSE",
                              ".nan", ".NaN", ".NAN",  ".inf",  ".Inf", ".INF", "+.inf", "+.Inf", "+.INF",
                              "<<",   "=",    "-.inf", "-.Inf", "-.INF"};
  return std::ranges::any_of(kWords, [&](std::string_view word) { return word == text; });
}

bool is_integer(std::string_view text) {
  Cursor at(text);
  at.take("+-");
  if (!at.take("0")) return !at.take_all(kDigits).empty() && at.at_end();
  if (at.take("xX")) return !at.take_all("0123456789abcdefABCDEF").empty() && at.at_end();
  if (at.take("oO")) return !at.take_all("01234567").empty() && at.at_end();
  if (at.take("bB")) return !at.take_all("01").empty() && at.at_end();
  at.take_all(kDigits);
  return at.at_end();
}

bool is_float(std::string_view text) {
  Cursor at(text);
  at.take("+-");
  const bool whole = !at.take_all(kDigits).empty();
  const bool point = at.take(".");
  const bool fraction = point && !at.take_all(kDigits).empty();
  if (!whole && !fraction) return false;
  if (at.take("eE")) {
    at.take("+-");
    if (at.take_all(kDigits).empty()) return false;
  }
  return at.at_end();
}

/// "1:30", "-12:30:45.5": dropped in YAML 1.2, still read as a number by readers of 1.1.
bool is_base_60(std::string_view text) {
  Cursor at(text);
  at.take("+-");
  if (!at.take(kDigits)) return false;
  at.take_all("0123456789_");
  bool parts = false;
  while (at.take(":")) {
    const std::string_view digits = at.take_all(kDigits);
    if (digits.empty() || digits.size() > 2 || (digits.size() == 2 && digits.front() > '5')) return false;
    parts = true;
  }
  if (at.take(".")) at.take_all("0123456789_");
  return parts && at.at_end();
}

bool take_clock(Cursor& at) {
  if (!at.take_two() || !at.take(":") || !at.take_two() || !at.take(":") || !at.take_two()) return false;
  return !at.take(".,") || !at.take_all(kDigits).empty();
}

bool take_zone(Cursor& at) {
  if (at.take("Z")) return true;
  return at.take("+-") && at.take_two() && at.take(":") && at.take_two();
}

/// "2001-01-01", "2001-1-1T12:00:00Z", "2001-1-1 12:00:00". Months and days that do not exist count too: some
/// readers go by the form alone, and then fail.
bool is_time(std::string_view text) {
  Cursor at(text);
  if (at.take_all(kDigits).size() != 4 || !at.take("-") || !at.take_two() || !at.take("-") || !at.take_two())
    return false;
  if (at.at_end()) return true;
  if (at.take(" ")) return take_clock(at) && at.at_end();
  return at.take("Tt") && take_clock(at) && take_zone(at) && at.at_end();
}

}  // namespace

bool reads_as_other_type(std::string_view text) {
  if (is_word_with_meaning(text)) return true;
  const char first = text.front();
  if (first == '.') return is_float(text);
  if (!is_digit(first) && first != '+' && first != '-') return false;
  std::string plain(text);
  std::erase(plain, '_');
  return is_integer(plain) || is_float(plain) || is_time(text) || is_base_60(text);
}

}  // namespace wukong::render
