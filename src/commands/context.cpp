#include "commands/context.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cerrno>
#include <cstring>
#include <set>

#include "base/text.h"
#include "commands/permission_words.h"
#include "commands/quota.h"
#include "kube/credentials.h"
#include "kube/kubeconfig.h"
#include "kube/trace.h"
#include "render/json_lines.h"
#include "render/note.h"
#include "render/output.h"
#include "wukong_version.h"

namespace wukong::commands {

namespace {

constexpr std::chrono::milliseconds kFrame{100};

/// Only then does the operation's id stand on an object.
bool makes_something(const op::Operation& operation) {
  return std::any_of(operation.steps.begin(), operation.steps.end(),
                     [](const op::Step& step) { return std::holds_alternative<op::Create>(step.action); });
}

std::string flag_again(const char* name, const std::string& value) {
  return value.empty() ? "" : fmt::format(" {} {}", name, shell_word(printable(value)));
}

/// What was said of the cluster, as flags of a further command.
std::string cluster_flags_again(const GlobalOptions& global) {
  const kube::Overrides& flags = global.cluster;
  return flag_again("--kubeconfig", flags.kubeconfig) + flag_again("--context", flags.context) +
         flag_again("--cluster", flags.cluster) + flag_again("--server", flags.server) +
         flag_again("--certificate-authority", flags.certificate_authority) +
         (global.insecure ? " --insecure-skip-tls-verify" : "") +
         flag_again("--tls-server-name", flags.tls_server_name);
}

/// What was said of the user, but for secrets, likewise.
std::string user_flags_again(const GlobalOptions& global) {
  const kube::Overrides& flags = global.cluster;
  std::string out = flag_again("--user", flags.user) +
                    flag_again("--client-certificate", flags.client_certificate) +
                    flag_again("--client-key", flags.client_key) + flag_again("--as", flags.as) +
                    flag_again("--as-uid", flags.as_uid);
  for (const std::string& group : flags.as_group) out += flag_again("--as-group", group);
  return out;
}

Scope make_scope(const Io& io, std::string ns, const GlobalOptions& global) {
  return {.ns = std::move(ns),
          .utc_stamp = utc_stamp(io.now),
          .operation_id = io.random,
          .flags = cluster_flags_again(global) + user_flags_again(global),
          .cluster_flags = cluster_flags_again(global)};
}

bool utf8_locale(const Io& io) {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const std::string value = lower(io.environment(name));
    if (!value.empty())
      return value.find("utf-8") != std::string::npos || value.find("utf8") != std::string::npos;
  }
  return false;
}

}  // namespace

kube::Environment kube_environment(const Io& io) {
  return {.kubeconfig = io.environment("KUBECONFIG"),
          .home = io.environment("HOME"),
          .kubernetes_master = io.environment("KUBERNETES_MASTER"),
          .service_host = io.environment("KUBERNETES_SERVICE_HOST"),
          .service_port = io.environment("KUBERNETES_SERVICE_PORT"),
          .pod_namespace = io.environment("POD_NAMESPACE")};
}

Context::Context(Io io, GlobalOptions global)
    : io_(std::move(io)), global_(std::move(global)), scope_(make_scope(io_, global_.cluster.ns, global_)) {}

Context::Context(Io io, GlobalOptions global, kube::Api& api, std::string ns)
    : io_(std::move(io)),
      global_(std::move(global)),
      api_(&api),
      scope_(make_scope(io_, std::move(ns), global_)) {
  discovery_.emplace(api, "", io_.now);
}

