#include "sandbox/seed.h"

#include <fmt/format.h>

#include "sandbox/controllers/controllers.h"
#include "sandbox/controllers/disks.h"
#include "sandbox/discovery.h"

namespace wukong::sandbox {
namespace {

constexpr const char* kDriver = "csi.sandbox.wukong";
constexpr const char* kDemo = "demo";

struct SeedDisk {
  std::string_view name{};
  std::string_view size{};
};

void make(Cluster& cluster, std::string_view resource, const Json& object) {
  (void)cluster.create(kind_named(resource), object);
}

void make_storage(Cluster& cluster, std::string_view profile) {
  const auto storage_class = [&](std::string_view name, const Json& annotations, const Json& parameters) {
    make(cluster, "storageclasses",
         {{"metadata", {{"name", name}, {"annotations", annotations}}},
          {"provisioner", kDriver},
          {"parameters", parameters},
          {"reclaimPolicy", "Delete"},
          {"allowVolumeExpansion", true},
          {"volumeBindingMode", profile == "wffc" ? "WaitForFirstConsumer" : "Immediate"}});
  };
  storage_class("fast", {{"storageclass.kubernetes.io/is-default-class", "true"}}, Json::object());
  storage_class("slow", Json::object(), {{"delay", "30s"}});
  storage_class("full", Json::object(), {{"fail", "no space left on device"}});
  if (profile != "nosnap")
    make(cluster, "volumesnapshotclasses",
         {{"metadata", {{"name", "fast-snapshots"}}}, {"driver", kDriver}, {"deletionPolicy", "Delete"}});
}

void make_kubevirt(Cluster& cluster) {
  make(cluster, "kubevirts",
       {{"metadata", {{"name", "kubevirt"}, {"namespace", "kubevirt"}}},
        {"spec",
         {{"configuration", {{"developerConfiguration", {{"featureGates", {"Snapshot", "VMExport"}}}}}}}}});
  if (const Object made = cluster.find("kubevirts", "kubevirt", "kubevirt"))
    cluster.edit_status("kubevirts", *made, [](Json& status) {
      status = {{"phase", "Deployed"},
                {"observedKubeVirtVersion", kKubeVirtVersion},
                {"targetKubeVirtVersion", kKubeVirtVersion},
                {"operatorVersion", kKubeVirtVersion},
                {"defaultArchitecture", "amd64"}};
    });
}

void make_vm(Cluster& cluster, std::string_view name, std::string_view strategy,
             const std::vector<SeedDisk>& list) {
  Json disks = Json::array();
  Json volumes = Json::array();
  for (const SeedDisk& disk : list) {
    const std::string claim = fmt::format("{}-{}", name, disk.name);
    // Somebody has used these disks before: they need no first consumer.
    make(cluster, "persistentvolumeclaims",
         {{"metadata",
           {{"name", claim}, {"namespace", kDemo}, {"annotations", {{kSelectedNode, "sandbox-node"}}}}},
          {"spec",
           {{"accessModes", {"ReadWriteOnce"}}, {"resources", {{"requests", {{"storage", disk.size}}}}}}}});
    disks.push_back({{"name", disk.name}, {"disk", {{"bus", "virtio"}}}});
    volumes.push_back({{"name", disk.name}, {"persistentVolumeClaim", {{"claimName", claim}}}});
  }
  disks.push_back({{"name", "cloudinit"}, {"disk", {{"bus", "virtio"}}}});
  volumes.push_back(
      {{"name", "cloudinit"},
       {"cloudInitNoCloud", {{"userData", fmt::format("#cloud-config\nhostname: {}\n", name)}}}});
  make(cluster, "virtualmachines",
       {{"metadata", {{"name", name}, {"namespace", kDemo}, {"labels", {{"app", name}}}}},
        {"spec",
         {{"runStrategy", strategy},
          {"template",
           {{"metadata", {{"labels", {{"app", name}}}}},
            {"spec",
             {{"domain",
               {{"devices",
                 {{"disks", disks},
                  {"interfaces",
                   {{{"name", "default"},
                     {"masquerade", Json::object()},
                     {"macAddress", "02:00:00:00:00:01"}}}}}},
                {"resources", {{"requests", {{"memory", "2Gi"}}}}}}},
              {"networks", {{{"name", "default"}, {"pod", Json::object()}}}},
              {"volumes", volumes}}}}}}}});
}

}  // namespace

Result<void> seed(Cluster& cluster, std::string_view profile) {
  if (profile != "default" && profile != "wffc" && profile != "nosnap")
    return Error{.code = Code::usage,
                 .message = fmt::format("there is no profile {:?}", profile),
                 .hint = "profiles: default, wffc, nosnap"};
  for (const std::string_view ns : {"default", "kubevirt", kDemo})
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
