#include "manifest/vm_clone.h"

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <vector>

#include "manifest/mac.h"

namespace wukong::manifest {

namespace {

Json reference(const Gvr& gvr, const std::string& name) {
  return {{"apiGroup", gvr.group}, {"kind", gvr.kind}, {"name", name}};
}

/// Unanchored regular expressions; a list with only negations would remove every key.
Json filters(std::vector<std::string> wanted, std::initializer_list<const char*> never) {
  if (wanted.empty()) wanted.emplace_back("*");
  for (const char* key : never) wanted.push_back(std::string("!") + key);
  return wanted;
}

/// By interface. With dashes: the restore inside the clone cannot be told of colons (kubevirt 18617).
Json new_macs(const Json& vm, const VmShape& shape) {
  Json macs = Json::object();
  if (shape.keep_macs)
    for (const Json& interface : items(vm, {"spec", "template", "spec", "domain", "devices", "interfaces"}))
      if (const auto mac = parse_mac(text(interface, {"macAddress"})))
        macs[std::string(text(interface, {"name"}))] = format_mac(*mac, '-');
  for (const auto& [name, mac] : shape.macs) macs[name] = format_mac(mac, '-');
  return macs;
}

}  // namespace

Json vm_clone(const ObjectRef& ref, const ObjectRef& source, const std::string& target, const Json& vm,
              const VmShape& shape, const Marks& marks) {
  Json manifest = skeleton(ref);
  add_marks(manifest, marks);
  Json& spec = manifest["spec"];
  spec["source"] = reference(source.gvr, source.name);
  spec["target"] = reference(gvr::vm(), target);
  spec["labelFilters"] = filters(shape.label_filters, {"vm.novasphere.dev/"});
  spec["annotationFilters"] = filters(
      shape.annotation_filters, {"vm.novasphere.dev/", "kubectl.kubernetes.io/last-applied-configuration"});
  if (!shape.template_label_filters.empty()) spec["template"]["labelFilters"] = shape.template_label_filters;
  if (!shape.template_annotation_filters.empty())
    spec["template"]["annotationFilters"] = shape.template_annotation_filters;
  if (Json macs = new_macs(vm, shape); !macs.empty()) spec["newMacAddresses"] = std::move(macs);
  return manifest;
}

}  // namespace wukong::manifest
