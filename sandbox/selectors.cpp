#include "sandbox/selectors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"

namespace wukong::sandbox {
namespace {

using Part = Selector::Part;
using Test = Selector::Test;

/// Splits at commas outside parentheses.
std::vector<std::string> parts_of(std::string_view words) {
  std::vector<std::string> parts;
  std::string part;
  int depth = 0;
  for (const char c : words) {
    if (c == '(') ++depth;
    if (c == ')') --depth;
    if (c != ',' || depth > 0) {
      part += c;
      continue;
    }
    parts.push_back(std::exchange(part, {}));
  }
  parts.push_back(part);
  std::erase_if(parts, [](const std::string& each) { return trim(each).empty(); });
  return parts;
}

bool split_at(std::string_view words, std::string_view sign, Part& part) {
  const auto at = words.find(sign);
  if (at == std::string_view::npos) return false;
  part.key = trim(words.substr(0, at));
  part.values = {std::string(trim(words.substr(at + sign.size())))};
  return true;
}

/// "a=b", "a==b", "a!=b".
bool parse_equality(std::string_view words, Part& part) {
  const bool differs = split_at(words, "!=", part);
  part.test = differs ? Test::none_of : Test::one_of;
  return differs || split_at(words, "==", part) || split_at(words, "=", part);
}

/// "a in (b, c)": false when `word` does not stand there.
bool parse_set(std::string_view words, std::string_view word, Part& part) {
  if (!split_at(words, fmt::format(" {} (", word), part) && !split_at(words, fmt::format(" {}(", word), part))
    return false;
  std::string inside = part.values.front();
  if (!inside.empty() && inside.back() == ')') inside.pop_back();
  part.values.clear();
  for (const std::string& value : split(inside, ',')) part.values.emplace_back(trim(value));
  return true;
}

Part parse_label(std::string_view words) {
  words = trim(words);
  Part part;
  const bool excludes = parse_set(words, "notin", part);
  if (excludes || parse_set(words, "in", part)) {
    part.test = excludes ? Test::none_of : Test::one_of;
    return part;
  }
  if (parse_equality(words, part)) return part;
  const bool denied = words.starts_with('!');
  return {std::string(trim(words.substr(denied ? 1 : 0))), denied ? Test::absent : Test::exists, {}};
}

bool is_field(const Kind& kind, std::string_view field) {
  if (field == "metadata.name" || (field == "metadata.namespace" && kind.namespaced)) return true;
  if (kind.resource == "events") {
    constexpr std::array kMore{"reason", "type", "source", "reportingComponent"};
    return field.starts_with("involvedObject.") ||
           std::find(kMore.begin(), kMore.end(), field) != kMore.end();
  }
  if (kind.resource == "pods") return field == "spec.nodeName" || field == "status.phase";
  if (kind.resource == "secrets") return field == "type";
  return kind.resource == "namespaces" && field == "status.phase";
}

const Json* at_path(const Json& object, std::string_view path) {
  const Json* value = &object;
  for (const std::string& key : split(path, '.')) {
    value = find(*value, {key});
    if (value == nullptr) return nullptr;
  }
  return value;
}

bool holds(const Part& part, const std::string* value) {
  const bool listed =
      value != nullptr && std::find(part.values.begin(), part.values.end(), *value) != part.values.end();
  switch (part.test) {
    case Test::one_of:
      return listed;
    case Test::none_of:
      return !listed;
    case Test::exists:
      return value != nullptr;
    case Test::absent:
      return value == nullptr;
  }
  return false;
}

const std::string* string_in(const Json* value) {
  return value == nullptr || !value->is_string() ? nullptr : &value->get_ref<const std::string&>();
}

}  // namespace

Reply<Selector> parse_selector(const Kind& kind, std::string_view labels, std::string_view fields) {
  Selector selector;
  for (const std::string& words : parts_of(labels)) {
    selector.labels.push_back(parse_label(words));
    const std::string& key = selector.labels.back().key;
    if (key.empty() || key.find_first_of(" ()=!") != std::string::npos)
      return tl::unexpected(bad_request(fmt::format("unable to parse requirement: <nil>: {}", words)));
  }
  for (const std::string& words : parts_of(fields)) {
    Part part;
    if (!parse_equality(words, part))
      return tl::unexpected(
          bad_request(fmt::format("invalid selector: '{}'; can't understand '{}'", fields, words)));
    if (!is_field(kind, part.key))
      return tl::unexpected(bad_request("field label not supported: " + part.key));
    selector.fields.push_back(std::move(part));
  }
  return selector;
}

bool matches(const Selector& selector, const Json& object) {
  const std::string absent;  // a field that is not there reads as ""
  for (const Part& part : selector.labels)
    if (!holds(part, string_in(find(object, {"metadata", "labels", part.key})))) return false;
  for (const Part& part : selector.fields) {
    const std::string* value = string_in(at_path(object, part.key));
    if (!holds(part, value == nullptr ? &absent : value)) return false;
  }
  return true;
}

}  // namespace wukong::sandbox
