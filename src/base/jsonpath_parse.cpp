#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>

#include "base/jsonpath.h"
#include "base/jsonpath_nodes.h"
#include "base/jsonpath_quote.h"
#include "base/text.h"

namespace wukong {

namespace {

using Node = JsonPathNode;
using Kind = JsonPathNode::Kind;

constexpr int kDeepest = 50;  // templates inside of templates: filters and unions
constexpr std::int64_t kLargestIndex = std::numeric_limits<std::int32_t>::max();

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_line_end(char c) { return c == '\r' || c == '\n'; }
/// Bytes of other alphabets count as letters.
bool is_alphanumeric(char c) {
  return c == '_' || is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool ends_word(char c) { return std::string_view(" \t\r\n.,[]$@{}").find(c) != std::string_view::npos; }

/// As strconv.Atoi.
std::optional<std::int64_t> whole_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  std::int64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<double> real_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc() || end != text.data() + text.size() || !std::isfinite(number))
    return std::nullopt;
  return number;
}

class Parser {
 public:
  Parser(std::string_view input, int depth) : input_(input), depth_(depth) {}

  Result<Node> parse() {
    if (depth_ > kDeepest) return usage("the template is nested too deeply");
    Node root;
    while (at_ < input_.size()) {
      const std::size_t brace = std::min(input_.find('{', at_), input_.size());
      if (brace > at_) root.nodes.push_back(text_node(input_.substr(at_, brace - at_)));
      at_ = brace;
      if (at_ == input_.size()) break;
      ++at_;
      Node& list = root.nodes.emplace_back();
      WUKONG_CHECK(action(list));
    }
    return root;
  }

 private:
  static Node text_node(std::string_view text) { return {.kind = Kind::text, .value = std::string(text)}; }

  bool follows(std::string_view text) const { return input_.substr(at_).starts_with(text); }

  /// What stands between braces, up to the closing one.
  Result<void> action(Node& list) {
    while (!follows("}")) {
      if (follows("[?(")) {
        WUKONG_CHECK(filter(list));
      } else if (follows("..")) {
        WUKONG_CHECK(recursive(list));
      } else {
        WUKONG_CHECK(part(list));
      }
    }
    ++at_;
    return {};
  }

  Result<void> part(Node& list) {
    if (at_ == input_.size() || is_line_end(input_[at_])) return usage("unclosed action");
    const char c = input_[at_];
    if (c == ' ' || c == '@' || c == '$') {
      ++at_;
      return {};
    }
    if (c == '[') return array(list);
    if (c == '"' || c == '\'') return quote(list);
    if (c == '.') {
      ++at_;
      field(list);
      return {};
    }
    if (c == '+' || c == '-' || is_digit(c)) return number(list);
    if (is_alphanumeric(c)) return identifier(list);
    return usage(fmt::format("unrecognized character in action: U+{:04X}{}", static_cast<unsigned char>(c),
                             c > ' ' && c < 0x7F ? fmt::format(" '{}'", c) : ""));
  }

  void field(Node& list) {
    std::string name;
    for (; at_ < input_.size() && !ends_word(input_[at_]); ++at_) {
      if (input_[at_] == '\\') ++at_;
      if (at_ == input_.size()) break;
      if (input_[at_] != '\\') name += input_[at_];
    }
    if (name == "*")
      list.nodes.push_back({.kind = Kind::wildcard});
    else
      list.nodes.push_back({.kind = Kind::field, .word = std::move(name)});
  }

  Result<void> recursive(Node& list) {
    if (!list.nodes.empty() && list.nodes.back().kind == Kind::recursive)
      return usage("invalid multiple recursive descent");
    at_ += 2;
    list.nodes.push_back({.kind = Kind::recursive});
    if (at_ < input_.size() && is_alphanumeric(input_[at_])) field(list);
    return {};
  }

