// All objects, and the history of their changes that watches read.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/object.h"
#include "sandbox/kinds.h"

namespace wukong::sandbox {

using Object = std::shared_ptr<const Json>;

/// One change. `before` is null for a new object, `after` for one that is gone.
struct Change {
  std::uint64_t version{};
  const Kind* kind{};
  Object before{};
  Object after{};
};

class Store {
 public:
  /// Keeps the last `history` changes; watches that want older ones are answered 410.
  explicit Store(std::size_t history = 5000) : history_(history) {}

  /// The newest resourceVersion.
  std::uint64_t version() const { return version_; }
  /// A watch may begin after this version.
  std::uint64_t oldest() const { return changes_.empty() ? version_ : changes_.front().version - 1; }
  const std::deque<Change>& changes() const { return changes_; }

  /// nullptr when there is none. `ns` is "" for cluster-scoped kinds.
  Object find(const Kind& kind, const std::string& ns, const std::string& name) const;
  /// In the order of namespace and name; `ns` "" means all.
  std::vector<Object> list(const Kind& kind, const std::string& ns = {}) const;

  /// Stores `object` under its metadata, with a new resourceVersion.
  Object put(const Kind& kind, Json object);
  void erase(const Kind& kind, const std::string& ns, const std::string& name);

 private:
  using Name = std::pair<std::string, std::string>;

  void remember(const Kind& kind, Object before, Object after);

  std::size_t history_{};
  std::uint64_t version_{1};
  std::map<std::string_view, std::map<Name, Object>> objects_{};  // by resource
  std::deque<Change> changes_{};
};

}  // namespace wukong::sandbox
