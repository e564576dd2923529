// What a JSONPath template is parsed to. For base/jsonpath*.cpp only.
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/object.h"

namespace wukong {

/// One bound of [start:end:step]. `next` marks an end that was not written: [3] means [3:4].
struct SliceBound {
  std::int64_t value{};
  bool known{};
  bool next{};
};

struct JsonPathNode {
  enum class Kind {
    text,            // stands for itself, once
    number_or_bool,  // once for each value that it is applied to
    list,            // each node is applied to what the one before selects
    field,
    wildcard,
    slice,
    filter,
    recursive,
    unite,
    range,
    end
  };
  Kind kind{Kind::list};
  std::string word{};                 // field: its name; filter: its operator, "exists" without one
  Json value = Json();                // text, number_or_bool
  std::array<SliceBound, 3> slice{};  // start, end, step
  std::vector<JsonPathNode>
      nodes{};  // list: what follows each other; unite: lists; filter: left [and right] list
};

}  // namespace wukong
