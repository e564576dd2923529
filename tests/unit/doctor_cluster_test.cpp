#include "commands/doctor_cluster.h"

#include <doctest/doctest.h>

#include "commands/permission_table.h"
#include "commands/storage_class.h"

using namespace wukong;
using namespace wukong::commands;

namespace {

kube::Fact list(std::initializer_list<Json> all) {
  Json items = Json::array();
  for (const Json& each : all) items.push_back(each);
  return kube::Fact::known({{"items", items}});
}

Json named(const char* name, Json rest = Json::object()) {
  rest["metadata"]["name"] = name;
  return rest;
}

Json kubevirt(const char* version, const Json& developer) {
  return {{"metadata", {{"name", "kubevirt"}, {"namespace", "kubevirt"}}},
          {"spec", {{"configuration", {{"developerConfiguration", developer}}}}},
          {"status", {{"phase", "Deployed"}, {"observedKubeVirtVersion", version}}}};
}

kube::ServedApis everything() {
  kube::ServedApis served;
  for (const char* group : {"kubevirt.io", "cdi.kubevirt.io", "zfs.openebs.io"}) {
    served.groups[group]["v1"] = {};
    served.groups[group]["v1beta1"] = {};
  }
  for (const char* group : {"clone.kubevirt.io", "snapshot.kubevirt.io", "export.kubevirt.io"})
    served.groups[group]["v1beta1"] = {};
  return served;
}

ClusterFacts sound() {
  return {
      .served = everything(),
      .kubevirts = list({kubevirt("v1.8.4", {{"featureGates", {"Snapshot", "VMExport"}}})}),
      .cdis = list({named("cdi", {{"status", {{"phase", "Deployed"}, {"observedVersion", "v1.65.0"}}}})}),
      .cdi_config = kube::Fact::known(named("config", {{"status", {{"uploadProxyURL", "up.example.com"}}}})),
      .classes = list(
          {named("fast", {{"provisioner", "csi.x"},
                          {"volumeBindingMode", "Immediate"},
                          {"metadata",
                           {{"annotations", {{"storageclass.kubernetes.io/is-default-class", "true"}}}}}}),
           named("plain", {{"provisioner", "csi.y"}, {"volumeBindingMode", "WaitForFirstConsumer"}})}),
      .snapshot_classes = list({named("snap", {{"driver", "csi.x"}})}),
      .profiles = list(
          {named("fast",
                 {{"status",
                   {{"provisioner", "csi.x"}, {"snapshotClass", "snap"}, {"cloneStrategy", "csi-clone"}}}}),
           named("plain", {{"status", {{"provisioner", "csi.y"}}}})}),
      .zfs_nodes = list({named(
          "node-1", {{"pools", Json::array({{{"name", "tank"}, {"free", "30Gi"}, {"used", "5Gi"}}})}})})};
}

std::string lines(const std::vector<Finding>& findings) {
  std::string out;
  for (const Finding& f : findings)
    out += f.about +
           (f.state == Finding::State::good      ? " + "
            : f.state == Finding::State::lacking ? " - "
                                                 : " ? ") +
           f.words + "\n";
  return out;
}

std::string line(const std::vector<Finding>& findings, const std::string& about) {
  for (const Finding& f : findings)
    if (f.about == about) return lines({f});
  return "(absent)";
}

}  // namespace

TEST_CASE("doctor: a cluster where all is well") {
  CHECK(lines(cluster_findings(sound())) ==
        "KubeVirt + v1.8.4, Deployed\n"
        "clone VMs + clone.kubevirt.io/v1beta1, gate Snapshot\n"
        "snapshot and restore VMs + snapshot.kubevirt.io/v1beta1, gate Snapshot\n"
        "export VMs + export.kubevirt.io/v1beta1, gate VMExport\n"
        "CDI + v1.65.0, Deployed\n"
        "upload images + through up.example.com\n");
  CHECK(lines(storage_findings(sound())) ==
        "class fast (default) + csi.x, bound at once; snapshots by snap; CDI clones by the driver\n"
        "class plain - csi.y, bound at first use; no VolumeSnapshotClass for driver csi.y: no snapshots; CDI "
        "clones by copying\n"
        "ZFS pool tank + on node-1: 30Gi free, 5Gi used\n");
}

TEST_CASE("doctor: gates that are off, by themselves or by hand") {
  ClusterFacts facts = sound();
  facts.kubevirts = list({kubevirt("v1.8.4", Json::object())});
  CHECK(line(cluster_findings(facts), "clone VMs") ==
        "clone VMs - gate Snapshot is off: add it to .spec.configuration.developerConfiguration.featureGates "
        "of KubeVirt "
        "kubevirt/kubevirt\n");
  facts.kubevirts = list({kubevirt("v1.9.0", Json::object())});
  CHECK(line(cluster_findings(facts), "export VMs").starts_with("export VMs + "));
  facts.kubevirts = list({kubevirt("v1.9.0", {{"disabledFeatureGates", {"Snapshot"}}})});
  CHECK(line(cluster_findings(facts), "clone VMs").starts_with("clone VMs - "));
  facts.kubevirts = kube::Fact::unreadable({});
  CHECK(line(cluster_findings(facts), "clone VMs")
            .find("? clone.kubevirt.io/v1beta1; whether gate Snapshot is on") != std::string::npos);
  CHECK(line(cluster_findings(facts), "KubeVirt") ==
        "KubeVirt ? there, but you may not list kubevirts.kubevirt.io\n");
}