Result<kube::Api*> Context::connect() {
  if (api_ != nullptr) return api_;
  kube::Overrides flags = global_.cluster;
  flags.insecure_skip_tls_verify = global_.insecure;
  WUKONG_TRY(kube::ClusterAccess access, kube::load_access(flags, kube_environment(io_)));
  if (global_.verbosity >= 6)
    for (const std::string& file : access.files) log({"Config loaded from file:  " + printable(file)});
  if (patience_ > std::chrono::nanoseconds{} && patience_ < kube::Request{}.patience &&
      (access.request_timeout == std::chrono::nanoseconds{} || patience_ < access.request_timeout))
    access.request_timeout = patience_;
  const std::string ns = access.ns;
  if (const std::string problem = label_problem(ns); !problem.empty())
    return usage(fmt::format("{:?} cannot be a namespace: {}", printable(ns), problem));

  WUKONG_TRY(loop_, kube::Loop::make());
  kube::CredentialIo credential_io{.environment = io_.all_environment,
                                   .stdin_is_terminal = io_.in_is_terminal,
                                   .signal_mask = loop_->outer_signal_mask()};
  if (progress_ == render::ProgressMode::json)
    credential_io.on_stderr = [this](std::string_view said) { note("plugin", said); };
  kube::CredentialSource credentials(access, std::move(credential_io));
  const kube::ClientOptions options{.user_agent = "kubectl-wukong/" WUKONG_VERSION,
                                    .http1 = global_.http1,
                                    .seed = std::hash<std::string>{}(io_.random),
                                    .proxies = kube::proxy_environment(io_.all_environment),
                                    .roots = kube::system_authorities(io_.all_environment, kube::read_file),
                                    .warn = [this](std::string_view words) { warn(words); },
                                    .trace = tracer()};
  WUKONG_TRY(client_, kube::Client::make(*loop_, access, std::move(credentials), options));
  api_ = client_.get();
  discovery_.emplace(
      *api_,
      kube::discovery_cache_file(access.server, io_.environment("KUBECACHEDIR"), io_.environment("HOME")),
      io_.now);
  access_ = std::move(access);
  scope_ = make_scope(io_, ns, global_);
  if (!resumed_.empty()) scope_.operation_id = resumed_;
  return api_;
}

std::string Context::resume_command(const std::string& id) const {
  std::string command = "kubectl wukong";
  for (std::size_t i = 0; i < io_.words.size(); ++i) {
    const std::string& word = io_.words[i];
    if (word == "--" || word.starts_with("--token") || word.starts_with("--password"))
      return fmt::format("the same command with --resume {}", id);
    if (word == "--resume") ++i;
    if (!word.starts_with("--resume")) command += " " + shell_word(printable(word));
  }
  return fmt::format("{} --resume {}", command, id);
}

void Context::log(const std::vector<std::string>& lines) const {
  for (const std::string& line : lines)
    if (progress_ == render::ProgressMode::json)
      io_.err(render::json_note("log", line));
    else
      io_.err(kube::log_line(line, std::chrono::system_clock::now(), io_.process));
}

std::function<void(const kube::Traced&, bool)> Context::tracer() const {
  if (global_.verbosity < 6 && !traced_) return nullptr;
  return [this](const kube::Traced& exchange, bool answered) {
    log(answered ? kube::response_lines(exchange, global_.verbosity)
                 : kube::request_lines(exchange, global_.verbosity));
    if (traced_) traced_(exchange, answered);
  };
}

render::Surface Context::surface() const {
  const auto [width, height] = io_.window();
  auto color = settle_color(global_.color, io_.err_is_terminal, io_.environment("NO_COLOR"),
                            io_.environment("CLICOLOR_FORCE"), io_.environment("TERM"));
  return {.terminal = io_.err_is_terminal,
          .color = color.value_or(false),
          .dumb = io_.environment("TERM") == "dumb",
          .unicode = utf8_locale(io_),
          .width = width > 0 ? width : 80,
          .height = height > 0 ? height : 24};
}

void Context::note(std::string_view kind, std::string_view message) const {
  if (progress_ == render::ProgressMode::json)
    io_.err(render::json_note(kind, message));
  else
    io_.err(render::note_line(kind, message, surface().color));
}

/// What the API server warns of; while progress is shown, beside it.
void Context::warn(std::string_view words) const {
  if (warn_beside_) return warn_beside_(words);
  note("warning", words);
}

