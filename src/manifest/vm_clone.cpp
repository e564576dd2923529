#include "manifest/vm_clone.h"

#include <nlohmann/json.hpp>

namespace wukong::manifest {

namespace {

Json vm_reference(const std::string& name) {
  return {{"apiGroup", gvr::vm().group}, {"kind", gvr::vm().kind}, {"name", name}};
}

}  // namespace

Json vm_clone(const ObjectRef& ref, const std::string& source, const std::string& target,
              const Marks& marks) {
  Json manifest = skeleton(ref);
  add_marks(manifest, marks);
  Json& spec = manifest["spec"];
  spec["source"] = vm_reference(source);
  spec["target"] = vm_reference(target);
  // Unanchored regular expressions; a list with only negations would remove every key.
  spec["labelFilters"] = Json::array({"*", "!vm.novasphere.dev/"});
  spec["annotationFilters"] =
      Json::array({"*", "!vm.novasphere.dev/", "!kubectl.kubernetes.io/last-applied-configuration"});
  return manifest;
}

}  // namespace wukong::manifest
