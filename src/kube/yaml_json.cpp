#include "kube/yaml_json.h"

#include <string>

#include "kube/yaml_scalar.h"

namespace wukong::kube {
namespace {

constexpr std::size_t kMaxDepth = 100;
constexpr std::size_t kMaxValues = 200'000;

/// Walks a tree. The count is of visits, not of nodes: an alias costs as much as what it stands for, so a
/// few hundred bytes of aliases to aliases cannot become gigabytes.
class Converter {
 public:
  explicit Converter(const YamlTree& tree) : tree_(tree) {}

  Result<Json> convert(std::size_t index, std::size_t depth = 0) {
    const YamlNode& node = tree_.at(index);
    if (depth > kMaxDepth) return yaml_error(node.line, "nested too deeply");
    if (++visited_ > kMaxValues) return yaml_error(node.line, "too many values");
    if (node.kind == YamlNode::Kind::scalar) return yaml_scalar(node);
    if (node.kind == YamlNode::Kind::mapping) return mapping(node, depth);
    Json out = Json::array();
    for (const std::size_t item : node.items) {
      WUKONG_TRY(Json value, convert(item, depth + 1));
      out.push_back(std::move(value));
    }
    return out;
  }

 private:
  Result<Json> mapping(const YamlNode& node, std::size_t depth) {
    Json out = Json::object();
    for (const auto& [key, value] : node.entries) {
      const YamlNode& name = tree_.at(key);
      if (name.kind != YamlNode::Kind::scalar) return yaml_error(name.line, "a key is not text");
      if (name.plain && name.text == "<<") {
        WUKONG_CHECK(merge(value, out, depth));
        continue;
      }
      WUKONG_TRY(std::string word, yaml_key(name));
      WUKONG_TRY(out[std::move(word)], convert(value, depth + 1));
    }
    return out;
  }

  /// In place: keys that stand before `<<` are overridden. Of a list the first mapping wins.
  Result<void> merge(std::size_t index, Json& into, std::size_t depth) {
    const YamlNode& node = tree_.at(index);
    if (node.kind == YamlNode::Kind::mapping) {
      WUKONG_TRY(const Json value, convert(index, depth + 1));
      into.update(value);
      return {};
    }
    if (node.kind == YamlNode::Kind::scalar) return yaml_error(node.line, "<< wants a mapping");
    for (auto item = node.items.rbegin(); item != node.items.rend(); ++item) {
      if (tree_.at(*item).kind != YamlNode::Kind::mapping) return yaml_error(node.line, "<< wants mappings");
      WUKONG_TRY(const Json value, convert(*item, depth + 1));
      into.update(value);
    }
    return {};
  }

  const YamlTree& tree_;
  std::size_t visited_{};
};

}  // namespace

Result<Json> yaml_to_json(const YamlTree& tree) {
  if (!tree.any()) return Json(nullptr);
  return Converter(tree).convert(tree.root);
}

Result<Json> yaml_to_json(std::string_view text) {
  WUKONG_TRY(const YamlTree tree, parse_yaml(text));
  return yaml_to_json(tree);
}

}  // namespace wukong::kube
