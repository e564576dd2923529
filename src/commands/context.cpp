#include "commands/context.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <csignal>

#include "base/text.h"
#include "kube/credentials.h"
#include "kube/kubeconfig.h"
#include "render/json_lines.h"
#include "render/note.h"
#include "render/output.h"
#include "wukong_version.h"

namespace wukong::commands {

namespace {

constexpr std::chrono::milliseconds kFrame{100};

Scope make_scope(const Io& io, std::string ns) {
  return {.ns = std::move(ns),
          .utc_stamp = utc_stamp(io.now),
          .operation_id = io.random.substr(0, 5),
          .suffix = io.random.substr(5, 5)};
}

bool utf8_locale(const Io& io) {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const std::string value = lower(io.environment(name));
    if (!value.empty())
      return value.find("utf-8") != std::string::npos || value.find("utf8") != std::string::npos;
  }
  return false;
}

/// One line of a Role: `- {apiGroups: ["kubevirt.io"], resources: ["virtualmachines"], verbs: ["get"]}`, verbs of one
/// resource together.
std::vector<std::string> role_rules(const std::vector<kube::Permission>& permissions) {
  std::vector<std::pair<std::string, std::string>> rules;  // what, verbs
  for (const kube::Permission& p : permissions) {
    const std::string resource = p.subresource.empty() ? p.resource : p.resource + "/" + p.subresource;
    const std::string what = fmt::format("apiGroups: [\"{}\"], resources: [\"{}\"]", p.group, resource);
    const auto same =
        std::find_if(rules.begin(), rules.end(), [&](const auto& rule) { return rule.first == what; });
    if (same == rules.end())
      rules.emplace_back(what, p.verb);
    else if (same->second.find(p.verb) == std::string::npos)
      same->second += ", " + p.verb;
  }
  std::vector<std::string> lines;
  for (const auto& [what, verbs] : rules) lines.push_back(fmt::format("- {{{}, verbs: [{}]}}", what, verbs));
  return lines;
}

std::string resource_of(const kube::Permission& p) {
  const std::string resource = p.group.empty() ? p.resource : p.resource + "." + p.group;
  return p.subresource.empty() ? resource : resource + "/" + p.subresource;
}

/// One line per resource: "you may not list, watch events: what they tell stays unseen".
std::vector<std::string> lacking(const std::vector<kube::Permission>& missing) {
  struct Lack {
    std::string resource{};
    std::vector<std::string> verbs{};
    bool reads{};
    bool writes{};
  };
  std::vector<Lack> lacks;
  for (const kube::Permission& p : missing) {
    const std::string resource = resource_of(p);
    auto lack =
        std::find_if(lacks.begin(), lacks.end(), [&](const Lack& l) { return l.resource == resource; });
    if (lack == lacks.end()) lack = lacks.insert(lacks.end(), {.resource = resource});
    if (std::find(lack->verbs.begin(), lack->verbs.end(), p.verb) == lack->verbs.end())
      lack->verbs.push_back(p.verb);
    (p.verb == "get" || p.verb == "list" || p.verb == "watch" ? lack->reads : lack->writes) = true;
  }
  std::vector<std::string> lines;
  for (const Lack& lack : lacks)
    lines.push_back(fmt::format("you may not {} {}: {}{}{}", fmt::join(lack.verbs, ", "), lack.resource,
                                lack.reads ? "what they tell stays unseen" : "",
                                lack.reads && lack.writes ? ", and " : "",
                                lack.writes ? "a failed run would leave those that it made" : ""));
  return lines;
}

std::string in_words(const kube::Permission& p) { return fmt::format("{} {}", p.verb, resource_of(p)); }

}  // namespace

Context::Context(Io io, GlobalOptions global, kube::Api& api, std::string ns)
    : io_(std::move(io)), global_(std::move(global)), api_(&api), scope_(make_scope(io_, std::move(ns))) {}

