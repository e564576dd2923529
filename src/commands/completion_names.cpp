#include "commands/completion_names.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/text.h"
#include "commands/object_argument.h"
#include "kube/kubeconfig.h"
#include "kube/oidc.h"

namespace wukong::commands {

namespace {

/// Somebody waits at the prompt.
constexpr std::chrono::milliseconds kPatience{1500};

/// A command whose nouns are live names: a line here.
constexpr std::array kRules{
    NounNames{.command = "clone", .bare = "vm", .kinds = "vm,snapshot,pvc"},
    NounNames{.command = "status",
              .bare = "vm",
              .kinds = "vm,vmclone,vmsnapshot,vmrestore,vmexport,dv,pvc,volumesnapshot"},
    NounNames{.command = "wait",
              .last = kAllNouns,
              .kinds = "vm,vmclone,vmsnapshot,vmrestore,vmexport,dv,pvc,volumesnapshot"},
    NounNames{.command = "cancel", .last = kAllNouns, .kinds = "vmclone,vmsnapshot,vmrestore,vmexport,dv"},
};

/// The kind that `source` stands for, and whether its objects live in namespaces.
std::optional<std::pair<Gvr, bool>> kind_of(std::string_view source) {
  if (const auto kind = kind_called(source); kind && *kind != ObjectKind::operation)
    return std::pair{gvr_of(*kind), true};
  if (source == "storageclass") return std::pair{gvr::storage_class(), false};
  if (source == "namespace") return std::pair{Gvr{"", "v1", "namespaces", "Namespace"}, false};
  return std::nullopt;
}

void add(Completion& completion, const Completion::Live& live, std::string_view name) {
  if (printable(name) == name) completion.known.emplace_back(live.lead + std::string(name), "");
}

std::vector<std::string> names_in(const kube::Kubeconfig& config, std::string_view source) {
  std::vector<std::string> names;
  if (source == "context")
    for (const auto& [name, unused] : config.contexts) names.push_back(name);
  if (source == "cluster")
    for (const auto& [name, unused] : config.clusters) names.push_back(name);
  if (source == "user")
    for (const auto& [name, unused] : config.users) names.push_back(name);
  return names;
}

/// The global flags that the words before held.
GlobalOptions read_globals(std::vector<std::string> words) {
  GlobalOptions options;
  CLI::App app;
  app.allow_extras();
  add_global_options(app, options);
  for (CLI::Option* option : app.get_options())
    if (option->get_multi_option_policy() == CLI::MultiOptionPolicy::Throw)
      option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  try {
    std::reverse(words.begin(), words.end());
    app.parse(std::move(words));
  } catch (const CLI::Error&) {
    return {};
  }
  options.verbosity = 0;
  return options;
}

/// `io` without a voice, and without the terminal: a plugin may not ask for a password here.
Io silent(Io io) {
  io.err = [](std::string_view) {};
  io.err_is_terminal = io.in_is_terminal = false;
  return io;
}

/// True when an issuer had to be asked for a token first. Its refresh token may be good for a single use, and whoever waits at
/// the prompt may not wait for its successor.
bool needs_renewal(const GlobalOptions& globals, const Io& io) {
  const auto access = kube::load_access(globals.cluster, kube_environment(io));
  if (!access || !access->credentials.oidc) return false;
  const auto token = kube::usable_token(*access->credentials.oidc, std::chrono::system_clock::now());
  return !token || !*token;
}

/// The names of objects of one kind, without all else that is in them. Nothing when there is no answer in time.
kube::Request list_names(const Gvr& gvr, const std::string& ns) {
  return {.path = kube::collection_path(gvr, ns),
          .query = {{"resourceVersion", "0"}},  // from the server's cache, all at once
          .accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json",
          .keep = {{"metadata.name"}},
          .envelope = Envelope::list,
          .patience = kPatience};
}

}  // namespace

const NounNames* noun_names(std::string_view command, std::size_t at) {
  for (const NounNames& rule : kRules)
    if (rule.command == command && at >= rule.first && at <= rule.last) return &rule;
  return nullptr;
}

std::string_view flag_names(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kFlags{
      {{"namespace", "namespace"},
       {"to-namespace", "namespace"},
       {"storage-class", "storageclass"},
       {"context", "context"},
       {"cluster", "cluster"},
       {"user", "user"}}};
  for (const auto& [flag, source] : kFlags)
    if (flag == name) return source;
  return "";
}

void add_names_of(Completion& completion, kube::Api& api, const std::string& ns) {
  struct State {
    std::vector<Json> lists{};
    std::size_t open{};
    bool late{};
  };
  const auto state = std::make_shared<State>();
  state->lists.resize(completion.live.size());
  const kube::Handle timer = api.after(kPatience, [state] { state->late = true; });
  for (std::size_t i = 0; i < completion.live.size(); ++i) {
    const auto kind = kind_of(completion.live[i].source);
    if (!kind) continue;
    ++state->open;
    api.request(list_names(kind->first, kind->second ? ns : ""), [state, i](Result<kube::Response> got) {
      --state->open;
      if (got) state->lists[i] = std::move(got->body);
    });
  }
  if (!kube::turn_until(api, [&] { return state->open == 0 || state->late; })) return;
  for (std::size_t i = 0; i < completion.live.size(); ++i)
    for (const Json& item : items(state->lists[i], {"items"}))
      add(completion, completion.live[i], text(item, {"metadata", "name"}));
}

void add_live_names(Completion& completion, const Io& io) {
  const GlobalOptions globals = read_globals(completion.globals);
  const auto config = kube::load_kubeconfig(globals.cluster, kube_environment(io));
  bool of_cluster = false;
  for (const Completion::Live& live : completion.live) {
    of_cluster = of_cluster || kind_of(live.source);
    for (const std::string& name : config ? names_in(*config, live.source) : std::vector<std::string>{})
      add(completion, live, name);
  }
  if (!of_cluster || needs_renewal(globals, io)) return;
  Context cx(silent(io), globals);
  cx.set_progress(render::ProgressMode::json);  // what a plugin says is a note then, and notes are silent
  cx.limit_patience(kPatience);
  if (const auto api = cx.connect()) add_names_of(completion, **api, cx.scope().ns);
}

}  // namespace wukong::commands
