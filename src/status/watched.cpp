#include "status/watched.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace wukong::status {
namespace {

constexpr std::size_t kLongestLabel = 63;

/// Warnings that healthy runs emit too (CDI binds two claims to one volume for a moment; it says why it copies where the
/// storage could not do better), or that say less than others.
constexpr std::array<std::string_view, 8> kHarmless{
    "ClaimMisbound",           "importFailed",      "NoVolumeSnapshotClass", "IncompatibleProvisioners",
    "IncompatibleVolumeModes", "NoVolumeExpansion", "NoProvisionerMatch",    "NoPopulator"};
/// Telling although their type may be Normal: the type of an event proves nothing.
constexpr std::array<std::string_view, 5> kTelling{"ProvisioningFailed", "FailedBinding", "ErrExceededQuota",
                                                   "CloneSourceInUse", "ExternalExpanding"};

template <std::size_t N>
bool is_one_of(std::string_view word, const std::array<std::string_view, N>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool tells_of_trouble(const Json& event) {
  const std::string_view why = text(event, {"reason"});
  if (is_conflict(text(event, {"message"}))) return false;
  return is_one_of(why, kTelling) || (text(event, {"type"}) == "Warning" && !is_one_of(why, kHarmless));
}

}  // namespace

Watched watch_events(const std::string& ns) {
  return {.gvr = gvr::event(),
          .ns = ns,
          .keep = {{"involvedObject.kind", "involvedObject.name", "involvedObject.uid", "reason", "message",
                    "type", "count", "lastTimestamp", "eventTime", "series"}},
          .from_now = true};
}

Watched watch_snapshots(const std::string& ns, const std::string& name) {
  return {.gvr = gvr::vm_snapshot(),
          .ns = ns,
          .name = name,
          .keep = {{"spec.source", "status.phase", "status.readyToUse", "status.error", "status.conditions",
                    "status.indications", "status.snapshotVolumes"}}};
}

Watched watch_restores(const std::string& ns, const std::string& name) {
  return {
      .gvr = gvr::vm_restore(),
      .ns = ns,
      .name = name,
      .keep = {{"spec.target.name", "spec.virtualMachineSnapshotName", "status.complete", "status.conditions",
                "status.restores.volumeName", "status.restores.persistentVolumeClaim"}}};
}

Watched watch_claims(const std::string& ns, const std::string& name) {
  return {.gvr = gvr::pvc(),
          .ns = ns,
          .name = name,
          .keep = {{"metadata.annotations", "spec.storageClassName", "status.phase"}}};
}

Watched watch_classes() {
  return {.gvr = gvr::storage_class(), .keep = {{"volumeBindingMode", "provisioner"}}};
}

Watched watch_vm(const std::string& ns, const std::string& name) {
  return {
      .gvr = gvr::vm(),
      .ns = ns,
      .name = name,
      .keep = {{"metadata.annotations", "spec.runStrategy", "spec.running", "spec.template.spec.volumes.name",
                "spec.template.spec.volumes.persistentVolumeClaim.claimName",
                "spec.template.spec.volumes.dataVolume.name", "status.printableStatus", "status.conditions",
                "status.ready"}}};
}

Watched watch_restored_claims(const std::string& ns, const std::string& source_vm) {
  const bool selectable = !source_vm.empty() && source_vm.size() <= kLongestLabel;
  Watched claims = watch_claims(ns);
  if (selectable) claims.labels = "restore.kubevirt.io/source-vm-name=" + source_vm;
  return claims;
}

bool is_conflict(std::string_view message) {
  return message.find("the object has been modified") != std::string_view::npos;
}

const Json* find_own(const View& view, std::string_view resource, const std::string& name, Draft& draft) {
  const Json* found = view.find(resource, name);
  if (found == nullptr) return nullptr;
  const std::string uid(text(*found, {"metadata", "uid"}));
  if (const std::string known = draft.recall("uid"); !known.empty() && known != uid) return nullptr;
  draft.remember("uid", uid);
  return found;
}

Verdict judge_absent(const View& view, std::string_view resource, const std::string& title,
                     std::string_view deleted, Draft& draft) {
  if (!is_fresh(view, resource) || !draft.stood("absent", kCertain)) return draft.as_before();
  const bool was_there = !draft.recall("uid").empty() || !draft.recall("seen").empty();
  return draft.failed(fmt::format("{} {}", title, was_there ? deleted : "does not exist"));
}

bool is_fresh(const View& view, std::string_view resource) {
  return view.known(resource) && view.shelf(resource).trouble.empty();
}

bool is_deleting(const Json& object) { return !text(object, {"metadata", "deletionTimestamp"}).empty(); }

std::string_view reason(const Json& object, std::string_view type) {
  const Json* found = condition(object, type);
  return found == nullptr ? std::string_view{} : text(*found, {"reason"});
}

bool has_condition(const Json& object, std::string_view type, std::string_view status) {
  const Json* found = condition(object, type);
  return found != nullptr && text(*found, {"status"}) == status;
}

const Json* trouble_event(const View& view, std::string_view kind, std::string_view name) {
  const Json* newest = view.newest_event(kind, name, tells_of_trouble);
  return newest != nullptr && is_still_at_work(text(*newest, {"message"})) ? nullptr : newest;
}

std::string refused_template(const View& view, const std::string& vm) {
  const Json* event = view.newest_event("VirtualMachine", vm, [](const Json& each) {
    return text(each, {"reason"}) == "FailedDataVolumeCreate";
  });
  return event == nullptr ? std::string{} : std::string(text(*event, {"message"}));
}

bool waits_for_consumer(const View& view, const std::string& name, const Json& claim) {
  if (!text(claim, {"metadata", "annotations", kSelectedNode}).empty()) return false;
  if (const Json* used = view.find(kClasses, text(claim, {"spec", "storageClassName"})); used != nullptr)
    return text(*used, {"volumeBindingMode"}) == "WaitForFirstConsumer";
  const Json* newest = view.newest_event("PersistentVolumeClaim", name, {});
  return newest != nullptr && text(*newest, {"reason"}) == "WaitForFirstConsumer";
}

std::string claim_problem(const View& view, const std::string& claim) {
  const Json* event = trouble_event(view, "PersistentVolumeClaim", claim);
  return event == nullptr ? std::string{} : std::string(text(*event, {"message"}));
}

std::string work_on(const View& view, const std::vector<std::string>& claims) {
  const bool any = std::ranges::any_of(claims, [&](const std::string& claim) {
    const Json* newest = view.newest_event("PersistentVolumeClaim", claim, tells_of_trouble);
    return newest != nullptr && is_still_at_work(text(*newest, {"message"}));
  });
  return std::string(any ? kStillAtWork : "");
}

std::string claim_of(const Json& volume) {
  const std::string_view claim = text(volume, {"persistentVolumeClaim", "claimName"});
  return std::string(claim.empty() ? text(volume, {"dataVolume", "name"}) : claim);
}

std::vector<std::string> claims_of(const Json& vm) {
  std::vector<std::string> claims;
  for (const Json& volume : items(vm, {"spec", "template", "spec", "volumes"})) {
    std::string name = claim_of(volume);
    if (!name.empty() && std::find(claims.begin(), claims.end(), name) == claims.end())
      claims.push_back(std::move(name));
  }
  return claims;
}

}  // namespace wukong::status
