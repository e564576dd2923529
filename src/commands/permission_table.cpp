#include "commands/permission_table.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace wukong::commands {

namespace {

constexpr std::string_view kCore;
constexpr std::string_view kVms = "kubevirt.io";
constexpr std::string_view kSnapshots = "snapshot.kubevirt.io";
constexpr std::string_view kCalls = "subresources.kubevirt.io";
constexpr std::string_view kClones = "clone.kubevirt.io";
constexpr std::string_view kCdi = "cdi.kubevirt.io";
constexpr std::string_view kNetworks = "k8s.cni.cncf.io";
constexpr std::string_view kInstancetypes = "instancetype.kubevirt.io";
struct Row {
  std::string_view use{};  // "clone:native"
  std::string_view group{};
  std::string_view resource{};
  std::string_view verbs{};
  Reach reach{};
  bool spare{};
};
constexpr Reach kHere = Reach::here;
constexpr Reach kThere = Reach::there;
constexpr Reach kCluster = Reach::cluster;
constexpr bool kSpare = true;

/// Unit tests of the plans hold it to what the commands ask for; scenarios run them with no more.
// clang-format off
constexpr std::array kTable{
    Row{"clone:native", "clone.kubevirt.io", "virtualmachineclones", "create,list,watch,delete"},
    Row{"clone:native", kVms, "virtualmachines", "get,list,watch,delete"},
    Row{"clone:native", kVms, "virtualmachines", "patch", kHere, kSpare},
    Row{"clone:native", kCore, "persistentvolumeclaims", "get,list,watch,delete", kHere, kSpare},
    Row{"clone:native", kSnapshots, "virtualmachinesnapshots", "list,watch", kHere, kSpare},
    Row{"clone:native", kSnapshots, "virtualmachinerestores", "list,watch,delete", kHere, kSpare},
    Row{"clone:native", kCore, "events", "list,watch", kHere, kSpare},
    Row{"clone:native", kVms, "kubevirts", "list", kCluster, kSpare},
    Row{"clone:native", kCore, "resourcequotas", "list", kHere, kSpare},
    Row{"clone:native", kCore, "limitranges", "list", kHere, kSpare},

    Row{"clone:snapshot", kVms, "virtualmachines", "get,list,watch,create,delete"},
    Row{"clone:snapshot", kCore, "persistentvolumeclaims", "get,list,watch,create,delete"},
    Row{"clone:snapshot", kSnapshots, "virtualmachinesnapshots", "list,watch,create,delete"},
    Row{"clone:snapshot", "snapshot.storage.k8s.io", "volumesnapshots", "list", kHere, kSpare},
    Row{"clone:snapshot", kCdi, "datavolumes", "list,watch", kHere, kSpare},
    Row{"clone:snapshot", kCore, "events", "list,watch", kHere, kSpare},
    Row{"clone:snapshot", "storage.k8s.io", "storageclasses", "list,watch", kCluster, kSpare},
    Row{"clone:snapshot", kVms, "kubevirts", "list", kCluster, kSpare},
    Row{"clone:snapshot", kCore, "resourcequotas", "list", kHere, kSpare},
    Row{"clone:snapshot", kCore, "limitranges", "list", kHere, kSpare},

    Row{"clone:from-snapshot", "clone.kubevirt.io", "virtualmachineclones", "create,list,watch,delete"},
    Row{"clone:from-snapshot", kVms, "virtualmachines", "get,list,watch,delete"},
    Row{"clone:from-snapshot", kSnapshots, "virtualmachinesnapshots", "get"},
    Row{"clone:from-snapshot", kSnapshots, "virtualmachinesnapshotcontents", "list"},
    Row{"clone:from-snapshot", kVms, "virtualmachines", "patch", kHere, kSpare},
    Row{"clone:from-snapshot", kCore, "persistentvolumeclaims", "get,list,watch,delete", kHere, kSpare},
    Row{"clone:from-snapshot", kSnapshots, "virtualmachinesnapshots", "list,watch", kHere, kSpare},
    Row{"clone:from-snapshot", kSnapshots, "virtualmachinerestores", "list,watch,delete", kHere, kSpare},
    Row{"clone:from-snapshot", "snapshot.storage.k8s.io", "volumesnapshots", "list", kHere, kSpare},
    Row{"clone:from-snapshot", kCore, "events", "list,watch", kHere, kSpare},
    Row{"clone:from-snapshot", kVms, "kubevirts", "list", kCluster, kSpare},
    Row{"clone:from-snapshot", kCore, "resourcequotas", "list", kHere, kSpare},
    Row{"clone:from-snapshot", kCore, "limitranges", "list", kHere, kSpare},

    Row{"clone:many-from-snapshot", kVms, "virtualmachines", "get,list,watch,create,delete"},
    Row{"clone:many-from-snapshot", kCore, "persistentvolumeclaims", "list,watch,create,delete"},
    Row{"clone:many-from-snapshot", kSnapshots, "virtualmachinesnapshots", "get"},
    Row{"clone:many-from-snapshot", kSnapshots, "virtualmachinesnapshotcontents", "list"},
    Row{"clone:many-from-snapshot", "snapshot.storage.k8s.io", "volumesnapshots", "list", kHere, kSpare},
    Row{"clone:many-from-snapshot", kCdi, "datavolumes", "list,watch", kHere, kSpare},
    Row{"clone:many-from-snapshot", kCore, "events", "list,watch", kHere, kSpare},
    Row{"clone:many-from-snapshot", "storage.k8s.io", "storageclasses", "list,watch", kCluster, kSpare},
    Row{"clone:many-from-snapshot", kCore, "resourcequotas", "list", kHere, kSpare},
    Row{"clone:many-from-snapshot", kCore, "limitranges", "list", kHere, kSpare},

    Row{"clone:restores", kVms, "virtualmachines", "get,list,watch"},
    Row{"clone:restores", kVms, "virtualmachines", "delete", kHere, kSpare},
    Row{"clone:restores", kSnapshots, "virtualmachinesnapshots", "create,list,watch"},
    Row{"clone:restores", kSnapshots, "virtualmachinesnapshots", "delete", kHere, kSpare},
    Row{"clone:restores", kSnapshots, "virtualmachinesnapshotcontents", "list", kHere, kSpare},
    Row{"clone:restores", kSnapshots, "virtualmachinerestores", "create,list,watch"},
    Row{"clone:restores", kSnapshots, "virtualmachinerestores", "delete", kHere, kSpare},
    Row{"clone:restores", kCore, "persistentvolumeclaims", "get,list,watch,delete", kHere, kSpare},
    Row{"clone:restores", "snapshot.storage.k8s.io", "volumesnapshots", "list", kHere, kSpare},
    Row{"clone:restores", kCore, "events", "list,watch", kHere, kSpare},
    Row{"clone:restores", kVms, "kubevirts", "list", kCluster, kSpare},
    Row{"clone:restores", kCore, "resourcequotas", "list", kHere, kSpare},
    Row{"clone:restores", kCore, "limitranges", "list", kHere, kSpare},

    Row{"clone:cdi", kCdi, "datavolumes", "create,list,watch,delete"},
    Row{"clone:cdi", kVms, "virtualmachines", "get,list,watch,create,delete"},
    Row{"clone:cdi", kCore, "persistentvolumeclaims", "get,list,watch"},
    Row{"clone:cdi", kVms, "virtualmachineinstances", "list,watch", kHere, kSpare},
    Row{"clone:cdi", kCore, "events", "list,watch", kHere, kSpare},
    Row{"clone:cdi", "snapshot.storage.k8s.io", "volumesnapshots", "list,watch", kHere, kSpare},
    Row{"clone:cdi", kCore, "resourcequotas", "list", kHere, kSpare},
    Row{"clone:cdi", kCore, "limitranges", "list", kHere, kSpare},
    Row{"clone:cdi", "storage.k8s.io", "storageclasses", "list,watch", kCluster, kSpare},
    Row{"clone:cdi", kVms, "kubevirts", "list", kCluster, kSpare},

    Row{"clone:to-namespace", kVms, "virtualmachines", "get"},
    Row{"clone:to-namespace", kCore, "persistentvolumeclaims", "get"},
    Row{"clone:to-namespace", kCdi, "datavolumes/source", "create"},
    Row{"clone:to-namespace", kVms, "virtualmachineinstances", "list,watch", kHere, kSpare},
    Row{"clone:to-namespace", kCore, "events", "list,watch", kHere, kSpare},
    Row{"clone:to-namespace", "snapshot.storage.k8s.io", "volumesnapshots", "list,watch", kHere, kSpare},
    Row{"clone:to-namespace", kCdi, "datavolumes", "create,list,watch", kThere},
    Row{"clone:to-namespace", kCdi, "datavolumes", "delete", kThere, kSpare},
    Row{"clone:to-namespace", kVms, "virtualmachines", "get,list,watch,create", kThere},
    Row{"clone:to-namespace", kVms, "virtualmachines", "delete", kThere, kSpare},
    Row{"clone:to-namespace", kCore, "persistentvolumeclaims", "list,watch", kThere},
    Row{"clone:to-namespace", kCore, "namespaces", "get", kThere, kSpare},
    Row{"clone:to-namespace", kCore, "events", "list,watch", kThere, kSpare},
    Row{"clone:to-namespace", kCore, "resourcequotas", "list", kThere, kSpare},
    Row{"clone:to-namespace", kCore, "limitranges", "list", kThere, kSpare},
    Row{"clone:to-namespace", "storage.k8s.io", "storageclasses", "list,watch", kCluster, kSpare},
    Row{"clone:to-namespace", kVms, "kubevirts", "list", kCluster, kSpare},

    Row{"clone:copy-refs", kCore, "secrets", "get"},
    Row{"clone:copy-refs", kCore, "configmaps", "get"},
    Row{"clone:copy-refs", kNetworks, "network-attachment-definitions", "get", kHere, kSpare},
    Row{"clone:copy-refs", kInstancetypes, "virtualmachineinstancetypes", "get", kHere, kSpare},
    Row{"clone:copy-refs", kInstancetypes, "virtualmachinepreferences", "get", kHere, kSpare},
    Row{"clone:copy-refs", kCore, "secrets", "get,create", kThere},
    Row{"clone:copy-refs", kCore, "configmaps", "get,create", kThere},
    Row{"clone:copy-refs", kCore, "serviceaccounts", "get", kThere, kSpare},
    Row{"clone:copy-refs", kCore, "persistentvolumeclaims", "get", kThere, kSpare},
    Row{"clone:copy-refs", kNetworks, "network-attachment-definitions", "get,create,delete", kThere, kSpare},
    Row{"clone:copy-refs", kInstancetypes, "virtualmachineinstancetypes", "get,create,delete", kThere, kSpare},
    Row{"clone:copy-refs", kInstancetypes, "virtualmachinepreferences", "get,create,delete", kThere, kSpare},
    Row{"clone:copy-refs", kCore, "secrets", "delete", kThere, kSpare},
    Row{"clone:copy-refs", kCore, "configmaps", "delete", kThere, kSpare},

    Row{"clone:pvc", kCdi, "datavolumes", "get,create,list,watch,delete"},
    Row{"clone:pvc", kCore, "persistentvolumeclaims", "get,list,watch"},
    Row{"clone:pvc", kCore, "pods", "list,watch", kHere, kSpare},
    Row{"clone:pvc", kCore, "events", "list,watch", kHere, kSpare},
    Row{"clone:pvc", "snapshot.storage.k8s.io", "volumesnapshots", "list,watch", kHere, kSpare},
    Row{"clone:pvc", kCore, "resourcequotas", "list", kHere, kSpare},
    Row{"clone:pvc", kCore, "limitranges", "list", kHere, kSpare},
    Row{"clone:pvc", "storage.k8s.io", "storageclasses", "list,watch", kCluster, kSpare},

    Row{"clone:cdi-running", kSnapshots, "virtualmachinesnapshots", "create,list,watch"},
    Row{"clone:cdi-running", kSnapshots, "virtualmachinesnapshots", "delete", kHere, kSpare},
    Row{"clone:cdi-running", "snapshot.storage.k8s.io", "volumesnapshots", "list", kHere, kSpare},

    Row{"clone:running-stop", kVms, "virtualmachines", "patch,list,watch"},
    Row{"clone:running-stop", kVms, "virtualmachineinstances", "list,watch"},
    Row{"clone:running-stop", kCalls, "virtualmachines/stop", "update"},
    Row{"clone:running-stop", kCalls, "virtualmachines/start", "update", kHere, kSpare},

    Row{"clone:start", kVms, "virtualmachines", "patch"},
    Row{"clone:start", kCalls, "virtualmachines/start", "update", kHere, kSpare},
    Row{"clone:shape", kVms, "virtualmachines", "patch"},
    Row{"clone:expose", kCore, "services", "list,create"},
    Row{"clone:expose", "networking.k8s.io", "ingresses", "list,create"},

    Row{"wait:vm", kVms, "virtualmachines", "list,watch"},
    Row{"wait:vm", kCore, "persistentvolumeclaims", "list,watch"},
    Row{"wait:vm", kCdi, "datavolumes", "list,watch", kHere, kSpare},
    Row{"wait:vm", "storage.k8s.io", "storageclasses", "list,watch", kCluster, kSpare},
    Row{"wait:vm", kCore, "events", "list,watch", kHere, kSpare},
    Row{"wait:vmclone", kClones, "virtualmachineclones", "list,watch"},
    Row{"wait:vmclone", kVms, "virtualmachines", "list,watch", kHere, kSpare},
    Row{"wait:vmclone", kSnapshots, "virtualmachinesnapshots", "list,watch", kHere, kSpare},
    Row{"wait:vmclone", kSnapshots, "virtualmachinerestores", "list,watch", kHere, kSpare},
    Row{"wait:vmclone", kCore, "persistentvolumeclaims", "list,watch", kHere, kSpare},
    Row{"wait:vmclone", kCore, "events", "list,watch", kHere, kSpare},
    Row{"wait:vmsnapshot", kSnapshots, "virtualmachinesnapshots", "list,watch"},
    Row{"wait:vmrestore", kSnapshots, "virtualmachinerestores", "list,watch"},
    Row{"wait:vmrestore", kVms, "virtualmachines", "list,watch", kHere, kSpare},
    Row{"wait:vmrestore", kSnapshots, "virtualmachinesnapshots", "list", kHere, kSpare},
    Row{"wait:vmrestore", kCore, "persistentvolumeclaims", "list,watch", kHere, kSpare},
    Row{"wait:vmrestore", kCore, "events", "list,watch", kHere, kSpare},
    Row{"wait:vmexport", "export.kubevirt.io", "virtualmachineexports", "list,watch"},
    Row{"wait:dv", kCdi, "datavolumes", "list,watch"},
    Row{"wait:dv", kCore, "persistentvolumeclaims", "list,watch", kHere, kSpare},
    Row{"wait:dv", "storage.k8s.io", "storageclasses", "list,watch", kCluster, kSpare},
    Row{"wait:dv", kCore, "events", "list,watch", kHere, kSpare},
    Row{"wait:pvc", kCore, "persistentvolumeclaims", "list,watch"},
    Row{"wait:pvc", "storage.k8s.io", "storageclasses", "list,watch", kCluster, kSpare},
    Row{"wait:pvc", kCore, "events", "list,watch", kHere, kSpare},
    Row{"wait:volumesnapshot", "snapshot.storage.k8s.io", "volumesnapshots", "list,watch"},

    Row{"status", kClones, "virtualmachineclones", "list,watch", kHere, kSpare},
    Row{"status", kSnapshots, "virtualmachinesnapshots", "list,watch", kHere, kSpare},
    Row{"status", kSnapshots, "virtualmachinerestores", "list,watch", kHere, kSpare},
    Row{"status", "export.kubevirt.io", "virtualmachineexports", "list,watch", kHere, kSpare},
    Row{"status", kVms, "virtualmachines", "list,watch", kHere, kSpare},
    Row{"status", kCore, "persistentvolumeclaims", "list,watch", kHere, kSpare},
    Row{"status", kCdi, "datavolumes", "list,watch", kHere, kSpare},
    Row{"status", "snapshot.storage.k8s.io", "volumesnapshots", "list,watch", kHere, kSpare},
    Row{"status", kCore, "events", "list,watch", kHere, kSpare},
    Row{"status", "storage.k8s.io", "storageclasses", "list,watch", kCluster, kSpare},

    Row{"cancel:vmclone", kClones, "virtualmachineclones", "list,watch,delete"},
    Row{"cancel:vmclone", kSnapshots, "virtualmachinerestores", "list,watch,delete"},
    Row{"cancel:vmclone", kVms, "virtualmachines", "list,delete"},
    Row{"cancel:vmclone", kCore, "persistentvolumeclaims", "list,watch,delete", kHere, kSpare},
    Row{"cancel:vmclone", kSnapshots, "virtualmachinesnapshots", "list,watch", kHere, kSpare},
    Row{"cancel:vmclone", kCore, "services", "list,delete", kHere, kSpare},
    Row{"cancel:vmclone", "networking.k8s.io", "ingresses", "list,delete", kHere, kSpare},
    Row{"cancel:vmsnapshot", kSnapshots, "virtualmachinesnapshots", "list,watch,delete"},
    Row{"cancel:vmsnapshot", kCore, "persistentvolumeclaims", "list", kHere, kSpare},
    Row{"cancel:vmsnapshot", kClones, "virtualmachineclones", "list", kHere, kSpare},
    Row{"cancel:vmsnapshot", kSnapshots, "virtualmachinerestores", "list", kHere, kSpare},
    Row{"cancel:vmrestore", kSnapshots, "virtualmachinerestores", "list,watch,delete"},
    Row{"cancel:vmrestore", kVms, "virtualmachines", "list,delete"},
    Row{"cancel:vmrestore", kCore, "persistentvolumeclaims", "list,delete", kHere, kSpare},
    Row{"cancel:vmexport", "export.kubevirt.io", "virtualmachineexports", "list,watch,delete"},
    Row{"cancel:dv", kCdi, "datavolumes", "list,watch,delete"},
    Row{"cancel:dv", kCore, "persistentvolumeclaims", "list,watch", kHere, kSpare},
    Row{"cancel:operation", kVms, "virtualmachines", "list,delete"},
    Row{"cancel:operation", kVms, "virtualmachines", "watch,patch", kHere, kSpare},
    Row{"cancel:operation", kCalls, "virtualmachines/start", "update", kHere, kSpare},
    Row{"cancel:operation", kCore, "persistentvolumeclaims", "list,watch,delete"},
    Row{"cancel:operation", kSnapshots, "virtualmachinesnapshots", "list,watch,delete"},
    Row{"cancel:operation", kClones, "virtualmachineclones", "list,watch,delete", kHere, kSpare},
    Row{"cancel:operation", kSnapshots, "virtualmachinerestores", "list,watch,delete", kHere, kSpare},
    Row{"cancel:operation", "export.kubevirt.io", "virtualmachineexports", "list", kHere, kSpare},
    Row{"cancel:operation", kCdi, "datavolumes", "list,delete", kHere, kSpare},
    Row{"cancel:operation", "snapshot.storage.k8s.io", "volumesnapshots", "list", kHere, kSpare},
    Row{"cancel:operation", "storage.k8s.io", "storageclasses", "list", kCluster, kSpare},
    Row{"cancel:operation", kCore, "events", "list", kHere, kSpare},
    Row{"cancel:operation", kCore, "services", "list,delete", kHere, kSpare},
    Row{"cancel:operation", "networking.k8s.io", "ingresses", "list,delete", kHere, kSpare},
    Row{"cancel:copy-refs", kCore, "secrets", "list,delete", kHere, kSpare},
    Row{"cancel:copy-refs", kCore, "configmaps", "list,delete", kHere, kSpare},
    Row{"cancel:copy-refs", kNetworks, "network-attachment-definitions", "list,delete", kHere, kSpare},
    Row{"cancel:copy-refs", kInstancetypes, "virtualmachineinstancetypes", "list,delete", kHere, kSpare},
    Row{"cancel:copy-refs", kInstancetypes, "virtualmachinepreferences", "list,delete", kHere, kSpare},
};
// clang-format on

constexpr std::string_view kOfVm = "clone:native,clone:snapshot,clone:restores,clone:cdi,clone:to-namespace";
constexpr std::string_view kHereAll =
    "clone:native,clone:snapshot,clone:from-snapshot,clone:many-from-snapshot,clone:restores,clone:cdi";

constexpr std::array kExtras{
    Extra{"clone:start", "--start", kHereAll},
    Extra{"clone:shape", "a new VM that differs", "clone:native,clone:from-snapshot,clone:restores"},
    Extra{"clone:expose", "--expose", kHereAll},
    Extra{"clone:copy-refs", "--copy-refs", "clone:to-namespace"},
    Extra{"cancel:copy-refs", "what --copy-refs has copied", "cancel:operation"},
    Extra{"clone:running-stop", "--running=stop", kOfVm},
    Extra{"clone:cdi-running", "a source that runs on", "clone:cdi,clone:to-namespace"},
};

std::string_view command_of(std::string_view use) { return use.substr(0, use.find(':')); }

bool is_same(const PermissionRule& rule, const Row& row) {
  return rule.group == row.group && rule.resource == row.resource && rule.reach == row.reach;
}

/// To the rule of the row's kind; nothing when a rule has the verb already. Rows that are not spare come first.
void add_verb(const Row& row, const std::string& verb, std::vector<PermissionRule>& rules) {
  PermissionRule* mine = nullptr;
  for (PermissionRule& rule : rules) {
    if (!is_same(rule, row)) continue;
    if (std::find(rule.verbs.begin(), rule.verbs.end(), verb) != rule.verbs.end()) return;
    if (rule.spare == row.spare) mine = &rule;
  }
  if (mine == nullptr) {
    rules.push_back({.group = std::string(row.group),
                     .resource = std::string(row.resource),
                     .reach = row.reach,
                     .spare = row.spare});
    mine = &rules.back();
  }
  mine->verbs.push_back(verb);
}

/// One rule per kind, whether spare or not.
void add_rule(const PermissionRule& rule, Json& role) {
  for (Json& each : role["rules"])
    if (each["apiGroups"][0] == rule.group && each["resources"][0] == rule.resource) {
      for (const std::string& verb : rule.verbs) each["verbs"].push_back(verb);
      return;
    }
  role["rules"].push_back(
      {{"apiGroups", {rule.group}}, {"resources", {rule.resource}}, {"verbs", rule.verbs}});
}

}  // namespace

