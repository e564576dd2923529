#include "commands/clone.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "base/text.h"
#include "commands/vm_argument.h"
#include "status/watched.h"

namespace wukong::commands {

namespace {

/// Claims of the target: "2 bound", "1 bound, 1 at first start".
std::string disks_cell(const Json& vm, const Verdict* verdict) {
  const std::size_t all = status::claims_of(vm).size();
  std::size_t unbound = 0;
  if (verdict != nullptr)
    if (const auto it = verdict->memory.find("unbound"); it != verdict->memory.end() && !it->second.empty())
      unbound = split(it->second, ',').size();
  if (all == 0) return "none";
  if (unbound == 0) return fmt::format("{} bound", all);
  if (unbound >= all) return fmt::format("{} at first start", all);
  return fmt::format("{} bound, {} at first start", all - unbound, unbound);
}

/// The new VM as a table row; `vm` is null when it cannot be read.
std::string result_table(const CloneNames& names, const Json& vm, const Verdict* verdict, bool headers) {
  const std::string status(text(vm, {"status", "printableStatus"}));
  const std::vector<std::string> row{names.target, status.empty() ? "Unknown" : status,
                                     vm.is_null() ? "unknown" : disks_cell(vm, verdict), names.source};
  return render::table({"NAME", "STATUS", "DISKS", "CLONED FROM"}, {row}, headers);
}

/// Without --wait: what was made, and how to wait for it.
void print_submitted(const CloneNames& names, const op::Operation& told, const Json& clone,
                     render::OutputFormat format, Context& cx) {
  using enum render::OutputFormat;
  if (format == table || format == wide)
    cx.print(resource_name({gvr::vm_clone(), cx.scope().ns, names.clone}) + " created\n");
  else
    cx.print(render::objects(format, {clone}));
  cx.note("note", fmt::format("{} is being cloned to {}; nothing has been waited for (--wait does)",
                              names.source, names.target));
  cx.note("note", "to wait for it: " + told.wait_command);
  cx.note("note", "to give it up:  " + told.cancel_command);
}

Result<void> print_cloned(const CloneNames& names, const Verdict* verdict, render::OutputFormat format,
                          bool headers, Context& cx) {
  using enum render::OutputFormat;
  WUKONG_TRY(kube::Api* const api, cx.connect());
  // The clone is done, whatever this last look at it says.
  const auto got = kube::fetch(*api, {{.gvr = gvr::vm(), .ns = cx.scope().ns, .name = names.target}});
  const bool known = got && got->front().is_known();
  const Json vm = known ? got->front().object : Json();
  if (!known) cx.note("note", vm_words(cx.scope(), names.target) + " is there, but could not be read");
  if (format == table || format == wide) {
    cx.print(result_table(names, vm, verdict, headers));
  } else if (format == name || !known) {
    cx.print(resource_name({gvr::vm(), cx.scope().ns, names.target}) + "\n");
  } else {
    cx.print(render::objects(format, {vm}));
  }
  return {};
}

Result<void> run(const CloneOptions& o, Context& cx) {
  WUKONG_TRY(const Settled settled, settle(o.write));
  cx.set_progress(settled.progress);
  WUKONG_TRY(const render::OutputFormat format, settle(o.output));
  if (o.method != "auto" && o.method != "native")
    return Error{.code = Code::usage,
                 .message = fmt::format("--method does not take {:?}", printable(o.method)),
                 .hint = "use one of: auto, native"};
  cx.limit_patience(settled.timeout);
  WUKONG_TRY(kube::Api* const api, cx.connect());
  WUKONG_TRY(const CloneNames names, clone_names(o, cx.scope()));
  WUKONG_TRY(const CloneFacts facts, gather_clone(names, *api, cx.scope()));
  WUKONG_TRY(op::Operation operation, plan_clone(o, names, facts, settled, cx.scope()));
  WUKONG_CHECK(cx.check_permissions(operation, "clone VMs"));
  if (settled.dry_run != DryRunMode::none)
    return cx.show_plan(operation, settled.dry_run, format, o.write.field_manager);

  const op::Operation told = operation;
  op::Outcome outcome = cx.run(std::move(operation), o.write, settled);
  if (outcome.error) return std::move(*outcome.error);
  if (!o.write.wait) {
    const Json* clone = outcome.seen.object("clone");
    print_submitted(names, told, clone == nullptr ? Json() : *clone, format, cx);
    return {};
  }
  return print_cloned(names, outcome.seen.verdict("usable"), format, !o.output.no_headers, cx);
}

}  // namespace

void add_clone(CLI::App& app, std::function<Result<void>(Context&)>& chosen) {
  auto options = std::make_shared<CloneOptions>();
  CLI::App* sub = app.add_subcommand("clone", "Make a new VM from a VM, disks included");
  sub->add_option("SOURCE", options->source, "VM to clone: NAME or vm/NAME")->required()->type_name("");
  sub->add_option("TARGET", options->target, "Name of the new VM (default: clone-SOURCE-xxxxx)")
      ->type_name("");
  sub->add_option("--method", options->method, "native: a VirtualMachineClone; auto chooses")
      ->type_name("auto|native")
      ->capture_default_str();
  sub->add_flag("--keep", options->keep, "Keep the VirtualMachineClone object after success");
  add_write_options(*sub, options->write);
  add_output_options(*sub, options->output);
  sub->footer(
      "Examples:\n"
      "  # Clone, and wait until the disks are there\n"
      "  kubectl wukong clone web web2 -n demo --wait\n"
      "  # Show what would be done\n"
      "  kubectl wukong clone vm/web web2 --wait --dry-run\n"
      "  # Let a name be made up, and print it\n"
      "  kubectl wukong clone web --wait -o name\n");
  sub->callback([options, &chosen] { chosen = [options](Context& cx) { return run(*options, cx); }; });
}

}  // namespace wukong::commands
