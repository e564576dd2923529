#include "base/jsonpath.h"

#include <fmt/format.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/go_values.h"
#include "base/jsonpath_compare.h"
#include "base/jsonpath_nodes.h"

namespace wukong {

namespace {

using Node = JsonPathNode;
using Kind = JsonPathNode::Kind;
using Values =
    std::vector<const Json*>;  // a nullptr is no value at all: what a range without results stands for

/// Walks a template as client-go does: state and order of the checks are its.
class Walk {
 public:
  Walk(const std::vector<Node>& nodes, JsonPathResults& results) : nodes_(nodes), results_(results) {}

  const std::string& problem() const { return problem_; }

  /// The groups that the nodes from `first` on select for `data`, up to the {end} of the range around them.
  void groups(const Json* data, std::size_t first, bool wanted) {
    for (std::size_t i = first; i < nodes_.size(); ++i) {
      Values found = list({data}, nodes_[i]);
      if (failed()) return;
      if (ends_ > 0 && ends_ <= open_) {
        --ends_;
        last_end_ = i;
        return;
      }
      if (begins_ > 0) {
        i = range(found, i, wanted);
        if (failed()) return;
      } else if (wanted) {
        results_.groups.push_back(std::move(found));
      }
    }
  }

 private:
  bool failed() const { return !problem_.empty(); }
  Values fail(std::string problem, Values values) {
    problem_ = std::move(problem);
    return values;
  }

  /// Runs what follows the {range} at `at` for each of its values; returns where the last {end} was.
  std::size_t range(const Values& values, std::size_t at, bool wanted) {
    --begins_;
    ++open_;
    for (const Json* value : values) {
      groups(value, at + 1, wanted);
      if (failed()) return at;
    }
    if (values.empty()) groups(nullptr, at + 1, false);  // only to find the {end}
    --open_;
    return last_end_ > at ? last_end_ : at;
  }

  /// In a failure, what was selected so far: a filter without operator looks at it.
  Values list(Values values, const Node& node) {
    if (node.kind != Kind::list) return apply(values, node);
    for (const Node& part : node.nodes) {
      values = apply(values, part);
      if (failed()) break;
    }
    return values;
  }

  Values apply(const Values& values, const Node& node) {
    switch (node.kind) {
      case Kind::text:
        return {&node.value};
      case Kind::number_or_bool:
        return Values(values.size(), &node.value);
      case Kind::list:
        return list(values, node);
      case Kind::field:
        return field(values, node.word);
      case Kind::wildcard:
        return wildcard(values);
      case Kind::slice:
        return slice(values, node);
      case Kind::filter:
        return filter(values, node);
      case Kind::recursive:
        return recursive(values);
      case Kind::unite:
        return unite(values, node);
      case Kind::range:
        ++begins_;
        return values;
      case Kind::end:
        break;
    }
    if (open_ == 0) return fail("not in range, nothing to end", {});
    ++ends_;
    return {};
  }

  static Values field(const Values& values, const std::string& name) {
    Values found;
    for (const Json* value : values)
      if (value != nullptr && value->is_object())
        if (const auto it = value->find(name); it != value->end()) found.push_back(&*it);
    return found;
  }

  /// The items of an array, the values of an object, the bytes of a text.
  Values children(const Json& value) {
    Values found;
    if (value.is_structured())
      for (const Json& item : value) found.push_back(&item);
    if (value.is_string())
      for (const char c : value.get_ref<const std::string&>())
        found.push_back(&results_.made.emplace_back(static_cast<unsigned char>(c)));
    return found;
  }

  Values wildcard(const Values& values) {
    Values found;
    for (const Json* value : values)
      if (value != nullptr)
        for (const Json* child : children(*value)) found.push_back(child);
    return found;
  }

  /// Each value that has children, before them.
  static Values recursive(const Values& values) {
    Values found;
    for (const Json* value : values) {
      if (value == nullptr || value->empty()) continue;
      if (value->is_string() && !value->get_ref<const std::string&>().empty()) found.push_back(value);
      if (!value->is_structured()) continue;
      found.push_back(value);
      Values children;
      for (const Json& item : *value) children.push_back(&item);
      for (const Json* deeper : recursive(children)) found.push_back(deeper);
    }
    return found;
  }

