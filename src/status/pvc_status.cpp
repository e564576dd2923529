#include "status/pvc_status.h"

#include <fmt/format.h>

#include <utility>

#include "status/draft.h"
#include "status/watched.h"

namespace wukong::status {
namespace {

constexpr std::string_view kSelectedNode = "volume.kubernetes.io/selected-node";

/// No pod has asked for the claim yet. Storage classes may not be readable: then an event tells it.
bool waits_for_consumer(const View& view, const ClaimWait& wait, const Json& claim) {
  if (!text(claim, {"metadata", "annotations", kSelectedNode}).empty()) return false;
  if (const Json* used = view.find(kClasses, text(claim, {"spec", "storageClassName"})); used != nullptr)
    return text(*used, {"volumeBindingMode"}) == "WaitForFirstConsumer";
  const Json* newest = view.newest_event("PersistentVolumeClaim", wait.name, {});
  return newest != nullptr && text(*newest, {"reason"}) == "WaitForFirstConsumer";
}

Verdict judge_pending(const ClaimWait& wait, const View& view, const Json& claim, Draft& draft) {
  std::string problem = claim_problem(view, wait.name);
  if (!waits_for_consumer(view, wait, claim)) return draft.working("Provisioning", {}, std::move(problem));
  if (wait.consumer_expected || !problem.empty())
    return draft.working("Waiting", "for its first consumer", std::move(problem));
  draft.remember("unbound", wait.name);
  return draft.done(fmt::format(
      "claim {} waits for its first consumer: its volume is made when a VM or pod first uses it", wait.name));
}

Verdict judge(const ClaimWait& wait, const View& view, const Verdict& before, Duration waited) {
  Draft draft(before, waited);
  const Json* claim = view.find(kClaims, wait.name);
  const std::string uid = draft.recall("uid");
  const bool ours = claim != nullptr && (uid.empty() || uid == text(*claim, {"metadata", "uid"}));
  const std::string title = fmt::format("PersistentVolumeClaim {}/{}", wait.ns, wait.name);
  if (!ours) {
    if (is_fresh(view, kClaims) && draft.stood("absent", kCertain))
      return draft.failed(
          fmt::format("{} {}", title, uid.empty() ? "does not exist" : "was deleted before it was bound"));
    return before.stage.empty() ? draft.working("Starting") : draft.as_before();
  }
  draft.remember("uid", std::string(text(*claim, {"metadata", "uid"})));
  const std::string_view phase = text(*claim, {"status", "phase"});
  if (phase == "Bound") return draft.done();
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
  return {{.gvr = gvr::pvc(),
           .ns = wait.ns,
           .name = wait.name,
           .keep = {{"metadata.annotations", "spec.storageClassName", "status.phase"}},
           .required = true},
          {.gvr = gvr::storage_class(), .keep = {{"volumeBindingMode", "provisioner"}}},
          watch_events(wait.ns)};
}

Judge claim_judge(ClaimWait wait) {
  return [wait = std::move(wait)](const View& view, const Verdict& before, Duration waited) {
    return judge(wait, view, before, waited);
  };
}

}  // namespace wukong::status