void Context::print_error(const Error& error) const {
  if (error.message.empty()) return;  // all has been said
  if (progress_ == render::ProgressMode::json)
    io_.err(render::json_error(error));
  else
    io_.err(render::format_error(error, surface().color));
}

Result<void> Context::confirm(const std::string& what) const {
  if (!io_.in_is_terminal || !io_.err_is_terminal || !io_.ask)
    return Error{.code = Code::precondition,
                 .message = fmt::format("{}: this must be confirmed, and there is no terminal", what),
                 .hint = "add -y"};
  const std::optional<std::string> typed = io_.ask(printable(what) + "? [y/N] ");
  const std::string word = lower(trim(typed.value_or("")));
  if (word == "y" || word == "yes") return {};
  return Error{.code = Code::precondition, .message = "not confirmed: nothing was changed"};
}

Result<void> Context::check_written() const {
  const int problem = io_.out_problem ? io_.out_problem() : 0;
  if (problem == 0) return {};
  if (problem == EPIPE) return Error{};
  return Error{.message = fmt::format("the result could not be written: {}", std::strerror(problem))};
}

Result<void> Context::print_objects(render::Printer printer, std::vector<Json> objects) const {
  printer.terminal = io_.out_is_terminal;
  WUKONG_TRY(const std::string text, render::print(printer, std::move(objects)));
  print(text);
  return {};
}

Result<void> Context::check_permissions(op::Operation& operation, const std::string& command) {
  const op::Permissions wanted = op::permissions(operation);
  std::vector<kube::Permission> all = wanted.required;
  all.insert(all.end(), wanted.optional.begin(), wanted.optional.end());
  WUKONG_TRY(const std::vector<kube::Permission> missing, kube::missing_permissions(*api_, all));
  Error error{.code = Code::forbidden};
  std::set<std::string> namespaces;
  for (const kube::Permission& p : missing) {
    const bool required =
        std::find(wanted.required.begin(), wanted.required.end(), p) != wanted.required.end();
    if (!required) continue;
    error.causes.push_back("not allowed: " + permission_words(p));
    namespaces.insert(p.ns);
  }
  if (!error.causes.empty()) {
    namespaces.erase("");  // of the whole cluster
    error.message = fmt::format("you may not {} in namespace {}: nothing was changed", command,
                                namespaces.empty() ? scope_.ns : fmt::to_string(fmt::join(namespaces, ", ")));
    error.hint = roles_to_ask_for(all, scope_.ns);
    return error;
  }
  const std::vector<std::string> lacks = lacking_notes(missing, scope_.ns);
  operation.notes.insert(operation.notes.begin(), lacks.begin(), lacks.end());
  return {};
}

Result<void> Context::check_quotas(const op::Operation& operation) {
  const std::string& ns = operation.charge.ns;
  std::vector<kube::Read> reads;
  for (const Gvr& kind : {quota_kind(), limit_range_kind()})
    reads.push_back({.gvr = kind, .ns = ns, .keep = {{"spec", "status"}}});
  WUKONG_TRY(std::vector<kube::Fact> got, kube::fetch(*api_, std::move(reads)));
  return commands::check_quotas(operation.charge, {std::move(got[0]), std::move(got[1])}, scope_);
}

/// Where nothing is to be told, what is ordinary is not.
std::vector<std::string> Context::notes_of(const op::Operation& operation) const {
  std::vector<std::string> notes = operation.notes;
  if (!operation.usual_note.empty() && progress_ != render::ProgressMode::none)
    notes.push_back(operation.usual_note);
  return notes;
}

