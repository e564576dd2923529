#include "status/cloned_volumes_status.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include "base/text.h"
#include "status/data_volume_sight.h"
#include "status/draft.h"
#include "status/vm_status.h"
#include "status/watched.h"

namespace wukong::status {
namespace {

std::string stage_of(const DataVolumeSight& seen) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kWords{
      {{"SnapshotForSmartCloneInProgress", "Snapshotting"},
       {"CloneFromSnapshotSourceInProgress", "Cloning"},
       {"CSICloneInProgress", "Cloning"},
       {"CloneInProgress", "Copying"},
       {"PrepClaimInProgress", "Preparing"},
       {"RebindInProgress", "Finishing"}}};
  for (const auto& [phase, word] : kWords)
    if (seen.phase == phase) return std::string(word);
  return seen.volume == nullptr ? "Starting" : "Provisioning";
}

/// Why `name` can never be filled any more, or "".
std::string failure_of(const View& view, const DataVolumesWait& wait, const std::string& name,
                       const DataVolumeSight& seen, Draft& draft) {
  const std::string words = fmt::format("DataVolume {}/{}", wait.ns, name);
  if (seen.phase == "Failed") return fmt::format("{} has failed: {}", words, failure_words(*seen.volume));
  if (has_lost_volume(name, seen, draft))
    return fmt::format("PersistentVolumeClaim {}/{} has lost its volume", wait.ns, name);
  if (seen.volume != nullptr) draft.remember("seen " + name, "yes");
  if (seen.volume == nullptr && is_fresh(view, kDataVolumes) && !draft.recall("seen " + name).empty() &&
      draft.stood("gone " + name, kCertain))
    return words + " was deleted before it was filled";
  return {};
}

/// KubeVirt has not looked at the filled disks yet: it does so in a moment, and then says so.
bool lags(const View& view, const DataVolumesWait& wait, Draft& draft) {
  const Json* vm = wait.vm.empty() ? nullptr : view.find(kVms, wait.vm);
  return vm != nullptr && text(*vm, {"status", "printableStatus"}) == "Provisioning" &&
         !draft.stood("vm lags", kSettled);
}

/// What keeps the VM, which would be the first consumer, from starting, or "".
std::string consumer_problem(const View& view, const DataVolumesWait& wait) {
  const Json* vm = wait.vm.empty() ? nullptr : view.find(kVms, wait.vm);
  return vm == nullptr ? std::string{} : vm_problem(*vm);
}

/// "name type reason" of how it was filled, for memory.
std::string fill_line(const std::string& name, const DataVolumeSight& seen) {
  const auto note = [&](std::string_view key) {
    for (const Json* object : {seen.claim, seen.volume})
      if (object != nullptr)
        if (const std::string_view value = text(*object, {"metadata", "annotations", key}); !value.empty())
          return std::string(value);
    return std::string{};
  };
  return fmt::format("{} {} {}", name, note("cdi.kubevirt.io/cloneType"),
                     note("cdi.kubevirt.io/cloneFallbackReason"));
}

Verdict judge(const DataVolumesWait& wait, const View& view, const Verdict& before, Duration waited) {
  Draft draft(before, waited);
  std::vector<std::string> unclaimed;
  std::vector<std::string> lines;
  std::size_t full = 0;
  double sum = 0;
  bool measured = true;
  std::string stage;
  std::string cause;
  for (const std::string& name : wait.names) {
    const DataVolumeSight seen = see_data_volume(view, name);
    if (const std::string failure = failure_of(view, wait, name, seen, draft); !failure.empty())
      return draft.failed(failure);
    lines.push_back(fill_line(name, seen));
    if (filled(view, seen) == Filled::yes) {
      ++full;
      sum += 1;
      continue;
    }
    const std::string problem =
        seen.volume == nullptr ? refused_template(view, wait.vm) : problem_of(view, name, seen, draft);
    if (cause.empty()) cause = problem;
    if (waits_for_first_use(view, name, seen)) {
      unclaimed.push_back(name);
    } else if (stage.empty()) {
      stage = stage_of(seen);
    }
    const auto fraction = fraction_of(seen);
    measured = measured && fraction.has_value();
    sum += fraction.value_or(0);
  }
  if (const std::string why = disturbance(view, wait.source, wait.names, draft); !why.empty())
    return draft.failed(why, "keep it off until all is copied, and clone it again");
  const std::size_t all = wait.names.size();
  draft.remember("fill", fmt::format("{}", fmt::join(lines, "\n")));
  if (full == all && lags(view, wait, draft)) return draft.working("Finishing");
  if (full == all) return draft.done(unseen_use(view, wait.source));
  const bool only_unclaimed = full + unclaimed.size() == all;
  if (only_unclaimed && wait.consumer_expected && cause.empty()) cause = consumer_problem(view, wait);
  if (only_unclaimed && !wait.consumer_expected && cause.empty()) {
    draft.remember("unbound", join_names(unclaimed));
    return draft.done(
        sentences({fmt::format("{} of {} {} {} filled when {} for the first time", unclaimed.size(), all,
                               plural(all, "disk"), unclaimed.size() == 1 ? "is" : "are",
                               wait.vm.empty() ? "a VM or pod uses it" : wait.vm + " starts"),
                   wait.until_then}));
  }
  Verdict verdict = draft.working(stage.empty() ? "Waiting" : stage,
                                  fmt::format("{} of {} {} filled", full, all, plural(all, "disk")), cause);
  if (measured) verdict.fraction = sum / static_cast<double>(all);
  return verdict;
}

}  // namespace

