// Judges VirtualMachineExports.
#pragma once

#include <string>
#include <vector>

#include "base/view.h"

namespace wukong::status {

struct ExportWait {
  std::string ns{};
  std::string name{};
};

std::vector<Watched> watches_export(const ExportWait& wait);
/// Done when the export is Ready: its links can be read. It never fails by itself: a source that is in use, or missing, is
/// a cause that passes when the source is stopped, or appears.
Judge export_judge(ExportWait wait);

/// What keeps an export from being Ready, or "".
std::string export_problem(const Json& vm_export);

}  // namespace wukong::status
