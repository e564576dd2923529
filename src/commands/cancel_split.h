// What an operation has made, parted into what goes when it is cancelled and what stays.
#pragma once

#include <initializer_list>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "commands/inventory.h"
#include "commands/object_argument.h"

namespace wukong::commands {

/// What is unfinished goes; what is complete or in use stays, with all that belongs to it.
struct CancelSplit {
  using Names = std::map<ObjectKind, std::set<std::string>>;  // of every kind of the inventory

  Names goes{};
  Names stays{};
  bool all_done{true};  // the VMs that stay: none only because it runs, or because its disks cannot be seen
  bool unbound{};       // disks that stay wait for a first start, or are filled: they still need the snapshot

  bool goes_any(std::initializer_list<ObjectKind> kinds) const;
  bool stays_any() const;
};

/// Names of the objects with this operation's label.
std::vector<ObjectArgument> members_of(const std::string& operation, const Inventory& inventory);

/// `members`: what has the label of the operation, all of it in `inventory`.
CancelSplit split_members(const std::vector<ObjectArgument>& members, const Inventory& inventory);

}  // namespace wukong::commands
