#include "status/data_volume_sight.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.h"
#include "status/watched.h"

namespace wukong::status {
namespace {

constexpr std::string_view kVolumeSnapshots = "volumesnapshots";
/// Another condition, or an event, says why.
constexpr std::string_view kSaysNothing = "Clone Pending";
/// What stands between a claim and the newest event of the claim that is filled in its place.
constexpr std::string_view kAndItsPrime = "] : ";

// Annotations that CDI keeps on claims.
constexpr std::string_view kPodPhase = "cdi.kubevirt.io/storage.pod.phase";
constexpr std::string_view kUsePopulator = "cdi.kubevirt.io/storage.usePopulator";
constexpr std::string_view kPopulatedFor = "cdi.kubevirt.io/storage.populatedFor";
constexpr std::string_view kMadeFor = "cdi.kubevirt.io/createdForDataVolume";
constexpr std::string_view kCloneOf = "k8s.io/CloneOf";
constexpr std::string_view kRunning = "cdi.kubevirt.io/storage.condition.running";
constexpr std::string_view kRunningMessage = "cdi.kubevirt.io/storage.condition.running.message";
/// What has CDI fill a claim in place, until the pod has succeeded.
constexpr std::array<std::string_view, 4> kOrders{
    "cdi.kubevirt.io/storage.import.source", "cdi.kubevirt.io/storage.import.endpoint",
    "cdi.kubevirt.io/storage.upload.target", "k8s.io/CloneRequest"};

std::string_view annotation(const Json& claim, std::string_view key) {
  return text(claim, {"metadata", "annotations", key});
}

bool has_annotation(const Json& claim, std::string_view key) {
  return find(claim, {"metadata", "annotations", key}) != nullptr;
}

/// Reasons of Running=False that carry a cause in their message.
constexpr std::array<std::string_view, 7> kRunningTrouble{"Error",          "ImagePullFailed",
                                                          "ErrStartingPod", "ErrExceededQuota",
                                                          "ChecksumError",  "CreateContainerConfigError",
                                                          "OOMKilled"};

/// What claims are told in passing, too: no trouble.
constexpr std::array<std::string_view, 4> kOnTheWay{"external provisioner is provisioning", "waiting for",
                                                    "successfully provisioned", "assuming an"};

bool is_trouble(std::string_view told) {
  const std::string words = lower(told);
  return !is_still_at_work(told) &&
         std::ranges::none_of(kOnTheWay, [&](std::string_view begin) { return words.starts_with(begin); });
}

std::string_view progress_of(const DataVolumeSight& seen) {
  return seen.volume == nullptr ? std::string_view{} : text(*seen.volume, {"status", "progress"});
}

bool has_source(const Json& volume) {
  return find(volume, {"spec", "source"}) != nullptr || find(volume, {"spec", "sourceRef"}) != nullptr;
}

/// What Bound says is wrong.
std::string bound_problem(const Json& bound) {
  if (text(bound, {"status"}) == "True") return {};
  const std::string_view why = text(bound, {"reason"});
  const std::string_view message = text(bound, {"message"});
  const bool telling = why.starts_with("Err") || why.starts_with("Clone") || why == "ClaimLost";
  return telling && !is_conflict(message) && !is_still_at_work(message) ? std::string(message)
                                                                        : std::string{};
}

/// "Importer pod cannot be scheduled" misleads: the volume behind it cannot be made, and Bound has the cause.
std::string unschedulable_problem(std::string_view bound_message) {
  const auto at = bound_message.find(kAndItsPrime);
  if (at == std::string_view::npos) return {};
  const std::string_view told = bound_message.substr(at + kAndItsPrime.size());
  return is_trouble(told) ? std::string(told) : std::string{};
}

/// What an event tells of `about`, unless the work has moved since it came. The phase may lag behind events, but for those
/// that say what it waits for.
std::string unless_moved(const Json* event, const std::string& about, const DataVolumeSight& seen,
                         Draft& draft) {
  if (event == nullptr || text(*event, {"message"}) == kSaysNothing) return {};
  const std::string came = fmt::format("{} {}", about, text(*event, {"metadata", "resourceVersion"}));
  const std::string now = fmt::format("{}@{} {}", came, seen.phase, progress_of(seen));
  const std::string key = "event " + about;
  const std::string before = draft.recall(key);
  const bool is_wait = text(*event, {"reason"}) == "CloneSourceInUse";
  const bool fresh = !before.starts_with(came + "@") || (!draft.stood(came, kCertain) && !is_wait);
  if (fresh) draft.remember(key, now);
  return fresh || before == now ? std::string(text(*event, {"message"})) : std::string{};
}

std::string event_of_claim(const View& view, const std::string& claim, const DataVolumeSight& seen,
                           Draft& draft) {
  return unless_moved(trouble_event(view, "PersistentVolumeClaim", claim), "claim " + claim, seen, draft);
}

/// Its conditions repeat all but this: a claim of its name is in the way.
std::string event_of_volume(const View& view, const std::string& name, const DataVolumeSight& seen,
                            Draft& draft) {
  const Json* event = view.newest_event(
      "DataVolume", name, [](const Json& each) { return text(each, {"reason"}).starts_with("ErrResource"); });
  return unless_moved(event, "volume " + name, seen, draft);
}

/// Of the temporary objects that CDI makes to fill the claim. It repeats their events on the claim, but late.
std::string helper_problem(const View& view, const DataVolumeSight& seen, Draft& draft) {
  const std::string_view uid =
      seen.claim == nullptr ? std::string_view{} : text(*seen.claim, {"metadata", "uid"});
  if (uid.empty()) return {};
  for (const char* prefix : {"tmp-pvc-", "tmp-source-pvc-", "prime-"})
    if (std::string told = event_of_claim(view, fmt::format("{}{}", prefix, uid), seen, draft); !told.empty())
      return told;
  const Json* snapshot = view.find(kVolumeSnapshots, fmt::format("tmp-snapshot-{}", uid));
  const std::string_view error =
      snapshot == nullptr ? std::string_view{} : text(*snapshot, {"status", "error", "message"});
  return is_still_at_work(error) ? std::string{} : std::string(error);
}

/// What conditions tell, or told of a worker that was started again and has moved nothing since.
std::string worker_problem(const std::string& name, const DataVolumeSight& seen, Draft& draft) {
  const std::string key = "trouble " + name;
  std::string problem = data_volume_problem(*seen.volume);
  if (!problem.empty()) draft.remember(key, problem);
  const bool moved = draft.recall("progress " + name) != progress_of(seen);
  draft.remember("progress " + name, std::string(progress_of(seen)));
  const auto restarts = integer(*seen.volume, {"status", "restartCount"}).value_or(0);
  if (problem.empty() && restarts > 0 && !moved) problem = draft.recall(key);
  // Of a pod that crashes while it clones nothing else tells.
  if (problem.empty() && restarts > 1 && !moved)
    problem = fmt::format("the pod that fills {} was restarted {} times", name, restarts);
  return problem;
}

}  // namespace

DataVolumeSight see_data_volume(const View& view, const std::string& name) {
  DataVolumeSight seen{.volume = view.find(kDataVolumes, name), .claim = view.find(kClaims, name)};
  if (seen.volume != nullptr) seen.phase = text(*seen.volume, {"status", "phase"});
  if (seen.claim != nullptr) seen.claim_phase = text(*seen.claim, {"status", "phase"});
  return seen;
}

Filled filled(const View& view, const DataVolumeSight& seen) {
  if (seen.phase != "Succeeded") return Filled::no;
  if (view.unreadable(kClaims)) return has_source(*seen.volume) ? Filled::yes : Filled::says_so;
  return seen.claim_phase == "Bound" ? Filled::yes : Filled::no;
}

Filling fill_of(const Json& claim) {
  const bool by_populator = annotation(claim, kUsePopulator) == "true";
  const bool marked = annotation(claim, kCloneOf) == "true" ||
                      annotation(claim, kPopulatedFor) == text(claim, {"metadata", "name"});
  if (by_populator || marked) return Filling::over;
  if (has_annotation(claim, kPodPhase))
    return annotation(claim, kPodPhase) == "Succeeded" ? Filling::over : Filling::under_way;
  // The order stands there from the beginning, the phase only once there is a pod.
  if (std::ranges::any_of(kOrders, [&](std::string_view order) { return has_annotation(claim, order); }))
    return Filling::under_way;
  return has_annotation(claim, kMadeFor) ? Filling::untold : Filling::over;
}

bool is_worked_on(const Json& claim) {
  return has_annotation(claim, kPodPhase) && annotation(claim, kPodPhase) != "Succeeded";
}

std::string fill_problem(const Json& claim) {
  return annotation(claim, kRunning) == "false" ? std::string(annotation(claim, kRunningMessage))
                                                : std::string{};
}

bool waits_for_first_use(const View& view, const std::string& name, const DataVolumeSight& seen) {
  if (seen.phase == "PendingPopulation" || seen.phase == "WaitForFirstConsumer") return true;
  // A DataVolume whose claim has a source of its own has no word for it.
  return seen.phase == "Succeeded" && seen.claim_phase == "Pending" &&
         waits_for_consumer(view, name, *seen.claim);
}

std::optional<double> fraction_of(const DataVolumeSight& seen) {
  const std::string_view told = progress_of(seen);
  double percent = 0;
  const auto [stop, error] = std::from_chars(told.data(), told.data() + told.size(), percent);
  if (error != std::errc{} || !(percent >= 0 && percent <= 100))
    return std::nullopt;  // "nan" is a number, too
  return percent / 100;
}

std::string failure_words(const Json& data_volume) {
  for (const char* type : {"Running", "Ready", "Bound"})
    if (const Json* told = condition(data_volume, type))
      if (const std::string_view message = text(*told, {"message"}); !message.empty())
        return std::string(message);
  return "it does not say why";
}

bool has_lost_volume(const std::string& name, const DataVolumeSight& seen, Draft& draft) {
  return seen.claim_phase == "Lost" && draft.stood("lost " + name, kCertain);
}

std::string problem_of(const View& view, const std::string& name, const DataVolumeSight& seen, Draft& draft) {
  std::string of_worker = worker_problem(name, seen, draft);
  // Events of the claim first: they name what the conditions only allude to.
  if (std::string told = event_of_claim(view, name, seen, draft); !told.empty()) return told;
  if (std::string told = helper_problem(view, seen, draft); !told.empty()) return told;
  return of_worker.empty() ? event_of_volume(view, name, seen, draft) : of_worker;
}

std::string data_volume_problem(const Json& data_volume) {
  const Json* bound = condition(data_volume, "Bound");
  if (bound != nullptr)
    if (std::string told = bound_problem(*bound); !told.empty()) return told;
  const Json* running = condition(data_volume, "Running");
  if (running == nullptr || text(*running, {"status"}) != "False") return {};
  const std::string_view why = text(*running, {"reason"});
  const std::string_view message = text(*running, {"message"});
  if (why == "Unschedulable")
    return unschedulable_problem(bound == nullptr ? std::string_view{} : text(*bound, {"message"}));
  if (std::ranges::find(kRunningTrouble, why) == kRunningTrouble.end() || message == kSaysNothing ||
      is_conflict(message))
    return {};
  return std::string(message.empty() ? why : message);
}

}  // namespace wukong::status
