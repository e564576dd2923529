// One DataVolume of a moment: what the object, its claim and the events of both tell together. A DataVolume alone does not
// tell: it may say Succeeded over a claim that is never bound, looks busy while it waits for a pod that uses its source,
// and CDI retries nearly everything for ever and says so only in passing, often in events of the claim.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/view.h"
#include "status/draft.h"

namespace wukong::status {

struct DataVolumeSight {
  const Json* volume{};  // nullptr: not there, or not seen
  const Json* claim{};
  std::string phase{};
  std::string_view claim_phase{};
};

DataVolumeSight see_data_volume(const View& view, const std::string& name);

enum class Filled {
  no,
  says_so,  // Succeeded, without a source of its own: only the claim could prove it, and that cannot be read
  yes,
};
/// Yes: phase Succeeded and the claim Bound. Over a claim with a source of its own it says Succeeded as soon as the claim
/// exists; of one that CDI fills its word counts where claims cannot be read.
Filled filled(const View& view, const DataVolumeSight& seen);

/// What a bound claim tells of its filling by itself: where no DataVolume speaks for it, for there is none, or none that may be read.
enum class Filling {
  over,       // or nobody fills it
  under_way,  // or about to begin
  untold,     // CDI made it, and its annotations do not tell
};
/// Where claims are filled in place (class without a CSI driver, upload, import or copy into a claim) it is Bound long before;
/// else it is Bound once it is filled. Source: containerized-data-importer pkg/controller/{import,upload}-controller.go.
Filling fill_of(const Json& claim);
/// True while a pod fills the claim, bound or not.
bool is_worked_on(const Json& claim);
/// What keeps the pod that fills it from going on, or "".
std::string fill_problem(const Json& claim);

/// True when it waits for a VM or pod that uses its claim.
bool waits_for_first_use(const View& view, const std::string& name, const DataVolumeSight& seen);

/// 0.45 from "45.20%"; CDI says N/A where nothing counts.
std::optional<double> fraction_of(const DataVolumeSight& seen);

/// Why it failed: only in phase Failed. "it does not say why" at worst.
std::string failure_words(const Json& data_volume);

/// True when the claim has stood in phase Lost. For a moment it may be, while claims race for a volume.
bool has_lost_volume(const std::string& name, const DataVolumeSight& seen, Draft& draft);

/// What keeps it from going on, or "". Remembers the errors of workers, which stand nowhere while they run again, and which
/// events are history: nothing takes an event back when its cause is gone.
std::string problem_of(const View& view, const std::string& name, const DataVolumeSight& seen, Draft& draft);

/// What its conditions alone tell, or "": "DataVolume too small to contain image". Healthy ones show some in passing.
/// Source: cdi.kubevirt.io/v1beta1 DataVolume .status.conditions[].
std::string data_volume_problem(const Json& data_volume);

}  // namespace wukong::status
