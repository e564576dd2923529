// The reads of `clone`.
#include <utility>

#include "commands/clone.h"
#include "status/watched.h"

namespace wukong::commands {

namespace {

/// The claims of the source's disks, or the VM names to suggest one when there is no source.
Result<void> gather_rest(CloneFacts& facts, kube::Api& api, const Scope& scope) {
  std::vector<kube::Read> reads;
  if (facts.source.is_known()) facts.claim_names = status::claims_of(facts.source.object);
  for (const std::string& claim : facts.claim_names)
    reads.push_back({.gvr = gvr::pvc(),
                     .ns = scope.ns,
                     .name = claim,
                     .keep = {{"metadata.annotations", "status.phase", "status.capacity", "spec"}}});
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

/// What can be read at once when it is known in which versions.
Result<CloneFacts> gather_first(const CloneNames& names, kube::Api& api,
                                std::optional<kube::ServedApis> served, const Scope& scope) {
  const Gvr clone = speaking(gvr::vm_clone(), served);
  std::vector<kube::Read> reads;
  reads.push_back({.gvr = gvr::vm(), .ns = names.target_ns, .name = names.target, .keep = {{"metadata"}}});
  reads.push_back(
      {.gvr = clone, .ns = scope.ns, .keep = {{"metadata.labels", "spec.target", "status.phase"}}});
  reads.push_back(
      {.gvr = gvr::kubevirt(),
       .keep = {{"spec.configuration.developerConfiguration", "status.observedKubeVirtVersion"}}});
  if (!names.from_snapshot) reads.push_back({.gvr = gvr::vm(), .ns = scope.ns, .name = names.source});
  WUKONG_TRY(std::vector<kube::Fact> got, kube::fetch(api, std::move(reads)));
  return CloneFacts{.served = std::move(served),
                    .source = names.from_snapshot ? kube::Fact::absent() : std::move(got[3]),
                    .target = std::move(got[0]),
                    .clones = std::move(got[1]),
                    .kubevirts = std::move(got[2])};
}

/// True when the server is not what the disk remembers: KubeVirt came, went, or was upgraded.
bool is_outdated(const CloneFacts& facts) {
  const auto unknown = [&](const Gvr& gvr) { return facts.served && !kube::spoken(gvr, *facts.served); };
  return unknown(gvr::vm_clone()) || unknown(gvr::vm_snapshot()) ||
         (facts.clones.is_unreadable() && facts.clones.why.code == Code::not_found);
}

}  // namespace

Result<CloneFacts> gather_clone(const CloneNames& names, kube::Api& api, kube::Discovery& discovery,
                                const Scope& scope) {
  WUKONG_TRY(auto served, discovery.served());
  WUKONG_TRY(CloneFacts facts, gather_first(names, api, std::move(served), scope));
  if (discovery.from_disk() && is_outdated(facts)) {
    WUKONG_TRY(auto renewed, discovery.renew());
    WUKONG_TRY(facts, gather_first(names, api, std::move(renewed), scope));
  }
  if (!names.from_snapshot) WUKONG_CHECK(gather_rest(facts, api, scope));
  return facts;
}

}  // namespace wukong::commands
