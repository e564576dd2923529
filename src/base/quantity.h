// Kubernetes quantities in bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/object.h"
#include "base/result.h"

namespace wukong {

/// A count of bytes.
struct Bytes {
  std::int64_t count{};
  auto operator<=>(const Bytes&) const = default;
};

/// Parses a quantity ("20Gi", "1.5G", "500M", "1e9", "128974848", "100m" rounds up to 1). Source: apimachinery's
/// resource.Quantity: suffixes n u m k M G T P E and Ki Mi Gi Ti Pi Ei, decimal exponents; sub-byte values round up.
/// Errors: `usage`: not a quantity, negative, or past 2^63-1.
Result<Bytes> parse_quantity(std::string_view text);
/// The quantity at `path` in bytes; 0 when there is none.
std::int64_t bytes_at(const Json& object, Path path);
/// Shortest exact form: "20Gi", "1536Mi", "1000".
std::string format_quantity(Bytes bytes);
/// For people: "20.0 GiB", "512 B".
std::string format_bytes(Bytes bytes);

}  // namespace wukong