std::vector<std::string> permission_uses() {
  std::vector<std::string> uses;
  const auto add = [&](std::string_view use) {
    if (std::find(uses.begin(), uses.end(), use) == uses.end()) uses.emplace_back(use);
  };
  for (const Row& row : kTable) {
    add(command_of(row.use));
    add(row.use);
  }
  return uses;
}

bool is_extra(std::string_view use) {
  return std::any_of(kExtras.begin(), kExtras.end(), [&](const Extra& extra) { return extra.use == use; });
}

std::vector<Extra> extras_of(std::string_view use) {
  std::vector<Extra> out;
  for (const Extra& extra : kExtras)
    for (const std::string& each : split(extra.with, ','))
      if (each == use) out.push_back(extra);
  return out;
}

bool is_elsewhere(std::string_view use) {
  return std::any_of(kTable.begin(), kTable.end(),
                     [&](const Row& row) { return row.use == use && row.reach == Reach::there; });
}

std::vector<PermissionRule> rules_of(std::string_view use, bool elsewhere) {
  std::vector<PermissionRule> rules;
  for (const bool spare : {false, true})
    for (const Row& row : kTable) {
      const bool sum = row.use != use && command_of(row.use) == use;
      if (row.spare != spare || (row.use != use && !sum) || (sum && !elsewhere && is_elsewhere(row.use)))
        continue;
      for (const std::string& verb : split(row.verbs, ',')) add_verb(row, verb, rules);
    }
  return rules;
}

