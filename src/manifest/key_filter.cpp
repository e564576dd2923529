#include "manifest/key_filter.h"

#include <re2/re2.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace wukong::manifest {
namespace {

bool is_negative(std::string_view filter) { return filter.starts_with('!'); }

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

bool matches(std::string_view pattern, std::string_view key) {
  if (pattern == "*") return true;
  const RE2 expression(piece(pattern), RE2::Quiet);  // filter_problem() has refused what is none
  return expression.ok() && RE2::PartialMatch(piece(key), expression);
}

}  // namespace

std::string filter_problem(std::string_view filter) {
  const std::string_view pattern = is_negative(filter) ? filter.substr(1) : filter;
  if (pattern.empty()) return "it is empty";
  if (pattern.find('!') != std::string_view::npos) return "\"!\" may only stand first";
  const auto star = pattern.find('*');
  if (star != std::string_view::npos && star + 1 != pattern.size()) return "\"*\" may only stand last";
  if (pattern == "*") return {};
  const RE2 expression(piece(pattern), RE2::Quiet);
  return expression.ok() ? "" : "it is no regular expression: " + printable(expression.error());
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
