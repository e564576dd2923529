#include "manifest/vm_snapshot.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace wukong::manifest {

Json vm_snapshot(const ObjectRef& ref, const std::string& vm, const Marks& marks) {
  Json manifest = skeleton(ref);
  add_marks(manifest, marks);
  manifest["spec"]["source"] = {{"apiGroup", gvr::vm().group}, {"kind", gvr::vm().kind}, {"name", vm}};
  return manifest;
}

std::string volume_snapshot_name(std::string_view snapshot_uid, std::string_view volume) {
  return fmt::format("vmsnapshot-{}-volume-{}", snapshot_uid, volume);
}

}  // namespace wukong::manifest
