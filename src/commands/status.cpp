#include "commands/status.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "base/text.h"
#include "commands/status_text.h"
#include "commands/status_tree.h"
#include "commands/vm_argument.h"
#include "op/observe.h"
#include "render/live_lines.h"
#include "render/safe_json.h"

namespace wukong::commands {

namespace {

using enum render::OutputFormat;

/// What the words ask for.
struct Asked {
  std::optional<ObjectArgument> object{};  // KIND/NAME but vm/NAME
  StatusFilter filter{};
  render::Printer printer{};
  bool all_namespaces{};
};

Result<Asked> understand(const StatusOptions& o) {
  Asked asked{.filter = {.mine = o.mine}, .all_namespaces = o.all_namespaces};
  WUKONG_TRY(asked.printer, settle(o.output));
  if (o.watch && !asked.printer.is_table() && asked.printer.format != json)
    return usage(fmt::format("-w does not go with -o {}", printable(o.output.format)),
                 "use -o json (one line per change), or no -o");
  if (o.about.empty()) return asked;
  if (o.about.find('/') == std::string::npos) {
    WUKONG_CHECK(check_vm_name(o.about));
    asked.filter.vm = o.about;
  } else {
    WUKONG_TRY(const std::vector<ObjectArgument> objects, parse_objects({o.about}));
    if (objects.front().kind == ObjectKind::vm)
      asked.filter.vm = objects.front().name;
    else
      asked.object = objects.front();
  }
  if (o.all_namespaces)
    return usage(fmt::format("-A does not go with {}", printable(o.about)), "name the namespace: -n NS");
  return asked;
}

std::vector<StatusNode> of_operation(const std::string& id, const Inventory& inventory) {
  std::vector<StatusNode> all;
  for (StatusNode& root : status_tree(inventory, {}))
    if (root.operation == id) all.push_back(std::move(root));
  return all;
}

std::vector<StatusNode> nodes_of(const Asked& asked, const Inventory& inventory) {
  if (!asked.object) return status_tree(inventory, asked.filter);
  if (asked.object->kind == ObjectKind::operation) return of_operation(asked.object->name, inventory);
  if (inventory.find(asked.object->kind, asked.object->name) == nullptr) return {};
  return {status_of(*asked.object, inventory)};
}

std::vector<StatusNode> nodes_everywhere(const Asked& asked, const Inventory& inventory) {
  if (!asked.all_namespaces) return nodes_of(asked, inventory);
  std::vector<StatusNode> all;
  for (const Inventory& each : by_namespace(inventory))
    for (StatusNode& node : nodes_of(asked, each)) all.push_back(std::move(node));
  return all;
}

/// Errors: `precondition` for what is named and not there; as the API said where it may not be read.
Result<void> check_there(const Asked& asked, const Inventory& inventory) {
  std::optional<ObjectArgument> named = asked.object;
  if (!asked.filter.vm.empty()) named = ObjectArgument{ObjectKind::vm, asked.filter.vm};
  if (!named || named->kind == ObjectKind::operation || inventory.find(named->kind, named->name) != nullptr)
    return {};
  const Shelf& shelf = *inventory.shelves.at(gvr_of(named->kind).resource);
  if (shelf.sight == Shelf::Sight::loading) return {};  // a watch that has heard nothing yet
  if (shelf.sight == Shelf::Sight::unreadable) return not_read(*named, inventory, "status");
  std::vector<std::string> names;
  for (const auto& [name, unused] : inventory.objects(named->kind)) names.push_back(name);
  const std::string meant = closest(named->name, names);
  return refuse(fmt::format("{} {}/{} does not exist", gvr_of(named->kind).kind, inventory.ns, named->name),
                meant.empty() ? fmt::format("kubectl get {} {} lists what is there",
                                            gvr_of(named->kind).qualified(), inventory.where())
                              : fmt::format("did you mean {}/{}?", word_of(named->kind), meant));
}

std::string nothing_words(const Asked& asked, const Inventory& inventory) {
  std::string words = "nothing";
  if (asked.filter.mine) words += " of kubectl-wukong";
  if (asked.object) words += " of " + asked.object->words();
  if (!unseen_kinds(inventory).empty()) words += " that you may read";
  words += " is under way";
  if (!asked.filter.vm.empty()) words += " for VM " + asked.filter.vm;
  return words + (asked.all_namespaces ? " in any namespace" : " in namespace " + inventory.ns);
}

/// Errors: as check_there(); `forbidden` where nothing can be told.
Result<void> check_view(const Asked& asked, const Inventory& inventory) {
  WUKONG_CHECK(check_there(asked, inventory));
  if (asked.object && asked.object->kind != ObjectKind::operation) return {};
  return check_sight(inventory);
}

std::size_t columns_of(const render::Surface& surface) {
  return static_cast<std::size_t>(std::max(surface.width, 2));
}

Result<void> print_nodes(const Asked& asked, const std::vector<StatusNode>& nodes, const Inventory& inventory,
                         Context& cx) {
  for (const std::string& line : unread_notes(inventory, "list")) cx.note("note", line);
  const bool names = asked.printer.format == name;
  if (!names && !asked.printer.is_table())
    return cx.print_objects(asked.printer, {status_json(nodes, unread_kinds(inventory))});
  if (nodes.empty()) {
    cx.note("", nothing_words(asked, inventory));
    return {};
  }
  if (names) {
    for (const StatusNode& node : nodes)
      cx.print(printable(node.what.kind == ObjectKind::operation
                             ? node.what.words()
                             : resource_name({gvr_of(node.what.kind), node.ns, node.what.name})) +
               "\n");
    return {};
  }
  const StatusLook look{
      .namespaces = asked.all_namespaces,
      .headers = asked.printer.headers,
      .unicode = cx.surface().unicode,
      .width = cx.io().out_is_terminal && asked.printer.format != wide ? columns_of(cx.surface()) : 0};
  for (const std::string& line : status_lines(nodes, look, cx.io().now)) cx.print(line + "\n");
  return {};
}

/// Why the cluster cannot be heard at present, or "".
std::string trouble_of(const Inventory& inventory) {
  for (const auto& [resource, shelf] : inventory.shelves)
    if (!shelf->trouble.empty()) return shelf->trouble;
  return {};
}

/// Shows one state after the other: drawn over each other on a terminal, else a line per change.
class LiveStatus {
 public:
  LiveStatus(const Asked& asked, Context& cx)
      : asked_(asked),
        cx_(cx),
        screen_(cx.surface().width, cx.surface().height, [&cx](std::string_view text) { cx.print(text); }),
        drawn_(cx.io().out_is_terminal && !cx.surface().dumb && asked.printer.format != json) {}

