#include "commands/status_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/text.h"
#include "commands/follow.h"
#include "status/watched.h"

namespace wukong::commands {

namespace {

using State = StatusNode::State;
/// Source: CDI pkg/controller/clone, LabelOwnedByUID; seen with 1.65.
constexpr const char* kOwnedByUid = "cdi.kubevirt.io/OwnedByUID";
/// Kinds that are roots by themselves, in the order in which they claim children.
constexpr std::array kRoots{
    ObjectKind::clone, ObjectKind::restore,     ObjectKind::snapshot, ObjectKind::vm_export,
    ObjectKind::vm,    ObjectKind::data_volume, ObjectKind::claim,    ObjectKind::volume_snapshot};

StatusNode node_of(const ObjectArgument& what, const Json& object, const Inventory& inventory) {
  const Verdict verdict = inventory.judge(what);
  StatusNode node{.what = what,
                  .ns = inventory.ns,
                  .stage = verdict.stage,
                  .detail = verdict.detail,
                  .fraction = verdict.fraction,
                  .cause = verdict.cause,
                  .since = std::string(text(object, {"metadata", "creationTimestamp"})),
                  .operation = std::string(text(object, {"metadata", "labels", mark::kOperation}))};
  if (verdict.state == Verdict::State::failed) {
    node.state = State::failed;
    node.cause = verdict.message;
  } else if (verdict.state == Verdict::State::done && verdict.recall("unbound").empty()) {
    node.state = State::done;
    if (what.kind == ObjectKind::claim) node.stage = "Bound";
  } else if (verdict.state == Verdict::State::done) {
    node.state = State::waiting;
    node.stage = "Waiting";
    node.detail = what.kind == ObjectKind::claim || what.kind == ObjectKind::data_volume
                      ? "for its first consumer"
                      : "for the first start";
    node.cause.clear();
  }
  if (status::is_deleting(object)) node.stage = "Deleting";
  return node;
}

/// A ready export only waits for its reader.
void describe_export(const Json& object, StatusNode& node) {
  if (node.state != State::done) return;
  node.state = State::waiting;
  node.stage = "Ready";
  if (const std::string_view until = text(object, {"status", "ttlExpirationTime"}); !until.empty())
    node.detail = fmt::format("until {}", until);
}

/// There while its operation runs; longer when that was cut off, or when a disk that is not filled yet still needs it.
void describe_temporary(const Json& snapshot, StatusNode& node) {
  if (node.state != State::done || !is_temporary(snapshot)) return;
  node.state = State::waiting;
  node.stage = "Ready";
  node.detail = fmt::format("temporary, of operation {}", node.operation);
}

/// The source of a clone, which is off until that ends, or longer when it was cut off.
bool describe_stopped(const Json& vm, StatusNode& node) {
  const std::string_view by = text(vm, {"metadata", "annotations", mark::kStoppedBy});
  if (node.what.kind != ObjectKind::vm || by.empty()) return false;
  node.operation = by;
  node.state = State::working;
  node.stage = "Stopped";
  node.detail = fmt::format("by operation {}, which starts it again", by);
  node.cause.clear();
  return true;
}

void add_child(StatusNode& parent, const ObjectArgument& what, const Inventory& inventory) {
  if (const Json* object = inventory.find(what.kind, what.name))
    parent.children.push_back(node_of(what, *object, inventory));
}

/// The claims that a restore has made so far.
void add_restored_claims(StatusNode& parent, const std::string& restore, const Inventory& inventory) {
  for (const auto& [name, claim] : inventory.objects(ObjectKind::claim))
    if (text(claim, {"metadata", "annotations", status::kRestoreName}) == restore)
      add_child(parent, {ObjectKind::claim, name}, inventory);
}

void add_clone_children(StatusNode& parent, const Json& clone, const Inventory& inventory) {
  const std::string uid(text(clone, {"metadata", "uid"}));
  const ObjectArgument restore{ObjectKind::restore, "tmp-restore-" + uid};
  if (inventory.find(restore.kind, restore.name) == nullptr) {
    add_child(parent, {ObjectKind::snapshot, "tmp-snapshot-" + uid}, inventory);
    add_restored_claims(parent, restore.name, inventory);
    return;
  }
  add_child(parent, restore, inventory);
  add_restored_claims(parent.children.back(), restore.name, inventory);
}

void add_vm_children(StatusNode& parent, const Json& vm, const Inventory& inventory) {
  for (const std::string& claim : status::claims_of(vm)) {
    const bool made_by_data_volume = inventory.find(ObjectKind::data_volume, claim) != nullptr;
    add_child(parent, {made_by_data_volume ? ObjectKind::data_volume : ObjectKind::claim, claim}, inventory);
  }
}

StatusNode full_node(const ObjectArgument& what, const Json& object, const Inventory& inventory) {
  StatusNode node = node_of(what, object, inventory);
  if (what.kind == ObjectKind::clone) add_clone_children(node, object, inventory);
  if (what.kind == ObjectKind::restore) add_restored_claims(node, what.name, inventory);
  if (what.kind == ObjectKind::vm) add_vm_children(node, object, inventory);
  if (what.kind == ObjectKind::vm_export) describe_export(object, node);
  if (what.kind == ObjectKind::snapshot) describe_temporary(object, node);
  return node;
}

bool is_mine(const Json& object) {
  return text(object, {"metadata", "labels", mark::kManagedBy}) == mark::kManager;
}

/// Whether `vm` has to do with the object: its source, its target, or one of its disks.
bool is_about(const ObjectArgument& what, const Json& object, const std::string& vm,
              const Inventory& inventory) {
  switch (what.kind) {
    case ObjectKind::vm:
      return what.name == vm;
    case ObjectKind::clone:
    case ObjectKind::restore:
      return target_vm(what.kind, object) == vm || inventory.source_vm(what) == vm;
    case ObjectKind::snapshot:
      return text(object, {"spec", "source", "name"}) == vm;
    case ObjectKind::vm_export: {
      const std::string source(text(object, {"spec", "source", "name"}));
      if (text(object, {"spec", "source", "kind"}) == "VirtualMachine") return source == vm;
      const Json* snapshot = inventory.find(ObjectKind::snapshot, source);
      return snapshot != nullptr && text(*snapshot, {"spec", "source", "name"}) == vm;
    }
    default:
      break;
  }
  const Json* found = inventory.find(ObjectKind::vm, vm);
  if (found == nullptr) return false;
  const std::vector<std::string> claims = status::claims_of(*found);
  const std::string claim = what.kind == ObjectKind::volume_snapshot
                                ? std::string(text(object, {"spec", "source", "persistentVolumeClaimName"}))
                                : what.name;
  return std::find(claims.begin(), claims.end(), claim) != claims.end();
}

/// Claims and VolumeSnapshots of others are none of ours: only what copies data, or carries our label, is told of.
bool is_ours_to_tell(const ObjectArgument& what, const Json& object) {
  // What CDI makes on the way to another claim: that one tells of it.
  if (what.kind == ObjectKind::claim && !text(object, {"metadata", "labels", kOwnedByUid}).empty())
    return false;
  if (what.kind == ObjectKind::claim)
    return is_mine(object) || !text(object, {"spec", "dataSourceRef", "kind"}).empty();
  if (what.kind == ObjectKind::volume_snapshot) return items(object, {"metadata", "ownerReferences"}).empty();
  return owner_of(object, "VirtualMachineClone").empty();
}

/// Builds the roots; remembers what already stands below another one.
class Forest {
 public:
  Forest(const Inventory& inventory, const StatusFilter& filter) : inventory_(inventory), filter_(filter) {}