Result<kube::Api*> Context::connect() {
  if (api_ != nullptr) return api_;
  kube::Overrides flags = global_.cluster;
  if (global_.insecure) flags.insecure_skip_tls_verify = true;
  const kube::Environment environment{.kubeconfig = io_.environment("KUBECONFIG"),
                                      .home = io_.environment("HOME")};
  WUKONG_TRY(kube::ClusterAccess access, kube::load_access(flags, environment));
  if (patience_ > std::chrono::nanoseconds{} && patience_ < kube::Request{}.patience &&
      (access.request_timeout == std::chrono::nanoseconds{} || patience_ < access.request_timeout))
    access.request_timeout = patience_;
  const std::string ns = access.ns;
  if (const std::string problem = label_problem(ns); !problem.empty())
    return Error{.code = Code::usage,
                 .message = fmt::format("{:?} cannot be a namespace: {}", printable(ns), problem)};

  WUKONG_TRY(loop_, kube::Loop::make());
  kube::CredentialIo credential_io{.environment = io_.all_environment,
                                   .stdin_is_terminal = io_.in_is_terminal,
                                   .signal_mask = loop_->outer_signal_mask()};
  if (progress_ == render::ProgressMode::json)
    credential_io.on_stderr = [this](std::string_view said) { note("plugin", said); };
  kube::CredentialSource credentials(access, std::move(credential_io));
  const kube::ClientOptions options{.user_agent = "kubectl-wukong/" WUKONG_VERSION,
                                    .http1 = global_.http1,
                                    .seed = std::hash<std::string>{}(io_.random)};
  WUKONG_TRY(client_, kube::Client::make(*loop_, access, std::move(credentials), options));
  api_ = client_.get();
  scope_ = make_scope(io_, ns);
  return api_;
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

void Context::print_error(const Error& error) const {
  if (progress_ == render::ProgressMode::json)
    io_.err(render::json_error(error));
  else
    io_.err(render::format_error(error, surface().color));
}

Result<void> Context::check_permissions(const op::Operation& operation, const std::string& command) {
  const op::Permissions wanted = op::permissions(operation);
  std::vector<kube::Permission> all = wanted.required;
  all.insert(all.end(), wanted.optional.begin(), wanted.optional.end());
  WUKONG_TRY(const std::vector<kube::Permission> missing, kube::missing_permissions(*api_, all));
  Error error{.code = Code::forbidden};
  for (const kube::Permission& p : missing) {
    const bool required =
        std::find(wanted.required.begin(), wanted.required.end(), p) != wanted.required.end();
    if (required) error.causes.push_back("not allowed: " + in_words(p));
  }
  if (!error.causes.empty()) {
    error.message = fmt::format("you may not {} in namespace {}: nothing was changed", command, scope_.ns);
    error.hint = fmt::format("ask for a Role in namespace {} with these rules:", scope_.ns);
    for (const std::string& rule : role_rules(all)) error.hint += "\n  " + rule;
    return error;
  }
  for (const std::string& line : lacking(missing)) note("note", line);
  return {};
}

op::Outcome Context::run(op::Operation operation, const WriteOptions& options, const Settled& settled) {
  const op::RunOptions run_options{.stall_timeout = settled.stall_timeout,
                                   .keep_failed = options.keep_failed,
                                   .cancel_on_interrupt = options.cancel_on_interrupt,
                                   .field_manager = options.field_manager};
  const auto view = render::make_progress_view(settled.progress, surface(), io_.err);
  for (const std::string& text : operation.notes) view->note("note", text);

  const op::Operation told{.title = operation.title,
                           .wait_command = operation.wait_command,
                           .cancel_command = operation.cancel_command,
                           .cancel_now = operation.cancel_now,
                           .results = operation.results};
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
  if (!outcome.error) return;
  if (outcome.undone && outcome.made.empty() && outcome.left.empty())
    note("note", "undone: nothing that was made is left");
  const bool goes_on = outcome.signal != 0 || outcome.error->code == Code::timed_out ||
                       outcome.error->code == Code::unreachable ||
                       outcome.error->code == Code::unauthenticated;
  if (outcome.made.empty() && outcome.left.empty() && !goes_on) return;
  for (const std::string& name : outcome.made)
    note("note", fmt::format("{} in namespace {} is left in place", name, scope_.ns));
  if (goes_on && !operation.wait_command.empty()) note("note", "to go on waiting: " + operation.wait_command);
  std::string cancel = operation.cancel_now ? operation.cancel_now(outcome.seen) : std::string{};
  if (cancel.empty()) cancel = operation.cancel_command;
  if (!cancel.empty()) note("note", "to give it up:    " + cancel);
}

Result<void> Context::show_plan(const op::Operation& operation, DryRunMode mode, render::OutputFormat format,
                                const std::string& field_manager) {
  std::vector<Json> objects = op::manifests(operation);
  if (mode == DryRunMode::server) {
    WUKONG_TRY(op::DryRun answer, op::dry_run(*api_, operation, field_manager));
    objects = std::move(answer.objects);
    for (const std::string& left_out : answer.left_out) note("note", "not sent: " + left_out);
  }
  for (const std::string& text : operation.notes) note("note", text);
  if (format != render::OutputFormat::table && format != render::OutputFormat::wide) {
    print(render::objects(format, objects));
    return {};
  }
  print(printable(operation.title) + (mode == DryRunMode::server ? " (server dry run)\n" : " (dry run)\n"));
  for (const std::string& line : op::plan_lines(operation)) print(printable(line) + "\n");
  return {};
}

}  // namespace wukong::commands
