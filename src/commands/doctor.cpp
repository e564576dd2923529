#include "commands/doctor.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <memory>

#include "commands/doctor_cluster.h"
#include "commands/doctor_rights.h"
#include "commands/inventory.h"
#include "commands/vm_argument.h"

namespace wukong::commands {

namespace {

constexpr std::array kStates{"ok", "no", "unknown"};  // by Finding::State

const char* word(Finding::State state) { return kStates.at(static_cast<std::size_t>(state)); }

Result<void> print_findings(const std::vector<Finding>& findings, const render::Printer& printer,
                            bool headers, Context& cx) {
  if (!printer.is_table() && printer.format != render::OutputFormat::name) {
    Json all = {
        {"apiVersion", "vm.novasphere.dev/v1alpha1"}, {"kind", "ClusterReport"}, {"checks", Json::array()}};
    for (const Finding& f : findings)
      all["checks"].push_back({{"about", f.about}, {"state", word(f.state)}, {"detail", f.words}});
    return cx.print_objects(printer, {all});
  }
  std::vector<std::vector<std::string>> rows;
  rows.reserve(findings.size());
  for (const Finding& f : findings) rows.push_back({f.about, word(f.state), f.words});
  const bool fits = cx.io().out_is_terminal && printer.format == render::OutputFormat::table;
  const std::size_t width = fits ? static_cast<std::size_t>(std::max(cx.surface().width, 2)) - 1 : 0;
  cx.print(render::table({"CHECK", "STATE", "DETAIL"}, rows, headers, width));
  return {};
}

/// The cluster, its storage, and what the user may do here.
Result<void> check_cluster(const DoctorOptions& o, const render::Printer& printer, Context& cx) {
  cx.limit_patience(kPatience);
  WUKONG_TRY(kube::Api* const api, cx.connect());
  WUKONG_TRY(const ClusterFacts facts, gather_cluster(*api, cx.discovery()));
  if (!o.storage_class.empty()) {
    WUKONG_TRY(const std::vector<Finding> findings, class_findings(facts, o.storage_class, cx.scope().flags));
    WUKONG_CHECK(print_findings(findings, printer, !o.output.no_headers, cx));
    if (findings.front().state != Finding::State::lacking) return {};
    return refuse(fmt::format("disks of StorageClass {} cannot be snapshotted", o.storage_class),
                  "give its driver a VolumeSnapshotClass; without one disks are cloned by copying, and those "
                  "of running VMs not at all");
  }
  std::vector<Finding> findings = cluster_findings(facts);
  for (Finding& finding : storage_findings(facts)) findings.push_back(std::move(finding));
  const Places places{cx.scope().ns, ""};
  WUKONG_TRY(const std::vector<UseRights> rights, gather_rights(*api, places));
  const bool brief = printer.format == render::OutputFormat::table;
  for (Finding& finding : brief ? rights_by_command(rights) : rights_by_use(rights, places))
    findings.push_back(std::move(finding));
  WUKONG_CHECK(print_findings(findings, printer, !o.output.no_headers, cx));
  if (brief &&
      std::any_of(rights.begin(), rights.end(), [](const UseRights& r) { return !r.needed.empty(); }))
    cx.note("note", role_hint("COMMAND", cx.scope().where()));
  // Nothing in particular was asked for: what is not there is told, and fails nothing, but for KubeVirt itself.
  const Finding* broken = broken_base(findings);
  if (broken == nullptr) return {};
  return refuse("KubeVirt does not work here: " + broken->words,
                "https://kubevirt.io/user-guide tells how it is installed");
}

Result<void> run(const DoctorOptions& o, Context& cx) {
  WUKONG_TRY(const render::Printer printer, settle(o.output));
  if (o.connection + !o.storage_class.empty() + !o.permissions.empty() > 1)
    return Error{.code = Code::usage,
                 .message = "--connection, --storage-class and --permissions are asked one at a time"};
  if (!o.to_namespace.empty() && o.permissions.empty())
    return Error{.code = Code::usage, .message = "--to-namespace goes with --permissions only"};
  if (o.connection) return check_connection(o, printer, cx);
  if (!o.permissions.empty()) return check_use(o, printer, cx);
  const Result<void> result = check_cluster(o, printer, cx);
  const bool away =
      !result && (result.error().code == Code::unreachable || result.error().code == Code::unauthenticated);
  if (away)
    cx.note("note",
            fmt::format("kubectl wukong doctor --connection{} tells how far the way to the cluster is good",
                        cx.scope().flags));
  return result;
}

}  // namespace

void add_doctor(CLI::App& app, std::function<Result<void>(Context&)>& chosen) {
  auto options = std::make_shared<DoctorOptions>();
  CLI::App* sub = app.add_subcommand(
      "doctor", "Say what this cluster can do for VMs and you in it, and what not and why");
  sub->add_flag("--connection", options->connection,
                "Check the connection instead: file, context, credential, proxy, server, time of each step");
  sub->add_option(
         "--storage-class", options->storage_class,
         "Check one StorageClass: how its disks are bound, snapshotted, cloned; exit code 3 when it does "
         "not exist, or they cannot be snapshotted")
      ->type_name("NAME");
  sub->add_option("--permissions", options->permissions,
                  "Print the least Role for a command, such as clone, or one use of it, such as "
                  "clone:native; exit code 3 "
                  "when you lack some of it")
      ->type_name("COMMAND[:USE]");
  sub->add_option("--to-namespace", options->to_namespace,
                  "With --permissions: the namespace of the new VM, for clones to another one")
      ->type_name("NAMESPACE");
  add_output_options(*sub, options->output);
  sub->footer(
      "What is not there is told, and is no failure: exit code 3 only when KubeVirt\n"
      "does not work, or what an option asks for is missing.\n"
      "\n"
      "Examples:\n"
      "  # What can be done here?\n"
      "  kubectl wukong doctor -n demo\n"
      "  # Can disks of this class be cloned?\n"
      "  kubectl wukong doctor --storage-class fast\n"
      "  # Who shall clone VMs needs this Role\n"
      "  kubectl wukong doctor --permissions clone -n demo | kubectl apply -f -\n"
      "  # Who shall clone VMs to namespace test needs these, here and there\n"
      "  kubectl wukong doctor --permissions clone:to-namespace --to-namespace test\n"
      "  # Why can the cluster not be reached?\n"
      "  kubectl wukong doctor --connection\n");
  sub->callback([options, &chosen] { chosen = [options](Context& cx) { return run(*options, cx); }; });
}

}  // namespace wukong::commands
