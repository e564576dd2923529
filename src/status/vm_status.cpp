#include "status/vm_status.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include "status/draft.h"
#include "status/watched.h"

namespace wukong::status {
namespace {

constexpr std::array<std::string_view, 6> kTroubleWords{"ErrorPvcNotFound",   "DataVolumeError",
                                                        "ErrorUnschedulable", "ErrImagePull",
                                                        "ImagePullBackOff",   "CrashLoopBackOff"};

/// With a claim that cannot be provisioned the VM rests in words that say nothing; the claim's event has the cause.
std::string volume_problem(const View& view, const Json& vm) {
  const std::string_view word = text(vm, {"status", "printableStatus"});
  if (word != "WaitingForVolumeBinding" && word != "ErrorUnschedulable" && word != "Provisioning" &&
      word != "DataVolumeError")
    return {};
  for (const std::string& claim : claims_of(vm))
    if (std::string problem = claim_problem(view, claim); !problem.empty()) return problem;
  return {};
}

Verdict judge_running(const VmWait& wait, const View& view, const Verdict& before, Duration waited) {
  Draft draft(before, waited);
  const Json* vm = view.find(kVms, wait.name);
  const std::string title = fmt::format("VM {}/{}", wait.ns, wait.name);
  if (vm == nullptr) return judge_absent(view, kVms, title, "was deleted", draft);
  draft.remember("seen", "yes");
  const std::string word(text(*vm, {"status", "printableStatus"}));
  // Right after a stop the VM still shows Running while it is halted already.
  if (word == "Running" && !is_halted(*vm) && !is_deleting(*vm)) return draft.done();
  if (is_halted(*vm) && is_fresh(view, kVms) && draft.stood("halted", kCertain))
    return draft.failed(fmt::format("{} does not run: its run strategy is Halted", title),
                        "somebody stopped it, or it was never started");
  std::string problem = volume_problem(view, *vm);
  if (problem.empty()) problem = vm_problem(*vm);
  return draft.working("Starting", word == "Starting" ? "" : word, std::move(problem));
}

Verdict judge_stopped(const VmWait& wait, const View& view, const Verdict& before, Duration waited) {
  Draft draft(before, waited);
  if (!view.known(kVmis)) return draft.working("Stopping");
  const Json* vmi = view.find(kVmis, wait.name);
  if (vmi == nullptr) return is_fresh(view, kVmis) ? draft.done() : draft.working("Stopping");
  const std::string_view phase = text(*vmi, {"status", "phase"});
  const bool finished = phase == "Succeeded" || phase == "Failed";
  return draft.working(
      "Stopping", {},
      finished && !is_deleting(*vmi)
          ? fmt::format("the guest is off, but its VirtualMachineInstance (phase {}) still stands: only "
                        "deleting that frees the disks",
                        phase)
          : "");
}

Verdict judge_unlocked(const VmWait& wait, const View& view, const Verdict& before, Duration waited) {
  Draft draft(before, waited);
  const Json* vm = view.find(kVms, wait.name);
  if (vm == nullptr) return view.known(kVms) ? draft.done() : draft.working("Waiting");
  for (const char* lock : {"snapshotInProgress", "restoreInProgress"})
    if (const std::string_view by = text(*vm, {"status", lock}); !by.empty())
      return draft.working("Waiting",
                           fmt::format("{} {} is under way", lock[0] == 's' ? "snapshot" : "restore", by));
  return draft.done();
}

}  // namespace

bool is_halted(const Json& vm) {
  const std::string_view strategy = text(vm, {"spec", "runStrategy"});
  return strategy == "Halted" ||
         (strategy.empty() && find(vm, {"spec", "running"}) != nullptr && !flag(vm, {"spec", "running"}));
}

std::string vm_problem(const Json& vm) {
  if (const Json* failure = condition(vm, "Failure");
      failure != nullptr && text(*failure, {"status"}) == "True")
    return fmt::format("{}: {}", text(*failure, {"reason"}), text(*failure, {"message"}));
  const std::string_view word = text(vm, {"status", "printableStatus"});
  if (std::find(kTroubleWords.begin(), kTroubleWords.end(), word) == kTroubleWords.end()) return {};
  for (const std::string_view type : {"PodScheduled", "DataVolumesReady", "Synchronized", "Ready"})
    if (const Json* told = condition(vm, type); told != nullptr && text(*told, {"status"}) == "False")
      if (const std::string_view why = text(*told, {"message"}); !why.empty())
        return fmt::format("{}: {}", word, why);
  return std::string(word);
}

std::vector<Watched> watches_vm_running(const VmWait& wait) {
  Watched vms = watch_vm(wait.ns, wait.name);
  vms.required = true;
  return {vms, watch_events(wait.ns)};
}

Judge vm_running_judge(VmWait wait) { return std::bind_front(judge_running, std::move(wait)); }

std::vector<Watched> watches_vm_stopped(const VmWait& wait) {
  return {
      {.gvr = gvr::vmi(), .ns = wait.ns, .name = wait.name, .keep = {{"status.phase"}}, .required = true}};
}

std::vector<Watched> watches_vm_unlocked(const VmWait& wait) {
  return {{.gvr = gvr::vm(),
           .ns = wait.ns,
           .name = wait.name,
           .keep = {{"status.snapshotInProgress", "status.restoreInProgress"}},
           .required = true}};
}

Judge vm_unlocked_judge(VmWait wait) { return std::bind_front(judge_unlocked, std::move(wait)); }

Judge vm_stopped_judge(VmWait wait) { return std::bind_front(judge_stopped, std::move(wait)); }

}  // namespace wukong::status
