#include "status/data_volume_status.h"

#include <fmt/format.h>

#include <functional>
#include <utility>

#include "status/data_volume_sight.h"
#include "status/draft.h"
#include "status/watched.h"

namespace wukong::status {
namespace {

/// "Importing" for ImportInProgress.
std::string stage_of(std::string_view phase) {
  if (phase == "ImportInProgress") return "Importing";
  if (phase == "UploadReady") return "Waiting for an upload";
  if (phase == "Paused") return "Paused";
  if (phase.ends_with("Scheduled")) return "Scheduled";
  if (phase.find("Clone") != std::string_view::npos || phase == "PrepClaimInProgress" ||
      phase == "RebindInProgress")
    return "Cloning";
  return "Provisioning";
}

Verdict judge_present(const DataVolumeWait& wait, const View& view, const std::string& title, Draft& draft) {
  const DataVolumeSight seen = see_data_volume(view, wait.name);
  if (seen.phase == "Failed")
    return draft.failed(fmt::format("{} failed: {}", title, failure_words(*seen.volume)));
  if (has_lost_volume(wait.name, seen, draft))
    return draft.failed(fmt::format("PersistentVolumeClaim {}/{} has lost its volume", wait.ns, wait.name));
  // Without sight of its claim its own word must do.
  if (filled(view, seen) != Filled::no) return draft.done();
  if (seen.phase == "Succeeded" && seen.claim == nullptr) {
    // Old versions of CDI remove the DataVolume, never the claim: an absent claim is on its way, or nothing is known of it.
    if (is_fresh(view, kClaims) && draft.stood("no claim", kCertain))
      return draft.failed(fmt::format("{} says Succeeded, but has no claim", title));
    return draft.working("Finishing");
  }
  if (is_deleting(*seen.volume)) return draft.working("Deleting", "somebody deletes the DataVolume");
  std::string problem = problem_of(view, wait.name, seen, draft);
  if (waits_for_first_use(view, wait.name, seen)) {
    if (wait.consumer_expected || !problem.empty())
      return draft.working("Waiting", "for its first consumer", std::move(problem));
    draft.remember("unbound", wait.name);
    return draft.done(fmt::format("DataVolume {} is filled when a VM or pod first uses it", wait.name));
  }
  Verdict verdict = draft.working(stage_of(seen.phase), {}, std::move(problem));
  verdict.fraction = fraction_of(seen);
  return verdict;
}

Verdict judge(const DataVolumeWait& wait, const View& view, const Verdict& before, Duration waited) {
  Draft draft(before, waited);
  const std::string title = fmt::format("DataVolume {}/{}", wait.ns, wait.name);
  if (find_own(view, kDataVolumes, wait.name, draft) == nullptr)
    return judge_absent(view, kDataVolumes, title, "was deleted before it was filled", draft);
  return judge_present(wait, view, title, draft);
}

}  // namespace

std::vector<Watched> watches_data_volume(const DataVolumeWait& wait) {
  return {{.gvr = gvr::data_volume(),
           .ns = wait.ns,
           .name = wait.name,
           .keep = {{"spec.source", "spec.sourceRef", "status"}},
           .required = true},
          watch_claims(wait.ns, wait.name),
          watch_classes(),
          watch_events(wait.ns)};
}

Judge data_volume_judge(DataVolumeWait wait) { return std::bind_front(judge, std::move(wait)); }

}  // namespace wukong::status
