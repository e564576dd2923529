// What `doctor` tells of a cluster and a namespace: what can be done there, and why not.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "commands/context.h"
#include "kube/api.h"
#include "kube/discovery.h"

namespace wukong::commands {

/// What the cluster said; each fact is known, absent or unreadable.
struct ClusterFacts {
  std::optional<kube::ServedApis> served{};  // nothing: may not be asked
  kube::Fact kubevirts{};                    // KubeVirt resources of all namespaces
  kube::Fact cdis{};                         // CDI resources
  kube::Fact cdi_config{};                   // CDIConfig "config"
  kube::Fact classes{};                      // StorageClasses
  kube::Fact snapshot_classes{};             // VolumeSnapshotClasses
  kube::Fact profiles{};                     // CDI's StorageProfiles
  kube::Fact zfs_nodes{};                    // ZFSNodes of OpenEBS ZFS LocalPV, in all namespaces
  kube::Fact zfs_pods{};                     // pods of its node plugin, likewise
  kube::Fact version{};                      // GET /version
  kube::Fact ingresses{};                    // of KubeVirt's namespace; absent when that is not known
  kube::Fact routes{};                       // OpenShift's, likewise
};

/// One line of the report.
struct Finding {
  enum class State { good, lacking, unknown };
  std::string about{};
  State state{State::good};
  std::string words{};
};

/// Errors: as kube::fetch.
Result<ClusterFacts> gather_cluster(kube::Api& api, kube::Discovery& discovery);

/// Kubernetes, KubeVirt, CDI, what their gates and proxies allow. Pure.
std::vector<Finding> cluster_findings(const ClusterFacts& facts);

/// The one that nothing here works without, as far as it does not: KubeVirt's, or nullptr.
const Finding* broken_base(const std::vector<Finding>& findings);

/// Each storage class: how its volumes are bound, snapshotted and cloned; the ZFS driver and its pools. Pure.
std::vector<Finding> storage_findings(const ClusterFacts& facts);

/// One storage class in full. Errors: `precondition`: there is none of that name.
Result<std::vector<Finding>> class_findings(const ClusterFacts& facts, const std::string& name,
                                            const std::string& flags = {});

}  // namespace wukong::commands
