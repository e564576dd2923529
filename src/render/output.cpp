#include "render/output.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "render/note.h"
#include "render/style.h"
#include "render/yaml.h"

namespace wukong::render {
namespace {

constexpr std::size_t kPadding = 3;
constexpr std::size_t kNarrowest = 6;  // with the padding; kubectl's tabwriter has the same
constexpr int kJsonIndent = 4;

Json list_of(const std::vector<Json>& objects) {
  Json list = {{"apiVersion", "v1"}, {"kind", "List"}, {"metadata", {{"resourceVersion", ""}}}};
  list["items"] = Json::array();
  for (const Json& object : objects) list["items"].push_back(object);
  return list;
}

/// JSON as Go prints it (<, > and & escaped), and with DEL and C1 escaped too, for a terminal would obey
/// them. None of these characters stands outside of strings.
std::string kubectl_json(const Json& value) {
  const std::string plain = dump(value, kJsonIndent);
  std::string out;
  for (std::size_t i = 0; i < plain.size(); ++i) {
    const auto c = static_cast<unsigned char>(plain[i]);
    const auto next = i + 1 < plain.size() ? static_cast<unsigned char>(plain[i + 1]) : 0U;
    if (c == '<' || c == '>' || c == '&' || c == 0x7F) {
      out += fmt::format("\\u{:04x}", c);
    } else if (c == 0xC2 && next < 0xA0) {
      out += fmt::format("\\u{:04x}", next);
      ++i;
    } else if (plain.compare(i, 3, "\u2028") == 0 || plain.compare(i, 3, "\u2029") == 0) {
      out += fmt::format("\\u20{:02x}", static_cast<unsigned char>(plain[i + 2]) - 0x80U);
      i += 2;
    } else {
      out += plain[i];
    }
  }
  return out + "\n";
}

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
                  bool headers) {
  std::vector<std::size_t> widths(columns.size(), kNarrowest);
  const auto widen = [&](const std::vector<std::string>& cells) {
    for (std::size_t i = 0; i < std::min(cells.size(), widths.size()); ++i)
      widths[i] = std::max(widths[i], display_width(printable(cells[i])) + kPadding);
  };
  if (headers) widen(columns);
  for (const auto& row : rows) widen(row);
  std::string out = headers ? table_line(columns, widths) : std::string();
  for (const auto& row : rows) out += table_line(row, widths);
  return out;
}

std::string objects(OutputFormat format, std::vector<Json> objects) {
  if (format == OutputFormat::json || format == OutputFormat::yaml) {
    for (Json& object : objects)
      if (const auto metadata = object.find("metadata"); metadata != object.end() && metadata->is_object())
        metadata->erase("managedFields");
    const Json whole = objects.size() == 1 ? objects.front() : list_of(objects);
    return format == OutputFormat::json ? kubectl_json(whole) : to_yaml(whole);
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