std::vector<kube::Permission> permissions_of(const PermissionRule& rule, const std::string& ns,
                                             const std::string& there) {
  const std::size_t slash = std::min(rule.resource.find('/'), rule.resource.size());
  std::vector<kube::Permission> out;
  for (const std::string& verb : rule.verbs)
    out.push_back({.verb = verb,
                   .group = rule.group,
                   .resource = rule.resource.substr(0, slash),
                   .subresource = rule.resource.substr(std::min(slash + 1, rule.resource.size())),
                   .ns = rule.reach == Reach::cluster ? ""
                         : rule.reach == Reach::there ? there
                                                      : ns});
  return out;
}

std::vector<Json> roles_of(std::string_view use, const std::vector<PermissionRule>& rules,
                           const std::string& ns, const std::string& there) {
  std::string name = "kubectl-wukong-" + std::string(use);
  std::replace(name.begin(), name.end(), ':', '-');
  std::vector<Json> out;
  for (const Reach reach : {Reach::here, Reach::there, Reach::cluster}) {
    const bool cluster = reach == Reach::cluster;
    Json role = skeleton({{"rbac.authorization.k8s.io", "v1", "", cluster ? "ClusterRole" : "Role"},
                          cluster                 ? ""
                          : reach == Reach::there ? there
                                                  : ns,
                          name});
    for (const PermissionRule& rule : rules)
      if (rule.reach == reach) add_rule(rule, role);
    if (role.contains("rules")) out.push_back(std::move(role));
  }
  return out;
}

}  // namespace wukong::commands
