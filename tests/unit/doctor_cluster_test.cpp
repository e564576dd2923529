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
  for (const char* group : {"kubevirt.io", "cdi.kubevirt.io", "zfs.openebs.io", "snapshot.storage.k8s.io"}) {
    served.groups[group]["v1"] = {};
    served.groups[group]["v1beta1"] = {};
  }
  for (const char* group : {"clone.kubevirt.io", "snapshot.kubevirt.io", "export.kubevirt.io"})
    served.groups[group]["v1beta1"] = {};
  return served;
}

Json ingress(const Json& spec) { return {{"metadata", {{"name", "i"}}}, {"spec", spec}}; }

/// A pod of the node plugin of ZFS LocalPV.
Json zfs_pod(const char* image) {
  return {{"metadata", {{"labels", {{"openebs.io/version", "2.6.2"}}}}},
          {"spec",
           {{"containers",
             {{{"name", "csi-node-driver-registrar"}, {"image", "r/registrar:v1"}},
              {{"name", "openebs-zfs-plugin"}, {"image", image}}}}}}};
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
          "node-1", {{"pools", Json::array({{{"name", "tank"}, {"free", "30Gi"}, {"used", "5Gi"}}})}})}),
      .zfs_pods = list({zfs_pod("reg:5000/zfs-driver:2.6.2"), zfs_pod("openebs/zfs-driver:2.6.2")}),
      .version = kube::Fact::known({{"gitVersion", "v1.34.3"}}),
      .ingresses = list({})};
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
        "Kubernetes + v1.34.3\n"
        "KubeVirt + v1.8.4, Deployed\n"
        "clone VMs + clone.kubevirt.io/v1beta1, gate Snapshot\n"
        "snapshot and restore VMs + snapshot.kubevirt.io/v1beta1, gate Snapshot\n"
        "export VMs + export.kubevirt.io/v1beta1, gate VMExport\n"
        "download exports + virt-exportproxy has no address outside: through the API server or a "
        "port-forward\n"
        "CDI + v1.65.0, Deployed\n"
        "upload images + through up.example.com\n");
  CHECK(lines(storage_findings(sound())) ==
        "class fast (default) + csi.x, bound at once; snapshots by snap; CDI clones by the driver\n"
        "class plain - csi.y, bound at first use; no VolumeSnapshotClass for driver csi.y: no snapshots; CDI "
        "clones by copying\n"
        "ZFS driver + 2.6.2 on 2 nodes\n"
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
  CHECK(broken_base(cluster_findings(facts)) == nullptr);
  facts.served->groups.erase("kubevirt.io");
  const std::vector<Finding> none = cluster_findings(facts);
  REQUIRE(broken_base(none) != nullptr);
  CHECK(broken_base(none)->words == "not installed: there are no VMs");
  facts.served->groups["kubevirt.io"]["v1"] = {};
  facts.kubevirts = list({});
  CHECK(line(cluster_findings(facts), "KubeVirt") ==
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
        "ZFS driver + 2.6.2 on 2 nodes\n"
        "ZFS pools ? you may not list zfsnodes.zfs.openebs.io\n");
  CHECK(class_findings(facts, "plain").has_value());
  facts.classes = kube::Fact::unreadable({.code = Code::forbidden});
  const auto unread = class_findings(facts, "other");
  REQUIRE_FALSE(unread.has_value());
  CHECK(unread.error().code == Code::forbidden);
  CHECK(
      unread.error().message ==
      "whether there is a StorageClass other cannot be read: you may not list storageclasses.storage.k8s.io");
  const auto none = class_findings(sound(), "fest");
  REQUIRE_FALSE(none.has_value());
  CHECK(none.error().code == Code::precondition);
  CHECK(none.error().hint == "did you mean fast?");
}

TEST_CASE("doctor: a cluster without VolumeSnapshots is told from one where you may not list their classes") {
  ClusterFacts facts = sound();
  const char* words =
      "class plain - csi.y, bound at first use; this cluster does not serve VolumeSnapshots "
      "(snapshot.storage.k8s.io): no snapshots; CDI clones by copying\n";
  facts.snapshot_classes = kube::Fact::unreadable({.code = Code::not_found, .message = "404 page not found"});
  CHECK(line(storage_findings(facts), "class plain") == words);
  CHECK(line(storage_findings(facts), "class fast (default)").find(" - csi.x") != std::string::npos);
  // Who may not list a kind is told so whether it is served or not.
  facts.snapshot_classes = kube::Fact::unreadable({.code = Code::forbidden});
  facts.served->groups.erase("snapshot.storage.k8s.io");
  CHECK(line(storage_findings(facts), "class plain") == words);
  facts.served.reset();
  CHECK(line(storage_findings(facts), "class plain").find("? csi.y") != std::string::npos);
}

TEST_CASE("doctor: where exports are downloaded from") {
  ClusterFacts facts = sound();
  const auto told = [&] { return line(cluster_findings(facts), "download exports"); };
  const Json backend = {{"service", {{"name", "virt-exportproxy"}, {"port", {{"number", 443}}}}}};
  facts.ingresses = list(
      {ingress({{"rules", {{{"host", "other.example.com"}}}}}),
       ingress({{"rules",
                 {{{"host", "exports.example.com"}, {"http", {{"paths", {{{"backend", backend}}}}}}}}}})});
  CHECK(told() == "download exports + through exports.example.com\n");
  facts.ingresses = list({ingress({{"defaultBackend", backend}, {"rules", {{{"host", "b.example.com"}}}}})});
  CHECK(told() == "download exports + through b.example.com\n");
  facts.ingresses = list({});
  facts.routes = list({ingress({{"host", "r.example.com"}, {"to", {{"name", "virt-exportproxy"}}}})});
  CHECK(told() == "download exports + through r.example.com\n");
  facts.routes = kube::Fact::absent();
  facts.ingresses = kube::Fact::unreadable({.code = Code::forbidden});
  CHECK(told().starts_with(
      "download exports ? whether virt-exportproxy has an address outside cannot be read"));
  facts.kubevirts = list({kubevirt("v1.8.4", Json::object())});
  CHECK(told() == "download exports - needs gate VMExport\n");
  facts.served->groups.erase("export.kubevirt.io");
  CHECK(told() == "download exports - needs export.kubevirt.io\n");
}

TEST_CASE("doctor: what is not to be known of the ZFS driver and of Kubernetes is unknown") {
  ClusterFacts facts = sound();
  const auto driver = [&] { return line(storage_findings(facts), "ZFS driver"); };
  facts.zfs_pods = list({zfs_pod("openebs/zfs-driver:2.7.1"), zfs_pod("zfs-driver@sha256:0123")});
  CHECK(driver() == "ZFS driver + 2.6.2 on 1 node, 2.7.1 on 1 node\n");
  facts.zfs_pods.object["items"][1]["metadata"].erase("labels");
  CHECK(driver() == "ZFS driver ? version unknown on 1 node, 2.7.1 on 1 node\n");
  facts.zfs_pods = list({});
  CHECK(driver() == "ZFS driver ? no pod of its node plugin was found by its label\n");
  facts.zfs_pods = kube::Fact::unreadable({.code = Code::forbidden});
  CHECK(driver() == "ZFS driver ? its version cannot be read: you may not list pods in all namespaces\n");
  facts.served->groups.erase("zfs.openebs.io");
  CHECK(driver() == "(absent)");
  facts.version = kube::Fact::unreadable({.code = Code::forbidden});
  CHECK(line(cluster_findings(facts), "Kubernetes") == "Kubernetes ? its version cannot be read\n");
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
