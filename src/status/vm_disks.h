// What a VirtualMachine says of its disks and of what may be done with it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/object.h"

namespace wukong::status {

/// A disk that a snapshot would leave out, and why.
struct LeftOut {
  std::string volume{};
  std::string reason{};  // KubeVirt's words; "" when it has not reported yet
};

/// The VM's disks that a VirtualMachineSnapshot would leave out, in spec order.
/// `vm`: a VirtualMachine. Only PVC and DataVolume disks count: KubeVirt also reports `enabled: false` for cloudInit and
/// containerDisk volumes. No report yet counts as left out.
/// Source: kubevirt.io/v1 VirtualMachine .status.volumeSnapshotStatuses[] {name, enabled, reason}.
std::vector<LeftOut> disks_without_snapshot(const Json& vm);

/// True when one of the VM's dataVolumeTemplates makes the DataVolume, and its claim: they go with the VM.
bool is_templated(const Json& vm, std::string_view data_volume);

/// True when the VM keeps TPM or EFI state on a volume of its own, which VirtualMachineClone refuses.
/// Source: .spec.template.spec.domain.devices.tpm.persistent, .firmware.bootloader.efi.persistent.
bool has_persistent_state(const Json& vm);

/// Volumes of the VM that are files of its node (hostDisk): a copy of the VM would write the very same ones.
std::vector<std::string> host_disks(const Json& vm);

}  // namespace wukong::status