  Values slice(const Values& values, const Node& node) {
    Values found;
    for (const Json* value : values) {
      if (value == nullptr || value->is_null()) continue;
      if (!value->is_array())
        return fail(fmt::format("{} is not array or slice", kind_in_words(*value)), values);
      const auto size = static_cast<std::int64_t>(value->size());
      auto [start, end, step] = node.slice;
      if (start.value < 0) start.value += size;
      if (!end.known) end.value = size;
      if (end.value < 0 || (end.value == 0 && end.next)) end.value += size;
      if (start.value == end.value) return found;  // and nothing of the values that follow
      if (const auto outside = out_of_bounds(start.value, end.value, size)) return fail(*outside, values);
      for (std::int64_t i = start.value; i < end.value; i += step.known ? step.value : 1)
        found.push_back(&(*value)[static_cast<std::size_t>(i)]);
    }
    return found;
  }

  static std::optional<std::string> out_of_bounds(std::int64_t start, std::int64_t end, std::int64_t size) {
    constexpr const char* kText = "array index out of bounds: index {}, length {}";
    if (start >= size || start < 0) return fmt::format(kText, start, size);
    if (end > size || end < 0) return fmt::format(kText, end - 1, size);
    if (start > end) return fmt::format("starting index {} is greater than ending index {}", start, end);
    return std::nullopt;
  }

  Values unite(const Values& values, const Node& node) {
    Values found;
    for (const Node& part : node.nodes) {
      const Values some = list(values, part);
      if (failed()) return values;
      found.insert(found.end(), some.begin(), some.end());
    }
    return found;
  }

  Values filter(const Values& values, const Node& node) {
    Values found;
    for (const Json* value : values) {
      if (value == nullptr || !value->is_array())
        return fail(fmt::format("{} is not array or slice and cannot be filtered",
                                value == nullptr ? "nothing" : kind_in_words(*value)),
                    values);
      for (const Json& item : *value) {
        if (passes(item, node)) found.push_back(&item);
        if (failed()) return values;
      }
    }
    return found;
  }

  bool passes(const Json& item, const Node& node) {
    const Values left = list({&item}, node.nodes.front());
    if (node.word == "exists") {
      problem_.clear();
      return !left.empty();
    }
    if (failed() || left.empty()) return false;
    const Values right = left.size() > 1 ? Values{} : list({&item}, node.nodes.back());
    if (left.size() > 1 || right.size() > 1) fail("can only compare one element at a time", {});
    if (failed() || right.empty()) return false;
    const auto result = compare_as_go(*left.front(), node.word, *right.front());
    if (!result) fail(result.error().message, {});
    return result && *result;
  }

  const std::vector<Node>& nodes_;
  JsonPathResults& results_;
  std::string problem_{};
  int begins_{};
  int open_{};
  int ends_{};
  std::size_t last_end_{};
};

std::string printed(const Json& value) {
  if (value.is_structured()) return go_json(value);
  return value.is_null() ? "null" : go_text(value);
}

}  // namespace

Result<JsonPathResults> JsonPath::find(const Json& data) const {
  JsonPathResults results;
  if (root_ == nullptr) return results;
  Walk walk(root_->nodes, results);
  walk.groups(&data, 0, true);
  if (!walk.problem().empty()) return Error{.message = walk.problem()};
  return results;
}

Result<std::string> JsonPath::print(const Json& data) const {
  WUKONG_TRY(const JsonPathResults results, find(data));
  std::string out;
  for (const auto& group : results.groups)
    for (std::size_t i = 0; i < group.size(); ++i) out += (i > 0 ? " " : "") + printed(*group[i]);
  return out;
}

Result<std::string> JsonPath::print_json(const Json& data) const {
  WUKONG_TRY(const JsonPathResults results, find(data));
  std::string out;
  for (const auto& group : results.groups) {
    Json values = Json::array();
    for (const Json* value : group) values.push_back(*value);
    out += go_json(values, 4) + "\n";
  }
  return out;
}

}  // namespace wukong
