// The controllers: each looks at one object and at what is stored, and writes what shall be next.
#pragma once

#include "sandbox/cluster.h"

namespace wukong::sandbox {

/// Runs all controllers until nothing changes any more. When they want to run again: Cluster::take_wake_up.
void settle(Cluster& cluster);
/// Lets time pass until nothing is under way, for controllers at most `limit`.
void settle_fully(Cluster& cluster, Millis limit);

// One object each. All are safe to call again at any time: they compare what is with what shall be.
void step_namespace(Cluster& cluster, const Json& ns);
void step_claim(Cluster& cluster, const Json& claim);
void step_volume(Cluster& cluster, const Json& volume);
void step_volume_snapshot(Cluster& cluster, const Json& snapshot);
void step_vm(Cluster& cluster, const Json& vm);
void step_vmi(Cluster& cluster, const Json& vmi);
void step_snapshot(Cluster& cluster, const Json& snapshot);
void step_snapshot_content(Cluster& cluster, const Json& content);
void step_restore(Cluster& cluster, const Json& restore);
void step_clone(Cluster& cluster, const Json& clone);

/// Deletes what has lost its owners, and what waits for its dependents to go.
void collect_garbage(Cluster& cluster);

}  // namespace wukong::sandbox
