#include "commands/cancel.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "base/text.h"
#include "commands/vm_argument.h"
#include "status/watched.h"

namespace wukong::commands {

namespace {

constexpr std::size_t kNamed = 6;

/// "cancel vmclone/x in demo: deletes a, b and 3 more"
std::string question(const CancelPlan& plan) {
  std::vector<std::string> named(
      plan.goes.begin(), plan.goes.begin() + static_cast<std::ptrdiff_t>(std::min(kNamed, plan.goes.size())));
  std::string more;
  if (plan.goes.size() > kNamed) more = fmt::format(" and {} more", plan.goes.size() - kNamed);
  return fmt::format("{}: deletes {}{}", plan.operation.title, fmt::join(named, ", "), more);
}

void print_removed(const std::vector<std::string>& removed, bool only_names, Context& cx) {
  std::vector<std::string> told;
  for (const std::string& name : removed) {
    if (std::find(told.begin(), told.end(), name) != told.end()) continue;
    told.push_back(name);
    cx.print(name + (only_names ? "\n" : " deleted\n"));
  }
}

/// What still stands because somebody else holds it; that it cannot be read is no news.
void say_left(const Inventory& before, kube::Api& api, Context& cx) {
  const auto after = take_inventory(api, cx.discovery(), before.ns);
  if (!after) return;
  for (const auto& [name, snapshot] : after->objects(ObjectKind::volume_snapshot))
    if (status::is_deleting(snapshot))
      cx.note("note",
              fmt::format("VolumeSnapshot {} is still being deleted: the storage, or a claim made from "
                          "it, holds it",
                          name));
}

Result<void> run(const CancelOptions& o, Context& cx) {
  WUKONG_TRY(const Settled settled, settle(o.write));
  cx.set_progress(settled.progress);
  if (!o.format.empty() && o.format != "name")
    return usage(fmt::format("-o does not take {:?}", printable(o.format)), "use: name");
  WUKONG_TRY(const std::vector<ObjectArgument> arguments, parse_objects(o.objects));
  cx.limit_patience(settled.timeout);
  WUKONG_TRY(kube::Api* const api, cx.connect());
  WUKONG_TRY(Inventory inventory, take_inventory(*api, cx.discovery(), cx.scope().ns));
  for (const ObjectArgument& what : arguments)
    if (what.kind == ObjectKind::operation) {
      WUKONG_CHECK(add_attached(inventory, what.name, *api));
    }
  WUKONG_TRY(CancelPlan plan, plan_cancel(arguments, inventory, cx.scope()));
  WUKONG_CHECK(cx.check_permissions(plan.operation, "cancel this"));
  if (settled.dry_run != DryRunMode::none) return cx.show_plan(plan.operation, DryRunMode::client, {}, "");
  if (!o.yes) {
    WUKONG_CHECK(cx.confirm(question(plan)));
  }
  op::Outcome outcome = cx.run(std::move(plan.operation), o.write, settled);
  print_removed(outcome.removed, o.format == "name", cx);
  if (outcome.error) return std::move(*outcome.error);
  say_left(inventory, *api, cx);
  return {};
}

}  // namespace

void add_cancel(CLI::App& app, std::function<Result<void>(Context&)>& chosen) {
  auto options = std::make_shared<CancelOptions>();
  CLI::App* sub = app.add_subcommand("cancel", "Stop what is under way, and take back what it has made");
  sub->add_option("KIND/NAME", options->objects,
                  "vmclone, vmsnapshot, vmrestore, vmexport or dv, and its name; operation/ID: all that one "
                  "run of a command has made")
      ->required()
      ->type_name("");
  sub->add_flag("-y,--yes", options->yes, "Do not ask");
  sub->add_flag("--dry-run{client}", options->write.dry_run, "Change nothing: print the plan")
      ->type_name("none|client|server");
  sub->add_option("--progress", options->write.progress, "How to show progress on stderr")
      ->type_name("auto|bar|plain|json|none")
      ->capture_default_str();
  sub->add_option("-o,--output", options->format, "name: print the names of what was deleted")
      ->type_name("name");
  sub->footer(
      "What has finished is refused: nothing that is complete is deleted.\n"
      "Examples:\n"
      "  # Give up a clone that takes too long\n"
      "  kubectl wukong cancel vmclone/web2-x7k2p -n demo\n"
      "  # All that an interrupted run has made, without a question\n"
      "  kubectl wukong cancel operation/x7k2p -n demo -y\n"
      "  # What would be done\n"
      "  kubectl wukong cancel vmrestore/undo --dry-run\n");
  sub->callback([options, &chosen] { chosen = [options](Context& cx) { return run(*options, cx); }; });
}

}  // namespace wukong::commands
