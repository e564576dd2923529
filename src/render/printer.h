// Objects as -o asks for them, templates included. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/jsonpath.h"
#include "base/object.h"
#include "base/result.h"
#include "render/output.h"

namespace wukong::render {

/// One of -o custom-columns.
struct Column {
  std::string header{};
  JsonPath path{};
};

/// What stands behind -o, understood.
struct Printer {
  OutputFormat format{OutputFormat::table};
  std::string template_text{};    // jsonpath, jsonpath_as_json: for errors
  JsonPath path{};                // the same, parsed
  std::vector<Column> columns{};  // custom_columns
  bool headers{true};
  bool terminal{};  // text from the server must not steer one

  /// table and wide: the columns are the command's to choose.
  bool is_table() const { return format == OutputFormat::table || format == OutputFormat::wide; }
};

/// The printer for `word`, as after -o. A template in a file ("jsonpath-file=…") stands in `file_text` then.
/// Errors: `usage`: no such format; a template that cannot be parsed, with client-go's words.
Result<Printer> parse_printer(std::string_view word, std::string_view file_text = {});

/// The file that `word` ("jsonpath-file=FILE", "custom-columns-file=FILE") names, or "".
std::string template_file(std::string_view word);

/// `objects` as kubectl prints them: one as itself, several as a v1 List. table and wide count as name.
/// Errors: `failed`: a template that does not fit the object.
Result<std::string> print(const Printer& printer, std::vector<Json> objects);

/// Every format, as a usage error lists it.
std::vector<std::string> output_formats();

}  // namespace wukong::render
