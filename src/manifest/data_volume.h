// DataVolumes that are filled from a claim or a VolumeSnapshot.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/object.h"
#include "manifest/marks.h"

namespace wukong::manifest {

/// What a DataVolume is filled from.
struct VolumeSource {
  enum class Kind { claim, snapshot };
  Kind kind{Kind::claim};
  std::string ns{};
  std::string name{};
};

/// How CDI is asked to fill it.
struct VolumeFill {
  /// Every block is copied, whatever the storage could do. Source: CDI takes a cloneType that is there already as decided.
  bool full{};
  bool at_once{};  // on a class with WaitForFirstConsumer, too
};

/// .spec of a DataVolume for `source`: class and volume mode of the claim `like` (a PersistentVolumeClaim .spec), one of its
/// access modes, for CDI takes no more, and the size `bytes`. It is literal (.spec.pvc): CDI adds nothing to the size.
/// `content`: the source's content type, "" for a disk. One of another type than its source is never filled.
/// Source: cdi pkg/controller/datavolume/pvc-clone-controller.go; api types, DataVolumeSpec.contentType.
Json data_volume_spec(const Json& like, const VolumeSource& source, std::int64_t bytes,
                      std::string_view content);

/// Annotations that say `fill`; empty where there is nothing to say.
Json fill_annotations(const VolumeFill& fill);

/// A DataVolume `ref` with this spec. `owner`: the VM that it goes with; null: nobody.
Json data_volume(const ObjectRef& ref, Json spec, const VolumeFill& fill, const Marks& marks,
                 const Json& owner);

/// An owner reference to the object with this uid, which controls what has it.
Json controlled_by(const ObjectRef& owner, std::string_view uid);

}  // namespace wukong::manifest
