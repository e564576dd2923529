#include "sandbox/table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cctype>

#include "base/text.h"
#include "sandbox/selectors.h"

namespace wukong::sandbox {
namespace {

struct Column {
  std::string name{};
  std::string source{};
  bool wide{};
};

std::vector<Column> columns_of(const Kind& kind) {
  std::vector<Column> columns;
  for (const std::string& words : split(kind.columns, ',')) {
    const auto at = words.find('=');
    const bool wide = words.starts_with('-');
    columns.push_back({words.substr(wide ? 1 : 0, at - (wide ? 1 : 0)), words.substr(at + 1), wide});
  }
  return columns;
}

Json value_at(const Json& object, std::string_view path) {
  const Json* value = find_dotted(object, path);
  return value == nullptr ? Json("") : *value;
}

std::string access_modes(const Json& modes) {
  std::string words;
  if (!modes.is_array()) return words;
  for (const Json& mode : modes) {
    if (!words.empty()) words += ",";
    const std::string word = mode.is_string() ? mode.get<std::string>() : "";
    for (const char c : word)
      if (std::isupper(static_cast<unsigned char>(c)) != 0) words += c;  // ReadWriteOnce -> RWO
    if (word == "ReadWriteMany" || word == "ReadOnlyMany") words.back() = 'X';
  }
  return words;
}

/// "pods: 1/5, requests.storage: 10Gi/20Gi"
std::string quota_text(const Json& quota) {
  std::vector<std::string> words;
  for (const auto& [limit, hard] : fields(quota, {"status", "hard"}).items())
    words.push_back(fmt::format("{}: {}/{}", limit, text(quota, {"status", "used", limit}),
                                hard.is_string() ? hard.get<std::string>() : dump(hard)));
  return fmt::format("{}", fmt::join(words, ", "));
}

Json cell(const Json& object, const std::string& source, WallTime now) {
  std::string rest = source.substr(1);
  switch (source.front()) {
    case '\'':
      return rest;
    case '+':
      return access_modes(value_at(object, rest));
    case '#':
      return value_at(object, rest).size();
    case '?': {
      const Json* found = condition(object, rest);
      return found == nullptr ? "" : std::string(text(*found, {"status"}));
    }
    case '%':
      return quota_text(object);
    case '@': {
      const Json date = value_at(object, rest);
      const auto time = parse_rfc3339(date.is_string() ? date.get<std::string>() : "");
      return time ? age_text(std::chrono::duration_cast<std::chrono::seconds>(now - *time)) : "";
    }
    case '&': {
      const auto paths = split(rest, '/');
      const Json first = value_at(object, paths[0]);
      const Json second = value_at(object, paths[1]);
      if (!first.is_string() || first.empty() || !second.is_string()) return "";
      return lower(first.get<std::string>()) + "/" + second.get<std::string>();
    }
    default:
      return value_at(object, source);
  }
}

Json name_cell(const Json& object) {
  std::string name(text(object, {"metadata", "name"}));
  const bool is_default =
      text(object, {"metadata", "annotations", "storageclass.kubernetes.io/is-default-class"}) == "true";
  return is_default ? name + " (default)" : name;
}

Json definition(std::string_view name, std::string_view format, int priority) {
  return {
      {"name", name}, {"type", "string"}, {"format", format}, {"description", ""}, {"priority", priority}};
}

}  // namespace

std::string age_text(std::chrono::seconds age) {
  const auto total = std::max<std::int64_t>(0, age.count());
  const auto minutes = total / 60;
  const auto hours = minutes / 60;
  const auto days = hours / 24;
  if (total < 120) return fmt::format("{}s", total);
  const auto pair = [](auto big, char unit, auto small, char small_unit) {
    return small == 0 ? fmt::format("{}{}", big, unit)
                      : fmt::format("{}{}{}{}", big, unit, small, small_unit);
  };
  if (minutes < 10) return pair(minutes, 'm', total % 60, 's');
  if (minutes < 180) return fmt::format("{}m", minutes);
  if (hours < 8) return pair(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return fmt::format("{}h", hours);
  if (days < 8) return pair(days, 'd', hours % 24, 'h');
  return fmt::format("{}d", days);
}

Json table_of(const Kind& kind, std::span<const Object> objects, WallTime now) {
  const auto columns = columns_of(kind);
  // Events are told without their names, unless one wants all.
  Json definitions = Json::array({definition("Name", "name", kind.resource == "events" ? 1 : 0)});
  for (const Column& column : columns)
    definitions.push_back(definition(column.name, "", column.wide ? 1 : 0));
  Json rows = Json::array();
  for (const Object& object : objects) {
    Json cells = Json::array({name_cell(*object)});
    for (const Column& column : columns) cells.push_back(cell(*object, column.source, now));
    const Json partial = {{"kind", "PartialObjectMetadata"},
                          {"apiVersion", "meta.k8s.io/v1"},
                          {"metadata", fields(*object, {"metadata"})}};
    rows.push_back({{"cells", std::move(cells)}, {"object", partial}});
  }
  return {{"kind", "Table"},
          {"apiVersion", "meta.k8s.io/v1"},
          {"metadata", Json::object()},
          {"columnDefinitions", std::move(definitions)},
          {"rows", std::move(rows)}};
}

}  // namespace wukong::sandbox
