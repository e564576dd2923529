#include "commands/clone_result.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/text.h"
#include "commands/clone_cdi.h"
#include "commands/clone_parts.h"
#include "commands/clone_stop.h"
#include "commands/inventory.h"
#include "commands/vm_argument.h"
#include "status/vm_disks.h"
#include "status/vm_status.h"
#include "status/watched.h"

namespace wukong::commands {

namespace {

/// Disks that go with the VM when it is deleted: its dataVolumeTemplates make them, or they were made with an owner reference.
std::size_t count_owned(const Json& vm, const op::Seen& seen) {
  std::size_t owned = 0;
  for (const Json& volume : items(vm, {"spec", "template", "spec", "volumes"})) {
    const std::string claim = status::claim_of(volume);
    if (claim.empty()) continue;
    const Json* made =
        seen.object(disk_step(std::string(text(vm, {"metadata", "name"})), text(volume, {"name"})));
    const bool referenced = made != nullptr && !owner_of(*made, "VirtualMachine").empty();
    if (referenced || status::is_templated(vm, claim)) ++owned;
  }
  return owned;
}

/// ", owned" when the VM's disks go with it, ", 1 owned" when some of them do.
std::string owned_words(std::size_t owned, std::size_t all) {
  if (owned == 0) return {};
  return owned == all ? ", owned" : fmt::format(", {} owned", owned);
}

/// Claims of the target: "2 bound", "1 bound, 1 at first start, owned".
std::string disks_cell(const Json& vm, const op::Seen& seen, const Verdict* verdict) {
  const std::size_t all = status::claims_of(vm).size();
  const std::string told = verdict == nullptr ? std::string{} : verdict->recall("unbound");
  const std::size_t unbound = told.empty() ? 0 : split(told, ',').size();
  if (all == 0) return "none";
  const std::string owned = owned_words(count_owned(vm, seen), all);
  if (unbound == 0) return fmt::format("{} bound{}", all, owned);
  if (unbound >= all) return fmt::format("{} at first start{}", all, owned);
  return fmt::format("{} bound, {} at first start{}", all - unbound, unbound, owned);
}

/// A new VM as a table row; `vm` is null when it cannot be read.
std::vector<std::string> result_row(const std::string& target, const std::string& source, const Json& vm,
                                    const op::Seen& seen, const Verdict* verdict) {
  std::string status(text(vm, {"status", "printableStatus"}));
  // KubeVirt's word lags behind the disks ("DataVolumeError" in healthy clones); one that shall not run, and does not, is stopped.
  if (status::is_halted(vm) && !is_running(vm)) status = "Stopped";
  return {target, status.empty() ? "Unknown" : status,
          vm.is_null() ? "unknown" : disks_cell(vm, seen, verdict), source};
}

}  // namespace

Result<void> print_submitted(const CloneNames& names, const Submitted& told, const op::Outcome& outcome,
                             const render::Printer& printer, Context& cx) {
  Result<void> printed{};
  if (printer.is_table() || printer.format == render::OutputFormat::name) {
    for (const ObjectRef& made : outcome.made)
      cx.print(resource_name(made) + (printer.is_table() ? " created\n" : "\n"));
  } else {
    std::vector<Json> objects;
    for (const std::string& id : told.creates)
      if (const Json* object = outcome.seen.object(id)) objects.push_back(*object);
    printed = cx.print_objects(printer, std::move(objects));
  }
  cx.note("note", fmt::format("{} is being cloned to {}; nothing has been waited for (--wait does)",
                              names.source, fmt::join(names.targets, ", ")));
  if (!told.wait_command.empty()) cx.note("note", "to wait for it: " + told.wait_command);
  cx.note("note", "to give it up:  " + told.cancel_command);
  return printed;
}

Result<void> print_cloned(const CloneNames& names,
                          const std::function<std::string(const std::string&)>& usable,
                          const op::Outcome& outcome, const render::Printer& printer, Context& cx) {
  WUKONG_TRY(kube::Api* const api, cx.connect());
  std::vector<std::string> done;
  for (const std::string& target : names.targets)
    if (const Verdict* verdict = outcome.seen.verdict(usable(target));
        verdict != nullptr && verdict->state == Verdict::State::done)
      done.push_back(target);
  const Scope there = cx.scope().in(names.target_ns);
  std::vector<kube::Read> reads;
  for (const std::string& target : done) reads.push_back({.gvr = gvr::vm(), .ns = there.ns, .name = target});
  // They are done, whatever this last look at them says.
  const auto got = kube::fetch(*api, std::move(reads));
  std::vector<Json> objects;
  std::vector<std::vector<std::string>> rows;
  std::string ids;
  for (std::size_t i = 0; i < done.size(); ++i) {
    const bool known = got && (*got)[i].is_known();
    if (!known) cx.note("note", vm_words(there, done[i]) + " is there, but could not be read");
    const Json vm = known ? (*got)[i].object : Json();
    // One that runs has all its disks, whatever was said of them before it started.
    const Verdict* running = outcome.seen.verdict("running-" + done[i]);
    const bool runs = running != nullptr && running->state == Verdict::State::done;
    rows.push_back(result_row(done[i], names.source, vm, outcome.seen,
                              runs ? nullptr : outcome.seen.verdict(usable(done[i]))));
    ids += resource_name({gvr::vm(), there.ns, done[i]}) + "\n";
    if (known) objects.push_back(vm);
  }
  if (!printer.is_table() && printer.format != render::OutputFormat::name && objects.size() == done.size())
    return cx.print_objects(printer, std::move(objects));
  cx.print(printer.is_table()
               ? render::table({"NAME", "STATUS", "DISKS", "CLONED FROM"}, rows, printer.headers)
               : ids);
  return {};
}

void note_fills(const CloneNames& names, const op::Outcome& outcome, Context& cx) {
  std::vector<status::Fill> fills;
  for (const std::string& target : names.targets)
    if (const Verdict* verdict = outcome.seen.verdict("usable-" + target);
        verdict != nullptr && verdict->state == Verdict::State::done)
      for (status::Fill& fill : status::fills(*verdict)) fills.push_back(std::move(fill));
  for (const std::string& line : fill_words(fills, names.disks.type)) cx.note("note", line);
}

}  // namespace wukong::commands
