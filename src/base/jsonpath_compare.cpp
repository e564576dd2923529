#include "base/jsonpath_compare.h"

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>

namespace wukong {

namespace {

enum class Kind { none, boolean, integer, real, text };

Kind kind_of(const Json& value) {
  constexpr auto kLargest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (value.is_boolean()) return Kind::boolean;
  if (value.is_string()) return Kind::text;
  if (value.is_number_float()) return Kind::real;
  if (value.is_number_unsigned()) return value.get<std::uint64_t>() > kLargest ? Kind::real : Kind::integer;
  return value.is_number_integer() ? Kind::integer : Kind::none;
}

/// Less than zero, zero or more: how `left` stands to `right`, both of `kind`.
int order(const Json& left, const Json& right, Kind kind) {
  const auto sign = [](const auto& a, const auto& b) { return a < b ? -1 : (b < a ? 1 : 0); };
  if (kind == Kind::text)
    return sign(left.get_ref<const std::string&>(), right.get_ref<const std::string&>());
  if (kind == Kind::integer) return sign(left.get<std::int64_t>(), right.get<std::int64_t>());
  if (kind == Kind::real) return sign(left.get<double>(), right.get<double>());
  return sign(left.get<bool>(), right.get<bool>());
}

}  // namespace

Result<bool> compare_as_go(const Json& left, std::string_view sign, const Json& right) {
  const Kind kind = kind_of(left);
  if (kind == Kind::none || kind_of(right) == Kind::none)
    return Error{.message = "invalid type for comparison"};
  if (kind != kind_of(right)) return Error{.message = "incompatible types for comparison"};
  if (kind == Kind::boolean && sign != "==" && sign != "!=")
    return Error{.message = "invalid type for comparison"};
  const int ordered = order(left, right, kind);
  if (sign == "==") return ordered == 0;
  if (sign == "!=") return ordered != 0;
  if (sign == "<") return ordered < 0;
  if (sign == ">") return ordered > 0;
  if (sign == "<=") return ordered <= 0;
  return ordered >= 0;
}

std::string_view kind_in_words(const Json& value) { return value.type_name(); }

}  // namespace wukong
