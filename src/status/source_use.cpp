#include "status/source_use.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "status/data_volume_sight.h"
#include "status/watched.h"

namespace wukong::status {
namespace {

constexpr std::string_view kPods = "pods";
/// In which CDI would have said that it waits for the source, were it not reading; it says so every few seconds.
constexpr std::chrono::seconds kHeardOf{10};

enum class Stage {
  waiting,  // for a first consumer: of what the source holds then the user is told
  before,   // not begun, or a snapshot of the source is being taken: that is of one moment
  reading,  // or about to: it looks the same
  over,
};

Stage stage_of(const View& view, const std::string& name) {
  const DataVolumeSight seen = see_data_volume(view, name);
  if (waits_for_first_use(view, name, seen)) return Stage::waiting;
  for (const char* after :
       {"CloneFromSnapshotSourceInProgress", "PrepClaimInProgress", "RebindInProgress", "Succeeded"})
    if (seen.phase == after) return Stage::over;
  if (seen.phase != "CloneInProgress" && seen.phase != "CSICloneInProgress") return Stage::before;
  // The phase lags by seconds behind its claim.
  const bool filled = seen.claim_phase == "Bound" && fill_of(*seen.claim) == Filling::over;
  return filled ? Stage::over : Stage::reading;
}

bool is_of_cdi(const Json& pod) {
  return text(pod, {"metadata", "labels", "app"}) == "containerized-data-importer";
}

/// Who may write to the source at this moment, or "". An instance that is not scheduled has no disk yet, one that has ended none
/// any more.
std::string user_of(const View& view, const SourceUse& source) {
  if (const Json* instance = source.vm.empty() ? nullptr : view.find(kVmis, source.vm)) {
    const std::string_view phase = text(*instance, {"status", "phase"});
    const bool on = phase == "Scheduled" || phase == "Running" || phase == "Unknown";
    return on ? fmt::format("VM {}/{}", source.ns, source.vm) : std::string{};
  }
  if (source.claim.empty()) return {};
  for (const auto& [name, pod] : view.shelf(kPods).objects)
    if (text(pod, {"status", "phase"}) == "Running" && !is_of_cdi(pod) && uses_claim(pod, source.claim))
      return fmt::format("pod {}/{}", source.ns, name);
  return {};
}

/// The newest word of CDI that it waits until nobody uses the source, or "".
std::string told_to_wait(const View& view, const std::string& name) {
  const Json* event = view.newest_event("PersistentVolumeClaim", name, [](const Json& each) {
    return text(each, {"reason"}) == "CloneSourceInUse";
  });
  return event == nullptr ? std::string{} : std::string(text(*event, {"metadata", "resourceVersion"}));
}

/// True when `name` was read, or nearly so, while the source was used.
bool was_read(const View& view, const std::string& name, Stage stage, bool used, Draft& draft) {
  const std::string mark = "used " + name;
  const std::string heard = "in use " + name;
  if (stage == Stage::over) return !draft.recall(mark).empty();
  const bool waits = told_to_wait(view, name) != draft.recall(heard);
  if (waits) draft.remember(mark, "");
  if (!used) draft.remember(heard, told_to_wait(view, name));
  if (!used || waits || stage != Stage::reading) return false;
  draft.remember(mark, "yes");
  const bool moves = fraction_of(see_data_volume(view, name)).value_or(0) > 0;
  return moves || (view.known("events") && draft.stood(mark, kHeardOf));
}

}  // namespace

std::vector<Watched> watches_source(const SourceUse& source) {
  if (!source.vm.empty())
    return {{.gvr = gvr::vmi(), .ns = source.ns, .name = source.vm, .keep = {{"status.phase"}}}};
  if (source.claim.empty()) return {};
  return {{.gvr = {"", "v1", "pods", "Pod"},
           .ns = source.ns,
           .keep = {{"metadata.labels", "spec.volumes.persistentVolumeClaim", "status.phase"}}}};
}

bool uses_claim(const Json& pod, std::string_view claim) {
  const std::string_view phase = text(pod, {"status", "phase"});
  if (phase == "Succeeded" || phase == "Failed") return false;
  const Json& volumes = items(pod, {"spec", "volumes"});
  return std::any_of(volumes.begin(), volumes.end(), [&](const Json& volume) {
    return text(volume, {"persistentVolumeClaim", "claimName"}) == claim &&
           !flag(volume, {"persistentVolumeClaim", "readOnly"});
  });
}

std::string disturbance(const View& view, const SourceUse& source, const std::vector<std::string>& names,
                        Draft& draft) {
  if (!source.known()) return {};
  const std::string user = user_of(view, source);
  if (!user.empty()) draft.remember("user", user);
  bool some_over = false;
  std::string left;
  for (const std::string& name : names) {
    const Stage stage = stage_of(view, name);
    if (was_read(view, name, stage, !user.empty(), draft))
      return fmt::format("{} was started while {} was copied from it: the copy is of no one moment",
                         draft.recall("user"), name);
    some_over |= stage == Stage::over;
    if (left.empty() && (stage == Stage::before || stage == Stage::reading)) left = name;
  }
  // What CDI has not begun by now waits for good; what it has is over in a moment, or told above.
  if (!user.empty() && some_over && !left.empty() && draft.stood("moments", kCertain))
    return fmt::format("{} was started before {} was copied: the disks would be of different moments", user,
                       left);
  return {};
}

std::string unseen_use(const View& view, const SourceUse& source) {
  const bool of_vm = !source.vm.empty();
  if (!source.known() || !view.unreadable(of_vm ? kVmis : kPods)) return {};
  return fmt::format("whether {} {} was started while it was copied is not known (needs: list, watch {})",
                     of_vm ? "VM" : "a user of claim", of_vm ? source.vm : source.claim,
                     of_vm ? "virtualmachineinstances.kubevirt.io" : "pods");
}

}  // namespace wukong::status
