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

/// KubeVirt, CDI, what their gates and proxies allow. Pure.
std::vector<Finding> cluster_findings(const ClusterFacts& facts);

/// Each storage class: how its volumes are bound, snapshotted and cloned; ZFS pools. Pure.
std::vector<Finding> storage_findings(const ClusterFacts& facts);

/// One storage class in full. Errors: `precondition`: there is none of that name.
Result<std::vector<Finding>> class_findings(const ClusterFacts& facts, const std::string& name);

}  // namespace wukong::commands
