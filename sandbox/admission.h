// What the API server and the webhooks do to an object before it is stored: defaults and refusals.
#pragma once

#include <optional>

#include "sandbox/cluster.h"

namespace wukong::sandbox {

/// Fills in defaults. `before` is null for a create. Returns why the write is refused, with the real texts.
std::optional<Refusal> admit(Cluster& cluster, const Kind& kind, Json& object, const Json* before);

/// How much of a quota's `limit` all objects in a namespace take, as text: "3", "20Gi".
std::string quota_used(const Cluster& cluster, std::string_view ns, std::string_view limit);

}  // namespace wukong::sandbox
