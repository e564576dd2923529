#include "sandbox/controllers/controllers.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>

namespace wukong::sandbox {
namespace {

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
};

constexpr int kMostRounds = 100;  // two controllers that undo each other's work must not hold up everything

void run_once(Cluster& cluster) {
  (void)cluster.take_wake_up();
  for (const Controller& controller : kControllers)
    for (const Object& listed : cluster.list(controller.resource)) {
      // An earlier step may have changed or deleted it.
      const Object now = cluster.find(controller.resource, text(*listed, {"metadata", "namespace"}),
                                      text(*listed, {"metadata", "name"}));
      if (now != nullptr) controller.step(cluster, *now);
    }
  collect_garbage(cluster);
}

bool waits_for_dependents(const Json& object) {
  const Json& finalizers = items(object, {"metadata", "finalizers"});
  return is_deleting(object) &&
         std::find(finalizers.begin(), finalizers.end(), Json("foregroundDeletion")) != finalizers.end();
}

}  // namespace

void settle(Cluster& cluster) {
  for (int round = 0; round < kMostRounds; ++round) {
    const std::uint64_t before = cluster.store().version();
    run_once(cluster);
    if (cluster.store().version() == before) return;
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

void collect_garbage(Cluster& cluster) {
  std::set<std::string> alive;
  std::set<std::string> going;
  for (const Kind& kind : all_kinds())
    for (const Object& object : cluster.store().list(kind))
      (waits_for_dependents(*object) ? going : alive).insert(uid_of(*object));

  std::set<std::string> blocked;
  for (const Kind& kind : all_kinds())
    for (const Object& object : cluster.store().list(kind)) {
      const Json& owners = items(*object, {"metadata", "ownerReferences"});
      const auto is_alive = [&](const Json& owner) {
        return alive.contains(std::string(text(owner, {"uid"})));
      };
      for (const Json& owner : owners)
        if (going.contains(std::string(text(owner, {"uid"}))))
          blocked.insert(std::string(text(owner, {"uid"})));
      if (owners.empty() || is_deleting(*object) || std::any_of(owners.begin(), owners.end(), is_alive))
        continue;
      cluster.remove(kind.resource, *object);
    }
  if (going.empty()) return;
  for (const Kind& kind : all_kinds())
    for (const Object& object : cluster.store().list(kind))
      if (waits_for_dependents(*object) && !blocked.contains(uid_of(*object)))
        cluster.drop_finalizer(kind.resource, *object, "foregroundDeletion");
}

void step_namespace(Cluster& cluster, const Json& ns) {
  if (!is_deleting(ns)) return;
  bool empty = true;
  for (const Kind& kind : all_kinds()) {
    if (!kind.namespaced) continue;
    for (const Object& object : cluster.list(kind.resource, text(ns, {"metadata", "name"}))) {
      empty = false;
      if (!is_deleting(*object)) cluster.remove(kind.resource, *object);
    }
  }
  if (empty) cluster.edit("namespaces", ns, [](Json& next) { next["spec"].erase("finalizers"); });
}

}  // namespace wukong::sandbox
