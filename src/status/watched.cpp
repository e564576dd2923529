#include "status/watched.h"

#include <algorithm>
#include <array>

namespace wukong::status {
namespace {

constexpr std::size_t kLongestLabel = 63;

/// Warnings that healthy runs emit too (CDI binds two claims to one volume for a moment), or that say less than others.
constexpr std::array<std::string_view, 2> kHarmless{"ClaimMisbound", "importFailed"};
/// Telling although their type may be Normal: the type of an event proves nothing.
constexpr std::array<std::string_view, 3> kTelling{"ProvisioningFailed", "FailedBinding", "ErrExceededQuota"};

template <std::size_t N>
bool is_one_of(std::string_view word, const std::array<std::string_view, N>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool tells_of_trouble(const Json& event) {
  const std::string_view why = text(event, {"reason"});
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
  return {.gvr = gvr::pvc(),
          .ns = ns,
          .labels = selectable ? "restore.kubevirt.io/source-vm-name=" + source_vm : std::string{},
          .keep = {{"metadata.annotations", "spec.storageClassName", "status.phase"}}};
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

std::string claim_problem(const View& view, const std::string& claim) {
  const Json* event = view.newest_event("PersistentVolumeClaim", claim, tells_of_trouble);
  return event == nullptr ? std::string{} : std::string(text(*event, {"message"}));
}

std::vector<std::string> claims_of(const Json& vm) {
  std::vector<std::string> claims;
  for (const Json& volume : items(vm, {"spec", "template", "spec", "volumes"})) {
    std::string_view name = text(volume, {"persistentVolumeClaim", "claimName"});
    if (name.empty()) name = text(volume, {"dataVolume", "name"});
    if (!name.empty() && std::find(claims.begin(), claims.end(), name) == claims.end())
      claims.emplace_back(name);
  }
  return claims;
}

}  // namespace wukong::status
