// Quoted text in JSONPath templates. For base/jsonpath*.cpp only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace wukong {

/// What `quoted` (with its quotation marks, " or ') stands for, by the rules of Go's strconv.UnquoteChar. Nothing when it is
/// not valid.
std::optional<std::string> unquote_jsonpath(std::string_view quoted);

}  // namespace wukong
