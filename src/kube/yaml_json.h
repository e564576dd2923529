// YAML as JSON, for configuration files. JSON is YAML, and read as such.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "base/object.h"
#include "base/result.h"

namespace wukong::kube {

/// The first document of `text`; null when there is none. Plain scalars become null, booleans and numbers as
/// in YAML 1.1 (yes, on, ~), quoted ones text; of a key that stands twice the last counts; `<<` is followed.
/// Errors: `usage`, with the line and never the content: not YAML, deeper than 100 levels, more than 200,000
/// values once aliases are followed.
Result<Json> yaml_to_json(std::string_view text);

}  // namespace wukong::kube
