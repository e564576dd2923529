// Any bytes as a template of -o jsonpath, and as the path of a custom column.
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "base/go_values.h"
#include "base/jsonpath.h"

using namespace wukong;

namespace {

const char* const kObject =
    R"({"s": "text", "n": 5, "f": 1.5, "t": true, "z": null, "a": [1, 2, 3], "ea": [], "eo": {}, "a.b": "dot",
  "o": {"x": 1, "y": "b", "k": {"d": [{"x": 2}, {"x": 3, "w": "q"}]}}, "m": [[1, 2], [3], []],
  "l": [{"x": 1, "y": "b", "g": [1, 2]}, {"x": 2, "y": "c", "g": []}, {"x": 3, "q": null}]})";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4096) return 0;  // a range in a range in a range over itself takes its time
  const std::string text(reinterpret_cast<const char*>(data), size);
  const Json object = Json::parse(kObject);
  if (const auto path = JsonPath::parse(text)) {
    const auto once = path->print(object);
    const auto again = path->print(object);
    if (once.has_value() != again.has_value() || (once && *once != *again)) std::abort();
    if (path->print_json(object).has_value() != once.has_value()) std::abort();
  }
  if (const auto relaxed = relaxed_jsonpath(text)) static_cast<void>(JsonPath::parse(*relaxed));
  return 0;
}
