#include "sandbox/seed.h"

#include <fmt/format.h>

#include "sandbox/controllers/controllers.h"
#include "sandbox/discovery.h"

namespace wukong::sandbox {
namespace {

constexpr const char* kStorageClass = R"({
  "metadata": {"name": ""}, "provisioner": "csi.sandbox.wukong", "reclaimPolicy": "Delete",
  "allowVolumeExpansion": true, "volumeBindingMode": "Immediate"
})";

constexpr const char* kSnapshotClass = R"({
  "metadata": {"name": "fast-snapshots"}, "driver": "csi.sandbox.wukong", "deletionPolicy": "Delete"
})";

constexpr const char* kKubeVirt = R"({
  "metadata": {"name": "kubevirt", "namespace": "kubevirt"},
  "spec": {"configuration": {"developerConfiguration": {"featureGates": ["Snapshot", "VMExport"]}}}
})";

constexpr const char* kClaim = R"({
  "metadata": {"name": "", "namespace": "demo",
               "annotations": {"volume.kubernetes.io/selected-node": "sandbox-node"}},
  "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": ""}}}
})";

constexpr const char* kVm = R"({
  "metadata": {"name": "", "namespace": "demo", "labels": {"app": ""}},
  "spec": {"runStrategy": "", "template": {
    "metadata": {"labels": {"app": ""}},
    "spec": {
      "domain": {
        "devices": {
          "disks": [{"name": "cloudinit", "disk": {"bus": "virtio"}}],
          "interfaces": [{"name": "default", "masquerade": {}, "macAddress": "02:00:00:00:00:01"}]},
        "resources": {"requests": {"memory": "2Gi"}}},
      "networks": [{"name": "default", "pod": {}}],
      "volumes": [{"name": "cloudinit", "cloudInitNoCloud": {"userData": "#cloud-config\n"}}]}}}
})";

void make(Cluster& cluster, std::string_view resource, const Json& object) {
  (void)cluster.create(kind_named(resource), object);
}

void make_storage(Cluster& cluster, std::string_view profile) {
  const auto storage_class = [&](std::string_view name, const Json& more) {
    Json made = Json::parse(kStorageClass);
    made["metadata"]["name"] = name;
    if (profile == "wffc") made["volumeBindingMode"] = "WaitForFirstConsumer";
    made.merge_patch(more);
    make(cluster, "storageclasses", made);
  };
  storage_class("fast",
                {{"metadata", {{"annotations", {{"storageclass.kubernetes.io/is-default-class", "true"}}}}}});
  storage_class("slow", {{"parameters", {{"delay", "30s"}}}});
  storage_class("full", {{"parameters", {{"fail", "no space left on device"}}}});
  if (profile != "nosnap") make(cluster, "volumesnapshotclasses", Json::parse(kSnapshotClass));
}

void make_kubevirt(Cluster& cluster) {
  make(cluster, "kubevirts", Json::parse(kKubeVirt));
  if (const Object made = cluster.find("kubevirts", "kubevirt", "kubevirt"))
    cluster.merge_status("kubevirts", *made,
                         {{"phase", "Deployed"},
                          {"observedKubeVirtVersion", kKubeVirtVersion},
                          {"targetKubeVirtVersion", kKubeVirtVersion},
                          {"operatorVersion", kKubeVirtVersion},
                          {"defaultArchitecture", "amd64"}});
}

struct SeedDisk {
  std::string_view name{};
  std::string_view size{};
};

/// Somebody has used the disks before: they need no first consumer.
void make_vm(Cluster& cluster, std::string_view name, std::string_view strategy,
             const std::vector<SeedDisk>& list) {
  Json vm = Json::parse(kVm);
  vm["metadata"]["name"] = name;
  vm["spec"]["runStrategy"] = strategy;
  Json& instance = vm["spec"]["template"];
  for (Json* metadata : {&vm["metadata"], &instance["metadata"]}) (*metadata)["labels"]["app"] = name;
  Json& disks = instance["spec"]["domain"]["devices"]["disks"];
  Json& volumes = instance["spec"]["volumes"];
  for (const SeedDisk& disk : list) {
    Json claim = Json::parse(kClaim);
    const std::string called = fmt::format("{}-{}", name, disk.name);
    claim["metadata"]["name"] = called;
    claim["spec"]["resources"]["requests"]["storage"] = disk.size;
    make(cluster, "persistentvolumeclaims", claim);
    // A list of braces here would be taken for several elements.
    const Json device = {{"name", disk.name}, {"disk", {{"bus", "virtio"}}}};
    const Json volume = {{"name", disk.name}, {"persistentVolumeClaim", {{"claimName", called}}}};
    disks.insert(disks.end() - 1, device);
    volumes.insert(volumes.end() - 1, volume);
  }
  make(cluster, "virtualmachines", vm);
}

}  // namespace

Result<void> seed(Cluster& cluster, std::string_view profile) {
  if (profile != "default" && profile != "wffc" && profile != "nosnap")
    return Error{.code = Code::usage,
                 .message = fmt::format("there is no profile {:?}", profile),
                 .hint = "profiles: default, wffc, nosnap"};
  for (const std::string_view ns : {"default", "kubevirt", "demo"})
    make(cluster, "namespaces", {{"metadata", {{"name", ns}}}});
  make_storage(cluster, profile);
  make_kubevirt(cluster);
  make_vm(cluster, "web", "Halted", {{"root", "20Gi"}, {"data", "40Gi"}});
  make_vm(cluster, "db", "Always", {{"root", "20Gi"}, {"log", "10Gi"}});
  make_vm(cluster, "mail", "Halted", {{"root", "30Gi"}});
  settle_fully(cluster, std::chrono::minutes(1));
  return {};
}

}  // namespace wukong::sandbox
