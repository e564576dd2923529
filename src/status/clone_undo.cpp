#include "status/clone_undo.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <functional>

#include "status/draft.h"
#include "status/object_status.h"
#include "status/restored_claims.h"
#include "status/snapshot_status.h"
#include "status/watched.h"

namespace wukong::status {
namespace {

/// A snapshot follows the clone within this time: its controller has one queue, and was seen to be busy for more than 2 s.
constexpr std::chrono::seconds kNextStep{6};
/// A restore follows a finished snapshot within this time: seen to take more than 6 s where the controller was busy.
constexpr std::chrono::seconds kRestoreFollows{15};
/// A controller that was at work on a restore when it vanished makes one more claim: seen a moment after.
constexpr std::chrono::seconds kLastClaim{3};
/// Some snapshots take hours, and some claims never go: then the rest is done without them.
constexpr std::chrono::seconds kPatience{45};

/// The uid of the clone, as long as it is there.
std::string_view uid_of(const View& view, const CloneWait& wait) {
  const Json* clone = view.find(kClones, wait.name);
  return clone == nullptr ? std::string_view{} : text(*clone, {"metadata", "uid"});
}

Verdict judge_settled(const CloneWait& wait, const View& view, const Verdict& before, Duration waited) {
  Draft draft(before, waited);
  const std::string uid(uid_of(view, wait));
  if (uid.empty() || view.unreadable(kSnapshots) || waited >= kPatience) return draft.done();
  if (view.find(kRestores, "tmp-restore-" + uid) != nullptr) return draft.done();
  const Json* snapshot = view.find(kSnapshots, "tmp-snapshot-" + uid);
  if (snapshot != nullptr && !fields(*snapshot, {"status", "error"}).empty()) return draft.done();
  const bool being_taken =
      snapshot != nullptr && !flag(*snapshot, {"status", "readyToUse"}) && !snapshot_failed(*snapshot);
  const bool taken = snapshot != nullptr && !being_taken && !snapshot_failed(*snapshot);
  if (!being_taken && draft.stood(taken ? "taken" : "settled", taken ? kRestoreFollows : kNextStep))
    return draft.done();
  return draft.working("Waiting for its snapshots");
}

Verdict judge_restore_gone(const CloneWait& wait, const View& view, const Verdict& before, Duration waited) {
  Draft draft(before, waited);
  const std::string uid(uid_of(view, wait));
  if (uid.empty() || view.unreadable(kRestores) || waited >= kPatience) return draft.done();
  const bool gone = is_fresh(view, kRestores) && view.find(kRestores, "tmp-restore-" + uid) == nullptr;
  return gone && draft.stood("gone", kLastClaim) ? draft.done() : draft.working("Removing its restore");
}

Verdict judge_claims_gone(const CloneWait& wait, Duration patience, const View& view, const Verdict& before,
                          Duration waited) {
  Draft draft(before, waited);
  const std::string uid(uid_of(view, wait));
  if (uid.empty() || !view.known(kClaims)) return draft.done();
  const std::string restore = "tmp-restore-" + uid;
  std::vector<std::string> left;
  for (const auto& [name, claim] : view.shelf(kClaims).objects)
    if (text(claim, {"metadata", "annotations", kRestoreName}) == restore) left.push_back(name);
  if (left.empty()) return draft.done();
  if (waited < patience) return draft.working("Removing volumes", left_words(left, "claims"));
  return draft.failed(fmt::format("it made claims that are still there: {}", fmt::join(left, ", ")));
}

}  // namespace

std::vector<Watched> watches_clone_undo(const CloneWait& wait) {
  Watched clones{
      .gvr = gvr::vm_clone(), .ns = wait.ns, .name = wait.name, .keep = {{"spec.source", "status"}}};
  return {clones, watch_snapshots(wait.ns), watch_restores(wait.ns),
          watch_restored_claims(wait.ns, wait.source_vm)};
}

Judge clone_settled_judge(CloneWait wait) { return std::bind_front(judge_settled, std::move(wait)); }

Judge inner_restore_gone_judge(CloneWait wait) {
  return std::bind_front(judge_restore_gone, std::move(wait));
}

Judge claims_gone_judge(CloneWait wait, std::optional<Duration> patience) {
  return std::bind_front(judge_claims_gone, std::move(wait), patience.value_or(kPatience));
}

}  // namespace wukong::status
