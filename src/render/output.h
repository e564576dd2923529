// Results on stdout and errors on stderr, as text.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/object.h"
#include "base/result.h"

namespace wukong::render {

enum class OutputFormat { table, wide, json, yaml, name, jsonpath, jsonpath_as_json, custom_columns };

/// The format without a template called `word`, as after -o ("" is table).
std::optional<OutputFormat> parse_output_format(std::string_view word);

/// A table as kubectl's: columns three spaces apart and never narrower than six with them, aligned by display
/// width, no spaces at the end of a line. Cells are cleaned for a terminal; missing ones are empty. No rows:
/// only the headers. `width`, unless zero: the last column goes on below itself where a line would be longer.
std::string table(const std::vector<std::string>& columns, const std::vector<std::vector<std::string>>& rows,
                  bool headers, std::size_t width = 0);

/// One object as itself, none or several as a v1 List.
Json as_one(std::vector<Json> objects);

/// `objects` (manifests with apiVersion and kind) as kubectl prints them with -o json or yaml, as_one() and without
/// managedFields. Every other format counts as `name`: one "kind.group/name" per line. -o with a template: render/printer.
std::string objects(OutputFormat format, std::vector<Json> objects);

/// `error` for a person, every line ended: "error: …", "cause: …" for each API cause, then for each context
/// line, and "hint:  …", whose further lines stand under its first.
std::string format_error(const Error& error, bool color);

}  // namespace wukong::render
