// KIND/NAME on the command line, for the kinds that VM data operations are about.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/object.h"
#include "base/result.h"
#include "base/view.h"
#include "kube/discovery.h"

namespace wukong::commands {

enum class ObjectKind {
  vm,
  clone,
  snapshot,
  restore,
  vm_export,
  data_volume,
  claim,
  volume_snapshot,
  operation  // all objects with one label vm.novasphere.dev/operation; no kind of the API
};

/// The kind in the version preferred here; an empty one for `operation`.
Gvr gvr_of(ObjectKind kind);
/// The short word for people: "vmclone".
std::string word_of(ObjectKind kind);

/// One noun of the command line.
struct ObjectArgument {
  ObjectKind kind{};
  std::string name{};
  /// "vmclone/copy"
  std::string words() const { return word_of(kind) + "/" + name; }
  bool operator==(const ObjectArgument&) const = default;
};

/// Nouns as kubectl takes them: KIND/NAME..., or KIND NAME...; KIND is singular, plural or short, alone or with its group
/// ("virtualmachines.kubevirt.io", "virtualmachines.v1.kubevirt.io"). Each once, in order.
/// Errors: `usage`: no such kind, no name, a name that cannot be.
Result<std::vector<ObjectArgument>> parse_objects(const std::vector<std::string>& typed);

/// The kind that `word` stands for, or nothing.
std::optional<ObjectKind> kind_called(std::string_view word);

}  // namespace wukong::commands
