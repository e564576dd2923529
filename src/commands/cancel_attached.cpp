#include "commands/cancel_attached.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>

#include "commands/cancel_split.h"
#include "commands/follow.h"
#include "manifest/marks.h"
#include "manifest/vm_references.h"

namespace wukong::commands {

namespace {

/// Of a DataVolume, with the namespaces of what they copy.
constexpr std::array kSources{"pvc", "snapshot"};

/// True where an object shows that the operation has made its VMs in the namespace of their source: nothing was copied then.
bool is_made_here(const ObjectArgument& what, const Inventory& inventory) {
  const Json& object = *inventory.find(what.kind, what.name);
  switch (what.kind) {
    case ObjectKind::clone:
    case ObjectKind::restore:
    case ObjectKind::snapshot:
      return true;
    case ObjectKind::data_volume:
      return std::any_of(kSources.begin(), kSources.end(), [&](const char* source) {
        const std::string_view ns = text(object, {"spec", "source", source, "namespace"});
        return !fields(object, {"spec", "source", source}).empty() && (ns.empty() || ns == inventory.ns);
      });
    case ObjectKind::claim:
      return text(object, {"spec", "dataSourceRef", "kind"}) == "VolumeSnapshot" &&
             owner_of(object, "DataVolume").empty();
    default:
      return false;
  }
}

bool may_have_copies(const std::string& operation, const Inventory& inventory) {
  const std::vector<ObjectArgument> members = members_of(operation, inventory);
  return std::none_of(members.begin(), members.end(),
                      [&](const ObjectArgument& each) { return is_made_here(each, inventory); });
}

struct Kind {
  Gvr gvr{};
  bool copy{};
};

/// Those that the server has.
std::vector<Kind> kinds_of(bool copies, const Inventory& inventory) {
  std::vector<Kind> kinds{{gvr::service()}, {gvr::ingress()}};
  if (copies)
    for (Gvr& gvr : manifest::copied_kinds()) kinds.push_back({std::move(gvr), true});
  std::erase_if(kinds, [&](const Kind& kind) {
    return inventory.served && !kube::spoken(kind.gvr, *inventory.served);
  });
  for (Kind& kind : kinds) kind.gvr = speaking(kind.gvr, inventory.served);
  return kinds;
}

/// Which VM of somebody else names a copy: its Secret was there already when that one was made.
Result<void> add_users(Inventory& inventory, const std::string& operation, kube::Api& api) {
  WUKONG_TRY(const std::vector<kube::Fact> got,
             kube::fetch(api, {{.gvr = gvr::vm(),
                                .ns = inventory.ns,
                                .keep = {{"metadata.labels", "spec.template.spec", "spec.instancetype",
                                          "spec.preference"}}}}));
  std::map<std::pair<std::string, std::string>, std::string> users;  // resource and name -> VM
  for (const Json& vm : items(got.front().object, {"items"}))
    if (text(vm, {"metadata", "labels", mark::kOperation}) != operation)
      for (const ObjectRef& ref : manifest::references_of(vm, inventory.ns))
        users.emplace(std::pair(ref.gvr.resource, ref.name),
                      fmt::format("vm/{}", text(vm, {"metadata", "name"})));
  for (Attached& each : inventory.attached) {
    if (!each.copy || each.operation != operation) continue;
    const auto user = users.find({each.ref.gvr.resource, each.ref.name});
    if (user != users.end()) each.needed_by = user->second;
    if (!got.front().is_known()) each.needed_by = "a VM, perhaps: they could not be read";
  }
  return {};
}

Result<void> add_attached_of(const std::string& operation, bool copies, Inventory& inventory,
                             kube::Api& api) {
  const std::vector<Kind> kinds = kinds_of(copies, inventory);
  std::vector<kube::Read> reads;
  for (const Kind& kind : kinds)
    reads.push_back({.gvr = kind.gvr,
                     .ns = inventory.ns,
                     .labels = manifest::own_selector_of(operation),
                     .keep = {{"metadata.labels"}}});
  WUKONG_TRY(const std::vector<kube::Fact> got, kube::fetch(api, std::move(reads)));
  bool copied = false;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    const bool absent = got[i].is_absent() || got[i].why.code == Code::not_found;
    if (!got[i].is_known() && !absent) inventory.unseen_attached[operation].push_back(kinds[i].gvr.resource);
    for (const Json& object : items(got[i].object, {"items"})) {
      inventory.attached.push_back(
          {.operation = operation,
           .ref = {kinds[i].gvr, inventory.ns, std::string(text(object, {"metadata", "name"}))},
           .uid = std::string(text(object, {"metadata", "uid"})),
           .copy = kinds[i].copy});
      copied = copied || kinds[i].copy;
    }
  }
  if (copied) return add_users(inventory, operation, api);
  return {};
}

}  // namespace

