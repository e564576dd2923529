// Judges for giving a clone up. A VolumeSnapshot that is deleted while the storage takes it, or while a claim from it
// is Pending, hangs for up to 15 minutes and blocks its namespace (seen with external-snapshotter 8): both are waited out first.
#pragma once

#include <optional>
#include <vector>

#include "base/view.h"
#include "status/clone_status.h"

namespace wukong::status {

/// What these judges look at. Nothing of it is required: what cannot be read is not waited for.
std::vector<Watched> watches_clone_undo(const CloneWait& wait);

/// Done when no snapshot of the clone is on its way any more: the restore has begun, the storage has refused, or the
/// clone does not go on.
Judge clone_settled_judge(CloneWait wait);

/// Done when the restore inside the clone has been gone for a moment: until then its controller may still make claims, and the
/// target VM.
Judge inner_restore_gone_judge(CloneWait wait);

/// Done when no claim is left that the restore inside the clone has made; failed when some still are after `patience` (nothing: 45 s).
Judge claims_gone_judge(CloneWait wait, std::optional<Duration> patience = std::nullopt);

}  // namespace wukong::status