  Result<void> identifier(Node& list) {
    const std::size_t begin = at_;
    while (at_ < input_.size() && !ends_word(input_[at_])) ++at_;
    const std::string word(input_.substr(begin, at_ - begin));
    if (word == "true" || word == "false")
      list.nodes.push_back({.kind = Kind::number_or_bool, .value = word == "true"});
    else if (word == "range")
      list.nodes.push_back({.kind = Kind::range});
    else if (word == "end")
      list.nodes.push_back({.kind = Kind::end});
    else
      return usage("unrecognized identifier " + printable(word),
                   fmt::format("a field is written .{0}, a text \"{0}\"", printable(word)));
    return {};
  }

  Result<void> number(Node& list) {
    const std::size_t begin = at_++;
    while (at_ < input_.size() && (is_digit(input_[at_]) || input_[at_] == '.')) ++at_;
    const std::string_view word = input_.substr(begin, at_ - begin);
    Node node{.kind = Kind::number_or_bool};
    if (const auto whole = whole_number(word))
      node.value = *whole;
    else if (const auto real = real_number(word))
      node.value = *real;
    else
      return usage(fmt::format("cannot parse number {}", word));
    list.nodes.push_back(std::move(node));
    return {};
  }

  Result<void> quote(Node& list) {
    const std::size_t begin = at_++;
    const char mark = input_[begin];
    for (;; ++at_) {
      if (at_ == input_.size() || input_[at_] == '\n') return usage("unterminated quoted string");
      if (input_[at_] == mark && input_[at_ - 1] != '\\') break;
    }
    ++at_;
    const std::string_view quoted = input_.substr(begin, at_ - begin);
    const auto text = unquote_jsonpath(quoted);
    if (!text) return usage(fmt::format("unquote string {} error invalid syntax", printable(quoted)));
    list.nodes.push_back(text_node(*text));
    return {};
  }

  Result<void> array(Node& list) {
    const std::size_t end = input_.find_first_of("]\n", at_);
    if (end == std::string_view::npos || input_[end] == '\n') return usage("unterminated array");
    const std::string_view text = input_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    if (text.find(',') != std::string_view::npos) return unite(text, list);
    if (text.size() >= 2 && text.front() == '\'' && text.find('\'', 1) == text.size() - 1)
      return keys(text.substr(1, text.size() - 2), list);
    return slice(text, list);
  }

  Result<void> unite(std::string_view text, Node& list) {
    Node node{.kind = Kind::unite};
    for (const std::string& part : split(text, ',')) {
      std::string_view word = part;
      while (word.starts_with(' ')) word.remove_prefix(1);
      while (word.ends_with(' ')) word.remove_suffix(1);
      WUKONG_TRY(Node inner, inside(fmt::format("[{}]", word)));
      node.nodes.push_back(std::move(inner));
    }
    list.nodes.push_back(std::move(node));
    return {};
  }

  /// ['a.b'] means .a.b, as it does to client-go.
  Result<void> keys(std::string_view text, Node& list) {
    WUKONG_TRY(Node inner, inside(fmt::format(".{}", text)));
    for (Node& node : inner.nodes) list.nodes.push_back(std::move(node));
    return {};
  }

  Result<void> slice(std::string_view text, Node& list) {
    const std::vector<std::string> words = split(text == "*" ? ":" : text, ':');
    const auto fits = [](std::string_view word) {
      if (word.starts_with('-')) word.remove_prefix(1);
      return word.find_first_not_of("0123456789") == std::string_view::npos;
    };
    if (words.size() > 3 || !std::all_of(words.begin(), words.end(), fits))
      return usage(fmt::format("invalid array index {}", printable(text)));
    Node node{.kind = Kind::slice};
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (words[i].empty()) continue;
      const auto number = whole_number(words[i]);
      if (!number || *number > kLargestIndex)
        return usage(fmt::format("array index {} is not a number", words[i]));
      node.slice[i] = {.value = *number, .known = true};
    }
    if (words.size() == 1) node.slice[1] = {.value = node.slice[0].value + 1, .known = true, .next = true};
    if (node.slice[2].known && node.slice[2].value <= 0) return usage("step must be > 0");
    list.nodes.push_back(std::move(node));
    return {};
  }

