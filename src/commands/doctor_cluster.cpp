#include "commands/doctor_cluster.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

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
Gvr pod() { return {"", "v1", "pods", "Pod"}; }
Gvr route() { return {"route.openshift.io", "v1", "routes", "Route"}; }
Gvr vm_export() { return {"export.kubevirt.io", "v1", "virtualmachineexports", "VirtualMachineExport"}; }

constexpr const char* kKubevirt = "KubeVirt";
constexpr std::string_view kExportProxy = "virt-exportproxy";
constexpr std::string_view kZfsPlugin = "openebs-zfs-plugin";

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
  if (!serves(facts, gvr) || is_unserved(list)) return {about, lacking, without};
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
  if (!serves(facts, cdi_config()) || is_unserved(facts.cdi_config))
    return {"upload images", lacking, "needs CDI"};
  if (facts.cdi_config.is_unreadable())
    return {"upload images", unknown, "you may not get " + cdi_config().qualified()};
  std::string_view url = text(facts.cdi_config.object, {"spec", "uploadProxyURLOverride"});
  if (url.empty()) url = text(facts.cdi_config.object, {"status", "uploadProxyURL"});
  if (!url.empty()) return {"upload images", good, "through " + printable(url)};
  return {"upload images", good, "CDI's upload proxy has no address outside: through a port-forward"};
}

/// Whether one of the paths of an Ingress leads to the proxy of exports.
bool leads_to_exports(const Json& path) { return text(path, {"backend", "service", "name"}) == kExportProxy; }

/// "exports.example.com", "" where nothing leads to the proxy. Source: kubevirt pkg/storage/export/export/links.go.
std::string export_host(const ClusterFacts& facts) {
  for (const Json& ingress : items(facts.ingresses.object, {"items"})) {
    const Json& fallback = fields(ingress, {"spec", "defaultBackend", "service"});
    for (const Json& rule : items(ingress, {"spec", "rules"})) {
      const Json& paths = items(rule, {"http", "paths"});
      if (text(fallback, {"name"}) == kExportProxy ||
          std::any_of(paths.begin(), paths.end(), leads_to_exports))
        return printable(text(rule, {"host"}));
    }
  }
  for (const Json& each : items(facts.routes.object, {"items"}))
    if (text(each, {"spec", "to", "name"}) == kExportProxy) return printable(text(each, {"spec", "host"}));
  return {};
}

/// Where exports are downloaded from. KubeVirt runs their proxy with the gate only, and its links lead through an Ingress or a
/// Route of KubeVirt's namespace.
Finding download(const ClusterFacts& facts) {
  const char* about = "download exports";
  if (!serves(facts, vm_export())) return {about, lacking, "needs " + vm_export().group};
  if (gate_is_on(facts.kubevirts, "VMExport") == std::optional(false))
    return {about, lacking, "needs gate VMExport"};
  if (const std::string host = export_host(facts); !host.empty()) return {about, good, "through " + host};
  const char* inside = "through the API server or a port-forward";
  if (!facts.ingresses.is_known() || facts.routes.is_unreadable())
    return {about, unknown,
            fmt::format("whether {} has an address outside cannot be read; in any case {}", kExportProxy,
                        inside)};
  return {about, good, fmt::format("{} has no address outside: {}", kExportProxy, inside)};
}

Finding kubernetes(const ClusterFacts& facts) {
  const std::string version = printable(text(facts.version.object, {"gitVersion"}));
  if (version.empty()) return {"Kubernetes", unknown, "its version cannot be read"};
  return {"Kubernetes", good, version};
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
  // Who may not list a kind is told so whether it is served or not.
  const kube::Fact unserved = kube::Fact::unreadable({.code = Code::not_found});
  const bool served = serves(facts, gvr::volume_snapshot_class());
  const SnapshotClass snapshots =
      snapshot_class_of(storage_class, served ? facts.snapshot_classes : unserved, facts.profiles);
  const Finding::State state = !snapshots.name.empty() ? good : snapshots.unreadable ? unknown : lacking;
  return {fmt::format("class {}{}", printable(name), is_default(storage_class) ? " (default)" : ""), state,
          words_of(facts, storage_class, snapshots)};
}

bool has_zfs(const std::optional<kube::ServedApis>& served) {
  return served && kube::spoken(zfs_node(), *served);
}

/// Of the node plugin in a pod: the tag of its image, else what the chart says; "" for neither.
std::string zfs_version(const Json& pod) {
  for (const Json& container : items(pod, {"spec", "containers"})) {
    if (text(container, {"name"}) != kZfsPlugin) continue;
    const std::string_view image = text(container, {"image"});
    const auto colon = image.rfind(':');
    const bool tagged = colon != std::string_view::npos && image.find('/', colon) == std::string_view::npos;
    if (tagged && image.find('@') == std::string_view::npos) return printable(image.substr(colon + 1));
  }
  return printable(text(pod, {"metadata", "labels", "openebs.io/version"}));
}

/// Which ZFS LocalPV runs on the nodes. Pods of one rollout may differ.
Finding zfs_driver(const ClusterFacts& facts) {
  const char* about = "ZFS driver";
  if (facts.zfs_pods.is_unreadable())
    return {about, unknown, "its version cannot be read: you may not list pods in all namespaces"};
  std::map<std::string, int> versions;
  for (const Json& each : items(facts.zfs_pods.object, {"items"})) ++versions[zfs_version(each)];
  if (versions.empty()) return {about, unknown, "no pod of its node plugin was found by its label"};
  std::vector<std::string> words;
  for (const auto& [version, nodes] : versions)
    words.push_back(fmt::format("{} on {}", version.empty() ? "version unknown" : version,
                                nodes == 1 ? "1 node" : fmt::format("{} nodes", nodes)));
  return {about, versions.contains("") ? unknown : good, fmt::format("{}", fmt::join(words, ", "))};
}

