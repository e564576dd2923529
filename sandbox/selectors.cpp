#include "sandbox/selectors.h"

#include <fmt/format.h>

#include <algorithm>
#include <regex>

#include "base/text.h"

namespace wukong::sandbox {
namespace {

/// Splits at commas outside parentheses.
std::vector<std::string> parts_of(std::string_view words) {
  std::vector<std::string> parts(1);
  int depth = 0;
  for (const char c : words) {
    if (c == '(') ++depth;
    if (c == ')') --depth;
    if (c == ',' && depth == 0)
      parts.emplace_back();
    else
      parts.back() += c;
  }
  std::erase_if(parts, [](const std::string& each) { return trim(each).empty(); });
  return parts;
}

std::optional<Requirement> parse_requirement(const std::string& words) {
  const std::regex form(
      R"(\s*(!?)\s*([^\s=!(),]+)\s*(?:(==?|!=)\s*([^\s=!(),]*)|(in|notin)\s*\(([^()]*)\))?\s*)");
  std::smatch found;
  if (!std::regex_match(words, found, form)) return std::nullopt;
  Requirement part{.key = found[2], .negated = found[1].length() > 0};
  if (found[3].matched) {
    part.negated = found[3] == "!=";
    part.values = {found[4]};
  } else if (found[5].matched) {
    part.negated = found[5] == "notin";
    part.values.emplace();
    for (const std::string& value : split(std::string(found[6]), ',')) part.values->emplace_back(trim(value));
  }
  return part;
}

bool is_field(const Kind& kind, std::string_view field) {
  if (field == "metadata.name" || (field == "metadata.namespace" && kind.namespaced)) return true;
  if (kind.resource == "events")
    return field.starts_with("involvedObject.") || field == "reason" || field == "type" ||
           field == "source" || field == "reportingComponent";
  if (kind.resource == "pods") return field == "spec.nodeName" || field == "status.phase";
  if (kind.resource == "secrets") return field == "type";
  return kind.resource == "namespaces" && field == "status.phase";
}

bool holds(const Requirement& part, const Json* value) {
  const bool is_text = value != nullptr && value->is_string();
  const bool found =
      is_text && (!part.values || std::find(part.values->begin(), part.values->end(),
                                            value->get_ref<const std::string&>()) != part.values->end());
  return found != part.negated;
}

}  // namespace

Reply<Selector> parse_selector(const Kind& kind, std::string_view labels, std::string_view fields) {
  Selector selector;
  for (const std::string& words : parts_of(labels)) {
    auto part = parse_requirement(words);
    if (!part) return tl::unexpected(bad_request(fmt::format("unable to parse requirement: {}", words)));
    selector.labels.push_back(*std::move(part));
  }
  for (const std::string& words : parts_of(fields)) {
    auto part = parse_requirement(words);
    if (!part || !part->values)
      return tl::unexpected(
          bad_request(fmt::format("invalid selector: '{}'; can't understand '{}'", fields, words)));
    if (!is_field(kind, part->key))
      return tl::unexpected(bad_request(
          kind.is_custom() ? "field label not supported: " + part->key
                           : fmt::format("\"{}\" is not a known field selector: only \"metadata.name\", "
                                         "\"metadata.namespace\"",
                                         part->key)));
    selector.fields.push_back(*std::move(part));
  }
  return selector;
}

bool matches(const Selector& selector, const Json& object) {
  const Json absent = "";  // a field that is not there reads as ""
  return std::all_of(selector.labels.begin(), selector.labels.end(),
                     [&](const Requirement& part) {
                       return holds(part, find(object, {"metadata", "labels", part.key}));
                     }) &&
         std::all_of(selector.fields.begin(), selector.fields.end(), [&](const Requirement& part) {
           const Json* value = find_dotted(object, part.key);
           return holds(part, value == nullptr ? &absent : value);
         });
}

const Json* find_dotted(const Json& object, std::string_view path) {
  const Json* value = &object;
  for (const std::string& key : split(path, '.')) {
    if (value->is_array() && key == "0")
      value = value->empty() ? nullptr : &value->front();
    else
      value = find(*value, {key});
    if (value == nullptr) return nullptr;
  }
  return value;
}

}  // namespace wukong::sandbox
