// YAML as JSON, for configuration files, as kubectl reads it. JSON is YAML, and read as such.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "base/object.h"
#include "base/result.h"
#include "kube/yaml_tree.h"

namespace wukong::kube {

/// The first document of `text`; null when there is none. Scalars are what gopkg.in/yaml.v2 takes them for (YAML 1.1:
/// yes, y and on are true, 017 and 0x1F numbers, 2001-01-01 text); of a key that stands twice the last counts; `<<` is
/// followed where it stands. Errors: `usage`, with the line and never the content: not YAML, deeper than 100 levels, more
/// than 200,000 values once aliases are followed, numbers that JSON has no words for.
Result<Json> yaml_to_json(std::string_view text);
/// The same for a tree that is there already.
Result<Json> yaml_to_json(const YamlTree& tree);

}  // namespace wukong::kube
