// What `clone` says when it ends.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "commands/clone.h"
#include "commands/context.h"
#include "op/operation.h"
#include "render/printer.h"

namespace wukong::commands {

/// What is said of an operation that ends before its work does.
struct Submitted {
  bool waits{};  // it does not
  std::vector<std::string> creates{};
  std::string wait_command{};
  std::string cancel_command{};
};

/// Without --wait: what was made, and how to wait for it. Errors: as Context::print_objects.
Result<void> print_submitted(const CloneNames& names, const Submitted& told, const op::Outcome& outcome,
                             const render::Printer& printer, Context& cx);

/// The targets that are done: those whose verdict, that of the step `usable(target)`, is there. Reads them once more.
/// Errors: no way to the cluster; as Context::print_objects.
Result<void> print_cloned(const CloneNames& names,
                          const std::function<std::string(const std::string&)>& usable,
                          const op::Outcome& outcome, const render::Printer& printer, Context& cx);

/// How CDI filled the disks, once for all targets.
void note_fills(const CloneNames& names, const op::Outcome& outcome, Context& cx);

}  // namespace wukong::commands