op::Outcome Context::run(op::Operation operation, const WriteOptions& options, const Settled& settled) {
  const op::RunOptions run_options{.timeout = settled.timeout,
                                   .stall_timeout = settled.stall_timeout,
                                   .keep_failed = options.keep_failed,
                                   .cancel_on_interrupt = options.cancel_on_interrupt,
                                   .field_manager = options.field_manager};
  // A bar and log lines would overwrite each other.
  const bool plain = settled.progress == render::ProgressMode::automatic && global_.verbosity >= 6;
  const auto view =
      render::make_progress_view(plain ? render::ProgressMode::plain : settled.progress, surface(), io_.err);
  warn_beside_ = [&view](std::string_view words) { view->note("warning", words); };
  const kube::Handle aside([this] { warn_beside_ = nullptr; });
  if (makes_something(operation))
    operation.title = fmt::format("operation {}: {}", operation.id, operation.title);

  const op::Operation told{.title = operation.title,
                           .wait_command = operation.wait_command,
                           .resume_command = operation.resume_command,
                           .cancel_command = operation.cancel_command,
                           .put_back_command = operation.put_back_command,
                           .results = operation.results};
  const std::vector<std::string> notes = notes_of(operation);
  bool begun = false;
  const kube::Handle leaving = api_->on_leave([&view] { view->leave(); });
  bool said_interrupted = false;
  bool due = true;
  kube::Handle frame;
  std::function<void()> draw_later = [&] {
    frame = api_->after(kFrame, [&] {
      due = true;
      draw_later();
    });
  };
  draw_later();
  op::Outcome outcome = op::run(*api_, std::move(operation), run_options, [&](const op::Runner& runner) {
    if (!std::exchange(begun, true)) {
      view->begin(runner.progress(), api_->now());
      for (const std::string& text : notes) view->note("note", text);
      return;
    }
    if (runner.signal() != 0 && !std::exchange(said_interrupted, true))
      view->note("", "interrupted: ending what is on its way; once more leaves at once");
    if (runner.finished()) return view->finish(runner.progress(), api_->now());
    if (!std::exchange(due, false)) return;
    if (const auto [width, height] = io_.window(); width > 0) view->resize(width, height);
    view->update(runner.progress(), api_->now());
  });
  say_after(told, outcome);
  return outcome;
}

void Context::say_after(const op::Operation& operation, const op::Outcome& outcome) const {
  for (const std::string& text : outcome.notes) note("note", text);
  for (const std::string& text : outcome.left) note("warning", "left as it is: " + text);
  if (!outcome.not_put_back.empty() || (outcome.abandoned && !outcome.left.empty()))
    if (!operation.put_back_command.empty()) note("note", "to put it back:   " + operation.put_back_command);
  if (!outcome.error) return;
  if (outcome.undone && outcome.made.empty() && outcome.left.empty())
    return note("note", "undone: nothing that was made is left");
  const bool goes_on = outcome.signal != 0 || outcome.error->code == Code::timed_out ||
                       outcome.error->code == Code::unreachable ||
                       outcome.error->code == Code::unauthenticated;
  if (outcome.made.empty() && outcome.left.empty() && !goes_on) return;
  for (const ObjectRef& made : outcome.made)
    note("note", fmt::format("{} in namespace {} is left in place", resource_name(made), made.ns));
  if (goes_on && !operation.resume_command.empty())
    note("note", "to go on with it: " + operation.resume_command);
  else if (goes_on && !operation.wait_command.empty())
    note("note", "to go on waiting: " + operation.wait_command);
  if (!operation.cancel_command.empty()) note("note", "to give it up:    " + operation.cancel_command);
}

Result<void> Context::show_plan(const op::Operation& operation, DryRunMode mode,
                                const render::Printer& printer, const std::string& field_manager) {
  const bool by_server = mode == DryRunMode::server;
  op::DryRun tried;
  if (by_server) {
    WUKONG_TRY(tried, op::dry_run(*api_, operation, field_manager));
  }
  for (const std::string& text : notes_of(operation)) note("note", text);
  for (const std::string& text : tried.not_tried) note("note", "not tried: " + text);
  if (!printer.is_table())
    return print_objects(printer, by_server ? std::move(tried.objects) : op::manifests(operation));
  print(printable(operation.title) + (by_server ? " (server dry run)\n" : " (dry run)\n"));
  for (const std::string& line : op::plan_lines(operation)) print(printable(line) + "\n");
  for (const std::string& line : tried.accepted) print(printable(line) + " (server dry run)\n");
  return {};
}

}  // namespace wukong::commands
