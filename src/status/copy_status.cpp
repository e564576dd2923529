#include "status/copy_status.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "status/data_volume_sight.h"
#include "status/draft.h"
#include "status/vm_status.h"
#include "status/watched.h"

namespace wukong::status {
namespace {

struct Tally {
  std::vector<std::string> bound{};
  std::vector<std::string> unclaimed{};  // wait for a first consumer, and none has asked
  std::vector<std::string> pending{};
  std::vector<std::string> absent{};
  std::vector<std::string> lost{};
  std::vector<std::string> sourceless{};  // made without what should fill it
};

Tally tally(const View& view, const CopyWait& wait) {
  Tally out;
  for (const std::string& name : wait.claims) {
    const Json* claim = view.find(kClaims, name);
    const std::string_view phase = claim == nullptr ? "" : text(*claim, {"status", "phase"});
    if (claim == nullptr)
      out.absent.push_back(name);
    else if (text(*claim, {"spec", "dataSourceRef", "name"}).empty())
      out.sourceless.push_back(name);
    else if (phase == "Bound")
      out.bound.push_back(name);
    else if (phase == "Lost")
      out.lost.push_back(name);
    else
      (waits_for_consumer(view, name, *claim) ? out.unclaimed : out.pending).push_back(name);
  }
  return out;
}

std::string problem_of(const View& view, const CopyWait& wait, const Tally& found) {
  for (const std::string& name : found.absent)
    if (const Json* made = view.find(kDataVolumes, name))
      if (std::string problem = data_volume_problem(*made); !problem.empty()) return problem;
  if (!found.absent.empty())
    if (std::string problem = refused_template(view, wait.vm); !problem.empty()) return problem;
  for (const std::vector<std::string>* names : {&found.pending, &found.unclaimed, &found.absent})
    for (const std::string& name : *names)
      if (std::string problem = claim_problem(view, name); !problem.empty()) return problem;
  return {};
}

Verdict judge(const CopyWait& wait, const View& view, const Verdict& before, Duration waited) {
  Draft draft(before, waited);
  if (!view.known(kClaims)) return draft.as_before();
  const Tally found = tally(view, wait);
  if (!found.sourceless.empty())
    return draft.failed(
        fmt::format(
            "PersistentVolumeClaim {}/{} was made without the snapshot that should fill it: it is empty",
            wait.ns, found.sourceless.front()),
        "look for a webhook or an API server that drops .spec.dataSourceRef");
  if (!found.lost.empty() && draft.stood("lost", kCertain))
    return draft.failed(
        fmt::format("PersistentVolumeClaim {}/{} has lost its volume", wait.ns, found.lost.front()));

  const std::size_t all = wait.claims.size();
  const std::string bound =
      all == 0 ? "" : fmt::format("{} of {} {} bound", found.bound.size(), all, plural(all, "volume"));
  std::string problem = problem_of(view, wait, found);
  if (found.bound.size() == all) return draft.done();
  const bool only_unclaimed = found.bound.size() + found.unclaimed.size() == all;
  // Then all wait for the VM.
  if (const Json* vm = view.find(kVms, wait.vm); vm != nullptr && only_unclaimed && problem.empty())
    problem = vm_problem(*vm);
  if (!only_unclaimed || wait.consumer_expected || !problem.empty())
    return draft.working("Provisioning", sentences({bound, work_on(view, found.pending)}),
                         std::move(problem));
  draft.remember("unbound", join_names(found.unclaimed));
  return draft.done(fmt::format("{} of {} {} of {} {} made when it starts for the first time",
                                found.unclaimed.size(), all, plural(all, "disk"), wait.vm,
                                found.unclaimed.size() == 1 ? "is" : "are"));
}

}  // namespace

std::vector<Watched> watches_copy(const CopyWait& wait) {
  std::vector<Watched> out{
      {.gvr = gvr::pvc(),
       .ns = wait.ns,
       .labels = wait.labels,
       .keep = {{"metadata.annotations", "spec.storageClassName", "spec.dataSourceRef", "status.phase"}},
       .required = true},
      watch_classes(),
      watch_events(wait.ns)};
  if (wait.data_volumes)
    out.push_back(
        {.gvr = gvr::data_volume(), .ns = wait.ns, .labels = wait.labels, .keep = {{"status.conditions"}}});
  if (wait.consumer_expected)
    out.push_back({.gvr = gvr::vm(),
                   .ns = wait.ns,
                   .labels = wait.labels,
                   .keep = {{"status.printableStatus", "status.conditions"}}});
  return out;
}

Judge copy_judge(CopyWait wait) { return std::bind_front(judge, std::move(wait)); }

Judge copy_gone_judge(CopyWait wait) {
  return [wait = std::move(wait)](const View& view, const Verdict& before, Duration waited) {
    Draft draft(before, waited);
    if (!is_fresh(view, kClaims)) return draft.working("Removing");
    const auto left = std::count_if(wait.claims.begin(), wait.claims.end(), [&](const std::string& name) {
      return view.find(kClaims, name) != nullptr;
    });
    return left == 0
               ? draft.done()
               : draft.working("Removing", fmt::format("{} {} left", left,
                                                       plural(static_cast<std::size_t>(left), "claim")));
  };
}

}  // namespace wukong::status
