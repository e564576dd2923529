#include "manifest/marks.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/digest.h"

namespace wukong::manifest {

void add_marks(Json& manifest, const Marks& marks) {
  Json& metadata = manifest["metadata"];
  metadata["labels"][mark::kManagedBy] = mark::kManager;
  metadata["labels"][mark::kOperation] = marks.operation;
  metadata["annotations"][mark::kRequestHash] = marks.request_hash;
}

std::string selector_of(const std::string& operation) {
  return std::string(mark::kOperation) + "=" + operation;
}

std::string own_selector_of(const std::string& operation) {
  return fmt::format("{},{}={}", selector_of(operation), mark::kManagedBy, mark::kManager);
}

std::string request_hash(const Json& request) { return sha256_hex(dump(request)).substr(0, 16); }

}  // namespace wukong::manifest
