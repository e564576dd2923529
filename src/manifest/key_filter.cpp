#include "manifest/key_filter.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <regex>

namespace wukong::manifest {
namespace {

constexpr std::size_t kLongestFilter = 256;  // std::regex recurses

bool is_negative(std::string_view filter) { return filter.starts_with('!'); }

/// Nothing when `pattern` is no regular expression.
std::optional<std::regex> compiled(std::string_view pattern) {
  try {
    return std::regex(pattern.begin(), pattern.end(), std::regex::ECMAScript);
  } catch (const std::regex_error&) {
    return std::nullopt;
  }
}

bool matches(std::string_view pattern, std::string_view key) {
  if (pattern == "*") return true;
  const auto regex = compiled(pattern);  // filter_problem() has refused what is none
  return regex && std::regex_search(key.begin(), key.end(), *regex);
}

}  // namespace

std::string filter_problem(std::string_view filter) {
  const std::string_view pattern = is_negative(filter) ? filter.substr(1) : filter;
  if (pattern.empty()) return "it is empty";
  if (pattern.find('!') != std::string_view::npos) return "\"!\" may only stand first";
  if (filter.size() > kLongestFilter) return "it is longer than 256 characters";
  const auto star = pattern.find('*');
  if (star != std::string_view::npos && star + 1 != pattern.size()) return "\"*\" may only stand last";
  if (pattern == "*") return {};
  return compiled(pattern) ? "" : "it is no regular expression";
}

bool keeps_key(const std::vector<std::string>& filters, std::string_view key) {
  if (filters.empty()) return true;
  const auto matching = [&](bool negative) {
    return std::any_of(filters.begin(), filters.end(), [&](const std::string& filter) {
      return is_negative(filter) == negative &&
             matches(std::string_view(filter).substr(negative ? 1 : 0), key);
    });
  };
  return matching(false) && !matching(true);
}

Json kept_keys(const Json& map, const std::vector<std::string>& filters) {
  Json out = Json::object();
  if (!map.is_object()) return out;
  for (const auto& [key, value] : map.items())
    if (keeps_key(filters, key)) out[key] = value;
  return out;
}

}  // namespace wukong::manifest
