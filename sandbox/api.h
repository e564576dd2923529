// The Kubernetes API: requests in, answers out.
#pragma once

#include "sandbox/cluster.h"
#include "sandbox/request.h"

namespace wukong::sandbox {

/// Never throws, whatever was sent.
Response handle(Cluster& cluster, const Request& request);

}  // namespace wukong::sandbox
