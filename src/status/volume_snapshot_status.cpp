#include "status/volume_snapshot_status.h"

#include <fmt/format.h>

#include <functional>
#include <utility>

#include "status/draft.h"
#include "status/watched.h"

namespace wukong::status {
namespace {

constexpr std::string_view kVolumeSnapshots = "volumesnapshots";

Verdict judge(const VolumeSnapshotWait& wait, const View& view, const Verdict& before, Duration waited) {
  Draft draft(before, waited);
  const Json* found = find_own(view, kVolumeSnapshots, wait.name, draft);
  if (found == nullptr)
    return judge_absent(view, kVolumeSnapshots, fmt::format("VolumeSnapshot {}/{}", wait.ns, wait.name),
                        "was deleted before it was ready", draft);
  if (is_deleting(*found)) return draft.working("Deleting", {}, "somebody deletes the snapshot");
  if (flag(*found, {"status", "readyToUse"})) return draft.done();
  return draft.working("Snapshotting", {}, std::string(text(*found, {"status", "error", "message"})));
}

}  // namespace

std::vector<Watched> watches_volume_snapshot(const VolumeSnapshotWait& wait) {
  return {{.gvr = gvr::volume_snapshot(),
           .ns = wait.ns,
           .name = wait.name,
           .keep = {{"spec.source", "status.readyToUse", "status.error"}},
           .required = true}};
}

Judge volume_snapshot_judge(VolumeSnapshotWait wait) { return std::bind_front(judge, std::move(wait)); }

}  // namespace wukong::status
