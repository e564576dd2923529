// What the API server and the webhooks do to an object before it is stored: defaults and refusals.
#pragma once

#include <optional>

#include "sandbox/cluster.h"

namespace wukong::sandbox {

/// Fills in defaults. `before` is null for a create. Returns why the write is refused, with the webhooks' texts.
std::optional<Refusal> admit(Cluster& cluster, const Kind& kind, Json& object, const Json* before);

}  // namespace wukong::sandbox
