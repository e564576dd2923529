#include "commands/cancel.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <set>

#include "base/text.h"
#include "commands/cancel_attached.h"
#include "commands/cancel_split.h"
#include "commands/vm_argument.h"
#include "status/watched.h"

namespace wukong::commands {

namespace {

constexpr std::size_t kNamed = 6;

/// "cancel vmclone/x in demo: deletes a, b and 3 more, starts VM web again"
std::string question(const CancelPlan& plan) {
  std::vector<std::string> names = plan.names();
  std::string more;
  if (names.size() > kNamed) {
    more = fmt::format(" and {} more", names.size() - kNamed);
    names.resize(kNamed);
  }
  std::vector<std::string> acts;
  if (!names.empty()) acts.push_back(fmt::format("deletes {}{}", fmt::join(names, ", "), more));
  if (!plan.starts.empty()) acts.push_back(fmt::format("starts VM {} again", fmt::join(plan.starts, ", ")));
  return fmt::format("{}: {}", plan.operation.title, fmt::join(acts, ", "));
}

/// Those of several that are left, each once.
void say_refused(const CancelPlan& plan, std::set<std::string>& said, Context& cx) {
  for (const Refused& each : plan.refused)
    if (said.insert(each.what.words()).second) cx.note("note", each.why.message);
}

void print_removed(const std::vector<std::string>& removed, bool only_names, Context& cx) {
  std::vector<std::string> told;
  for (const std::string& name : removed) {
    if (std::find(told.begin(), told.end(), name) != told.end()) continue;
    told.push_back(name);
    cx.print(printable(name) + (only_names ? "\n" : " deleted\n"));
  }
}

/// What still stands because somebody else holds it; that it cannot be read is no news.
void say_left(kube::Api& api, Context& cx) {
  const auto after = take_inventory(api, cx.discovery(), cx.scope());
  if (!after) return;
  for (const auto& [name, snapshot] : after->objects(ObjectKind::volume_snapshot))
    if (status::is_deleting(snapshot))
      cx.note("note",
              fmt::format("VolumeSnapshot {} is still being deleted: the storage, or a claim made from "
                          "it, holds it",
                          name));
}

/// Snapshots that are to be cancelled, by themselves or with their operation.
std::vector<std::string> snapshots_in(const std::vector<ObjectArgument>& arguments,
                                      const Inventory& inventory) {
  std::vector<std::string> names;
  for (const ObjectArgument& what : arguments) {
    if (what.kind == ObjectKind::snapshot) names.push_back(what.name);
    if (what.kind != ObjectKind::operation) continue;
    for (const ObjectArgument& member : members_of(what.name, inventory))
      if (member.kind == ObjectKind::snapshot) names.push_back(member.name);
  }
  return names;
}

/// What stands now, and what that makes of `arguments`.
struct Seen {
  Inventory inventory{};
  CancelPlan plan{};
};

Result<Seen> look(const std::vector<ObjectArgument>& arguments, std::chrono::nanoseconds limit,
                  kube::Api& api, Context& cx) {
  Seen seen;
  WUKONG_TRY(seen.inventory, take_inventory(api, cx.discovery(), cx.scope()));
  WUKONG_CHECK(add_attached(seen.inventory, arguments, api));
  WUKONG_CHECK(add_elsewhere(seen.inventory, snapshots_in(arguments, seen.inventory), api));
  WUKONG_TRY(seen.plan, plan_cancel(arguments, seen.inventory, cx.scope(), limit));
  WUKONG_CHECK(cx.check_permissions(seen.plan.operation, "cancel this"));
  return seen;
}

/// What would be deleted by what stands now: by name, or as the plan.
Result<void> show(const CancelPlan& plan, bool only_names, Context& cx) {
  if (!only_names) return cx.show_plan(plan.operation, DryRunMode::client, {}, "");
  for (const std::string& text : plan.operation.notes) cx.note("note", text);
  for (const std::string& name : plan.names()) cx.print(printable(name) + "\n");
  return {};
}

/// Each deletion is sent with dryRun=All: admission and rights are asked, and nothing is changed.
Result<void> try_deletions(const CancelPlan& plan, bool only_names, kube::Api& api, Context& cx) {
  for (const std::string& text : plan.operation.notes) cx.note("note", text);
  for (const Going& each : plan.goes) {
    const auto answer = std::make_shared<std::optional<Result<kube::Response>>>();
    api.request(dry_deletion(each), [answer](Result<kube::Response> got) { *answer = std::move(got); });
    WUKONG_CHECK(kube::turn_until(api, [&] { return answer->has_value(); }));
    if (!**answer) {
      Error error = std::move((*answer)->error());
      error.context.push_back("while trying to delete " + describe(each.ref));
      return error;
    }
    cx.print(printable(resource_name(each.ref)) + (only_names ? "\n" : " deleted (server dry run)\n"));
  }
  return {};
}

Result<void> run(const CancelOptions& o, Context& cx) {
  WUKONG_TRY(const Settled settled, settle(o.write));
  cx.set_progress(settled.progress);
  if (!o.format.empty() && o.format != "name")
    return usage(fmt::format("-o does not take {:?}", printable(o.format)), "use: name");
  WUKONG_TRY(const std::vector<ObjectArgument> arguments, parse_objects(o.objects));
  cx.limit_patience(settled.timeout);
  WUKONG_TRY(kube::Api* const api, cx.connect());
  WUKONG_TRY(Seen seen, look(arguments, settled.timeout, *api, cx));
  std::set<std::string> said;
  say_refused(seen.plan, said, cx);
  const bool only_names = o.format == "name";
  if (settled.dry_run != DryRunMode::none) {
    WUKONG_CHECK(settled.dry_run == DryRunMode::server ? try_deletions(seen.plan, only_names, *api, cx)
                                                       : show(seen.plan, only_names, cx));
    return check_none_refused(seen.plan, arguments.size(), cx.scope());
  }
  if (!o.yes) {
    WUKONG_CHECK(cx.confirm(question(seen.plan)));
    // A question may stand for hours: what has finished meanwhile is refused.
    WUKONG_TRY(seen, look(arguments, settled.timeout, *api, cx));
    say_refused(seen.plan, said, cx);
  }
  Settled whole = settled;
  whole.timeout = {};  // the plan has it, for each of its waits
  op::Outcome outcome = cx.run(std::move(seen.plan.operation), o.write, whole);
  print_removed(outcome.removed, only_names, cx);
  if (outcome.error) return std::move(*outcome.error);
  say_left(*api, cx);
  return check_none_refused(seen.plan, arguments.size(), cx.scope());
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
  sub->add_flag("--dry-run{client}", options->write.dry_run,
                "Change nothing: print the plan; server: try the deletions there")
      ->type_name("none|client|server");
  sub->add_option("--timeout", options->write.timeout,
                  "Limit of each wait until something that was deleted is gone (0: none)")
      ->type_name("DURATION")
      ->capture_default_str();
  sub->add_option("--progress", options->write.progress, "How to show progress on stderr")
      ->type_name("auto|bar|plain|json|none")
      ->capture_default_str();
  sub->add_option("-o,--output", options->format, "name: print the names of what was, or would be, deleted")
      ->type_name("name");
  sub->footer(
      "What has finished is refused: nothing that is complete is deleted. Of an operation only what is\n"
      "unfinished goes. What is refused of several is left, and named (exit code 6).\n"
      "Examples:\n"
      "  # Give up a clone that takes too long\n"
      "  kubectl wukong cancel vmclone/web2-x7k2p -n demo\n"
      "  # All that an interrupted run has made, without a question\n"
      "  kubectl wukong cancel operation/x7k2p -n demo -y\n"
      "  # All that is under way in a namespace\n"
      "  kubectl wukong status -n demo -o name | xargs -r kubectl wukong cancel -n demo -y\n"
      "  # What would be done\n"
      "  kubectl wukong cancel vmrestore/undo --dry-run\n");
  sub->callback([options, &chosen] { chosen = [options](Context& cx) { return run(*options, cx); }; });
}

}  // namespace wukong::commands
