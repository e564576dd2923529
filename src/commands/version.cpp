#include "commands/version.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "base/text.h"
#include "wukong_version.h"

namespace wukong::commands {

namespace {

struct VersionOptions {
  bool client_only{};
  OutputOptions output{};
};

Json client_version() {
  Json version = Json::object();
  version["gitVersion"] = WUKONG_VERSION;
  if (std::string_view(WUKONG_GIT_COMMIT) != "") version["gitCommit"] = WUKONG_GIT_COMMIT;
  return version;
}

/// Adds what the cluster says of itself. Both paths are open to every authenticated user.
/// Source: GET /version; GET /apis/subresources.kubevirt.io/v1/version.
Result<void> add_server(Context& cx, Json& all) {
  WUKONG_TRY(kube::Api* const api, cx.connect());
  std::vector<kube::Read> reads(2);
  reads[0].raw_path = "/version";
  reads[1].raw_path = "/apis/subresources.kubevirt.io/v1/version";
  WUKONG_TRY(const std::vector<kube::Fact> facts, kube::fetch(*api, std::move(reads)));
  if (facts[0].is_known()) all["kubernetesVersion"] = facts[0].object;
  if (facts[1].is_known()) all["kubevirtVersion"] = facts[1].object;
  if (facts[1].is_absent()) cx.note("note", "this cluster does not serve KubeVirt");
  if (facts[1].is_unreadable()) cx.note("note", "KubeVirt's version cannot be read: " + facts[1].why.message);
  return {};
}

Result<void> run(const VersionOptions& o, Context& cx) {
  WUKONG_TRY(const render::Printer printer, settle(o.output));
  Json all = {{"clientVersion", client_version()}};
  Result<void> server{};
  if (!o.client_only) server = add_server(cx, all);
  if (!printer.is_table() && printer.format != render::OutputFormat::name) {
    WUKONG_CHECK(cx.print_objects(printer, {all}));
    return server;
  }
  const auto line = [&](const char* label, const char* key) {
    if (const std::string_view version = text(all, {key, "gitVersion"}); !version.empty())
      cx.print(fmt::format("{}: {}\n", label, printable(version)));
  };
  line("Client Version", "clientVersion");
  line("Kubernetes Version", "kubernetesVersion");
  line("KubeVirt Version", "kubevirtVersion");
  return server;
}

}  // namespace

void add_version(CLI::App& app, std::function<Result<void>(Context&)>& chosen) {
  auto options = std::make_shared<VersionOptions>();
  CLI::App* sub = app.add_subcommand("version", "Print the versions of wukong, Kubernetes and KubeVirt");
  sub->add_flag("--client", options->client_only, "Only wukong's own version: no cluster is asked");
  add_output_options(*sub, options->output);
  sub->callback([options, &chosen] { chosen = [options](Context& cx) { return run(*options, cx); }; });
}

}  // namespace wukong::commands
