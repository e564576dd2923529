#include "status/clone_status.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "status/draft.h"
#include "status/restore_status.h"
#include "status/restored_claims.h"
#include "status/snapshot_status.h"
#include "status/watched.h"

namespace wukong::status {
namespace {

using std::chrono::seconds;

/// Absent snapshotName for longer than this is no longer the clone controller's own slowness.
constexpr seconds kSnapshotName{2};
/// A clone whose names are not cleared for so long after Succeeded has claims that are not bound.
constexpr seconds kNamesCleared{3};
/// The clone object was seen to lag up to 15 s behind its finished restore.
constexpr seconds kQueue{20};

/// What one judgement looks at. Pointers are nullptr for what is absent or not readable.
struct Scene {
  const CloneWait& wait;
  const View& view;
  Draft& draft;
  std::string uid{};
  std::string restore_name{};
  const Json* clone{};
  const Json* snapshot{};  // temporary
  const Json* restore{};   // temporary
  const Json* made{};      // the target VM, if it carries this clone's mark
  std::string phase{};

  std::string title() const { return fmt::format("VirtualMachineClone {}/{}", wait.ns, wait.name); }
  std::string keeper() const {
    return fmt::format("the VirtualMachineClone {} and its temporary snapshot", wait.name);
  }
  bool names_cleared() const {
    return clone != nullptr && text(*clone, {"status", "snapshotName"}).empty() &&
           text(*clone, {"status", "restoreName"}).empty();
  }
  bool restored() const { return draft.recall("restore") == "complete"; }
  /// It had ended before anybody looked here: its VM may have got and lost disks since.
  bool is_long_ended() const { return wait.afterwards && draft.recall("first phase") == "Succeeded"; }
};

const Json* made_by(const View& view, const std::string& vm, const std::string& restore_name) {
  const Json* found = view.find(kVms, vm);
  const bool ours = found != nullptr && !is_deleting(*found) &&
                    text(*found, {"metadata", "annotations", kLastRestore}).starts_with(restore_name + "-");
  return ours ? found : nullptr;
}

/// Things that only flash by: the temporary objects go as soon as all claims are bound.
void remember_children(Scene& s) {
  if (s.snapshot != nullptr) {
    if (const auto words = indications_of(*s.snapshot); !words.empty())
      s.draft.remember("indications", join_names(words));
    const std::string problem = snapshot_problem(*s.snapshot);
    if (tells_why(problem)) s.draft.remember("snapshot trouble", problem);
    s.draft.remember("snapshot", "seen");
  }
  if (s.restore == nullptr) return;
  s.draft.remember("restore uid", std::string(text(*s.restore, {"metadata", "uid"})));
  if (const auto claims = restored_claims(*s.restore); !claims.empty())
    s.draft.remember("claims", join_names(claims));
  if (flag(*s.restore, {"status", "complete"}))
    s.draft.remember("restore", "complete");
  else if (!s.restored())
    s.draft.remember("restore", "seen");
}

Scene look(const CloneWait& wait, const View& view, Draft& draft) {
  Scene s{.wait = wait, .view = view, .draft = draft, .uid = draft.recall("uid")};
  s.clone = view.find(kClones, wait.name);
  // Another clone of the same name: ours was deleted.
  if (s.clone != nullptr && !s.uid.empty() && text(*s.clone, {"metadata", "uid"}) != s.uid) s.clone = nullptr;
  if (s.clone != nullptr) {
    s.uid = text(*s.clone, {"metadata", "uid"});
    s.phase = text(*s.clone, {"status", "phase"});
    draft.remember("uid", s.uid);
    if (wait.afterwards && draft.recall("first phase").empty())
      draft.remember("first phase", s.phase.empty() ? "none" : s.phase);
  }
  if (s.uid.empty()) return s;
  s.restore_name = "tmp-restore-" + s.uid;
  s.snapshot = view.find(kSnapshots, "tmp-snapshot-" + s.uid);
  s.restore = view.find(kRestores, s.restore_name);
  s.made = made_by(view, wait.target, s.restore_name);
  if (s.made != nullptr) draft.remember("target", "made");
  remember_children(s);
  return s;
}

std::string describe_copy(const Scene& s) {
  const std::string how = describe_indications(split_names(s.draft.recall("indications")));
  return how.empty() ? std::string{} : "the copy was " + how;
}

std::string describe_unreadable(const View& view, std::string_view resource) {
  return fmt::format("{} may not be read: {}", resource, view.shelf(resource).why.message);
}

Verdict done_unbound(const Scene& s, const ClaimTally& tally) {
  s.draft.remember("unbound", join_names(tally.pending));
  if (s.wait.to_be_started) return s.draft.done(describe_copy(s));
  return s.draft.done(sentences({describe_unbound(tally, s.wait.target, s.keeper()), describe_copy(s)}));
}

/// How the names of claims begin that this restore, and nobody else, has made; "" when that is not known.
std::string made_prefix(const Scene& s, std::string_view mark) {
  const std::string_view restore_uid = mark.substr(std::min(mark.size(), s.restore_name.size() + 1));
  return restore_uid.empty() ? std::string{} : fmt::format("restore-{}-", restore_uid);
}

/// The claims may not be read. The clone clears its names when they are all bound; only names that contain the
/// uid of the restore prove that a claim was not there before.
std::optional<Verdict> judge_unread_claims(const Scene& s, const std::vector<std::string>& claims,
                                           std::string_view mark) {
  if (s.clone == nullptr) return std::nullopt;
  const std::string prefix = made_prefix(s, mark);
  std::vector<std::string> unproved;
  for (const std::string& claim : claims)
    if (prefix.empty() || !claim.starts_with(prefix)) unproved.push_back(claim);
  const std::string doubt =
      unproved.empty()
          ? std::string{}
          : fmt::format("could not check that {} {} not there before ({})", fmt::join(unproved, ", "),
                        unproved.size() == 1 ? "was" : "were", describe_unreadable(s.view, kClaims));

  if (s.phase == "Succeeded" && (claims.empty() || s.names_cleared()))
    return s.draft.done(sentences({doubt, describe_copy(s)}));
  const bool enough = s.phase == "Succeeded" ? s.draft.stood("names not cleared", kNamesCleared)
                                             : s.draft.stood("clone lags", kQueue);
  if (!enough) return s.draft.working("Finishing");
  s.draft.remember("unbound", join_names(claims));
  if (s.wait.to_be_started) return s.draft.done(sentences({doubt, describe_copy(s)}));
  return s.draft.done(sentences({fmt::format("could not check that the disks of {} are bound ({}): until it "
                                             "has been started once, {} must stay",
                                             s.wait.target, describe_unreadable(s.view, kClaims), s.keeper()),
                                 doubt, describe_copy(s)}));
}

/// Takes out of `tally` the claims that the VM may have got since the clone has ended: all that are not the restore's; while that
/// is there, or was seen, those that it does not name. What to say of them, or "".
std::string set_later_claims_apart(const Scene& s, std::string_view mark, ClaimTally& tally) {
  const std::string prefix = made_prefix(s, mark);
  const std::vector<std::string> named = split_names(s.draft.recall("claims"));
  if (!s.is_long_ended() || (named.empty() && !s.names_cleared())) return {};
  std::vector<std::string> later;
  for (std::vector<std::string>* names : {&tally.foreign, &tally.absent})
    std::erase_if(*names, [&](const std::string& name) {
      const bool is_later = std::find(named.begin(), named.end(), name) == named.end() &&
                            (prefix.empty() || !name.starts_with(prefix));
      if (is_later) later.push_back(name);
      return is_later;
    });
  if (later.empty()) return {};
  return fmt::format("{} also uses {} that this clone did not make: {}", s.wait.target,
                     plural(later.size(), "claim"), fmt::join(later, ", "));
}

/// The claims that belong to the finished restore: are they its own, and filled? Nothing while that cannot be told.
std::optional<Verdict> judge_claims(const Scene& s, const std::vector<std::string>& claims,
                                    std::string_view mark) {
  ClaimTally tally = tally_claims(s.view, claims, mark);
  const std::string later = set_later_claims_apart(s, mark, tally);
  const std::string hint =
      fmt::format("look at VM {} before you use it, and clone under names that are free", s.wait.target);
  if (!tally.foreign.empty() || !tally.absent.empty()) {
    if (!is_fresh(s.view, kClaims) || !s.draft.stood("claims not ours", kCertain)) return std::nullopt;
    return s.draft.failed(
        fmt::format("{} made VM {}, but {}", s.title(), s.wait.target, describe_not_restored(tally)), hint);
  }
  if (tally.bound.size() == tally.all()) return s.draft.done(sentences({later, describe_copy(s)}));
  // Bound comes before complete where binding is immediate; but the claims' stream may be behind the others.
  if (s.clone == nullptr || !tally.lost.empty() || !is_fresh(s.view, kClaims) ||
      !s.draft.stood("unbound", kSettled))
    return std::nullopt;
  return done_unbound(s, tally);
}

/// The target VM is this clone's: is its data there? Nothing while that is still on its way.
std::optional<Verdict> judge_made(const Scene& s) {
  const std::string_view mark = text(*s.made, {"metadata", "annotations", kLastRestore});
  const std::vector<std::string> claims = claims_of(*s.made);
  const bool restore_gone =
      s.restore == nullptr && is_fresh(s.view, kRestores) && s.draft.stood("restore gone", kSettled);
  if (!s.restored() && s.phase != "Succeeded" && !restore_gone) return std::nullopt;
  return s.view.known(kClaims) ? judge_claims(s, claims, mark) : judge_unread_claims(s, claims, mark);
}

/// The target VM may not be read: the clone's own word must do, checked against its restore where possible.
std::optional<Verdict> judge_unseen_target(const Scene& s) {
  if (s.phase != "Succeeded") return std::nullopt;
  const std::vector<std::string> claims = split_names(s.draft.recall("claims"));
  const std::string mark = fmt::format("{}-{}", s.restore_name, s.draft.recall("restore uid"));
  if (s.restored())
    return s.view.known(kClaims) ? judge_claims(s, claims, mark) : judge_unread_claims(s, claims, mark);

  const std::string doubt = fmt::format(
      "could not check that VM {} was made by this clone, which also succeeds when a VM of that name was "
      "there before ({})",
      s.wait.target, describe_unreadable(s.view, kVms));
  if (s.names_cleared()) return s.draft.done(sentences({doubt, describe_copy(s)}));
  if (!s.draft.stood("names not cleared", kNamesCleared)) return std::nullopt;
  s.draft.remember("unbound", claims.empty() ? "?" : join_names(claims));
  return s.draft.done(
      sentences({fmt::format("its disks seem to wait for the first start of {}; until then {} must stay",
                             s.wait.target, s.keeper()),
                 doubt, describe_copy(s)}));
}

std::string failure_of_clone(const Scene& s) {
  const std::string_view why = reason(*s.clone, "Ready");
  // The text may stand there for an instant only, and is then overwritten by "Still processing".
  if (!why.empty() && why != "Still processing" && why != "Failed") return std::string(why);
  const Json* event = s.view.newest_event("VirtualMachineClone", s.wait.name, [](const Json& each) {
    const std::string_view what = text(each, {"reason"});
    return what == "SnapshotDeleted" || what.ends_with("Invalid");
  });
  if (event != nullptr) return std::string(text(*event, {"message"}));
  if (s.draft.recall("snapshot") == "seen" && s.snapshot == nullptr)
    return "its temporary snapshot was deleted";
  return "its phase is Failed";
}

/// Ends that the clone object itself never, or wrongly, tells.
std::optional<Verdict> judge_dead_end(const Scene& s) {
  Draft& draft = s.draft;
  if (s.clone == nullptr) {
    if (!is_fresh(s.view, kClones) || !draft.stood("clone gone", kCertain)) return draft.as_before();
    return draft.failed(fmt::format("{} was deleted before {} was usable", s.title(), s.wait.target),
                        s.made == nullptr
                            ? ""
                            : fmt::format("VM {} exists, but its disks may never be filled", s.wait.target));
  }
  if (s.phase == "Failed") return draft.failed(fmt::format("{} failed: {}", s.title(), failure_of_clone(s)));
  if (s.snapshot != nullptr && snapshot_failed(*s.snapshot))
    return draft.failed(fmt::format("{} can never end: its temporary snapshot failed: {}", s.title(),
                                    snapshot_failure(*s.snapshot, draft.recall("snapshot trouble"))));
  if (s.restore != nullptr && has_condition(*s.restore, "Failure", "True"))
    return draft.failed(fmt::format("{}: nothing was cloned, its temporary restore failed: {}", s.title(),
                                    reason(*s.restore, "Failure")));
  if (s.made != nullptr) return std::nullopt;
  if (s.phase == "Succeeded" && is_fresh(s.view, kVms) && draft.stood("not made", kCertain)) {
    if (draft.recall("target") == "made")
      return draft.failed(fmt::format("VM {}/{} was deleted before it was usable", s.wait.ns, s.wait.target));
    const bool there = s.view.find(kVms, s.wait.target) != nullptr;
    return draft.failed(
        there ? fmt::format("{} reports success, but VM {} was there before: nothing was cloned", s.title(),
                            s.wait.target)
              : fmt::format("{} reports success, but there is no VM {}", s.title(), s.wait.target),
        there ? "choose another name for the target" : "");
  }
  if (s.phase == "RestoreInProgress" && draft.recall("restore") == "seen" && s.restore == nullptr &&
      is_fresh(s.view, kRestores) && draft.stood("restore deleted", kCertain))
    return draft.failed(fmt::format("{} can never end: its temporary restore was deleted", s.title()));
  return std::nullopt;
}

std::string clone_reason(const Scene& s) {
  const std::string_view why = reason(*s.clone, "Ready");
  const bool working = why == "Still processing" || has_condition(*s.clone, "Ready", "True");
  return working ? std::string{} : std::string(why);
}

Verdict show_snapshotting(const Scene& s) {
  if (s.snapshot != nullptr) return s.draft.working("Snapshotting", {}, snapshot_problem(*s.snapshot));
  if (text(*s.clone, {"spec", "source", "kind"}) == "VirtualMachineSnapshot") {
    const std::string name(text(*s.clone, {"spec", "source", "name"}));
    const Json* source = s.view.find(kSnapshots, name);
    std::string problem = source == nullptr ? std::string{} : snapshot_problem(*source);
    if (problem.empty() && s.draft.stood("source not ready", kSnapshotName))
      problem = fmt::format("VirtualMachineSnapshot {} is not ready to use", name);
    return s.draft.working("Snapshotting", {}, std::move(problem));
  }
  if (s.draft.recall("snapshot") == "seen" && is_fresh(s.view, kSnapshots))
    return s.draft.working("Snapshotting", {}, "its temporary snapshot was deleted");
  const bool late =
      text(*s.clone, {"status", "snapshotName"}).empty() && s.draft.stood("no snapshot", kSnapshotName);
  return s.draft.working(
      "Snapshotting", {},
      late ? "no temporary snapshot has been made: probably a quota on VirtualMachineSnapshots is used up"
           : "");
}

std::string restoring_problem(const Scene& s, const ClaimTally& tally) {
  std::string problem = s.restore == nullptr ? std::string{} : restore_problem(*s.restore);
  if (problem.empty()) problem = tally_problem(s.view, tally);
  if (problem.empty() && s.restore == nullptr && text(*s.clone, {"status", "restoreName"}).empty()) {
    const Json* refused = s.view.newest_event("VirtualMachineClone", s.wait.name, [](const Json& each) {
      return text(each, {"reason"}) == "RestoreCreationFailed";
    });
    if (refused != nullptr) problem = text(*refused, {"message"});
  }
  return problem.empty() ? clone_reason(s) : problem;
}

Verdict show_progress(const Scene& s) {
  if (s.phase.empty()) return s.draft.working("Starting", {}, clone_reason(s));
  if (s.phase == "SnapshotInProgress" && s.made == nullptr) return show_snapshotting(s);

  const std::string mark = s.restore == nullptr
                               ? std::string{}
                               : fmt::format("{}-{}", s.restore_name, text(*s.restore, {"metadata", "uid"}));
  std::vector<std::string> claims =
      s.made != nullptr ? claims_of(*s.made) : split_names(s.draft.recall("claims"));
  const ClaimTally tally = tally_claims(
      s.view, claims,
      s.made != nullptr ? text(*s.made, {"metadata", "annotations", kLastRestore}) : std::string_view(mark));
  const bool last = s.made != nullptr || s.phase != "RestoreInProgress";
  return s.draft.working(last ? "Finishing" : "Restoring", s.view.known(kClaims) ? describe_bound(tally) : "",
                         restoring_problem(s, tally));
}

Verdict judge(const CloneWait& wait, const View& view, const Verdict& before, Duration waited) {
  Draft draft(before, waited);
  const Scene s = look(wait, view, draft);
  if (s.uid.empty()) {
    if (is_fresh(view, kClones) && draft.stood("clone absent", kCertain))
      return draft.failed(fmt::format("{} does not exist", s.title()));
    return draft.working("Starting");
  }
  // The target first: what is usable stays usable, whatever becomes of the clone object and its children.
  if (s.made != nullptr)
    if (auto verdict = judge_made(s)) return *std::move(verdict);
  if (auto verdict = judge_dead_end(s)) return *std::move(verdict);
  if (view.unreadable(kVms))
    if (auto verdict = judge_unseen_target(s)) return *std::move(verdict);
  return show_progress(s);
}

}  // namespace

std::vector<Watched> watches_clone(const CloneWait& wait) {
  Watched clones{.gvr = gvr::vm_clone(),
                 .ns = wait.ns,
                 .name = wait.name,
                 .keep = {{"spec.source", "status"}},
                 .required = true};
  return {clones,
          watch_vm(wait.ns, wait.target),
          watch_snapshots(wait.ns),
          watch_restores(wait.ns),
          watch_restored_claims(wait.ns, wait.source_vm),
          watch_events(wait.ns)};
}

Judge clone_judge(CloneWait wait) { return std::bind_front(judge, std::move(wait)); }

}  // namespace wukong::status
