#include "manifest/data_volume.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/quantity.h"

namespace wukong::manifest {

namespace {

/// The one that allows most: a copy of a disk that several nodes may write shall be one, too.
std::string access_mode(const Json& like) {
  std::string chosen;
  for (const Json& mode : items(like, {"accessModes"})) {
    const std::string_view word = text(mode, {});
    if (chosen.empty() || word == "ReadWriteMany") chosen = word;
  }
  return chosen.empty() ? "ReadWriteOnce" : chosen;
}

}  // namespace

Json data_volume_spec(const Json& like, const VolumeSource& source, std::int64_t bytes,
                      std::string_view content) {
  Json spec = Json::object();
  const char* kind = source.kind == VolumeSource::Kind::claim ? "pvc" : "snapshot";
  spec["source"][kind] = {{"namespace", source.ns}, {"name", source.name}};
  Json& claim = spec["pvc"];
  claim["accessModes"] = Json::array({access_mode(like)});
  for (const char* key : {"volumeMode", "storageClassName"})
    if (const Json* value = find(like, {key})) claim[key] = *value;
  claim["resources"]["requests"]["storage"] = format_quantity({bytes});
  if (!content.empty() && content != "kubevirt") spec["contentType"] = content;
  return spec;
}

Json fill_annotations(const VolumeFill& fill) {
  Json annotations = Json::object();
  if (fill.full) annotations["cdi.kubevirt.io/cloneType"] = "copy";
  if (fill.at_once) annotations["cdi.kubevirt.io/storage.bind.immediate.requested"] = "true";
  return annotations;
}

Json data_volume(const ObjectRef& ref, Json spec, const VolumeFill& fill, const Marks& marks,
                 const Json& owner) {
  Json made = skeleton(ref);
  if (Json annotations = fill_annotations(fill); !annotations.empty())
    made["metadata"]["annotations"] = std::move(annotations);
  add_marks(made, marks);
  if (!owner.is_null()) made["metadata"]["ownerReferences"] = Json::array({owner});
  made["spec"] = std::move(spec);
  return made;
}

Json controlled_by(const ObjectRef& owner, std::string_view uid) {
  return {{"apiVersion", owner.gvr.api_version()},
          {"kind", owner.gvr.kind},
          {"name", owner.name},
          {"uid", std::string(uid)},
          {"controller", true}};
}

}  // namespace wukong::manifest
