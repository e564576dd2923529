#include "sandbox/controllers/controllers.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>

#include "sandbox/admission.h"

namespace wukong::sandbox {
namespace {

void step_namespace(Cluster& cluster, const Json& ns) {
  if (!is_deleting(ns)) return;
  bool empty = true;
  for (const Kind& kind : all_kinds()) {
    if (!kind.namespaced) continue;
    for (const Object& object : cluster.list(kind.resource, name_of(ns))) {
      empty = false;
      cluster.remove(kind.resource, *object);
    }
  }
  if (empty) cluster.merge("namespaces", ns, {{"spec", {{"finalizers", nullptr}}}});
}

void step_quota(Cluster& cluster, const Json& quota) {
  const Json hard = fields(quota, {"spec", "hard"});
  Json used = Json::object();
  for (const auto& [limit, most] : hard.items()) used[limit] = quota_used(cluster, ns_of(quota), limit);
  cluster.merge_status("resourcequotas", quota, {{"hard", hard}, {"used", used}});
}

struct Controller {
  std::string_view resource{};
  void (*step)(Cluster&, const Json&){};
};

constexpr std::array kControllers{
    Controller{"namespaces", step_namespace},
    Controller{"virtualmachineclones", step_clone},
    Controller{"virtualmachinerestores", step_restore},
    Controller{"virtualmachinesnapshots", step_snapshot},
    Controller{"virtualmachinesnapshotcontents", step_snapshot_content},
    Controller{"volumesnapshots", step_volume_snapshot},
    Controller{"persistentvolumeclaims", step_claim},
    Controller{"persistentvolumes", step_volume},
    Controller{"virtualmachines", step_vm},
    Controller{"virtualmachineinstances", step_vmi},
    Controller{"resourcequotas", step_quota},
};

constexpr int kMostRounds = 100;  // two controllers that undo each other's work must not hold up everything

/// Deletes what has lost its owners.
void collect_garbage(Cluster& cluster) {
  std::set<std::string> alive;
  for (const Kind& kind : all_kinds())
    for (const Object& object : cluster.list(kind.resource)) alive.insert(uid_of(*object));
  for (const Kind& kind : all_kinds())
    for (const Object& object : cluster.list(kind.resource)) {
      const Json& owners = items(*object, {"metadata", "ownerReferences"});
      const bool owned = std::any_of(owners.begin(), owners.end(), [&](const Json& owner) {
        return alive.contains(std::string(text(owner, {"uid"})));
      });
      if (!owners.empty() && !owned) cluster.remove(kind.resource, *object);
    }
}

/// Namespaces with changes after `version`, and "" for what lies in none.
std::set<std::string> touched_since(const Store& store, std::uint64_t version) {
  std::set<std::string> touched{""};
  for (auto each = store.changes().rbegin(); each != store.changes().rend() && each->version > version;
       ++each) {
    const Json& object = each->after == nullptr ? *each->before : *each->after;
    touched.insert(ns_of(object));
    touched.insert(std::string(text(object, {"spec", "claimRef", "namespace"})));  // of a volume's claim
  }
  return touched;
}

/// `touched` absent: all namespaces.
void run_once(Cluster& cluster, const std::optional<std::set<std::string>>& touched) {
  for (const Controller& controller : kControllers)
    for (const Object& listed : cluster.list(controller.resource)) {
      if (touched && !touched->contains(ns_of(*listed))) continue;
      // An earlier step may have changed or deleted it.
      if (const Object now = cluster.find(controller.resource, ns_of(*listed), name_of(*listed)))
        controller.step(cluster, *now);
    }
}

}  // namespace

void settle(Cluster& cluster) {
  (void)cluster.take_wake_up();
  std::optional<std::set<std::string>> touched;
  for (int round = 0; round < kMostRounds; ++round) {
    const std::uint64_t before = cluster.store().version();
    run_once(cluster, touched);
    if (cluster.store().version() == before) collect_garbage(cluster);
    if (cluster.store().version() == before) return;
    touched = touched_since(cluster.store(), before);
  }
}

void settle_fully(Cluster& cluster, Millis limit) {
  const Millis end = cluster.running() + limit;
  settle(cluster);
  for (auto next = cluster.take_wake_up(); next && *next <= end; next = cluster.take_wake_up()) {
    cluster.skip(std::max(Millis(1), *next - cluster.running()));
    settle(cluster);
  }
}

}  // namespace wukong::sandbox
