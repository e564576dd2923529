// Results on stdout and errors on stderr, as text.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/object.h"
#include "base/result.h"

namespace wukong::render {

enum class OutputFormat { table, wide, json, yaml, name };

/// The format called `word`, as after -o ("" is table).
std::optional<OutputFormat> parse_output_format(std::string_view word);

/// A table as kubectl's: columns three spaces apart and never narrower than six with them, aligned by display
/// width, no spaces at the end of a line. Cells are cleaned for a terminal; missing ones are empty. No rows:
/// only the headers.
std::string table(const std::vector<std::string>& columns, const std::vector<std::vector<std::string>>& rows,
                  bool headers);

/// `objects` (manifests with apiVersion and kind) as kubectl prints them: one as itself, several as a v1
/// List, without managedFields; `name` is one "kind.group/name" per line. table and wide count as `name`: the columns are the
/// caller's to choose.
std::string objects(OutputFormat format, std::vector<Json> objects);

/// `error` for a person, every line ended: "error: …", "cause: …" for each API cause, then for each context
/// line, and "hint:  …", whose further lines stand under its first.
std::string format_error(const Error& error, bool color);

}  // namespace wukong::render
