#include "manifest/vm_references.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace wukong::manifest {

namespace {

Gvr secret() { return {"", "v1", "secrets", "Secret"}; }
Gvr config_map() { return {"", "v1", "configmaps", "ConfigMap"}; }
Gvr service_account() { return {"", "v1", "serviceaccounts", "ServiceAccount"}; }
Gvr network() {
  return {"k8s.cni.cncf.io", "v1", "network-attachment-definitions", "NetworkAttachmentDefinition"};
}
Gvr instancetype() {
  return {"instancetype.kubevirt.io", "v1beta1", "virtualmachineinstancetypes", "VirtualMachineInstancetype"};
}
Gvr preference() {
  return {"instancetype.kubevirt.io", "v1beta1", "virtualmachinepreferences", "VirtualMachinePreference"};
}

class Names {
 public:
  explicit Names(std::string ns) : ns_(std::move(ns)) {}
  void add(const Gvr& gvr, std::string_view name) {
    const ObjectRef ref{gvr, ns_, std::string(name)};
    if (!name.empty() && std::find(all.begin(), all.end(), ref) == all.end()) all.push_back(ref);
  }
  std::vector<ObjectRef> all{};

 private:
  std::string ns_;
};

void add_volume(Names& names, const Json& volume) {
  for (const char* init : {"cloudInitNoCloud", "cloudInitConfigDrive"})
    for (const char* field : {"secretRef", "networkDataSecretRef"})
      names.add(secret(), text(volume, {init, field, "name"}));
  names.add(secret(), text(volume, {"secret", "secretName"}));
  names.add(config_map(), text(volume, {"configMap", "name"}));
  names.add(secret(), text(volume, {"sysprep", "secret", "name"}));
  names.add(config_map(), text(volume, {"sysprep", "configMap", "name"}));
  names.add(secret(), text(volume, {"containerDisk", "imagePullSecret"}));
  names.add(service_account(), text(volume, {"serviceAccount", "serviceAccountName"}));
  // A disk that is never written to, under one that goes with each instance: no disk of the VM's own.
  names.add(gvr::pvc(), text(volume, {"ephemeral", "persistentVolumeClaim", "claimName"}));
}

/// KubeVirt takes the singular and the plural, in letters of any case. Source: kubevirt pkg/instancetype/find.
bool is_kind(std::string_view typed, const Gvr& gvr) {
  const std::string kind = lower(typed);
  return kind == lower(gvr.kind) || kind == gvr.resource;
}

}  // namespace

std::vector<ObjectRef> references_of(const Json& vm, const std::string& ns) {
  Names names(ns);
  const Json& pod = fields(vm, {"spec", "template", "spec"});
  for (const Json& volume : items(pod, {"volumes"})) add_volume(names, volume);
  for (const Json& credential : items(pod, {"accessCredentials"}))
    for (const char* kind : {"sshPublicKey", "userPassword"})
      names.add(secret(), text(credential, {kind, "source", "secret", "secretName"}));
  names.add(secret(), text(pod, {"domain", "firmware", "kernelBoot", "container", "imagePullSecret"}));
  for (const Json& each : items(pod, {"networks"})) {
    const std::string_view name = text(each, {"multus", "networkName"});
    if (name.find('/') == std::string_view::npos) names.add(network(), name);
  }
  // Without a kind the cluster-wide one is meant.
  for (const auto& [field, gvr] :
       {std::pair{"instancetype", instancetype()}, std::pair{"preference", preference()}})
    if (const std::string_view kind = text(vm, {"spec", field, "kind"}); is_kind(kind, gvr))
      names.add(gvr, text(vm, {"spec", field, "name"}));
  return std::move(names.all);
}

std::vector<Gvr> copied_kinds() { return {secret(), config_map(), network(), instancetype(), preference()}; }

Json copied_object(const Json& object, const ObjectRef& ref) {
  Json copy = skeleton(ref);
  for (const char* key : {"labels", "annotations"})
    if (const Json& map = fields(object, {"metadata", key}); !map.empty()) copy["metadata"][key] = map;
  if (copy["metadata"].contains("annotations"))
    copy["metadata"]["annotations"].erase("kubectl.kubernetes.io/last-applied-configuration");
  for (const auto& [key, value] : object.items())
    if (key != "metadata" && key != "kind" && key != "apiVersion" && key != "status") copy[key] = value;
  return copy;
}

}  // namespace wukong::manifest
