#include "render/output.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/go_values.h"
#include "base/text.h"
#include "render/note.h"
#include "render/safe_json.h"
#include "render/style.h"
#include "render/yaml.h"

namespace wukong::render {
namespace {

constexpr std::size_t kPadding = 3;
constexpr std::size_t kNarrowest = 6;  // with the padding; kubectl's tabwriter has the same
constexpr std::size_t kFewest = 20;    // for a last column that is to be broken
constexpr int kJsonIndent = 4;

/// "virtualmachine.kubevirt.io/web"
std::string name_of(const Json& object) {
  const std::string_view version = text(object, {"apiVersion"});
  const std::size_t slash = version.find('/');
  ObjectRef ref;
  ref.gvr.kind = text(object, {"kind"});
  if (slash != std::string_view::npos) ref.gvr.group = version.substr(0, slash);
  ref.name = text(object, {"metadata", "name"});
  return printable(resource_name(ref)) + "\n";
}

std::string table_line(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) {
  std::string line;
  for (std::size_t i = 0; i < widths.size(); ++i)
    line += pad(i < cells.size() ? printable(cells[i]) : std::string(), widths[i]);
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

/// Columns for the last one; zero: as many as it takes.
std::size_t room_of_last(const std::vector<std::size_t>& widths, std::size_t width) {
  std::size_t before = 0;
  for (std::size_t i = 0; i + 1 < widths.size(); ++i) before += widths[i];
  return width == 0 || width < before + kFewest ? 0 : width - before;
}

/// `row`, and lines below it with the rest of its last cell.
std::vector<std::vector<std::string>> row_lines(const std::vector<std::string>& row, std::size_t columns,
                                                std::size_t room) {
  if (room == 0 || row.size() < columns) return {row};
  std::vector<std::vector<std::string>> lines;
  for (std::string& part : wrapped(printable(row.back()), room)) {
    std::vector<std::string> line = lines.empty() ? row : std::vector<std::string>(columns);
    line.back() = std::move(part);
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace

std::optional<OutputFormat> parse_output_format(std::string_view word) {
  if (word.empty() || word == "table") return OutputFormat::table;
  if (word == "wide") return OutputFormat::wide;
  if (word == "json") return OutputFormat::json;
  if (word == "yaml") return OutputFormat::yaml;
  if (word == "name") return OutputFormat::name;
  return std::nullopt;
}

std::string table(const std::vector<std::string>& columns, const std::vector<std::vector<std::string>>& rows,
                  bool headers, std::size_t width) {
  std::vector<std::size_t> widths(columns.size(), kNarrowest);
  const auto widen = [&](const std::vector<std::string>& cells) {
    for (std::size_t i = 0; i < std::min(cells.size(), widths.size()); ++i)
      widths[i] = std::max(widths[i], display_width(printable(cells[i])) + kPadding);
  };
  if (headers) widen(columns);
  for (const auto& row : rows) widen(row);
  std::string out = headers ? table_line(columns, widths) : std::string();
  const std::size_t room = room_of_last(widths, width);
  for (const auto& row : rows)
    for (const auto& line : row_lines(row, columns.size(), room)) out += table_line(line, widths);
  return out;
}

Json as_one(std::vector<Json> objects) {
  if (objects.size() == 1) return std::move(objects.front());
  Json list = {{"apiVersion", "v1"}, {"kind", "List"}, {"metadata", {{"resourceVersion", ""}}}};
  list["items"] = Json::array();
  for (Json& object : objects) list["items"].push_back(std::move(object));
  return list;
}

std::string objects(OutputFormat format, std::vector<Json> objects) {
  if (format == OutputFormat::json || format == OutputFormat::yaml) {
    for (Json& object : objects)
      if (const auto metadata = object.find("metadata"); metadata != object.end() && metadata->is_object())
        metadata->erase("managedFields");
    const Json whole = as_one(std::move(objects));
    return format == OutputFormat::json ? safe_json(go_json(whole, kJsonIndent)) + "\n" : to_yaml(whole);
  }
  std::string out;
  for (const Json& object : objects) out += name_of(object);
  return out;
}

std::string format_error(const Error& error, bool color) {
  const auto lines = [&](std::string_view label, Color chosen, const std::string& text) {
    return labelled(fmt::format("{:<7}", label),
                    paint(label, color ? chosen : Color::none) + std::string(7 - label.size(), ' '), text);
  };
  std::string out = lines("error:", Color::red, error.message);
  for (const std::string& cause : error.causes) out += lines("cause:", Color::yellow, cause);
  for (const std::string& context : error.context) out += lines("cause:", Color::yellow, context);
  if (!error.hint.empty()) out += lines("hint:", Color::bold, error.hint);
  return out;
}

}  // namespace wukong::render