std::vector<Finding> zfs_findings(const ClusterFacts& facts) {
  if (!has_zfs(facts.served)) return {};
  std::vector<Finding> out{zfs_driver(facts)};
  if (facts.zfs_nodes.is_unreadable()) {
    out.push_back({"ZFS pools", unknown, unreadable(zfs_node())});
    return out;
  }
  for (const Json& node : items(facts.zfs_nodes.object, {"items"}))
    for (const Json& pool : items(node, {"pools"}))
      out.push_back({fmt::format("ZFS pool {}", printable(text(pool, {"name"}))), good,
                     fmt::format("on {}: {} free, {} used", printable(text(node, {"metadata", "name"})),
                                 printable(text(pool, {"free"})), printable(text(pool, {"used"})))});
  if (out.size() == 1)
    out.push_back({"ZFS pools", lacking, "ZFS LocalPV is installed, but no node reports a pool"});
  return out;
}

/// What leads to the proxy of exports, now that it is known where KubeVirt runs.
Result<void> gather_export_links(ClusterFacts& facts, kube::Api& api) {
  const Json* kubevirt = first(facts.kubevirts);
  if (kubevirt == nullptr) return {};
  const std::string ns(text(*kubevirt, {"metadata", "namespace"}));
  std::vector<kube::Read> reads{{.gvr = gvr::ingress(), .ns = ns, .keep = {{"spec"}}}};
  const bool routes = facts.served && kube::spoken(route(), *facts.served);
  if (routes) reads.push_back({.gvr = route(), .ns = ns, .keep = {{"spec"}}});
  WUKONG_TRY(std::vector<kube::Fact> got, kube::fetch(api, std::move(reads)));
  facts.ingresses = std::move(got[0]);
  if (routes) facts.routes = std::move(got[1]);
  return {};
}

}  // namespace

Result<ClusterFacts> gather_cluster(kube::Api& api, kube::Discovery& discovery) {
  ClusterFacts facts;
  WUKONG_TRY(facts.served, discovery.renew());
  const std::vector<Gvr> kinds{gvr::kubevirt(),        cdi(),
                               gvr::storage_class(),   gvr::volume_snapshot_class(),
                               gvr::storage_profile(), zfs_node()};
  std::vector<kube::Read> reads;
  for (const Gvr& kind : kinds) reads.push_back({.gvr = kind});
  reads.push_back({.gvr = cdi_config(), .name = "config"});
  reads.push_back({.raw_path = "/version"});
  if (has_zfs(facts.served))
    reads.push_back({.gvr = pod(),
                     .labels = "openebs.io/component-name=openebs-zfs-node",
                     .keep = {{"metadata.labels", "spec.containers"}}});
  WUKONG_TRY(std::vector<kube::Fact> got, kube::fetch(api, std::move(reads)));
  facts.kubevirts = std::move(got[0]);
  facts.cdis = std::move(got[1]);
  facts.classes = std::move(got[2]);
  facts.snapshot_classes = std::move(got[3]);
  facts.profiles = std::move(got[4]);
  facts.zfs_nodes = std::move(got[5]);
  facts.cdi_config = std::move(got[6]);
  facts.version = std::move(got[7]);
  if (got.size() > 8) facts.zfs_pods = std::move(got[8]);
  WUKONG_CHECK(gather_export_links(facts, api));
  return facts;
}

std::vector<Finding> cluster_findings(const ClusterFacts& facts) {
  return {kubernetes(facts),
          installed(kKubevirt, facts, gvr::kubevirt(), facts.kubevirts, "observedKubeVirtVersion",
                    "not installed: there are no VMs"),
          gated("clone VMs", facts, gvr::vm_clone(), "Snapshot"),
          gated("snapshot and restore VMs", facts, gvr::vm_snapshot(), "Snapshot"),
          gated("export VMs", facts, vm_export(), "VMExport"),
          download(facts),
          installed("CDI", facts, cdi(), facts.cdis, "observedVersion",
                    "not installed: import, upload and clones by method cdi need it"),
          upload(facts)};
}

const Finding* broken_base(const std::vector<Finding>& findings) {
  for (const Finding& finding : findings)
    if (finding.about == kKubevirt && finding.state == lacking) return &finding;
  return nullptr;
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

Result<std::vector<Finding>> class_findings(const ClusterFacts& facts, const std::string& name,
                                            const std::string& flags) {
  std::vector<std::string> known;
  const bool by_profile = facts.classes.is_unreadable();
  for (const Json& each : items((by_profile ? facts.profiles : facts.classes).object, {"items"})) {
    known.emplace_back(text(each, {"metadata", "name"}));
    if (known.back() == name)
      return std::vector<Finding>{class_finding(facts, by_profile ? as_class(each) : each)};
  }
  const std::string meant = closest(name, known);
  // Who may not list classes sees at best those that have a profile.
  if (by_profile)
    return Error{.code = facts.classes.why.code,
                 .message = fmt::format("whether there is a StorageClass {} cannot be read: {}",
                                        printable(name), unreadable(gvr::storage_class())),
                 .hint = meant.empty() ? "" : fmt::format("did you mean {}?", meant)};
  return refuse(
      fmt::format("StorageClass {} does not exist", printable(name)),
      meant.empty() ? "kubectl get storageclasses" + flags : fmt::format("did you mean {}?", meant));
}

}  // namespace wukong::commands
