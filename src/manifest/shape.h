// How a new VM differs from the one that it is made from.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/object.h"

namespace wukong::manifest {

/// What is empty stays as the source has it, or is given anew by KubeVirt.
struct VmShape {
  std::vector<std::string> label_filters{};  // manifest/key_filter.h
  std::vector<std::string> annotation_filters{};
  std::vector<std::string> template_label_filters{};
  std::vector<std::string> template_annotation_filters{};
  std::map<std::string, std::string> labels{};  // set on the VM
  std::map<std::string, std::uint64_t> macs{};  // by interface
  bool keep_macs{};                             // of interfaces that are not in `macs`
  std::string serial{};
  std::string hostname{};
  std::optional<std::uint32_t> cores{};
  std::string memory{};  // a quantity
};

/// A merge patch that gives a copy of `vm` the labels, serial, host name, cores and memory of `shape`; an empty object when it
/// has none of them. Where `vm` cannot be read (null), all that could be in their way is taken away.
Json shape_patch(const Json& vm, const VmShape& shape);

/// A merge patch that takes from a copy of `vm` the labels and annotations that the filters of `shape` do not keep.
Json dropped_keys_patch(const Json& vm, const VmShape& shape);

}  // namespace wukong::manifest
