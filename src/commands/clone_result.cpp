#include "commands/clone_result.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/text.h"
#include "commands/clone_cdi.h"
#include "commands/clone_stop.h"
#include "commands/inventory.h"
#include "commands/vm_argument.h"
#include "status/vm_disks.h"
#include "status/vm_status.h"
#include "status/watched.h"

namespace wukong::commands {

namespace {

/// Who owns what: claims, and (for method cdi) DataVolumes, of the new VMs' namespace.
struct OwnerFacts {
  kube::Fact claims{};
  kube::Fact volumes{};
};

/// True when the disk of this volume goes with the VM when it is deleted: its dataVolumeTemplates make it, or its claim or
/// DataVolume has the VM as its owner.
bool is_owned(const Json& vm, const Json& volume, const OwnerFacts& facts) {
  const std::string name = status::claim_of(volume);
  for (const kube::Fact* list : {&facts.claims, &facts.volumes})
    if (const Json* disk = named(*list, name); disk != nullptr && !owner_of(*disk, "VirtualMachine").empty())
      return true;
  return status::is_templated(vm, name);
}

/// ", owned" when the VM's disks go with it, ", 1 owned" when some of them do, ", stand-alone" when none does.
std::string owner_words(const Json& vm, const OwnerFacts& facts) {
  std::size_t all = 0;
  std::size_t owned = 0;
  for (const Json& volume : items(vm, {"spec", "template", "spec", "volumes"})) {
    if (status::claim_of(volume).empty()) continue;
    ++all;
    if (is_owned(vm, volume, facts)) ++owned;
  }
  if (owned == 0) return facts.claims.is_known() ? ", stand-alone" : "";
  return owned == all ? ", owned" : fmt::format(", {} owned", owned);
}

/// Claims of the target: "2 bound, stand-alone", "1 bound, 1 at first start, owned".
std::string disks_cell(const Json& vm, const std::string& owner, const Verdict* verdict) {
  const std::size_t all = status::claims_of(vm).size();
  const std::string told = verdict == nullptr ? std::string{} : verdict->recall("unbound");
  const std::size_t unbound = told.empty() ? 0 : split(told, ',').size();
  if (all == 0) return "none";
  if (unbound == 0) return fmt::format("{} bound{}", all, owner);
  if (unbound >= all) return fmt::format("{} at first start{}", all, owner);
  return fmt::format("{} bound, {} at first start{}", all - unbound, unbound, owner);
}

/// A new VM as a table row; `vm` is null when it cannot be read.
std::vector<std::string> result_row(const std::string& target, const std::string& source, const Json& vm,
                                    const std::string& owner, const Verdict* verdict) {
  std::string status(text(vm, {"status", "printableStatus"}));
  // KubeVirt's word lags behind the disks ("DataVolumeError" in healthy clones); one that shall not run, and does not, is stopped.
  if (status::is_halted(vm) && !is_running(vm)) status = "Stopped";
  return {target, status.empty() ? "Unknown" : status,
          vm.is_null() ? "unknown" : disks_cell(vm, owner, verdict), source};
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
  reads.push_back({.gvr = gvr::pvc(), .ns = there.ns, .keep = {{"metadata.ownerReferences"}}});
  const bool volumes = names.method == CloneMethod::cdi;
  if (volumes)
    reads.push_back({.gvr = gvr::data_volume(), .ns = there.ns, .keep = {{"metadata.ownerReferences"}}});
  // They are done, whatever this last look at them says.
  const auto got = kube::fetch(*api, std::move(reads));
  OwnerFacts owners{kube::Fact::unreadable({}), kube::Fact::unreadable({})};
  if (got) owners.claims = (*got)[done.size()];
  if (got && volumes) owners.volumes = got->back();
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
    rows.push_back(result_row(done[i], names.source, vm, owner_words(vm, owners),
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
