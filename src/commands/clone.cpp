#include "commands/clone.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "base/text.h"
#include "commands/clone_cdi.h"
#include "commands/clone_claim.h"
#include "commands/clone_copies.h"
#include "commands/clone_method.h"
#include "commands/clone_native.h"
#include "commands/clone_restores.h"
#include "commands/clone_result.h"
#include "commands/clone_resume.h"
#include "commands/vm_argument.h"

namespace wukong::commands {

namespace {

/// Ids of the steps that make what the user asked for.
std::vector<std::string> creates_of(const op::Operation& operation) {
  std::vector<std::string> ids;
  for (const op::Step& step : operation.steps)
    if (step.phase == op::Phase::main && std::holds_alternative<op::Create>(step.action))
      ids.push_back(step.id);
  return ids;
}

bool is_waited_for(const op::Operation& operation) {
  return std::any_of(operation.steps.begin(), operation.steps.end(),
                     [](const op::Step& step) { return step.id.starts_with("usable"); });
}

/// What only some commands of method native want to know.
Result<CopyFacts> gather_native(const CloneOptions& o, const CloneNames& names, CloneFacts base,
                                kube::Api& api, const Scope& at) {
  const bool addresses = o.shape.keep_mac || !o.shape.new_macs.empty();
  if (names.from_snapshot || addresses) return gather_copies(names, std::move(base), api, at);
  return CopyFacts{.base = std::move(base)};
}

Result<bool> may(kube::Api& api, const kube::Permission& wanted) {
  WUKONG_TRY(const std::vector<kube::Permission> missing, kube::missing_permissions(api, {wanted}));
  return missing.empty();
}

/// The plan of the method that fits `base`, and is then known in `names`. Errors: as gathering and planning.
Result<op::Operation> planned_with(CloneFacts base, const CloneOptions& o, CloneNames& names, kube::Api& api,
                                   Context& cx) {
  if (o.method == "auto" && o.count > 0) {
    WUKONG_TRY(base.may_make_claims,
               may(api, {.verb = "create", .resource = gvr::pvc().resource, .ns = cx.scope().ns}));
  }
  ChosenMethod chosen = choose_method(names, o, base);
  names.method = chosen.method;
  names.reason = std::move(chosen.reason);
  switch (names.method) {
    case CloneMethod::native:
      break;
    case CloneMethod::snapshot: {
      WUKONG_TRY(const CopyFacts facts, gather_copies(names, std::move(base), api, cx.scope()));
      return plan_copies(o, names, facts, cx.scope());
    }
    case CloneMethod::restores: {
      WUKONG_TRY(base.may_list_contents, may(api, {.verb = "list",
                                                   .group = contents_gvr().group,
                                                   .resource = contents_gvr().resource,
                                                   .ns = cx.scope().ns}));
      WUKONG_TRY(const CopyFacts facts, gather_copies(names, std::move(base), api, cx.scope()));
      return plan_restores(o, names, facts, cx.scope());
    }
    case CloneMethod::cdi: {
      WUKONG_TRY(CdiFacts facts, gather_cdi(names, std::move(base), api, cx.scope()));
      // Without a source there are no references either, and the plan says why.
      if (const auto source = copy_source(names, facts.copies, cx.scope())) {
        WUKONG_TRY(facts.references, gather_references(names, source->vm, o.copy_refs, api, cx.scope()));
      }
      return plan_cdi(o, names, facts, cx.scope());
    }
  }
  WUKONG_TRY(const CopyFacts facts, gather_native(o, names, std::move(base), api, cx.scope()));
  return plan_native(o, names, facts, cx.scope());
}

Result<op::Operation> planned(const CloneOptions& o, CloneNames& names, kube::Api& api, Context& cx) {
  WUKONG_TRY(CloneFacts base, gather_clone(names, api, cx.discovery(), cx.scope()));
  if (o.resume.empty()) return planned_with(std::move(base), o, names, api, cx);
  WUKONG_TRY(base.earlier, gather_earlier(names, base.served, api, cx.scope()));
  std::string going_on = resume_note(base.earlier, cx.scope());
  WUKONG_TRY(op::Operation operation, planned_with(std::move(base), o, names, api, cx));
  operation.notes.insert(operation.notes.begin(), std::move(going_on));
  return operation;
}

/// The step after which a target is there, and not undone any more.
std::string made_step(const op::Operation& operation, const CloneNames& names, const std::string& target) {
  const bool running = std::ranges::any_of(
      operation.steps, [&](const op::Step& step) { return step.id == "running-" + target; });
  if (running) return "running-" + target;
  const bool waits = is_waited_for(operation);
  if (names.method == CloneMethod::native) return waits ? "usable" : "clone";
  return (waits ? "usable-" : "vm-") + target;
}

Result<void> expose(op::Operation& operation, const std::vector<Exposure>& exposures, const CloneNames& names,
                    kube::Api& api, Context& cx) {
  if (exposures.empty()) return {};
  const Scope there = cx.scope().in(names.target_ns);
  WUKONG_TRY(const ExposeFacts facts, gather_exposures(api, there));
  const auto after = [&](const std::string& target) { return made_step(operation, names, target); };
  return add_exposures(operation, exposures, facts, after, there);
}

std::string running_command(const CloneNames& names, const Scope& at) {
  std::string command = "kubectl wukong wait";
  for (const std::string& target : names.targets) command += " vm/" + target;
  return fmt::format("{} --for running {}", command, at.in(names.target_ns).where());
}

Result<void> run(const CloneOptions& o, Context& cx) {
  WUKONG_TRY(const Settled settled, settle(o.write));
  cx.set_progress(settled.progress);
  WUKONG_TRY(const render::Printer printer, settle(o.output));
  if (o.method != "auto" && o.method != "native" && o.method != "snapshot" && o.method != "cdi")
    return usage(fmt::format("--method does not take {:?}", printable(o.method)),
                 "use one of: auto, native, cdi, snapshot");
  cx.limit_patience(settled.timeout);
  if (!o.resume.empty()) {
    WUKONG_CHECK(check_operation_id(o.resume));
    cx.resume(o.resume);
  }
  if (claim_name(o.source)) return run_clone_claim(o, settled, printer, cx);
  WUKONG_TRY(kube::Api* const api, cx.connect());
  WUKONG_TRY(CloneNames names, clone_names(o, cx.scope()));
  WUKONG_TRY(const std::vector<Exposure> exposures, settle(o.expose, names.targets));
  WUKONG_TRY(op::Operation operation, planned(o, names, *api, cx));
  WUKONG_CHECK(expose(operation, exposures, names, *api, cx));
  WUKONG_CHECK(cx.check_permissions(operation, "clone VMs"));
  if (names.method == CloneMethod::cdi) WUKONG_CHECK(check_clone_right(names, operation, *api, cx.scope()));
  // What an operation that is gone on with has made counts already; what is missing, the API server counts.
  if (o.resume.empty()) WUKONG_CHECK(cx.check_quotas(operation));
  operation.resume_command = cx.resume_command(operation.id);
  if (settled.dry_run != DryRunMode::none)
    return cx.show_plan(operation, settled.dry_run, printer, o.write.field_manager);

  const Submitted told{.waits = is_waited_for(operation),
                       .creates = creates_of(operation),
                       .wait_command = operation.wait_command,
                       .cancel_command = operation.cancel_command};
  op::Outcome outcome = cx.run(std::move(operation), o.write, settled);
  const bool some = !outcome.error || outcome.error->code == Code::partly;
  if (!some) return std::move(*outcome.error);
  const bool native = names.method == CloneMethod::native;
  const auto usable = [native](const std::string& target) { return native ? "usable" : "usable-" + target; };
  if (!told.waits) {
    WUKONG_CHECK(print_submitted(names, told, outcome, printer, cx));
    if (outcome.error) return std::move(*outcome.error);
    return {};
  }
  if (names.method == CloneMethod::cdi) note_fills(names, outcome, cx);
  WUKONG_CHECK(print_cloned(names, usable, outcome, printer, cx));
  if (o.start && !o.write.wait)
    cx.note("note", "to wait until it runs: " + running_command(names, cx.scope()));
  if (outcome.error) return std::move(*outcome.error);
  return {};
}

}  // namespace

void add_clone(CLI::App& app, std::function<Result<void>(Context&)>& chosen) {
  auto options = std::make_shared<CloneOptions>();
  CLI::App* sub = app.add_subcommand("clone", "Make new VMs from a VM or a snapshot of one, disks included");
  sub->add_option("SOURCE", options->source, "What to clone: NAME, vm/NAME, snapshot/NAME or pvc/NAME")
      ->required()
      ->type_name("");
  sub->add_option("TARGET", options->target,
                  "Name of the new VM (default: clone-SOURCE-xxxxx); with --count a pattern: web-##")
      ->type_name("");
  sub->add_option(
         "--method", options->method,
         "native: a VirtualMachineClone; cdi: a DataVolume per disk; snapshot: disks straight from one "
         "snapshot; auto chooses, and says why")
      ->type_name("auto|native|cdi|snapshot")
      ->capture_default_str();
  sub->add_option("--count", options->count, "Make so many VMs, all from one snapshot")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  sub->add_flag("--start", options->start, "Start the new VM");
  sub->add_option("--resume", options->resume,
                  "Go on with the operation of this id, which the same command has begun and was cut off")
      ->type_name("ID");
  sub->add_flag("--keep", options->keep, "Keep the VirtualMachineClone object after success");
  sub->add_flag("--keep-snapshot", options->keep_snapshot,
                "Keep the snapshot that the new VMs were made from");
  sub->add_option("--running", options->running, "A source that runs: allow it, stop it meanwhile, or refuse")
      ->type_name("allow|stop|refuse")
      ->capture_default_str();
  sub->add_option("--to-namespace", options->to_namespace, "Namespace of the new VM (default: the source's)")
      ->type_name("NAMESPACE");
  sub->add_flag("--copy-refs", options->copy_refs,
                "With --to-namespace: copy Secrets, ConfigMaps, networks … that the VM names and that are "
                "missing there");
  add_disk_options(*sub, options->disks);
  add_shape_options(*sub, options->shape);
  add_expose_options(*sub, options->expose);
  add_write_options(*sub, options->write);
  add_output_options(*sub, options->output);
  sub->footer(
      "Examples:\n"
      "  # Clone, and wait until the disks are there\n"
      "  kubectl wukong clone web web2 -n demo --wait\n"
      "  # Thirty VMs from one snapshot, with MAC addresses of their own\n"
      "  kubectl wukong clone web web-## --count 30 --new-mac default=02:00:00:00:01:00\n"
      "  # A VM from a snapshot, with more memory, started\n"
      "  kubectl wukong clone snapshot/web-monday web-test --memory 8Gi --start --wait\n"
      "  # Show what would be done\n"
      "  kubectl wukong clone vm/web web2 --wait --dry-run\n"
      "  # Let a name be made up, and print it\n"
      "  kubectl wukong clone web --wait -o name\n");
  sub->callback([options, &chosen] { chosen = [options](Context& cx) { return run(*options, cx); }; });
}

}  // namespace wukong::commands
