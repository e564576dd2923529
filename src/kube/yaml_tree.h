// The first document of a YAML text as a tree, by libyaml: what kubectl's own reader was translated from.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace wukong::kube {

struct YamlNode {
  enum class Kind { scalar, sequence, mapping };
  Kind kind{Kind::scalar};
  std::string tag{};                 // "tag:yaml.org,2002:int", "!mine"; empty: none was written
  bool plain{};                      // a scalar without quotes and without a tag: its text decides what it is
  std::string text{};                // of a scalar
  std::vector<std::size_t> items{};  // of a sequence
  std::vector<std::pair<std::size_t, std::size_t>> entries{};  // of a mapping, in order
  bool flow{};                                                 // "{…}", "[…]"
  std::size_t begin{};                                         // bytes of the text; a block's end may
  std::size_t end{};                                           // lie behind the blank lines after it
  std::size_t line{};                                          // from 1
};

/// Nodes refer to each other by index. An alias is another reference to the node it stands for, so there may be far more
/// ways through the tree than nodes, but never a circle.
struct YamlTree {
  std::vector<YamlNode> nodes{};
  std::size_t root{};
  /// False for a text that has no document: empty, or comments only.
  bool any() const { return !nodes.empty(); }
  const YamlNode& at(std::size_t index) const { return nodes[index]; }
};

/// Errors: `usage`, with the line, without the content.
Result<YamlTree> parse_yaml(std::string_view text);

/// The error of something wrong at `line` (0: nowhere in particular).
Error yaml_error(std::size_t line, std::string_view why);

}  // namespace wukong::kube
