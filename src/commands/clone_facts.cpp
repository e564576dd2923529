// The reads of `clone`.
#include <utility>

#include "commands/clone.h"
#include "status/watched.h"

namespace wukong::commands {

namespace {

Gvr api_group(const std::string& group) { return {.group = group}; }

kube::Read group_of(const Gvr& gvr) {
  kube::Read read{.gvr = api_group(gvr.group)};
  read.raw_path = "/apis/" + gvr.group;
  return read;
}

/// The claims of the source's disks, or the VM names to suggest one when there is no source.
Result<void> gather_rest(CloneFacts& facts, kube::Api& api, const Scope& scope) {
  std::vector<kube::Read> reads;
  if (facts.source.is_known()) facts.claim_names = status::claims_of(facts.source.object);
  for (const std::string& claim : facts.claim_names)
    reads.push_back({.gvr = gvr::pvc(),
                     .ns = scope.ns,
                     .name = claim,
                     .keep = {{"status.phase", "spec.storageClassName"}}});
  if (facts.source.is_absent())
    reads.push_back({.gvr = gvr::vm(), .ns = scope.ns, .keep = {{"metadata.name"}}});
  if (reads.empty()) return {};
  WUKONG_TRY(facts.claims, kube::fetch(api, std::move(reads)));
  if (!facts.source.is_absent()) return {};
  for (const Json& vm : items(facts.claims.back().object, {"items"}))
    facts.vm_names.emplace_back(text(vm, {"metadata", "name"}));
  facts.claims.pop_back();
  return {};
}

}  // namespace

Result<CloneFacts> gather_clone(const CloneNames& names, kube::Api& api, const Scope& scope) {
  std::vector<kube::Read> reads;
  reads.push_back(group_of(gvr::vm_clone()));
  reads.push_back(group_of(gvr::vm_snapshot()));
  reads.push_back({.gvr = gvr::vm(), .ns = scope.ns, .name = names.source});
  reads.push_back({.gvr = gvr::vm(), .ns = scope.ns, .name = names.target, .keep = {{"metadata"}}});
  reads.push_back({.gvr = gvr::vm_clone(), .ns = scope.ns, .keep = {{"spec.target", "status.phase"}}});
  reads.push_back(
      {.gvr = gvr::kubevirt(),
       .keep = {{"spec.configuration.developerConfiguration", "status.observedKubeVirtVersion"}}});
  WUKONG_TRY(std::vector<kube::Fact> got, kube::fetch(api, std::move(reads)));
  CloneFacts facts{.clone_group = std::move(got[0]),
                   .snapshot_group = std::move(got[1]),
                   .source = std::move(got[2]),
                   .target = std::move(got[3]),
                   .clones = std::move(got[4]),
                   .kubevirts = std::move(got[5])};
  WUKONG_CHECK(gather_rest(facts, api, scope));
  return facts;
}

}  // namespace wukong::commands
