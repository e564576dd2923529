// Kubernetes' protobuf encoding, as far as kubectl insists on it: for kinds that it has compiled in.
#pragma once

#include <optional>
#include <string_view>

#include "base/object.h"

namespace wukong::sandbox {

/// The object in a request body of application/vnd.kubernetes.protobuf: namespaces, config maps, quotas, access reviews.
/// Absent for other kinds and for bytes that are no protobuf.
std::optional<Json> parse_protobuf(std::string_view bytes);

}  // namespace wukong::sandbox
