// What the server says about itself: versions, groups, kinds.
#pragma once

#include <optional>

#include "sandbox/request.h"

namespace wukong::sandbox {

inline constexpr const char* kKubeVirtVersion = "v1.8.4";

/// The answer when the path is one of discovery: /version, /api, /apis, /apis/GROUP, /apis/GROUP/VERSION, /openapi/v3.
std::optional<Json> discover(const Url& url);

}  // namespace wukong::sandbox