TEST_CASE("doctor: a cluster without CDI, and one without KubeVirt") {
  ClusterFacts facts = sound();
  facts.served->groups.erase("cdi.kubevirt.io");
  facts.profiles = facts.cdis = kube::Fact::unreadable({});
  CHECK(line(cluster_findings(facts), "CDI").starts_with("CDI - not installed"));
  CHECK(line(storage_findings(facts), "class fast (default)") ==
        "class fast (default) + csi.x, bound at once; snapshots by snap\n");
  facts.served->groups.erase("kubevirt.io");
  CHECK(cluster_findings(facts).front().state == Finding::State::lacking);
  facts.served->groups["kubevirt.io"]["v1"] = {};
  facts.kubevirts = list({});
  CHECK(lines({cluster_findings(facts).front()}) ==
        "KubeVirt - its API is served, but there is no KubeVirt\n");
}

TEST_CASE("doctor: who may not read classes is told what their profiles say") {
  ClusterFacts facts = sound();
  facts.classes = facts.snapshot_classes = facts.zfs_nodes = kube::Fact::unreadable({});
  CHECK(lines(storage_findings(facts)) ==
        "storage classes ? you may not list storageclasses.storage.k8s.io\n"
        "class fast + csi.x, when its volumes are bound cannot be read; snapshots by snap; CDI clones by the "
        "driver\n"
        "class plain ? csi.y, when its volumes are bound cannot be read; you may not list "
        "volumesnapshotclasses.snapshot.storage.k8s.io; CDI clones by copying\n"
        "ZFS pools ? you may not list zfsnodes.zfs.openebs.io\n");
  CHECK(class_findings(facts, "plain").has_value());
  const auto none = class_findings(sound(), "fest");
  REQUIRE_FALSE(none.has_value());
  CHECK(none.error().code == Code::precondition);
  CHECK(none.error().hint == "did you mean fast?");
}

TEST_CASE("snapshot class: as KubeVirt chooses it") {
  const Json plain = named("plain", {{"provisioner", "csi.y"}});
  const auto of_driver = [](const char* name, const Json& annotations = Json::object()) {
    return Json{{"metadata", {{"name", name}, {"annotations", annotations}}}, {"driver", "csi.y"}};
  };
  const kube::Fact none = list({});
  CHECK(snapshot_class_of(plain, list({of_driver("a")}), none).name == "a");
  const auto two = snapshot_class_of(plain, list({of_driver("a"), of_driver("b")}), none);
  CHECK(two.name.empty());
  CHECK(two.problem.find("none is its default") != std::string::npos);
  const Json marked = {
      {"snapshot.storage.kubernetes.io/is-default-class", "false"}};  // KubeVirt looks at the key only
  CHECK(snapshot_class_of(plain, list({of_driver("a"), of_driver("b", marked)}), none).name == "b");
  const kube::Fact told = list({named("plain", {{"status", {{"snapshotClass", "gone"}}}})});
  CHECK(snapshot_class_of(plain, list({of_driver("a")}), told).problem.find("gone, which does not exist") !=
        std::string::npos);
  CHECK(snapshot_class_of(plain, kube::Fact::unreadable({}), told).name == "gone");
  CHECK(snapshot_class_of(plain, kube::Fact::unreadable({}), none).unreadable);
}

TEST_CASE("permissions: a command needs what its uses need, together") {
  for (const std::string& use : permission_uses()) CHECK_FALSE(rules_of(use).empty());
  CHECK(rules_of("clone:nothing").empty());
  const auto rules = rules_of("clone");
  const auto vms =
      std::find_if(rules.begin(), rules.end(), [](const auto& r) { return r.resource == "virtualmachines"; });
  REQUIRE(vms != rules.end());
  CHECK(vms->verbs == std::vector<std::string>{"get", "list", "watch", "delete", "create", "patch"});
  CHECK_FALSE(vms->spare);
  const auto roles = roles_of("clone:native", rules_of("clone:native"), "demo");
  REQUIRE(roles.size() == 2);
  CHECK(roles[0]["kind"] == "Role");
  CHECK(roles[0]["metadata"] == Json{{"name", "kubectl-wukong-clone-native"}, {"namespace", "demo"}});
  CHECK(roles[1]["kind"] == "ClusterRole");
  CHECK(roles[1]["rules"][0] ==
        Json{{"apiGroups", {"kubevirt.io"}}, {"resources", {"kubevirts"}}, {"verbs", {"list"}}});
}
