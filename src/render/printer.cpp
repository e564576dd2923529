#include "render/printer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/go_values.h"
#include "base/text.h"

namespace wukong::render {
namespace {

constexpr std::string_view kJsonPath = "jsonpath";
constexpr std::string_view kJsonPathFile = "jsonpath-file";
constexpr std::string_view kJsonPathAsJson = "jsonpath-as-json";
constexpr std::string_view kColumns = "custom-columns";
constexpr std::string_view kColumnsFile = "custom-columns-file";

Result<JsonPath> parse_path(std::string_view form, std::string_view text) {
  auto path = JsonPath::parse(text);
  if (path) return path;
  Error& error = path.error();
  error.message = fmt::format("-o {}: error parsing jsonpath {}, {}", form, printable(text), error.message);
  if (error.hint.empty()) error.hint = "a template looks like '{.metadata.name}'";
  return path;
}

Result<Column> parse_column(std::string_view form, std::string header, std::string_view spec) {
  auto relaxed = relaxed_jsonpath(spec);
  if (!relaxed) return usage(fmt::format("-o {}: {}", form, relaxed.error().message), "");
  WUKONG_TRY(JsonPath path, parse_path(form, *relaxed));
  return Column{.header = std::move(header), .path = std::move(path)};
}

Result<std::vector<Column>> columns_of_spec(std::string_view spec) {
  std::vector<Column> columns;
  for (const std::string& part : split(spec, ',')) {
    const std::size_t colon = part.find(':');
    if (colon == std::string::npos)
      return usage(
          fmt::format("-o {}: unexpected custom-columns spec: {}, expected <header>:<json-path-expr>",
                      kColumns, printable(part)),
          "it looks like NAME:.metadata.name,STATUS:.status.printableStatus");
    WUKONG_TRY(Column column, parse_column(kColumns, part.substr(0, colon), part.substr(colon + 1)));
    columns.push_back(std::move(column));
  }
  return columns;
}

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : line) {
    if (c != ' ' && c != '\t' && c != '\r' && c != '\v' && c != '\f') {
      word += c;
    } else if (!word.empty()) {
      words.push_back(std::exchange(word, {}));
    }
  }
  if (!word.empty()) words.push_back(word);
  return words;
}

/// A line of headers and a line of paths.
Result<std::vector<Column>> columns_of_file(std::string_view text) {
  constexpr const char* kShape = "one line of headers and one of paths, with spaces between them";
  const std::vector<std::string> lines = split(text, '\n');
  if (text.empty() || lines.size() < 2 || (lines.size() == 2 && lines[1].empty()))
    return usage(fmt::format("-o {}: invalid template, missing {} line", kColumnsFile,
                             text.empty() ? "header" : "spec"),
                 kShape);
  const std::vector<std::string> headers = words_of(lines[0]);
  const std::vector<std::string> specs = words_of(lines[1]);
  if (headers.size() != specs.size())
    return usage(fmt::format("-o {}: number of headers ({}) and field specifications ({}) don't match",
                             kColumnsFile, headers.size(), specs.size()),
                 kShape);
  std::vector<Column> columns;
  for (std::size_t i = 0; i < headers.size(); ++i) {
    WUKONG_TRY(Column column, parse_column(kColumnsFile, headers[i], specs[i]));
    columns.push_back(std::move(column));
  }
  return columns;
}

/// The template's mistakes are the user's, but only the object shows them.
Error does_not_fit(std::string_view what, const Error& why) {
  return {.message = fmt::format("{}: {}", what, why.message),
          .hint = "-o yaml shows what there is to select"};
}

/// Text for a terminal: tabs and line breaks are the template's.
std::string for_terminal(const std::string& text) {
  std::string out;
  for (const std::string& part : split(text, '\t')) out += (out.empty() ? "" : "\t") + printable_lines(part);
  return out;
}

Result<std::string> print_path(const Printer& printer, const Json& whole) {
  auto text =
      printer.format == OutputFormat::jsonpath ? printer.path.print(whole) : printer.path.print_json(whole);
  if (!text)
    return does_not_fit(fmt::format("error executing jsonpath {:?}", printable(printer.template_text)),
                        text.error());
  return printer.terminal ? for_terminal(*text) : std::move(*text);
}

