#include "status/restore_status.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include "status/draft.h"
#include "status/restored_claims.h"
#include "status/watched.h"

namespace wukong::status {
namespace {

/// Reasons of Progressing=False that are no errors.
constexpr std::array<std::string_view, 3> kNoProblem{
    "Operation complete", "VM restore is deleting",
    "Automatically stopping restore target for restore operation"};

std::string unbound_keeper(const RestoreWait& wait, const Json& restore) {
  const std::string snapshot(text(restore, {"spec", "virtualMachineSnapshotName"}));
  return snapshot.empty() ? fmt::format("the snapshot behind {}", wait.name)
                          : fmt::format("the VirtualMachineSnapshot {}", snapshot);
}

std::string describe_unrestored(const RestoreWait& wait, const std::vector<std::string>& claims) {
  if (claims.empty()) return {};
  if (wait.afterwards)
    return fmt::format("{} also uses {} that its restore did not make: {}", wait.target,
                       plural(claims.size(), "claim"), fmt::join(claims, ", "));
  const bool one = claims.size() == 1;
  const std::string which = fmt::format("{} {} {} not in the snapshot", plural(claims.size(), "claim"),
                                        fmt::join(claims, ", "), one ? "was" : "were");
  if (wait.target == wait.source_vm)
    return fmt::format("{} and {} the present data", which, one ? "keeps" : "keep");
  return fmt::format("{}: {} uses the very {} of {}", which, wait.target, plural(claims.size(), "claim"),
                     wait.source_vm);
}

/// A complete restore: are its claims its own, and filled?
Verdict judge_complete(const RestoreWait& wait, const View& view, const Json& restore, Draft& draft) {
  std::vector<std::string> claims = restored_claims(restore);
  const std::string mark = fmt::format("{}-{}", wait.name, text(restore, {"metadata", "uid"}));

  // The VM carries the mark since the very update that gave it the new claims: an older VM proves nothing.
  std::vector<std::string> unrestored;
  const Json* vm = view.find(kVms, wait.target);
  const bool vm_told = vm != nullptr && text(*vm, {"metadata", "annotations", kLastRestore}) == mark;
  if (vm_told) {
    const std::vector<std::string> used = claims_of(*vm);
    for (const std::string& claim : used)
      if (std::find(claims.begin(), claims.end(), claim) == claims.end()) unrestored.push_back(claim);
    if (wait.afterwards)
      std::erase_if(claims, [&](const std::string& claim) {
        return std::find(used.begin(), used.end(), claim) == used.end();
      });
    if (!unrestored.empty()) draft.remember("unrestored", join_names(unrestored));
  } else if (is_fresh(view, kVms) && !draft.stood("vm without mark", kSettled)) {
    return draft.working("Finishing");
  }
  const std::string note = describe_unrestored(wait, unrestored);
  if (wait.all_disks_own && !wait.afterwards && !unrestored.empty())
    return draft.failed(fmt::format("VirtualMachineRestore {}/{} has made VM {}, but {}", wait.ns, wait.name,
                                    wait.target, note));

  if (!view.known(kClaims)) {
    if (!claims.empty()) draft.remember("unbound", join_names(claims));
    return draft.done(sentences(
        {note, claims.empty() || wait.to_be_started
                   ? ""
                   : fmt::format("could not check that its claims are bound (they may not be read): until "
                                 "{} has been started once, {} must stay",
                                 wait.target, unbound_keeper(wait, restore))}));
  }
  const ClaimTally tally = tally_claims(view, claims, mark);
  // A claim of this name may have been replaced just now (InPlace), and its stream be behind the restore's.
  if ((!tally.foreign.empty() || !tally.absent.empty()) && is_fresh(view, kClaims) &&
      draft.stood("claims not ours", kCertain))
    return draft.failed(fmt::format("VirtualMachineRestore {}/{} reports success, but {}", wait.ns, wait.name,
                                    describe_not_restored(tally)));
  if (tally.bound.size() == tally.all()) return draft.done(note);
  if (tally.bound.size() + tally.pending.size() == tally.all() && is_fresh(view, kClaims) &&
      draft.stood("unbound", kSettled)) {
    draft.remember("unbound", join_names(tally.pending));
    if (wait.to_be_started) return draft.done(note);
    return draft.done(sentences({note, describe_unbound(tally, wait.target, unbound_keeper(wait, restore))}));
  }
  return draft.working("Finishing", describe_bound(tally),
                       tally.lost.empty() ? "" : tally_problem(view, tally));
}

Verdict judge_running(const RestoreWait& wait, const View& view, const Json& restore, Draft& draft) {
  const std::string_view why = reason(restore, "Progressing");
  std::string problem = restore_problem(restore);
  if (problem.starts_with("Waiting for target VM to be powered off"))
    return draft.working("Waiting", fmt::format("VM {} must be stopped", wait.target), std::move(problem));
  if (why == "Automatically stopping restore target for restore operation")
    return draft.working("Stopping", fmt::format("VM {}", wait.target));

  const std::string mark = fmt::format("{}-{}", wait.name, text(restore, {"metadata", "uid"}));
  const ClaimTally tally = tally_claims(view, restored_claims(restore), mark);
  if (problem.empty()) problem = tally_problem(view, tally);
  const bool last = why == "Updating target spec";
  return draft.working(last ? "Finishing" : "Restoring", view.known(kClaims) ? describe_bound(tally) : "",
                       std::move(problem));
}

Verdict judge(const RestoreWait& wait, const View& view, const Verdict& before, Duration waited) {
  Draft draft(before, waited);
  const std::string title = fmt::format("VirtualMachineRestore {}/{}", wait.ns, wait.name);
  const Json* restore = find_own(view, kRestores, wait.name, draft);
  if (restore == nullptr)
    return judge_absent(view, kRestores, title, "was deleted before it was done (it goes with its target VM)",
                        draft);
  if (has_condition(*restore, "Failure", "True"))
    return draft.failed(
        fmt::format("{} failed: {}", title, reason(*restore, "Failure")),
        "delete it before the next try: while it exists, KubeVirt refuses other restores of this VM");
  if (flag(*restore, {"status", "complete"})) return judge_complete(wait, view, *restore, draft);
  return judge_running(wait, view, *restore, draft);
}

}  // namespace

std::vector<Watched> watches_restore(const RestoreWait& wait) {
  Watched restores = watch_restores(wait.ns, wait.name);
  restores.required = true;
  return {restores, watch_vm(wait.ns, wait.target), watch_restored_claims(wait.ns, wait.source_vm),
          watch_events(wait.ns)};
}

Judge restore_judge(RestoreWait wait) { return std::bind_front(judge, std::move(wait)); }

std::string restore_problem(const Json& restore) {
  const std::string_view why = reason(restore, "Progressing");
  const bool fine = !has_condition(restore, "Progressing", "False") ||
                    std::find(kNoProblem.begin(), kNoProblem.end(), why) != kNoProblem.end();
  return fine ? std::string{} : std::string(why);
}

std::vector<std::string> restored_claims(const Json& restore) {
  std::vector<std::string> claims;
  for (const Json& each : items(restore, {"status", "restores"}))
    if (const std::string_view name = text(each, {"persistentVolumeClaim"}); !name.empty())
      claims.emplace_back(name);
  return claims;
}

}  // namespace wukong::status
