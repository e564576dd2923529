// What to watch of an object, and who judges it: the table from kinds to judges that `wait`, `status` and `cancel` share.
#pragma once

#include <string>
#include <vector>

#include "base/view.h"
#include "commands/object_argument.h"

namespace wukong::commands {

/// What an Await needs to know of one object.
struct Follow {
  std::vector<Watched> watches{};
  Judge judge{};
};

template <class Wait>
Follow follow(std::vector<Watched> (*watches)(const Wait&), Judge (*judge)(Wait), const Wait& wait) {
  return {watches(wait), judge(wait)};
}

/// Until the data behind an object is there. `source_vm`: of a clone or restore, the VM whose disks are copied; "" when that is
/// not known.
Follow until_usable(const ObjectArgument& what, const std::string& ns, const Json& object,
                    const std::string& source_vm);

/// The name of the snapshot that a clone or restore is made from; "" when it is made from a VM.
std::string snapshot_behind(ObjectKind kind, const Json& object);
/// The VM that a clone or restore makes or fills.
std::string target_vm(ObjectKind kind, const Json& object);

}  // namespace wukong::commands
