// What the API answers instead of an object: Kubernetes' Status, with its texts.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

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

Refusal not_found(const Kind& kind, std::string_view name);
Refusal already_exists(const Kind& kind, std::string_view name);
/// `why` is empty for a resourceVersion that is not the newest one.
Refusal conflict(const Kind& kind, std::string_view name, std::string_view why = {});
Refusal forbidden(const Kind& kind, std::string_view name, std::string_view why);
/// `field` has the problem `message`, such as "Required value".
Refusal invalid(const Kind& kind, std::string_view name, std::string_view field, std::string_view message);
/// A webhook's answer: 422 with a cause, or what its `code` says.
Refusal denied(std::string_view webhook, std::string_view message, std::string_view field = {},
               int code = 422);
Refusal bad_request(std::string_view message);
Refusal too_old(std::string_view message);

/// The Status object.
Json status_of(const Refusal& refusal);

}  // namespace wukong::sandbox
