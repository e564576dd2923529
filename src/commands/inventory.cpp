#include "commands/inventory.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>

#include "commands/follow.h"
#include "manifest/marks.h"
#include "op/fresh_look.h"
#include "status/watched.h"

namespace wukong::commands {

namespace {

/// What counts only when it has stood: the longest of those that are no failures.
constexpr std::chrono::seconds kStood{2};

/// Whose an object is, and of which operation.
void keep_ownership(Projection& keep) {
  for (const char* path : {"metadata.labels", "metadata.annotations", "metadata.ownerReferences"})
    keep.keep.emplace_back(path);
}

Projection projection_of(ObjectKind kind) {
  Projection keep;
  switch (kind) {
    case ObjectKind::clone:
    case ObjectKind::data_volume:
      keep = {{"spec.source", "spec.target", "status"}};
      break;
    case ObjectKind::snapshot:
      keep = status::watch_snapshots("").keep;
      break;
    case ObjectKind::restore:
      keep = status::watch_restores("").keep;
      break;
    case ObjectKind::vm_export:
      keep = {{"spec.source", "status.phase", "status.conditions", "status.ttlExpirationTime"}};
      break;
    case ObjectKind::vm:
      keep = status::watch_vm("", "").keep;
      keep.keep.insert(keep.keep.end(), {"metadata.generation", "spec.dataVolumeTemplates.metadata.name"});
      break;
    case ObjectKind::claim:
      keep = {{"spec.storageClassName", "spec.dataSourceRef", "status.phase"}};
      break;
    case ObjectKind::volume_snapshot:
    case ObjectKind::operation:
      keep = {{"spec.source", "status.readyToUse", "status.error"}};
      break;
  }
  keep_ownership(keep);
  return keep;
}

/// The objects of one namespace, by name.
std::shared_ptr<const Shelf> part_of(const Shelf& all, const std::string& ns) {
  auto part = std::make_shared<Shelf>(Shelf{.sight = all.sight, .why = all.why, .trouble = all.trouble});
  const std::string prefix = ns + "/";
  for (auto it = all.objects.lower_bound(prefix); it != all.objects.end() && it->first.starts_with(prefix);
       ++it)
    part->objects.emplace_hint(part->objects.end(), it->first.substr(prefix.size()), it->second);
  return part;
}

bool says_forbidden(const Shelf& shelf) {
  return shelf.sight == Shelf::Sight::unreadable && shelf.why.code == Code::forbidden;
}

/// True for a kind that the server does not know; one that it says it serves, and whose list it does not find, is not known of.
bool is_lacking(const Inventory& inventory, const std::string& resource, const Shelf& shelf) {
  if (shelf.sight != Shelf::Sight::unreadable || shelf.why.code != Code::not_found) return false;
  const auto kind = std::find_if(kInventoryKinds.begin(), kInventoryKinds.end(),
                                 [&](ObjectKind each) { return gvr_of(each).resource == resource; });
  return kind == kInventoryKinds.end() || !inventory.served || !spoken(gvr_of(*kind), *inventory.served);
}

std::string unread_words(const Inventory& inventory, const std::string& resource, const Shelf& shelf) {
  if (!is_lacking(inventory, resource, shelf))
    return fmt::format("{} could not be read: {}", resource, shelf.why.message);
  return fmt::format("the cluster does not serve {}{}", resource,
                     resource == status::kDataVolumes ? ": CDI is not installed" : "");
}

}  // namespace

View Inventory::view() const {
  View view;
  for (const auto& [resource, shelf] : shelves) view.add(resource, shelf.get());
  return view;
}

const std::map<std::string, Json, std::less<>>& Inventory::objects(ObjectKind kind) const {
  return shelves.at(gvr_of(kind).resource)->objects;
}

const Json* Inventory::find(ObjectKind kind, const std::string& name) const {
  const auto& all = objects(kind);
  const auto it = all.find(name);
  return it == all.end() ? nullptr : &it->second;
}

bool Inventory::is_readable(ObjectKind kind) const {
  return shelves.at(gvr_of(kind).resource)->sight == Shelf::Sight::known;
}

bool Inventory::is_forbidden(ObjectKind kind) const {
  return says_forbidden(*shelves.at(gvr_of(kind).resource));
}

bool Inventory::is_unseen(ObjectKind kind) const {
  const std::string resource = gvr_of(kind).resource;
  const Shelf& shelf = *shelves.at(resource);
  return shelf.sight == Shelf::Sight::unreadable && !is_lacking(*this, resource, shelf);
}

std::string Inventory::source_vm(const ObjectArgument& what) const {
  const Json* object = find(what.kind, what.name);
  if (object == nullptr) return {};
  const std::string snapshot = snapshot_behind(what.kind, *object);
  if (snapshot.empty()) return std::string(text(*object, {"spec", "source", "name"}));
  const Json* found = find(ObjectKind::snapshot, snapshot);
  return found == nullptr ? std::string{} : std::string(text(*found, {"spec", "source", "name"}));
}

Verdict Inventory::judge(const ObjectArgument& what) const {
  const Json* object = find(what.kind, what.name);
  const Follow follow = until_usable(what, ns, object == nullptr ? Json() : *object, source_vm(what));
  const View all = view();
  const Verdict first = follow.judge(all, {}, Duration::zero());
  return first.state == Verdict::State::working ? follow.judge(all, first, kStood) : first;
}

std::vector<Watched> inventory_watches(const std::string& ns, const std::optional<kube::ServedApis>& served) {
  std::vector<Watched> watches;
  for (const ObjectKind kind : kInventoryKinds)
    watches.push_back({.gvr = gvr_of(kind), .ns = ns, .keep = projection_of(kind)});
  watches.push_back(status::watch_classes());
  Watched events = status::watch_events(ns);
  events.from_now = false;
  watches.push_back(std::move(events));
  return speaking(std::move(watches), served);
}

bool is_temporary(const Json& snapshot) {
  return !text(snapshot, {"metadata", "labels", mark::kOperation}).empty() &&
         text(snapshot, {"metadata", "annotations", mark::kKept}) != "true";
}

bool may_be_under_way(ObjectKind kind, const Json& object, const Inventory& inventory) {
  switch (kind) {
    case ObjectKind::clone:
    case ObjectKind::restore:
    case ObjectKind::vm_export:
      return true;
    case ObjectKind::snapshot:
      return !flag(object, {"status", "readyToUse"}) || is_temporary(object);
    case ObjectKind::volume_snapshot:
      return !flag(object, {"status", "readyToUse"});
    case ObjectKind::data_volume:
      return text(object, {"status", "phase"}) != "Succeeded";
    case ObjectKind::claim:
      return text(object, {"status", "phase"}) != "Bound";
    case ObjectKind::vm:
    case ObjectKind::operation:
      break;
  }
  if (kind == ObjectKind::vm && !text(object, {"metadata", "annotations", mark::kStoppedBy}).empty())
    return true;
  // Without sight of claims nothing can be said of a VM's disks.
  if (kind != ObjectKind::vm || !inventory.is_readable(ObjectKind::claim)) return false;
  for (const std::string& name : status::claims_of(object)) {
    const Json* claim = inventory.find(ObjectKind::claim, name);
    const Json* data_volume = inventory.find(ObjectKind::data_volume, name);
    if (claim == nullptr || may_be_under_way(ObjectKind::claim, *claim, inventory)) return true;
    if (data_volume != nullptr && may_be_under_way(ObjectKind::data_volume, *data_volume, inventory))
      return true;
  }
  return false;
}

Inventory inventory_of(const Scope& at, std::optional<kube::ServedApis> served,
                       const std::vector<Watched>& watches,
                       const std::vector<std::shared_ptr<const Shelf>>& shelves) {
  Inventory inventory{.ns = at.ns, .flags = at.flags, .served = std::move(served)};
  for (std::size_t i = 0; i < watches.size(); ++i)
    inventory.shelves.emplace(watches[i].gvr.resource, shelves[i]);
  return inventory;
}

namespace {

Result<std::vector<Shelf>> list_all(kube::Api& api, const std::vector<Watched>& watches) {
  // Shared: answers may still come after a signal ended the wait.
  const auto answer = std::make_shared<std::optional<Result<std::vector<Shelf>>>>();
  op::look_afresh(api, watches, [answer](Result<std::vector<Shelf>> got) { *answer = std::move(got); });
  WUKONG_CHECK(kube::turn_until(api, [&] { return answer->has_value(); }));
  return std::move(**answer);
}

bool has_absent_kind(const std::vector<Shelf>& shelves) {
  return std::any_of(shelves.begin(), shelves.end(), [](const Shelf& shelf) {
    return shelf.sight == Shelf::Sight::unreadable && shelf.why.code == Code::not_found;
  });
}

}  // namespace

Result<Inventory> take_inventory(kube::Api& api, kube::Discovery& discovery, const Scope& at) {
  WUKONG_TRY(auto served, discovery.served());
  std::vector<Watched> watches = inventory_watches(at.ns, served);
  WUKONG_TRY(std::vector<Shelf> got, list_all(api, watches));
  // What is kept of the server may be old: a version that it has dropped is answered as if there were no such kind.
  if (discovery.from_disk() && has_absent_kind(got)) {
    WUKONG_TRY(served, discovery.renew());
    const std::vector<Watched> before = std::exchange(watches, inventory_watches(at.ns, served));
    if (watches != before) {
      WUKONG_TRY(got, list_all(api, watches));
    }
  }
  std::vector<std::shared_ptr<const Shelf>> shelves;
  for (Shelf& shelf : got) shelves.push_back(std::make_shared<const Shelf>(std::move(shelf)));
  return inventory_of(at, std::move(served), watches, shelves);
}

std::string target_namespace(const Json& snapshot, const Inventory& inventory) {
  std::string ns(text(snapshot, {"metadata", "annotations", mark::kTargetNamespace}));
  return ns == inventory.ns ? std::string{} : ns;
}

std::vector<kube::Read> reads_elsewhere(const Json& snapshot, const Inventory& inventory) {
  const std::string ns = target_namespace(snapshot, inventory);
  if (ns.empty()) return {};
  const std::string labels =
      manifest::selector_of(std::string(text(snapshot, {"metadata", "labels", mark::kOperation})));
  std::vector<kube::Read> reads;
  for (const ObjectKind kind : {ObjectKind::claim, ObjectKind::data_volume})
    reads.push_back({.gvr = speaking(gvr_of(kind), inventory.served),
                     .ns = ns,
                     .labels = labels,
                     .keep = {{"status.phase"}}});
  return reads;
}

Result<void> add_elsewhere(Inventory& inventory, const std::vector<std::string>& snapshots, kube::Api& api) {
  for (const std::string& name : snapshots) {
    const Json* snapshot = inventory.find(ObjectKind::snapshot, name);
    if (snapshot == nullptr) continue;
    std::vector<kube::Read> reads = reads_elsewhere(*snapshot, inventory);
    if (reads.empty()) continue;
    WUKONG_TRY(inventory.elsewhere[name], kube::fetch(api, std::move(reads)));
  }
  return {};
}

namespace {

/// True for a VM, in an inventory of all namespaces, of whose claims one is not there. Those that are tell for themselves.
bool lacks_a_claim(const std::string& ns, const Json& vm, const Inventory& all) {
  const std::vector<std::string> claims = status::claims_of(vm);
  return all.is_readable(ObjectKind::claim) &&
         std::any_of(claims.begin(), claims.end(), [&](const std::string& claim) {
           return all.find(ObjectKind::claim, ns + "/" + claim) == nullptr;
         });
}

}  // namespace

std::vector<Inventory> by_namespace(const Inventory& all) {
  std::set<std::string> busy;
  for (const ObjectKind kind : kInventoryKinds)
    for (const auto& [key, object] : all.objects(kind)) {
      const std::string ns = key.substr(0, key.find('/'));
      if (kind == ObjectKind::vm ? lacks_a_claim(ns, object, all) : may_be_under_way(kind, object, all))
        busy.insert(ns);
    }
  std::vector<Inventory> each;
  for (const std::string& ns : busy) {
    Inventory inventory{.ns = ns, .flags = all.flags, .served = all.served};
    for (const auto& [resource, shelf] : all.shelves)
      inventory.shelves.emplace(resource, resource == status::kClasses ? shelf : part_of(*shelf, ns));
    each.push_back(std::move(inventory));
  }
  return each;
}

std::vector<std::string> unread_kinds(const Inventory& inventory) {
  std::vector<std::string> lines;
  for (const auto& [resource, shelf] : inventory.shelves)
    if (shelf->sight == Shelf::Sight::unreadable) lines.push_back(unread_words(inventory, resource, *shelf));
  return lines;
}

std::vector<std::string> unread_notes(const Inventory& inventory, std::string_view verbs) {
  std::vector<std::string> forbidden;
  std::vector<std::string> not_served;
  std::vector<std::string> lines;
  for (const auto& [resource, shelf] : inventory.shelves) {
    if (shelf->sight != Shelf::Sight::unreadable) continue;
    if (says_forbidden(*shelf))
      forbidden.push_back(resource);
    else if (is_lacking(inventory, resource, *shelf) && resource != status::kDataVolumes)
      not_served.push_back(resource);
    else
      lines.push_back(unread_words(inventory, resource, *shelf));
  }
  if (!not_served.empty())
    lines.push_back(fmt::format("the cluster does not serve {}", fmt::join(not_served, ", ")));
  if (!forbidden.empty())
    lines.push_back(fmt::format("you may not {} {}{}: what they would tell is missing", verbs,
                                fmt::join(forbidden, ", "),
                                inventory.ns.empty() ? " in all namespaces" : ""));
  return lines;
}

std::vector<std::string> unseen_kinds(const Inventory& inventory) {
  std::vector<std::string> resources;
  for (const ObjectKind kind : kInventoryKinds)
    if (inventory.is_unseen(kind)) resources.push_back(gvr_of(kind).resource);
  return resources;
}

std::string role_hint(std::string_view use, const std::string& where) {
  return fmt::format("the Role to ask for: kubectl wukong doctor --permissions {} {}", use, where);
}

Error not_read(const ObjectArgument& what, const Inventory& inventory, std::string_view use) {
  Error why = inventory.shelves.at(gvr_of(what.kind).resource)->why;
  why.context.push_back("while reading " + what.words());
  if (why.code == Code::forbidden && why.hint.empty()) why.hint = role_hint(use, inventory.where());
  return why;
}

Result<void> check_sight(const Inventory& inventory) {
  const bool everywhere = inventory.ns.empty();
  Error error{.code = Code::forbidden,
              .message = fmt::format("you may not list anything that could tell what is under way in {}",
                                     everywhere ? "all namespaces" : "namespace " + inventory.ns),
              .hint = everywhere ? "name a namespace in which you may: -n NS"
                                 : role_hint("status", inventory.where())};
  for (const ObjectKind kind : kInventoryKinds) {
    const Shelf& shelf = *inventory.shelves.at(gvr_of(kind).resource);
    // VMs alone tell nothing: it is their claims that are under way.
    if (kind != ObjectKind::vm && shelf.sight != Shelf::Sight::unreadable) return {};
    if (!says_forbidden(shelf)) continue;
    error.causes.push_back("not allowed: list " + gvr_of(kind).qualified());
    if (!shelf.why.hint.empty()) error.hint = shelf.why.hint;  // no credentials were sent
  }
  if (error.causes.empty()) return {};
  return error;
}

std::string owner_of(const Json& object, const std::string& kind) {
  for (const Json& owner : items(object, {"metadata", "ownerReferences"}))
    if (text(owner, {"kind"}) == kind) return std::string(text(owner, {"name"}));
  return {};
}

}  // namespace wukong::commands
