// Judges VirtualMachines: running, stopped.
#pragma once

#include <string>
#include <vector>

#include "base/view.h"

namespace wukong::status {

struct VmWait {
  std::string ns{};
  std::string name{};
};

std::vector<Watched> watches_vm_running(const VmWait& wait);
/// Done when the VM is Running. No word of its status is final: ErrorUnschedulable, DataVolumeError and their like also
/// occur on the way of healthy starts. Failed when it was deleted, or halted again by somebody.
Judge vm_running_judge(VmWait wait);

std::vector<Watched> watches_vm_stopped(const VmWait& wait);
/// Done when no VirtualMachineInstance object exists any more: only then its disks are free. "Stopped" is not enough,
/// a guest that powered itself off leaves a finished instance.
Judge vm_stopped_judge(VmWait wait);

std::vector<Watched> watches_vm_unlocked(const VmWait& wait);
/// Done when no snapshot and no restore of the VM is under way: while one is, KubeVirt refuses to start or stop it. Nothing is
/// waited for when the VM is gone or cannot be read.
Judge vm_unlocked_judge(VmWait wait);

/// Why the VM does not come to run, "ErrorUnschedulable: 0/1 nodes are available: ...", or "". Controllers go on retrying, and healthy
/// VMs show some of that in passing.
std::string vm_problem(const Json& vm);

/// True when the VM shall not run: run strategy Halted, or `running: false`.
bool is_halted(const Json& vm);

}  // namespace wukong::status