  /// Where the text of a filter ends: at a ")" that stands in no quotes.
  Result<std::string_view> filter_text() {
    at_ += 3;
    const std::size_t begin = at_;
    char mark = 0;
    bool closed = false;
    for (;; ++at_) {
      if (at_ == input_.size() || input_[at_] == '\n') return usage("unterminated filter");
      const char c = input_[at_];
      if (c == ')' && (mark == 0 || closed)) break;
      if (c != '"' && c != '\'') continue;
      if (mark == 0)
        mark = c;
      else if (c == mark && input_[at_ - 1] != '\\')
        closed = true;
    }
    const std::string_view text = input_.substr(begin, at_ - begin);
    if (!follows(")]")) return usage("unclosed array expect ]");
    at_ += 2;
    return text;
  }

  Result<void> filter(Node& list) {
    constexpr std::string_view kSigns = "!<>=";
    WUKONG_TRY(const std::string_view text, filter_text());
    const std::size_t begin = std::min(text.find_first_of(kSigns), text.size());
    std::size_t end = std::min(text.find_first_not_of(kSigns, begin), text.size());
    if (end == text.size() && end > begin) --end;  // something must stand to the right, if need be a sign
    Node node{.kind = Kind::filter, .word = "exists"};
    if (begin == 0 || end == begin) {
      WUKONG_TRY(Node left, inside(text));
      node.nodes.push_back(std::move(left));
    } else {
      node.word = text.substr(begin, end - begin);
      WUKONG_TRY(Node left, inside(text.substr(0, begin)));
      WUKONG_TRY(Node right, inside(text.substr(end)));
      node.nodes.push_back(std::move(left));
      node.nodes.push_back(std::move(right));
      constexpr std::array<std::string_view, 6> kKnown{"==", "!=", "<", ">", "<=", ">="};
      if (std::find(kKnown.begin(), kKnown.end(), node.word) == kKnown.end())
        return usage("unrecognized filter operator " + node.word, "use one of: == != < > <= >=");
    }
    list.nodes.push_back(std::move(node));
    return {};
  }

  /// `text` as if it stood between braces.
  Result<Node> inside(std::string_view text) const {
    const std::string whole = fmt::format("{{{}}}", text);
    WUKONG_TRY(Node root, Parser(whole, depth_ + 1).parse());
    return std::move(root.nodes.front());
  }

  std::string_view input_;
  int depth_{};
  std::size_t at_{};
};

/// An {end} needs a {range} before it.
Result<void> check_ranges(const Node& node, int& open) {
  if (node.kind == Kind::range) ++open;
  if (node.kind == Kind::end && --open < 0) return usage("not in range, nothing to end");
  for (const Node& inner : node.nodes) WUKONG_CHECK(check_ranges(inner, open));
  return {};
}

}  // namespace

Result<JsonPath> JsonPath::parse(std::string_view text) {
  WUKONG_TRY(Node root, Parser(text, 0).parse());
  int open = 0;
  WUKONG_CHECK(check_ranges(root, open));
  return JsonPath(std::make_shared<const Node>(std::move(root)));
}

Result<std::string> relaxed_jsonpath(std::string_view path) {
  if (path.empty()) return std::string();
  std::string_view inner = path;
  if (inner.starts_with('{') && inner.ends_with('}')) inner = inner.substr(1, inner.size() - 2);
  // One leading dot is part of the form; a path of nothing else is its own field.
  if (inner.size() > 1 && inner.starts_with('.')) inner.remove_prefix(1);
  if (inner.empty() || inner.find_first_of("{}") != std::string_view::npos)
    return usage(
        "unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or "
        "'{.name1.name2}'");
  return fmt::format("{{.{}}}", inner);
}

}  // namespace wukong
