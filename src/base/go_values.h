// JSON values as Go writes them: what kubectl prints and compares. Pure.
#pragma once

#include <string>

#include "base/object.h"

namespace wukong {

/// As encoding/json: keys sorted, numbers in their shortest form, <, > and & as \uXXXX. `indent` 0: one line without spaces.
std::string go_json(const Json& value, int indent = 0);

/// As fmt.Sprint: text as it is, "map[a:1 b:[x y]]", "<nil>".
std::string go_text(const Json& value);

}  // namespace wukong