Result<void> add_attached(Inventory& inventory, const std::vector<ObjectArgument>& arguments,
                          kube::Api& api) {
  std::map<std::string, bool> operations;  // whether all of it is cancelled
  for (const ObjectArgument& what : arguments) {
    if (what.kind == ObjectKind::operation) operations[what.name] = true;
    const Json* clone = what.kind == ObjectKind::clone ? inventory.find(what.kind, what.name) : nullptr;
    if (clone != nullptr)
      operations.emplace(std::string(text(*clone, {"metadata", "labels", mark::kOperation})), false);
  }
  operations.erase("");
  for (const auto& [operation, all] : operations)
    WUKONG_CHECK(add_attached_of(operation, all && may_have_copies(operation, inventory), inventory, api));
  return {};
}

AttachedSplit split_attached(const std::string& operation, const std::set<std::string>& going,
                             const Inventory& inventory) {
  AttachedSplit split;
  const auto stays = [&](const std::string& vm) { return !going.contains(vm); };
  const auto& vms = inventory.objects(ObjectKind::vm);
  const bool one_stays = std::any_of(vms.begin(), vms.end(), [&](const auto& vm) {
    return stays(vm.first) && text(vm.second, {"metadata", "labels", mark::kOperation}) == operation;
  });
  std::vector<std::string> kept;
  for (const Attached& each : inventory.attached) {
    if (each.operation != operation) continue;
    const bool vm_stays = !each.copy && vms.contains(each.ref.name) && stays(each.ref.name);
    if (each.copy && one_stays)
      kept.push_back(resource_name(each.ref));
    else if (!each.needed_by.empty())
      split.notes.push_back(
          fmt::format("{} is named by {}, and stays", resource_name(each.ref), each.needed_by));
    else if (!vm_stays)
      split.go.push_back(each);
  }
  if (!kept.empty())
    split.notes.push_back(fmt::format("{} {}: VMs that stay may need {}", fmt::join(kept, ", "),
                                      kept.size() == 1 ? "stays" : "stay", kept.size() == 1 ? "it" : "them"));
  return split;
}

bool has_made_something(const std::string& operation, const Inventory& inventory) {
  return !members_of(operation, inventory).empty() ||
         std::any_of(inventory.attached.begin(), inventory.attached.end(),
                     [&](const Attached& each) { return each.operation == operation; });
}

std::vector<std::string> unseen_attached(const std::string& operation, const Inventory& inventory) {
  const auto found = inventory.unseen_attached.find(operation);
  return found == inventory.unseen_attached.end() ? std::vector<std::string>{} : found->second;
}

Result<void> plan_cancel_lone_clone(const ObjectArgument& what, std::size_t number,
                                    const Inventory& inventory, CancelPlan& plan) {
  WUKONG_CHECK(plan_cancel_clone(what, number, inventory, plan));
  const Json& clone = *inventory.find(what.kind, what.name);
  const std::string operation(text(clone, {"metadata", "labels", mark::kOperation}));
  if (operation.empty()) return {};
  const std::string target = target_vm(what.kind, clone);
  const Json* vm = inventory.find(ObjectKind::vm, target);
  const bool goes = vm == nullptr || is_made_by_clone(*vm, clone);
  std::vector<Attached> these =
      split_attached(operation, goes ? std::set{target} : std::set<std::string>{}, inventory).go;
  std::erase_if(these, [&](const Attached& each) { return each.copy || each.ref.name != target; });
  for (op::Step& step : delete_attached(these, number, {fmt::format("{}-unfinished", number)})) {
    step.group = what.words();
    plan.operation.steps.push_back(std::move(step));
  }
  for (const Attached& each : these) plan.add_going(each.ref, each.uid);
  plan.note_unseen(unseen_attached(operation, inventory));
  return {};
}

std::vector<op::Step> delete_attached(const std::vector<Attached>& these, std::size_t number,
                                      const std::vector<std::string>& needs) {
  std::vector<op::Step> steps;
  for (const Attached& each : these)
    steps.push_back({.id = fmt::format("{}-{}-{}", number, each.ref.gvr.resource, each.ref.name),
                     .needs = needs,
                     .action = op::Delete{.ref = each.ref, .uid = each.uid},
                     .group = each.copy ? resource_name(each.ref)
                                        : ObjectArgument{ObjectKind::vm, each.ref.name}.words()});
  return steps;
}

}  // namespace wukong::commands
