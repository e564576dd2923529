#include "status/snapshot_status.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "status/draft.h"
#include "status/watched.h"

namespace wukong::status {
namespace {

/// Some snapshots take hours.
constexpr std::chrono::seconds kPatience{30};

bool has(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// Disks of `wait` that the finished snapshot does not hold. An absent list of included volumes means none.
std::vector<std::string> left_out(const SnapshotWait& wait, const Json& snapshot) {
  std::vector<std::string> missing;
  const Json& included = items(snapshot, {"status", "snapshotVolumes", "includedVolumes"});
  for (const std::string& disk : wait.disks)
    if (std::none_of(included.begin(), included.end(),
                     [&](const Json& each) { return text(each, {}) == disk; }))
      missing.push_back(disk);
  return missing;
}

Verdict judge_present(const SnapshotWait& wait, const Json& snapshot, Draft& draft) {
  const std::vector<std::string> indications = indications_of(snapshot);
  if (!indications.empty()) draft.remember("indications", join_names(indications));
  const std::string problem = snapshot_problem(snapshot);

  if (snapshot_failed(snapshot))
    return draft.failed(fmt::format("VirtualMachineSnapshot {}/{} failed: {}", wait.ns, wait.name,
                                    snapshot_failure(snapshot, draft.recall("trouble"))));
  if (text(snapshot, {"status", "phase"}) == "Succeeded" && flag(snapshot, {"status", "readyToUse"})) {
    // The report of volumes may follow; a snapshot without any report proves nothing about what it holds.
    const bool reported = find(snapshot, {"status", "snapshotVolumes"}) != nullptr;
    if (!reported && !wait.disks.empty() && !draft.stood("volumes not reported", kSettled))
      return draft.working("Finishing");
    const std::vector<std::string> missing = reported ? left_out(wait, snapshot) : std::vector<std::string>{};
    if (!missing.empty()) draft.remember("left_out", join_names(missing));
    return draft.done(
        sentences({describe_indications(indications),
                   missing.empty() ? "" : fmt::format("left out: {}", fmt::join(missing, ", "))}));
  }
  if (tells_why(problem)) draft.remember("trouble", problem);
  if (is_deleting(snapshot)) return draft.working("Deleting", "somebody deletes the snapshot");
  return draft.working("Snapshotting", {}, problem);
}

Verdict judge(const SnapshotWait& wait, const View& view, const Verdict& before, Duration waited) {
  Draft draft(before, waited);
  const Json* snapshot = find_own(view, kSnapshots, wait.name, draft);
  if (snapshot != nullptr) return judge_present(wait, *snapshot, draft);
  return judge_absent(view, kSnapshots, fmt::format("VirtualMachineSnapshot {}/{}", wait.ns, wait.name),
                      "was deleted before it was done", draft);
}

}  // namespace

std::vector<Watched> watches_snapshot(const SnapshotWait& wait) {
  Watched snapshots = watch_snapshots(wait.ns, wait.name);
  snapshots.required = true;
  return {snapshots};
}

Judge snapshot_judge(SnapshotWait wait) { return std::bind_front(judge, std::move(wait)); }

Judge snapshot_settled_judge(SnapshotWait wait) {
  return [wait = std::move(wait)](const View& view, const Verdict& before, Duration waited) {
    Draft draft(before, waited);
    const Json* snapshot = view.find(kSnapshots, wait.name);
    const bool at_work = snapshot != nullptr && !flag(*snapshot, {"status", "readyToUse"}) &&
                         !snapshot_failed(*snapshot) && fields(*snapshot, {"status", "error"}).empty() &&
                         !has_condition(*snapshot, "Progressing", "False");
    if (!at_work || waited >= kPatience) return draft.done();
    return draft.working("Waiting until it is taken");
  };
}

std::string snapshot_problem(const Json& snapshot) {
  if (const std::string_view error = text(snapshot, {"status", "error", "message"}); !error.empty())
    return std::string(error);
  const std::string_view why = reason(snapshot, "Progressing");
  if (!has_condition(snapshot, "Progressing", "False") || why == "Operation complete" ||
      why == "VM snapshot is deleting")
    return {};
  return std::string(why);
}

bool snapshot_failed(const Json& snapshot) {
  return text(snapshot, {"status", "phase"}) == "Failed" || has_condition(snapshot, "Failure", "True");
}

std::string snapshot_failure(const Json& snapshot, const std::string& trouble) {
  const std::string why(reason(snapshot, "Failure"));
  const std::string error(text(snapshot, {"status", "error", "message"}));
  const std::string both = sentences({why, error.empty() ? trouble : error});
  return both.empty() ? "its phase is Failed" : both;
}

bool tells_why(const std::string& problem) {
  return !problem.empty() && problem != "Source not locked" && problem != "In error state" &&
         problem != "Operation failed";
}

std::vector<std::string> indications_of(const Json& snapshot) {
  std::vector<std::string> words;
  for (const Json& word : items(snapshot, {"status", "indications"})) words.emplace_back(text(word, {}));
  std::sort(words.begin(), words.end());
  return words;
}

std::string describe_indications(const std::vector<std::string>& indications) {
  std::string told;
  if (has(indications, "Paused"))
    told = "taken from the paused VM: crash-consistent";
  else if (has(indications, "QuiesceTimeout"))
    told = "taken from the running VM, quiescing its filesystems timed out: crash-consistent";
  else if (has(indications, "NoGuestAgent"))
    told = "taken from the running VM without guest agent: crash-consistent";
  else if (has(indications, "GuestAgent"))
    // The indication says that freezing was attempted, not that it is proven.
    told = "taken from the running VM, its guest agent was asked to quiesce the filesystems";
  else if (has(indications, "Online"))
    told = "taken from the running VM";
  const bool partial = has(indications, "PartialSnapshot");
  return sentences({told, partial ? "some disks were left out" : ""});
}

}  // namespace wukong::status
