// Judges the disks of a VM, wherever they come from.
#pragma once

#include <string>
#include <vector>

#include "base/view.h"

namespace wukong::status {

struct DisksWait {
  std::string ns{};
  std::string vm{};
  bool only_bound{};  // claims that wait for the first start of the VM are no end
};

std::vector<Watched> watches_disks(const DisksWait& wait);
/// Done when every claim of the VM is Bound, and what fills it has ended (where DataVolumes cannot be read, by what the claims
/// tell of it); or (unless `only_bound`) when the rest waits for the
/// first start of a VM that shall not run: then the message says it and memory "unbound" lists them. A VM without claims is done.
Judge disks_judge(DisksWait wait);

}  // namespace wukong::status
