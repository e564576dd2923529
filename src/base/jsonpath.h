// kubectl's JSONPath templates, such as {range .items[*]}{.metadata.name}{"\n"}{end}. Pure.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/object.h"
#include "base/result.h"

namespace wukong {

struct JsonPathNode;

/// What a template selects: one group for each text and each {…}, in the order in which they are printed. Points into the
/// template and the data.
struct JsonPathResults {
  std::vector<std::vector<const Json*>> groups{};
  std::deque<Json> made{};  // values that stand in neither
  JsonPathResults() = default;
  JsonPathResults(JsonPathResults&&) noexcept = default;
  JsonPathResults& operator=(JsonPathResults&&) noexcept = default;
  JsonPathResults(const JsonPathResults&) = delete;  // pointers into `made` would stay behind
  JsonPathResults& operator=(const JsonPathResults&) = delete;
  ~JsonPathResults() = default;
};

/// A template, parsed. It means what client-go's util/jsonpath makes of it, oddities included; only what could never be
/// evaluated ({foo}, {end} without a range, an operator that does not exist, a step of 0) is found when it is parsed.
/// Objects are walked in the order of their keys; client-go has no order there.
class JsonPath {
 public:
  /// Prints nothing.
  JsonPath() = default;
  /// Errors: `usage`; the message is client-go's ("unterminated array"), without the template.
  static Result<JsonPath> parse(std::string_view text);

  /// Missing fields select nothing. `data` and the template must outlive the results. Errors: `failed`: an index out of
  /// bounds, a number compared with a text.
  Result<JsonPathResults> find(const Json& data) const;

  /// What kubectl prints with -o jsonpath=TEMPLATE. Errors: as find().
  Result<std::string> print(const Json& data) const;
  /// With -o jsonpath-as-json=TEMPLATE: each group as an array.
  Result<std::string> print_json(const Json& data) const;

 private:
  explicit JsonPath(std::shared_ptr<const JsonPathNode> root) : root_(std::move(root)) {}
  std::shared_ptr<const JsonPathNode> root_{};
};

/// `path` (.metadata.name, metadata.name, {metadata.name}) as the template {.metadata.name}: the forms that custom columns and
/// conditions may have. Errors: `usage`.
Result<std::string> relaxed_jsonpath(std::string_view path);

}  // namespace wukong
