#include "status/disks_status.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <functional>
#include <utility>

#include "status/data_volume_sight.h"
#include "status/draft.h"
#include "status/vm_status.h"
#include "status/watched.h"

namespace wukong::status {
namespace {

struct Disks {
  std::size_t ready{};
  std::vector<std::string> unclaimed{};  // wait for a first consumer, and none has asked
  std::vector<std::string> pending{};
  std::vector<std::string> absent{};
  std::vector<std::string> filling{};  // bound, and CDI still fills it
  std::vector<std::string> untold{};   // ready, if what cannot be read would not tell otherwise
  std::vector<std::string> lost{};
};

Filling fill_of(const View& view, const std::string& name, const Json& claim) {
  const Json* data_volume = view.find(kDataVolumes, name);
  if (data_volume != nullptr)
    return text(*data_volume, {"status", "phase"}) == "Succeeded" ? Filling::over : Filling::under_way;
  const Filling told = status::fill_of(claim);
  return told == Filling::untold && view.known(kDataVolumes) ? Filling::over : told;
}

/// Nothing happens to it before a pod asks for it.
bool is_unclaimed(const View& view, const std::string& name, const Json& claim) {
  if (!waits_for_consumer(view, name, claim)) return false;
  const Json* data_volume = view.find(kDataVolumes, name);
  if (data_volume == nullptr) return !is_worked_on(claim);
  const std::string_view phase = text(*data_volume, {"status", "phase"});
  return phase == "Succeeded" || phase == "WaitForFirstConsumer" || phase == "PendingPopulation";
}

void sort_bound(const View& view, const std::string& name, const Json& claim, Disks& out) {
  const Filling fill = fill_of(view, name, claim);
  if (fill == Filling::under_way) return out.filling.push_back(name);
  if (fill == Filling::untold) out.untold.push_back(name);
  ++out.ready;
}

Disks sort_disks(const View& view, const std::vector<std::string>& claims) {
  Disks out;
  for (const std::string& name : claims) {
    const Json* claim = view.find(kClaims, name);
    const std::string_view phase = claim == nullptr ? "" : text(*claim, {"status", "phase"});
    if (claim == nullptr)
      out.absent.push_back(name);
    else if (phase == "Lost")
      out.lost.push_back(name);
    else if (phase != "Bound")
      (is_unclaimed(view, name, *claim) ? out.unclaimed : out.pending).push_back(name);
    else
      sort_bound(view, name, *claim, out);
  }
  return out;
}

std::string problem_of(const View& view, const std::string& vm, const Disks& disks, Draft& draft) {
  for (const auto* names : {&disks.absent, &disks.pending, &disks.filling, &disks.unclaimed})
    for (const std::string& name : *names) {
      const DataVolumeSight seen = see_data_volume(view, name);
      std::string problem = seen.volume != nullptr        ? problem_of(view, name, seen, draft)
                            : seen.claim_phase == "Bound" ? fill_problem(*seen.claim)
                                                          : claim_problem(view, name);
      if (!problem.empty()) return problem;
    }
  if (disks.absent.empty() || view.find(kDataVolumes, disks.absent.front()) != nullptr) return {};
  std::string refused = refused_template(view, vm);
  return refused.empty() ? fmt::format("there is no PersistentVolumeClaim {}", disks.absent.front())
                         : refused;
}

std::string doubt_of(const DisksWait& wait, const Disks& disks) {
  if (disks.untold.empty()) return {};
  return fmt::format("whether {} {} filled is not known: DataVolumes in namespace {} cannot be read",
                     fmt::join(disks.untold, ", "), disks.untold.size() == 1 ? "is" : "are", wait.ns);
}

/// Nobody has asked this VM to run.
bool rests(const Json& vm) { return is_halted(vm) || text(vm, {"spec", "runStrategy"}) == "Manual"; }

Verdict judge_present(const DisksWait& wait, const View& view, const Json& vm, Draft& draft) {
  const std::vector<std::string> claims = claims_of(vm);
  if (claims.empty()) return draft.done(fmt::format("VM {} has no disks to wait for", wait.vm));
  const Disks disks = sort_disks(view, claims);
  if (!disks.lost.empty() && draft.stood("lost", kCertain))
    return draft.failed(
        fmt::format("PersistentVolumeClaim {}/{} has lost its volume", wait.ns, disks.lost.front()));
  if (disks.ready == claims.size()) return draft.done(doubt_of(wait, disks));
  std::string problem = problem_of(view, wait.vm, disks, draft);
  const std::string bound =
      fmt::format("{} of {} {} bound", disks.ready, claims.size(), plural(claims.size(), "volume"));
  const bool only_unclaimed = disks.ready + disks.unclaimed.size() == claims.size();
  if (only_unclaimed && !wait.only_bound && rests(vm) && problem.empty()) {
    draft.remember("unbound", join_names(disks.unclaimed));
    return draft.done(
        sentences({fmt::format("{} of {} {} of {} {} filled when it starts for the first time",
                               disks.unclaimed.size(), claims.size(), plural(claims.size(), "disk"), wait.vm,
                               disks.unclaimed.size() == 1 ? "is" : "are"),
                   doubt_of(wait, disks)}));
  }
  const bool first_start = only_unclaimed && rests(vm);
  return draft.working(first_start ? "Waiting for its first start" : "Provisioning", bound,
                       std::move(problem));
}

Verdict judge(const DisksWait& wait, const View& view, const Verdict& before, Duration waited) {
  Draft draft(before, waited);
  const Json* vm = view.find(kVms, wait.vm);
  if (vm == nullptr)
    return judge_absent(view, kVms, fmt::format("VirtualMachine {}/{}", wait.ns, wait.vm), "was deleted",
                        draft);
  draft.remember("seen", "yes");
  if (!view.known(kClaims)) return draft.as_before();
  return judge_present(wait, view, *vm, draft);
}

}  // namespace

std::vector<Watched> watches_disks(const DisksWait& wait) {
  Watched vms = watch_vm(wait.ns, wait.vm);
  vms.required = true;
  Watched claims = watch_claims(wait.ns);
  claims.required = true;
  return {vms,
          claims,
          {.gvr = gvr::data_volume(), .ns = wait.ns, .keep = {{"status"}}},
          watch_classes(),
          watch_events(wait.ns)};
}

Judge disks_judge(DisksWait wait) { return std::bind_front(judge, std::move(wait)); }

}  // namespace wukong::status
