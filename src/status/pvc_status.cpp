#include "status/pvc_status.h"

#include <fmt/format.h>

#include <functional>
#include <utility>

#include "status/data_volume_sight.h"
#include "status/draft.h"
#include "status/watched.h"

namespace wukong::status {
namespace {

Verdict judge_pending(const ClaimWait& wait, const View& view, const Json& claim, Draft& draft) {
  std::string problem = claim_problem(view, wait.name);
  if (!waits_for_consumer(view, wait.name, claim) || is_worked_on(claim))
    return draft.working("Provisioning", work_on(view, {wait.name}), std::move(problem));
  if (wait.consumer_expected || !problem.empty())
    return draft.working("Waiting", "for its first consumer", std::move(problem));
  draft.remember("unbound", wait.name);
  return draft.done(fmt::format(
      "claim {} waits for its first consumer: its volume is made when a VM or pod first uses it", wait.name));
}

Verdict judge_bound(const ClaimWait& wait, const Json& claim, Draft& draft) {
  switch (fill_of(claim)) {
    case Filling::under_way:
      return draft.working("Filling", {}, fill_problem(claim));
    case Filling::untold:
      return draft.done(
          fmt::format("claim {0} is bound; whether it is filled, only DataVolume {0} tells", wait.name));
    case Filling::over:
      break;
  }
  return draft.done();
}

Verdict judge(const ClaimWait& wait, const View& view, const Verdict& before, Duration waited) {
  Draft draft(before, waited);
  const std::string title = fmt::format("PersistentVolumeClaim {}/{}", wait.ns, wait.name);
  const Json* claim = find_own(view, kClaims, wait.name, draft);
  if (claim == nullptr) return judge_absent(view, kClaims, title, "was deleted before it was bound", draft);
  const std::string_view phase = text(*claim, {"status", "phase"});
  if (phase == "Bound") return judge_bound(wait, *claim, draft);
  if (is_deleting(*claim)) return draft.working("Deleting", "somebody deletes the claim");
  // A claim that loses a race for a volume is Lost for a moment.
  if (phase == "Lost") {
    if (draft.stood("lost", kCertain)) return draft.failed(fmt::format("{} has lost its volume", title));
    return draft.working("Provisioning", {}, "the claim has lost its volume");
  }
  return judge_pending(wait, view, *claim, draft);
}

}  // namespace

std::vector<Watched> watches_claim(const ClaimWait& wait) {
  Watched claim = watch_claims(wait.ns, wait.name);
  claim.required = true;
  return {claim, watch_classes(), watch_events(wait.ns)};
}

Judge claim_judge(ClaimWait wait) { return std::bind_front(judge, std::move(wait)); }

}  // namespace wukong::status