  /// Errors: at first, what check_view() says; what check_written() says.
  Result<void> show(const Inventory& inventory, WallTime now) {
    if (!std::exchange(begun_, true)) {
      WUKONG_CHECK(check_view(asked_, inventory));
      for (const std::string& line : unread_notes(inventory, "list and watch")) cx_.note("note", line);
    }
    const std::vector<StatusNode> nodes = nodes_everywhere(asked_, inventory);
    if (drawn_)
      draw(nodes, inventory, now);
    else
      tell_news(nodes, inventory);
    return cx_.check_written();
  }
  /// What is drawn stays; what comes later is drawn below it.
  void leave() { screen_.finish(); }

 private:
  void tell_news(const std::vector<StatusNode>& nodes, const Inventory& inventory) {
    const std::string trouble = trouble_of(inventory);
    if (trouble.empty() != trouble_.empty())
      cx_.note("note", trouble.empty() ? "cluster reachable again" : "cluster not reachable: " + trouble);
    trouble_ = trouble;
    if (nodes.empty() && told_.empty() && !std::exchange(said_nothing_, true))
      cx_.note("", nothing_words(asked_, inventory));
    tell_changes(flattened(nodes));
  }
  void draw(const std::vector<StatusNode>& nodes, const Inventory& inventory, WallTime now) {
    const render::Surface surface = cx_.surface();
    screen_.resize(surface.width, surface.height);
    const StatusLook look{.namespaces = asked_.all_namespaces,
                          .headers = asked_.printer.headers,
                          .unicode = surface.unicode,
                          .width = columns_of(surface)};
    std::vector<std::string> lines = nodes.empty()
                                         ? std::vector{fit(nothing_words(asked_, inventory), look.width - 1)}
                                         : status_lines(nodes, look, now);
    if (const std::string trouble = trouble_of(inventory); !trouble.empty())
      lines.insert(lines.begin(), fit(printable("cluster not reachable: " + trouble), look.width - 1));
    const auto room = static_cast<std::size_t>(std::max(surface.height, 3)) - 1;
    if (lines.size() > room) {
      const std::size_t hidden = lines.size() - room + 1;
      lines.resize(room - 1);
      lines.push_back(fmt::format("… {} more lines", hidden));
    }
    screen_.show(std::move(lines));
  }

  void tell_changes(std::map<std::string, StatusNode> now) {
    for (const auto& [key, node] : now) {
      const auto before = told_.find(key);
      if (before == told_.end() || !(before->second == node)) tell(node);
    }
    for (auto& [key, node] : told_)
      if (!now.contains(key)) {
        node.state = StatusNode::State::done;
        node.stage = "Ended";
        node.detail.clear();
        node.cause.clear();
        node.fraction.reset();
        tell(node);
      }
    told_ = std::move(now);
  }

