// Start and stop of VMs, and the question what one may do.
#pragma once

#include "sandbox/access.h"
#include "sandbox/cluster.h"

namespace wukong::sandbox {

/// What `virtctl start` and `stop` do: `action` is "start" or "stop". Errors: 404; 409 with KubeVirt's texts; 500 with
/// the webhook's text while a snapshot or restore holds the VM.
Reply<void> change_run_state(Cluster& cluster, const std::string& ns, const std::string& name,
                             const std::string& action, bool dry_run);

/// A SelfSubjectAccessReview with its status.
Json review_access(const User& user, Json review);

}  // namespace wukong::sandbox