Result<std::string> cell(const Column& column, const Json& object) {
  const auto found = column.path.find(object);
  if (!found) return does_not_fit(fmt::format("column {}", printable(column.header)), found.error());
  std::vector<std::string> words;
  if (found->groups.empty() || found->groups.front().empty()) words.emplace_back("<none>");
  for (const auto& group : found->groups)
    for (const Json* value : group) words.push_back(go_text(*value));
  return fmt::format("{}", fmt::join(words, ","));
}

Result<std::string> print_columns(const Printer& printer, const std::vector<Json>& objects) {
  std::vector<std::string> headers;
  for (const Column& column : printer.columns) headers.push_back(column.header);
  std::vector<std::vector<std::string>> rows;
  for (const Json& object : objects) {
    std::vector<std::string>& row = rows.emplace_back();
    for (const Column& column : printer.columns) {
      WUKONG_TRY(std::string text, cell(column, object));
      row.push_back(std::move(text));
    }
  }
  return table(headers, rows, printer.headers);
}

Result<Printer> with_path(OutputFormat format, std::string_view form, std::string_view text) {
  if (text.empty())
    return usage("template format specified but no template given",
                 fmt::format("-o {}='{{.metadata.name}}'", form));
  WUKONG_TRY(JsonPath path, parse_path(form, text));
  return Printer{.format = format, .template_text = std::string(text), .path = std::move(path)};
}

Result<Printer> with_columns(Result<std::vector<Column>> columns) {
  if (!columns) return std::move(columns.error());
  return Printer{.format = OutputFormat::custom_columns, .columns = std::move(*columns)};
}

}  // namespace

std::vector<std::string> output_formats() {
  return {"table",
          "wide",
          "name",
          "json",
          "yaml",
          "jsonpath=TEMPLATE",
          "jsonpath-file=FILE",
          "jsonpath-as-json=TEMPLATE",
          "custom-columns=SPEC",
          "custom-columns-file=FILE"};
}

std::string template_file(std::string_view word) {
  for (const std::string_view form : {kJsonPathFile, kColumnsFile})
    if (word.size() > form.size() + 1 && word.starts_with(form) && word[form.size()] == '=')
      return std::string(word.substr(form.size() + 1));
  return {};
}

Result<Printer> parse_printer(std::string_view word, std::string_view file_text) {
  if (const auto plain = parse_output_format(word)) return Printer{.format = *plain};
  const std::size_t equals = std::min(word.find('='), word.size());
  const std::string_view form = word.substr(0, equals);
  const std::string_view text = word.substr(std::min(equals + 1, word.size()));
  if (form == kJsonPath) return with_path(OutputFormat::jsonpath, form, text);
  if (form == kJsonPathAsJson) return with_path(OutputFormat::jsonpath_as_json, form, text);
  if (form == kJsonPathFile) return with_path(OutputFormat::jsonpath, form, text.empty() ? text : file_text);
  if ((form == kColumns || form == kColumnsFile) && text.empty())
    return usage("custom-columns format specified but no custom columns given",
                 "-o custom-columns=NAME:.metadata.name,STATUS:.status.printableStatus");
  if (form == kColumns) return with_columns(columns_of_spec(text));
  if (form == kColumnsFile) return with_columns(columns_of_file(file_text));
  return usage(fmt::format("-o does not take {:?}", printable(word)),
               fmt::format("use one of: {}", fmt::join(output_formats(), ", ")));
}

Result<std::string> print(const Printer& printer, std::vector<Json> objects) {
  switch (printer.format) {
    case OutputFormat::jsonpath:
    case OutputFormat::jsonpath_as_json:
      return print_path(printer, as_one(std::move(objects)));
    case OutputFormat::custom_columns:
      return print_columns(printer, objects);
    default:
      return render::objects(printer.format, std::move(objects));
  }
}

}  // namespace wukong::render
