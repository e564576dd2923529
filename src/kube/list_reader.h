// Reads a list while its bytes come: of each item only the projection stays, however long the answer is.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/object.h"
#include "base/result.h"

namespace wukong::kube {

/// Cuts the items out of {…, "items": […], …} and parses each by itself. What is no such list ends as parse_json would end it.
class ListReader {
 public:
  explicit ListReader(Projection keep) : keep_(std::move(keep)) {}
  /// Bytes of the answer, cut anywhere.
  void feed(std::string_view bytes);
  /// The list with all items; null when no byte came. Errors: `failed`, as parse_json.
  Result<Json> finish();

 private:
  enum class Place { outside, between_items, in_item };
  /// Follows strings and nesting. True when `c` stands in a string, or is one's quote.
  bool in_text(char c);
  void take_outside(char c);
  void take_between(char c);
  void take_item(char c);
  void end_item();

  Projection keep_;
  Json items_ = Json::array();
  std::string shell_{};  // the answer without its items
  std::string item_{};   // the one that is being read
  std::string key_{};    // the last text at the top level, or its first letters
  std::string problem_{};
  Place place_{Place::outside};
  std::size_t depth_{};  // of what stands around the next byte; in an item: within it
  bool in_string_{};
  bool escaped_{};
  bool comma_due_{};
  bool item_due_{};  // behind a comma
  bool found_{};     // the items
};

}  // namespace wukong::kube
