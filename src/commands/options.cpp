#include "commands/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <array>
#include <span>
#include <utility>

#include "base/text.h"
#include "base/time.h"

namespace wukong::commands {

namespace {

template <class T>
using Words = std::vector<std::pair<std::string, T>>;

/// The value that `word` stands for; the error lists the words and the one that was probably meant.
template <class T>
Result<T> choose(const std::string& flag, const std::string& word, const Words<T>& words) {
  std::vector<std::string> known;
  for (const auto& [name, value] : words) {
    if (name == word) return value;
    known.push_back(name);
  }
  const std::string meant = closest(word, known);
  return usage(fmt::format("{} does not take {:?}", flag, printable(word)),
               fmt::format("use one of: {}{}", fmt::join(known, ", "),
                           meant.empty() ? "" : " (did you mean " + meant + "?)"));
}

Result<std::chrono::nanoseconds> duration_of(const std::string& flag, const std::string& word) {
  auto parsed = parse_duration(word);
  if (!parsed) parsed.error().message = fmt::format("{}: {}", flag, parsed.error().message);
  return parsed;
}

void add_timeout(CLI::App& app, WriteOptions& o, const char* stalled) {
  app.add_option("--timeout", o.timeout, "Limit of the wait (0: none)")
      ->type_name("DURATION")
      ->capture_default_str();
  app.add_option("--stall-timeout", o.stall_timeout,
                 fmt::format("{} when a problem has stood unmoved for so long (0: never)", stalled))
      ->type_name("DURATION")
      ->capture_default_str();
}

void add_progress(CLI::App& app, WriteOptions& o) {
  app.add_option("--progress", o.progress, "How to show progress on stderr")
      ->type_name("auto|bar|plain|json|none")
      ->capture_default_str();
}

}  // namespace

Result<render::ProgressMode> parse_progress(const std::string& word) {
  using enum render::ProgressMode;
  return choose<render::ProgressMode>(
      "--progress", word,
      {{"auto", automatic}, {"bar", bar}, {"plain", plain}, {"json", json}, {"none", none}});
}

Result<Settled> settle(const WriteOptions& options) {
  Settled settled;
  using enum DryRunMode;
  WUKONG_TRY(settled.dry_run, choose<DryRunMode>("--dry-run", options.dry_run,
                                                 {{"none", none}, {"client", client}, {"server", server}}));
  WUKONG_TRY(settled.timeout, duration_of("--timeout", options.timeout));
  WUKONG_TRY(settled.stall_timeout, duration_of("--stall-timeout", options.stall_timeout));
  WUKONG_TRY(settled.progress, parse_progress(options.progress));
  return settled;
}

Result<render::Printer> settle(const OutputOptions& options) {
  std::string text;
  if (const std::string file = render::template_file(options.format); !file.empty()) {
    auto read = kube::read_file(file);
    if (!read) return usage(fmt::format("the template of -o cannot be read: {}", read.error().message));
    text = std::move(*read);
  }
  WUKONG_TRY(render::Printer printer, render::parse_printer(options.format, text));
  printer.headers = !options.no_headers;
  return printer;
}

Result<bool> settle_color(const std::string& flag, bool terminal, const std::string& no_color,
                          const std::string& clicolor_force, const std::string& term) {
  enum class When { automatic, always, never };
  WUKONG_TRY(const When when,
             choose<When>("--color", flag,
                          {{"auto", When::automatic}, {"always", When::always}, {"never", When::never}}));
  if (when != When::automatic) return when == When::always;
  if (!no_color.empty()) return false;
  if (!clicolor_force.empty() && clicolor_force != "0") return true;
  return terminal && term != "dumb";
}

void add_list(CLI::App& app, const char* group, const char* name, std::vector<std::string>& into,
              const char* type, const char* help) {
  app.add_option(name, into, help)
      ->type_name(type)
      ->group(group)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void add_global_options(CLI::App& app, GlobalOptions& o) {
  const char* group = "Global options";
  const auto text_option = [&](const char* names, std::string& target, const char* help, const char* type) {
    app.add_option(names, target, help)->type_name(type)->group(group);
  };
  text_option("-n,--namespace", o.cluster.ns, "Namespace to work in", "NS");
  text_option("--kubeconfig", o.cluster.kubeconfig, "Path of the kubeconfig file", "FILE");
  text_option("--context", o.cluster.context, "Context of the kubeconfig to use", "NAME");
  text_option("--cluster", o.cluster.cluster, "Cluster of the kubeconfig to use", "NAME");
  text_option("--user", o.cluster.user, "User of the kubeconfig to use", "NAME");
  text_option("-s,--server", o.cluster.server, "Address of the API server", "URL");
  text_option("--token", o.cluster.token,
              "Bearer token (seen by everyone in the process list: better in the kubeconfig)", "TOKEN");
  text_option("--username", o.cluster.username, "User name for basic authentication", "NAME");
  text_option("--password", o.cluster.password,
              "Password for basic authentication (seen by everyone in the process list)", "PASSWORD");
  text_option("--as", o.cluster.as, "User to impersonate", "USER");
  add_list(app, group, "--as-group", o.cluster.as_group, "GROUP", "Group to impersonate (repeatable)");
  text_option("--as-uid", o.cluster.as_uid, "UID to impersonate", "UID");
  text_option("--certificate-authority", o.cluster.certificate_authority,
              "File with the certificate authority", "FILE");
  text_option("--client-certificate", o.cluster.client_certificate, "File with the client certificate",
              "FILE");
  text_option("--client-key", o.cluster.client_key, "File with the client key", "FILE");
  app.add_flag("--insecure-skip-tls-verify", o.insecure, "Do not check the server's certificate")
      ->group(group);
  app.add_flag("--disable-compression", o.cluster.disable_compression, "Do not ask for compressed answers")
      ->group(group);
  text_option("--tls-server-name", o.cluster.tls_server_name, "Name to check the server's certificate for",
              "NAME");
  text_option("--request-timeout", o.cluster.request_timeout, "Limit of a single request (0: none)",
              "DURATION");
  app.add_option("--color", o.color, "When to colour")->type_name("auto|always|never")->group(group);
  app.add_option("-v,--v", o.verbosity,
                 "How much to log: 6 each request, 7 headers, 8 bodies, 9 as curl with timings")
      ->type_name("LEVEL")
      ->group(group);
  app.add_flag("--http1", o.http1, "Speak HTTP/1.1 only")->group("");
}

void add_output_options(CLI::App& app, OutputOptions& o) {
  app.add_option("-o,--output", o.format,
                 fmt::format("Format of the result: {}", fmt::join(render::output_formats(), ", ")))
      ->type_name("FORMAT");
  app.add_flag("--no-headers", o.no_headers, "Print tables without headers");
}

void add_wait_options(CLI::App& app, WriteOptions& o) {
  add_timeout(app, o, "Give up");
  add_progress(app, o);
}

void add_write_options(CLI::App& app, WriteOptions& o) {
  app.add_flag("--wait", o.wait, "Wait until the data is usable");
  add_timeout(app, o, "Give up, and undo,");
  app.add_flag("--dry-run{client}", o.dry_run,
               "Change nothing: client prints the plan, server also asks the API server")
      ->type_name("none|client|server");
  add_progress(app, o);
  app.add_flag("--keep-failed", o.keep_failed, "Leave what was made when the operation fails");
  app.add_flag("--cancel-on-interrupt", o.cancel_on_interrupt, "Let the first Ctrl-C cancel and clean up");
  app.add_option("--field-manager", o.field_manager, "Name of the manager that owns the fields written")
      ->type_name("NAME")
      ->capture_default_str();
}

}  // namespace wukong::commands
