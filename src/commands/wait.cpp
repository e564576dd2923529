#include "commands/wait.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "base/text.h"

namespace wukong::commands {

namespace {

/// What is said of an object that has come to it; kubectl's words where kubectl has the goal.
std::string outcome_words(WaitGoal::Kind goal) {
  switch (goal) {
    case WaitGoal::Kind::usable:
      return "usable";
    case WaitGoal::Kind::ready:
      return "ready";
    case WaitGoal::Kind::bound:
      return "bound";
    case WaitGoal::Kind::running:
      return "running";
    case WaitGoal::Kind::gone:
      return "deleted";
    case WaitGoal::Kind::condition:
    case WaitGoal::Kind::value:
      break;
  }
  return "condition met";
}

/// As a GET answers; lists leave out what their items are.
Json whole(const Json& item, const Gvr& gvr) {
  Json object = item;
  object["apiVersion"] = gvr.api_version();
  object["kind"] = gvr.kind;
  return object;
}

/// Those that have come to it.
Result<void> print_waited(const WaitGoal& goal, const std::vector<ObjectRef>& all, const op::Outcome& outcome,
                          const render::Printer& printer, Context& cx) {
  std::vector<ObjectRef> done;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (const Verdict* verdict = outcome.seen.verdict(fmt::format("wait-{}", i));
        verdict != nullptr && verdict->state == Verdict::State::done)
      done.push_back(all[i]);
  if (printer.is_table() || printer.format == render::OutputFormat::name) {
    for (const ObjectRef& ref : done)
      cx.print(resource_name(ref) + (printer.is_table() ? " " + outcome_words(goal.kind) : "") + "\n");
    return {};
  }
  WUKONG_TRY(kube::Api* const api, cx.connect());
  WUKONG_TRY(std::vector<Json> objects, read_again(done, *api));
  if (objects.empty()) return {};
  return cx.print_objects(printer, std::move(objects));
}

/// The first object that may not be read although it may be followed.
Result<void> check_readable(const std::vector<ObjectArgument>& arguments, const WaitFacts& facts) {
  for (std::size_t i = 0; i < arguments.size(); ++i)
    if (facts.objects[i].is_unreadable())
      return with_context(Result<void>(facts.objects[i].why), "while reading " + arguments[i].words());
  return {};
}

Result<void> run(const WaitCommandOptions& o, Context& cx) {
  WUKONG_TRY(const Settled settled, settle(o.write));
  cx.set_progress(settled.progress);
  WUKONG_TRY(const render::Printer printer, settle(o.output));
  WUKONG_TRY(const WaitGoal goal, parse_goal(o.until));
  WUKONG_TRY(const std::vector<ObjectArgument> arguments, parse_objects(o.objects));
  for (const ObjectArgument& what : arguments)
    if (what.kind == ObjectKind::operation)
      return usage(fmt::format("{}: only objects can be waited for", what.words()),
                   cx.scope().command("kubectl wukong status " + what.words()) + " shows what it is made of");
  cx.limit_patience(settled.timeout);
  WUKONG_TRY(kube::Api* const api, cx.connect());
  WUKONG_TRY(const WaitFacts facts, gather_wait(arguments, *api, cx.discovery(), cx.scope()));
  WUKONG_TRY(op::Operation operation, plan_wait(o, goal, arguments, facts, cx.scope()));
  WUKONG_CHECK(cx.check_permissions(operation, "wait for this"));
  WUKONG_CHECK(check_readable(arguments, facts));
  const std::vector<ObjectRef> all = operation.results;
  op::Outcome outcome = cx.run(std::move(operation), o.write, settled);
  const bool some = !outcome.error || outcome.error->code == Code::partly;
  if (some) {
    WUKONG_CHECK(print_waited(goal, all, outcome, printer, cx));
  }
  if (outcome.error) return std::move(*outcome.error);
  return {};
}

}  // namespace

Result<std::vector<Json>> read_again(const std::vector<ObjectRef>& refs, kube::Api& api) {
  std::vector<kube::Read> reads;
  for (const ObjectRef& ref : refs)
    reads.push_back({.gvr = ref.gvr, .ns = ref.ns, .fields = "metadata.name=" + ref.name});
  WUKONG_TRY(const std::vector<kube::Fact> lists, kube::fetch(api, std::move(reads)));
  std::vector<Json> objects;
  for (std::size_t i = 0; i < refs.size(); ++i) {
    if (lists[i].is_unreadable())
      return with_context(Result<std::vector<Json>>(lists[i].why), "while reading " + describe(refs[i]));
    if (const Json* item = kube::named(lists[i], refs[i].name)) objects.push_back(whole(*item, refs[i].gvr));
  }
  return objects;
}

void add_wait(CLI::App& app, std::function<Result<void>(Context&)>& chosen) {
  auto options = std::make_shared<WaitCommandOptions>();
  CLI::App* sub =
      app.add_subcommand("wait", "Wait until VMs, clones, snapshots, restores or disks are usable");
  sub->add_option("KIND/NAME", options->objects,
                  "vm, vmclone, vmsnapshot, vmrestore, vmexport, dv, pvc or volumesnapshot, and its name")
      ->required()
      ->type_name("");
  sub->add_option(
         "--for", options->until,
         "usable: the data is there, or waits only for a first start; ready, bound, running, delete; "
         "condition=TYPE[=VALUE]; jsonpath=EXPR[=VALUE]")
      ->type_name("usable|ready|bound|running|delete|condition=|jsonpath=")
      ->capture_default_str();
  add_wait_options(*sub, options->write);
  add_output_options(*sub, options->output);
  sub->footer(
      "Examples:\n"
      "  # A clone that was started without --wait, or whose wait was interrupted\n"
      "  kubectl wukong wait vmclone/web2-x7k2p -n demo\n"
      "  # Several things at once\n"
      "  kubectl wukong wait vmsnapshot/monday vm/web2 dv/image --timeout 10m\n"
      "  # A VM that is being started\n"
      "  kubectl wukong wait vm/web2 --for running\n"
      "  # As kubectl does it, with the cause shown while it does not happen\n"
      "  kubectl wukong wait pvc/data --for delete\n"
      "  kubectl wukong wait vm/web --for jsonpath='{.status.printableStatus}'=Running\n");
  sub->callback([options, &chosen] { chosen = [options](Context& cx) { return run(*options, cx); }; });
}

}  // namespace wukong::commands
