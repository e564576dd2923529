#include "commands/doctor_cluster.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "commands/kubevirt_version.h"
#include "commands/storage_class.h"
#include "commands/vm_argument.h"

namespace wukong::commands {

namespace {

using enum Finding::State;

Gvr cdi() { return {"cdi.kubevirt.io", "v1beta1", "cdis", "CDI"}; }
Gvr cdi_config() { return {"cdi.kubevirt.io", "v1beta1", "cdiconfigs", "CDIConfig"}; }
Gvr zfs_node() { return {"zfs.openebs.io", "v1", "zfsnodes", "ZFSNode"}; }

/// Whether the server serves a kind, as far as it tells.
bool serves(const ClusterFacts& facts, const Gvr& gvr) {
  return !facts.served || kube::spoken(gvr, *facts.served);
}

const Json* first(const kube::Fact& list) {
  const Json& all = items(list.object, {"items"});
  return list.is_known() && !all.empty() ? &all.front() : nullptr;
}

std::string unreadable(const Gvr& gvr) { return fmt::format("you may not list {}", gvr.qualified()); }

/// "v1.8.4, Deployed" of a KubeVirt or CDI resource, as far as it says so.
std::string version_words(const Json& object, const char* version) {
  const std::string_view phase = text(object, {"status", "phase"});
  std::string words = printable(text(object, {"status", version}));
  if (!words.empty()) words += ", ";
  return words + (phase.empty() ? "phase unknown" : printable(phase));
}

Finding installed(const char* about, const ClusterFacts& facts, const Gvr& gvr, const kube::Fact& list,
                  const char* version, const std::string& without) {
  if (!serves(facts, gvr)) return {about, lacking, without};
  if (list.is_unreadable()) return {about, unknown, "there, but " + unreadable(gvr)};
  const Json* object = first(list);
  if (object == nullptr)
    return {about, lacking, fmt::format("its API is served, but there is no {}", gvr.kind)};
  const bool deployed = text(*object, {"status", "phase"}) == "Deployed";
  return {about, deployed ? good : lacking, version_words(*object, version)};
}

Finding gated(const char* about, const ClusterFacts& facts, const Gvr& gvr, std::string_view gate) {
  if (!serves(facts, gvr)) return {about, lacking, gvr.group + " is not served"};
  const std::string api = speaking(gvr, facts.served).api_version();
  const auto on = gate_is_on(facts.kubevirts, gate);
  if (!on) return {about, unknown, fmt::format("{}; whether gate {} is on cannot be read", api, gate)};
  if (*on) return {about, good, fmt::format("{}, gate {}", api, gate)};
  return {about, lacking, fmt::format("gate {} is off: add it to {}", gate, list_of_gates(facts.kubevirts))};
}

/// Where uploads go from outside. Source: CDIConfig spec.uploadProxyURLOverride, else status.uploadProxyURL.
Finding upload(const ClusterFacts& facts) {
  if (!serves(facts, cdi_config())) return {"upload images", lacking, "needs CDI"};
  if (facts.cdi_config.is_unreadable())
    return {"upload images", unknown, "you may not get " + cdi_config().qualified()};
  std::string_view url = text(facts.cdi_config.object, {"spec", "uploadProxyURLOverride"});
  if (url.empty()) url = text(facts.cdi_config.object, {"status", "uploadProxyURL"});
  if (!url.empty()) return {"upload images", good, "through " + printable(url)};
  return {"upload images", good, "CDI's upload proxy has no address outside: through a port-forward"};
}

std::string binding_words(const Json& storage_class) {
  const std::string_view mode = text(storage_class, {"volumeBindingMode"});
  if (mode.empty()) return "when its volumes are bound cannot be read";  // known by its StorageProfile only
  return mode == "WaitForFirstConsumer" ? "bound at first use" : "bound at once";
}

/// How CDI clones a disk of the class. Source: StorageProfile.status.cloneStrategy; none: snapshot, else copy.
std::string clone_words(const ClusterFacts& facts, const std::string& name, bool snapshots) {
  if (!serves(facts, gvr::storage_profile())) return "";
  const std::string_view strategy = profile_of(facts.profiles, name, "cloneStrategy");
  if (strategy == "csi-clone") return "CDI clones by the driver";
  if (strategy == "copy" || !snapshots) return "CDI clones by copying";
  return "CDI clones by snapshot";
}

std::string words_of(const ClusterFacts& facts, const Json& storage_class, const SnapshotClass& snapshots) {
  std::string words =
      fmt::format("{}, {}", printable(text(storage_class, {"provisioner"})), binding_words(storage_class));
  words += snapshots.name.empty() ? "; " + snapshots.problem
                                  : fmt::format("; snapshots by {}", printable(snapshots.name));
  const std::string clones =
      clone_words(facts, std::string(text(storage_class, {"metadata", "name"})), !snapshots.name.empty());
  if (!clones.empty()) words += "; " + clones;
  return words;
}

Finding class_finding(const ClusterFacts& facts, const Json& storage_class) {
  const std::string name(text(storage_class, {"metadata", "name"}));
  const SnapshotClass snapshots = snapshot_class_of(storage_class, facts.snapshot_classes, facts.profiles);
  const Finding::State state = !snapshots.name.empty() ? good : snapshots.unreadable ? unknown : lacking;
  return {fmt::format("class {}{}", printable(name), is_default(storage_class) ? " (default)" : ""), state,
          words_of(facts, storage_class, snapshots)};
}

std::vector<Finding> zfs_findings(const ClusterFacts& facts) {
  std::vector<Finding> out;
  if (!facts.served || !kube::spoken(zfs_node(), *facts.served)) return out;
  if (facts.zfs_nodes.is_unreadable()) return {{"ZFS pools", unknown, unreadable(zfs_node())}};
  for (const Json& node : items(facts.zfs_nodes.object, {"items"}))
    for (const Json& pool : items(node, {"pools"}))
      out.push_back({fmt::format("ZFS pool {}", printable(text(pool, {"name"}))), good,
                     fmt::format("on {}: {} free, {} used", printable(text(node, {"metadata", "name"})),
                                 printable(text(pool, {"free"})), printable(text(pool, {"used"})))});
  if (out.empty())
    out.push_back({"ZFS pools", lacking, "ZFS LocalPV is installed, but no node reports a pool"});
  return out;
}

}  // namespace

Result<ClusterFacts> gather_cluster(kube::Api& api, kube::Discovery& discovery) {
  ClusterFacts facts;
  WUKONG_TRY(facts.served, discovery.renew());
  const std::vector<Gvr> kinds{gvr::kubevirt(),        cdi(),
                               gvr::storage_class(),   gvr::volume_snapshot_class(),
                               gvr::storage_profile(), zfs_node()};
  std::vector<kube::Read> reads;
  reads.reserve(kinds.size() + 1);
  for (const Gvr& kind : kinds) reads.push_back({.gvr = kind});
  reads.push_back({.gvr = cdi_config(), .name = "config"});
  WUKONG_TRY(std::vector<kube::Fact> got, kube::fetch(api, std::move(reads)));
  facts.kubevirts = std::move(got[0]);
  facts.cdis = std::move(got[1]);
  facts.classes = std::move(got[2]);
  facts.snapshot_classes = std::move(got[3]);
  facts.profiles = std::move(got[4]);
  facts.zfs_nodes = std::move(got[5]);
  facts.cdi_config = std::move(got[6]);
  return facts;
}

std::vector<Finding> cluster_findings(const ClusterFacts& facts) {
  return {installed("KubeVirt", facts, gvr::kubevirt(), facts.kubevirts, "observedKubeVirtVersion",
                    "not installed: there are no VMs"),
          gated("clone VMs", facts, gvr::vm_clone(), "Snapshot"),
          gated("snapshot and restore VMs", facts, gvr::vm_snapshot(), "Snapshot"),
          gated("export VMs", facts,
                {"export.kubevirt.io", "v1", "virtualmachineexports", "VirtualMachineExport"}, "VMExport"),
          installed("CDI", facts, cdi(), facts.cdis, "observedVersion",
                    "not installed: import, upload and clones by method cdi need it"),
          upload(facts)};
}

std::vector<Finding> storage_findings(const ClusterFacts& facts) {
  std::vector<Finding> out;
  if (facts.classes.is_unreadable()) {
    out.push_back({"storage classes", unknown, unreadable(gvr::storage_class())});
    for (const Json& profile : items(facts.profiles.object, {"items"}))
      out.push_back(class_finding(facts, as_class(profile)));
  }
  for (const Json& storage_class : items(facts.classes.object, {"items"}))
    out.push_back(class_finding(facts, storage_class));
  if (out.empty()) out.push_back({"storage classes", lacking, "there is none: no volume can be made"});
  for (Finding& finding : zfs_findings(facts)) out.push_back(std::move(finding));
  return out;
}

Result<std::vector<Finding>> class_findings(const ClusterFacts& facts, const std::string& name) {
  std::vector<std::string> known;
  const bool by_profile = facts.classes.is_unreadable();
  for (const Json& each : items((by_profile ? facts.profiles : facts.classes).object, {"items"})) {
    known.emplace_back(text(each, {"metadata", "name"}));
    if (known.back() == name)
      return std::vector<Finding>{class_finding(facts, by_profile ? as_class(each) : each)};
  }
  const std::string meant = closest(name, known);
  return refuse(fmt::format("StorageClass {} does not exist", printable(name)),
                meant.empty() ? "kubectl get storageclasses" : fmt::format("did you mean {}?", meant));
}

}  // namespace wukong::commands
