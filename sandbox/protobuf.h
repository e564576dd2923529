// Kubernetes' protobuf encoding, as far as kubectl insists on it: `create namespace`, `create configmap`, `create quota`
// and `auth can-i` send nothing else.
#pragma once

#include <optional>
#include <string_view>

#include "base/object.h"

namespace wukong::sandbox {

/// The object in a request body of application/vnd.kubernetes.protobuf. Absent for other kinds, and for bytes that are no
/// protobuf.
std::optional<Json> parse_protobuf(std::string_view bytes);

}  // namespace wukong::sandbox