  void tell(const StatusNode& node) const {
    cx_.print((asked_.printer.format == json ? render::safe_json(dump(node_json(node)))
                                             : change_line(node, asked_.all_namespaces)) +
              "\n");
  }

  const Asked& asked_;
  Context& cx_;
  render::LiveLines screen_;
  bool drawn_{};
  bool begun_{};
  bool said_nothing_{};
  std::string trouble_{};
  std::map<std::string, StatusNode> told_{};
};

Result<void> watch(const Asked& asked, kube::Api& api, Context& cx) {
  const Scope at = asked.all_namespaces ? cx.scope().in("") : cx.scope();
  WUKONG_TRY(auto served, cx.discovery().served());
  // A version that the server has dropped since would look like a kind that it does not serve, for as long as this runs.
  if (cx.discovery().from_disk()) {
    WUKONG_TRY(served, cx.discovery().renew());
  }
  const std::vector<Watched> watches = inventory_watches(at.ns, served);
  LiveStatus live(asked, cx);
  const kube::Handle leaving = api.on_leave([&live] { live.leave(); });
  const Time began = api.now();
  const op::ObserveOptions pace =
      asked.all_namespaces ? op::ObserveOptions{.least = std::chrono::seconds{1}} : op::ObserveOptions{};
  Result<void> ended = op::observe(api, watches, pace, [&](const op::Shelves& shelves) {
    const auto passed = std::chrono::duration_cast<WallTime::duration>(api.now() - began);
    return live.show(inventory_of(at, served, watches, shelves), cx.io().now + passed);
  });
  live.leave();
  if (!ended && is_by_signal(ended.error().code))
    cx.note("", std::exchange(ended.error().message, ""));  // how a watch ends: nothing went wrong
  return ended;
}

/// Errors: `precondition` for a namespace that does not exist: an empty one looks the same.
Result<void> check_namespace(kube::Api& api, const Scope& at) {
  const Gvr kind{"", "v1", "namespaces", "Namespace"};
  WUKONG_TRY(const std::vector<kube::Fact> got,
             kube::fetch(api, {{.gvr = kind, .name = at.ns, .keep = {{"metadata.name"}}}}));
  if (!got.front().is_absent()) return {};
  return refuse(fmt::format("namespace {} does not exist", at.ns),
                fmt::format("kubectl get namespaces{} lists what is there", at.flags));
}

Result<void> run(const StatusOptions& o, Context& cx) {
  WUKONG_TRY(const Asked asked, understand(o));
  WUKONG_TRY(kube::Api* const api, cx.connect());
  if (o.watch && !o.all_namespaces) WUKONG_CHECK(check_namespace(*api, cx.scope()));
  if (o.watch) return watch(asked, *api, cx);
  WUKONG_TRY(const Inventory inventory,
             take_inventory(*api, cx.discovery(), asked.all_namespaces ? cx.scope().in("") : cx.scope()));
  WUKONG_CHECK(check_view(asked, inventory));
  const std::vector<StatusNode> nodes = nodes_everywhere(asked, inventory);
  if (nodes.empty() && !o.all_namespaces) WUKONG_CHECK(check_namespace(*api, cx.scope()));
  return print_nodes(asked, nodes, inventory, cx);
}

}  // namespace

void add_status(CLI::App& app, std::function<Result<void>(Context&)>& chosen) {
  auto options = std::make_shared<StatusOptions>();
  CLI::App* sub = app.add_subcommand("status", "Show what is under way: clones, snapshots, restores, disks");
  sub->add_option("KIND/NAME", options->about,
                  "Only this object and its parts; NAME or vm/NAME: all that a VM has to do with")
      ->type_name("");
  sub->add_flag("-A,--all-namespaces", options->all_namespaces, "In all namespaces");
  sub->add_flag("-w,--watch", options->watch, "Go on showing it: live on a terminal, else a line per change");
  sub->add_flag("--mine", options->mine, "Only what kubectl-wukong has made");
  add_output_options(*sub, options->output);
  sub->footer(
      "Examples:\n"
      "  # What goes on in a namespace, live\n"
      "  kubectl wukong status -n demo -w\n"
      "  # Everything that VM web is source or target of\n"
      "  kubectl wukong status web\n"
      "  # Give up all that is under way\n"
      "  kubectl wukong status -o name | xargs -r kubectl wukong cancel -y\n");
  sub->callback([options, &chosen] { chosen = [options](Context& cx) { return run(*options, cx); }; });
}

}  // namespace wukong::commands