  std::vector<StatusNode> grow() {
    for (const ObjectKind kind : kRoots)
      for (const auto& [name, object] : inventory_.objects(kind)) add_root({kind, name}, object);
    return std::move(roots_);
  }
  /// VMs under way by operation, those included that were not asked for.
  const std::map<std::string, std::size_t>& open_vms() const { return open_vms_; }

 private:
  void add_root(const ObjectArgument& what, const Json& object) {
    if (!may_be_under_way(what.kind, object, inventory_)) return;
    if (taken_.contains({what.kind, what.name}) || !is_ours_to_tell(what, object)) return;
    StatusNode node = node_of(what, object, inventory_);
    if (what.kind == ObjectKind::vm_export) describe_export(object, node);
    if (what.kind == ObjectKind::snapshot) describe_temporary(object, node);
    const bool stopped = describe_stopped(object, node);
    if (node.state == State::done) return;
    take(what);
    if (!stopped) node = full_node(what, object, inventory_);
    for (const StatusNode& child : node.children) take_all(child);
    if (what.kind == ObjectKind::clone || what.kind == ObjectKind::restore)
      take({ObjectKind::vm, target_vm(what.kind, object)});
    if (what.kind == ObjectKind::vm && !stopped) ++open_vms_[node.operation];
    if (filter_.mine && !is_mine(object) && !stopped) return;
    if (!filter_.vm.empty() && !is_about(what, object, filter_.vm, inventory_)) return;
    roots_.push_back(std::move(node));
  }
  void take(const ObjectArgument& what) {
    taken_.emplace(what.kind, what.name);
    if (what.kind == ObjectKind::data_volume) taken_.emplace(ObjectKind::claim, what.name);  // which it makes
  }
  void take_all(const StatusNode& node) {
    take(node.what);
    for (const StatusNode& child : node.children) take_all(child);
  }

