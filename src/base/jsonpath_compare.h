// Comparisons in JSONPath filters. For base/jsonpath*.cpp only.
#pragma once

#include <string>
#include <string_view>

#include "base/object.h"
#include "base/result.h"

namespace wukong {

/// `left` `sign` `right` (== != < > <= >=) by the rules of Go templates: only values of one kind compare, and an integer and a
/// float are two kinds. Errors: `failed`, with Go's words.
Result<bool> compare_as_go(const Json& left, std::string_view sign, const Json& right);

/// "string", "object", "null" …
std::string_view kind_in_words(const Json& value);

}  // namespace wukong
