// Everything in a namespace that VM data operations are about, as it was a moment ago: what `status` shows and `cancel` plans with.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/view.h"
#include "commands/context.h"
#include "commands/object_argument.h"
#include "kube/api.h"
#include "kube/discovery.h"

namespace wukong::commands {

/// Kinds that are looked at.
inline constexpr std::array kInventoryKinds{
    ObjectKind::clone, ObjectKind::snapshot, ObjectKind::restore,     ObjectKind::vm_export,
    ObjectKind::vm,    ObjectKind::claim,    ObjectKind::data_volume, ObjectKind::volume_snapshot};

/// What an operation has made beside VMs and their disks: a Service or an Ingress, of its VM's name; or a copy of what the VM names.
struct Attached {
  std::string operation{};
  ObjectRef ref{};
  std::string uid{};
  bool copy{};
  std::string needed_by{};  // a copy: the VM of somebody else that names it, in words
};

struct Inventory {
  std::string ns{};
  std::string flags{};  // " --context prod": how its cluster was named, for commands that are printed
  std::optional<kube::ServedApis> served{};
  std::vector<Attached> attached{};  // of operations that are to be cancelled; nobody else asks for it
  /// Resources of which there may be more that could not be listed, by operation.
  std::map<std::string, std::vector<std::string>> unseen_attached{};
  /// Claims and DataVolumes in another namespace that snapshots of this one are for, by snapshot; only where one is to be
  /// cancelled.
  std::map<std::string, std::vector<kube::Fact>> elsewhere{};
  std::map<std::string, std::shared_ptr<const Shelf>>
      shelves{};  // by resource; not served ones are unreadable

  /// "-n demo --context prod", for commands that are printed.
  std::string where() const { return where_in(ns); }
  /// The same, for another namespace.
  std::string where_in(const std::string& other) const { return "-n " + other + flags; }
  View view() const;
  /// Objects of a kind by name; empty when they may not be read.
  const std::map<std::string, Json, std::less<>>& objects(ObjectKind kind) const;
  const Json* find(ObjectKind kind, const std::string& name) const;
  bool is_readable(ObjectKind kind) const;
  bool is_forbidden(ObjectKind kind) const;
  /// True where there may be objects that could not be listed: not for kinds that are not served.
  bool is_unseen(ObjectKind kind) const;
  /// What the judge of an object says of it. Judged twice, two seconds apart, for what counts only when it has stood.
  Verdict judge(const ObjectArgument& what) const;
  /// The VM whose disks a clone or restore copies; "" when that cannot be told.
  std::string source_vm(const ObjectArgument& what) const;
};

/// What an inventory of `ns` (all namespaces when empty) watches or lists.
std::vector<Watched> inventory_watches(const std::string& ns, const std::optional<kube::ServedApis>& served);

/// Lists all of it in the namespace of `at` (all namespaces when empty); what the server serves is asked anew when it does not fit.
/// Errors: unreachable, unauthenticated, interrupted.
Result<Inventory> take_inventory(kube::Api& api, kube::Discovery& discovery, const Scope& at);

/// True for a VirtualMachineSnapshot that an operation has taken for its own use only: it removes it at its end.
bool is_temporary(const Json& snapshot);

/// False for most objects that rest, by a cheap look: never for one that is under way. VMs: by their disks.
bool may_be_under_way(ObjectKind kind, const Json& object, const Inventory& inventory);

/// The inventory from what inventory_watches() asked for.
Inventory inventory_of(const Scope& at, std::optional<kube::ServedApis> served,
                       const std::vector<Watched>& watches,
                       const std::vector<std::shared_ptr<const Shelf>>& shelves);

/// The namespace, another one than the inventory's, that a snapshot is for; or "".
std::string target_namespace(const Json& snapshot, const Inventory& inventory);
/// What tells whether the claims and DataVolumes there still need it; empty when there is no other namespace.
std::vector<kube::Read> reads_elsewhere(const Json& snapshot, const Inventory& inventory);
/// Adds to `inventory` what reads_elsewhere() asks for, for each of `snapshots`.
Result<void> add_elsewhere(Inventory& inventory, const std::vector<std::string>& snapshots, kube::Api& api);

/// Of an inventory of all namespaces those in which something may be under way, each by itself.
std::vector<Inventory> by_namespace(const Inventory& all);

/// "datavolumes could not be read: …", one line per kind: for programs.
std::vector<std::string> unread_kinds(const Inventory& inventory);
/// The same for people: one line for all that may not be listed, or watched, as `verbs` says.
std::vector<std::string> unread_notes(const Inventory& inventory, std::string_view verbs);
/// Resources that are served and could not be listed, of those that could tell of something under way.
std::vector<std::string> unseen_kinds(const Inventory& inventory);
/// "the Role to ask for: …", for a use that `doctor --permissions` knows.
std::string role_hint(std::string_view use, const std::string& where);
/// Why an object of a kind that is unreadable cannot be told of: as the API said, with the Role to ask for.
Error not_read(const ObjectArgument& what, const Inventory& inventory, std::string_view use);
/// Errors: `forbidden`, with the permissions to ask for, when nothing may be read that could tell of something under way.
Result<void> check_sight(const Inventory& inventory);

/// The name of the first owner of this kind, or "".
std::string owner_of(const Json& object, const std::string& kind);

}  // namespace wukong::commands
