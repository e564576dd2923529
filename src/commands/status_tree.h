// What is under way in a namespace, as a tree: operations and clones, their snapshots and restores, their claims. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "commands/inventory.h"

namespace wukong::commands {

/// One object that is under way, or on whose behalf.
struct StatusNode {
  enum class State {
    working,
    waiting,  // for somebody: a first start, a reader of an export
    failed,
    done  // shown because a parent is not
  };
  ObjectArgument what{};
  std::string ns{};
  State state{State::working};
  std::string stage{};               // "Restoring"
  std::string detail{};              // "1 of 2 volumes bound"
  std::optional<double> fraction{};  // 0 to 1
  std::string cause{};               // a problem that is being retried; why it failed; what it waits for
  std::string since{};               // when it was made
  std::string operation{};           // whose label it carries
  std::vector<StatusNode> children{};
  bool operator==(const StatusNode&) const = default;
};

/// Which of it is asked for.
struct StatusFilter {
  std::string vm{};  // only what this VM has to do with
  bool mine{};       // only what kubectl-wukong has made
};

/// Roots, the oldest first: operations of which several things are under way, or one that is known by them only (a VM, a claim, a
/// temporary snapshot), clones, restores, snapshots, exports, VMs whose
/// disks are not there, DataVolumes, claims and VolumeSnapshots that belong to none of these.
std::vector<StatusNode> status_tree(const Inventory& inventory, const StatusFilter& filter);

/// One object with its children, under way or not. It must be there.
StatusNode status_of(const ObjectArgument& what, const Inventory& inventory);

}  // namespace wukong::commands