std::vector<Watched> watches_data_volumes(const DataVolumesWait& wait) {
  Watched claims = watch_claims(wait.ns);
  claims.labels = wait.labels;
  std::vector<Watched> watches{{.gvr = gvr::data_volume(),
                                .ns = wait.ns,
                                .labels = wait.labels,
                                .keep = {{"metadata.annotations", "spec.source", "spec.sourceRef", "status"}},
                                .required = true},
                               claims,
                               watch_classes(),
                               watch_events(wait.ns)};
  const std::string& source = wait.source_ns.empty() ? wait.ns : wait.source_ns;
  if (source != wait.ns) watches.push_back(watch_events(source));
  watches.push_back({.gvr = gvr::volume_snapshot(), .ns = source, .keep = {{"status.error"}}});
  if (!wait.vm.empty())
    watches.push_back({.gvr = gvr::vm(),
                       .ns = wait.ns,
                       .labels = wait.labels,
                       .keep = {{"status.printableStatus", "status.conditions"}}});
  for (Watched& watched : watches_source(wait.source)) watches.push_back(std::move(watched));
  return watches;
}

Judge data_volumes_judge(DataVolumesWait wait) { return std::bind_front(judge, std::move(wait)); }

Judge data_volumes_gone_judge(DataVolumesWait wait) {
  return [wait = std::move(wait)](const View& view, const Verdict& before, Duration waited) {
    Draft draft(before, waited);
    if (!is_fresh(view, kDataVolumes)) return draft.working("Removing");
    const auto there = [&](const std::string& name) {
      return view.find(kDataVolumes, name) != nullptr || view.find(kClaims, name) != nullptr;
    };
    const auto left = std::count_if(wait.names.begin(), wait.names.end(), there);
    if (left == 0) return draft.done();
    return draft.working("Removing",
                         fmt::format("{} {} left", left, plural(static_cast<std::size_t>(left), "disk")));
  };
}

std::vector<Fill> fills(const Verdict& verdict) {
  std::vector<Fill> all;
  for (const std::string& line : split(verdict.recall("fill"), '\n')) {
    const auto first = line.find(' ');
    const auto second = first == std::string::npos ? first : line.find(' ', first + 1);
    if (second == std::string::npos) continue;
    all.push_back({.name = line.substr(0, first),
                   .type = line.substr(first + 1, second - first - 1),
                   .reason = line.substr(second + 1)});
  }
  return all;
}

}  // namespace wukong::status
