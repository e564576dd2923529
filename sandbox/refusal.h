// What the API answers instead of an object: Kubernetes' Status, with its texts.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "base/object.h"
#include "sandbox/kinds.h"

namespace wukong::sandbox {

struct Refusal {
  int code{};
  std::string reason{};
  std::string message{};
  Json details = nullptr;
};

template <class T>
using Reply = tl::expected<T, Refusal>;

/// What is wrong with one field. The message's beginning says of what sort: "Required value", "Forbidden", ...
struct Cause {
  std::string field{};
  std::string message{};
};

Refusal not_found(const Kind& kind, std::string_view name);
Refusal already_exists(const Kind& kind, std::string_view name);
Refusal conflict(const Kind& kind, std::string_view name, std::string_view why);
Refusal forbidden(const Kind& kind, std::string_view name, std::string_view why);
Refusal invalid(const Kind& kind, std::string_view name, const std::vector<Cause>& causes);
/// A webhook's answer.
Refusal denied(std::string_view webhook, const std::vector<Cause>& causes);
Refusal bad_request(std::string_view message);
Refusal unsupported_media(std::string_view accepted);
Refusal too_old(std::string_view message);

/// The Status object.
Json status_of(const Refusal& refusal);

}  // namespace wukong::sandbox