  const Inventory& inventory_;
  const StatusFilter& filter_;
  std::set<std::pair<ObjectKind, std::string>> taken_{};
  std::map<std::string, std::size_t> open_vms_{};
  std::vector<StatusNode> roots_{};
};

/// "28 of 30 VMs ready"; `open`: how many are not.
std::string count_vms(const std::string& operation, std::size_t open, const Inventory& inventory) {
  std::size_t all = 0;
  for (const auto& [name, vm] : inventory.objects(ObjectKind::vm))
    if (text(vm, {"metadata", "labels", mark::kOperation}) == operation) ++all;
  if (all == 0) return {};
  return fmt::format("{} of {} VM{} ready", all - std::min(all, open), all, all == 1 ? "" : "s");
}

/// True for what `cancel` and `--resume` know by its operation only. A VM that merely waits for a first start is complete.
bool is_known_by_operation(const StatusNode& root, const Inventory& inventory) {
  if (root.operation.empty()) return false;
  switch (root.what.kind) {
    case ObjectKind::vm:
    case ObjectKind::claim:
    case ObjectKind::volume_snapshot:
      return root.state != State::waiting;
    case ObjectKind::snapshot:
      return is_temporary(*inventory.find(root.what.kind, root.what.name));
    default:
      return false;
  }
}

/// It runs, unless all that is left of it waits for somebody, or has failed. A snapshot of its own tells of neither.
void describe_operation(StatusNode& operation) {
  const auto all_are = [&](State state) {
    bool any = false;
    for (const StatusNode& child : operation.children) {
      if (child.what.kind == ObjectKind::snapshot) continue;
      if (child.state != state) return false;
      any = true;
    }
    return any;
  };
  operation.stage = "Running";
  if (all_are(State::waiting)) {
    operation.state = State::waiting;
    operation.stage = "Waiting";
  } else if (all_are(State::failed)) {
    operation.state = State::failed;
    operation.stage = "Failed";
  }
}

/// Several roots of one operation get a common one, and so does one that is known by its operation only.
std::vector<StatusNode> by_operation(std::vector<StatusNode> roots,
                                     const std::map<std::string, std::size_t>& open_vms,
                                     const Inventory& inventory) {
  std::map<std::string, std::size_t> counts;
  for (const StatusNode& root : roots) ++counts[root.operation];
  std::map<std::string, std::size_t> place;
  std::vector<StatusNode> out;
  for (StatusNode& root : roots) {
    if (root.operation.empty() || (counts[root.operation] < 2 && !is_known_by_operation(root, inventory))) {
      out.push_back(std::move(root));
      continue;
    }
    const auto [it, fresh] = place.emplace(root.operation, out.size());
    if (fresh)
      out.push_back({.what = {ObjectKind::operation, root.operation},
                     .ns = inventory.ns,
                     .since = root.since,
                     .operation = root.operation});
    StatusNode& operation = out[it->second];
    operation.since = std::min(operation.since, root.since);
    operation.children.push_back(std::move(root));
  }
  for (StatusNode& node : out) {
    if (node.what.kind != ObjectKind::operation) continue;
    const auto open = open_vms.find(node.what.name);
    node.detail = count_vms(node.what.name, open == open_vms.end() ? 0 : open->second, inventory);
    describe_operation(node);
  }
  return out;
}

}  // namespace

std::vector<StatusNode> status_tree(const Inventory& inventory, const StatusFilter& filter) {
  Forest forest(inventory, filter);
  std::vector<StatusNode> roots = forest.grow();
  roots = by_operation(std::move(roots), forest.open_vms(), inventory);
  std::stable_sort(roots.begin(), roots.end(),
                   [](const StatusNode& a, const StatusNode& b) { return a.since < b.since; });
  return roots;
}

StatusNode status_of(const ObjectArgument& what, const Inventory& inventory) {
  return full_node(what, *inventory.find(what.kind, what.name), inventory);
}

}  // namespace wukong::commands
