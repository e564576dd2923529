// Whether a source that was off when its copy began stays off: CDI looks at that only before it reads.
#pragma once

#include <string>
#include <vector>

#include "base/view.h"
#include "status/draft.h"

namespace wukong::status {

/// The source of DataVolumes that are filled from claims; with neither `vm` nor `claim` nothing is watched.
struct SourceUse {
  std::string ns{};
  std::string vm{};     // whose disks are copied
  std::string claim{};  // that is copied by itself
  bool known() const { return !vm.empty() || !claim.empty(); }
};

std::vector<Watched> watches_source(const SourceUse& source);

/// True for a pod that has not ended and may write to the claim.
bool uses_claim(const Json& pod, std::string_view claim);

/// Why the disks `names` are of no one moment, because their source was started while they were copied; or "". A disk that was not
/// begun is waited with by CDI itself until the source is off, which is no failure, unless others have been copied before that; nor
/// is a snapshot that CDI takes first.
std::string disturbance(const View& view, const SourceUse& source, const std::vector<std::string>& names,
                        Draft& draft);

/// What must be said when it could not be seen whether somebody started the source, or "".
std::string unseen_use(const View& view, const SourceUse& source);

}  // namespace wukong::status
