// wukong-sandbox: up and down.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <thread>

#include "base/text.h"
#include "sandbox/access.h"
#include "sandbox/home.h"
#include "sandbox/seed.h"
#include "sandbox/server.h"

namespace {

using namespace wukong;
using namespace wukong::sandbox;

constexpr const char* kUsage =
    "usage: wukong-sandbox up [--dir DIR] [--speed X] [--profile default|wffc|nosnap]\n"
    "       wukong-sandbox down [--dir DIR]\n\n"
    "A small simulated KubeVirt cluster, to try kubectl-wukong without a real one. Nothing in it is real: no "
    "VM "
    "runs,\nno disk is copied. It serves on 127.0.0.1 until `down`, and leaves nothing behind.\n\n"
    "  --dir DIR      where its kubeconfigs are (default: $XDG_RUNTIME_DIR/wukong-sandbox-UID, or in /tmp)\n"
    "  --speed X      how many times faster than usual everything takes its time (default 1)\n"
    "  --profile P    default: all can be cloned at once; wffc: volumes are made when a VM first starts;\n"
    "                 nosnap: no storage can take snapshots\n";

struct Options {
  std::string command{};
  std::string dir{};
  std::string profile{"default"};
  double speed{1};
};

Error usage_error(std::string message) {
  return Error{.code = Code::usage, .message = std::move(message), .hint = "wukong-sandbox --help"};
}

Result<Options> parse(const std::vector<std::string>& words) {
  Options options;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto at = words[i].find('=');
    const std::string word = words[i].substr(0, at);
    if (word == "--help" || word == "-h") return Options{.command = "help"};
    if (!word.starts_with("--")) {
      if (!options.command.empty()) return usage_error(fmt::format("unexpected word {:?}", words[i]));
      options.command = words[i];
      continue;
    }
    if (word != "--dir" && word != "--profile" && word != "--speed")
      return usage_error(fmt::format("there is no flag {}", word));
    if (at == std::string::npos && i + 1 == words.size()) return usage_error(word + " needs a value");
    const std::string value = at == std::string::npos ? words[++i] : words[i].substr(at + 1);
    if (value.empty()) return usage_error(word + " needs a value");
    if (word == "--dir") options.dir = std::filesystem::absolute(value);
    if (word == "--profile") options.profile = value;
    if (word == "--speed") options.speed = std::strtod(value.c_str(), nullptr);
  }
  if (!(options.speed > 0)) return usage_error("--speed must be a number above 0");
  return options;
}

Clock real_clock() {
  return {
      .running =
          [] {
            return std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now().time_since_epoch());
          },
      .wall = [] { return std::chrono::system_clock::now(); }};
}

/// Everything of the process that stays: it writes its kubeconfigs, tells `ready`, serves, and cleans up.
Result<void> stay(Home& home, const Options& options, int ready) {
  Cluster cluster(real_clock(), options.speed, 1);
  WUKONG_CHECK(seed(cluster, options.profile));
  WUKONG_TRY(const Certificates certificates, make_certificates());
  WUKONG_CHECK(home.hold());
  const std::string admin = make_token();
  const std::string viewer = make_token();
  const auto tell = [&](std::uint16_t port) -> Result<void> {
    WUKONG_CHECK(home.write(fmt::format("https://127.0.0.1:{}", port), certificates, admin, viewer));
    (void)!::write(ready, "ready", 5);
    ::close(ready);
    return {};
  };
  const Tokens tokens{{admin, {kAdmin, {"system:masters"}}}, {viewer, {kViewer, {}}}};
  Result<void> done = serve(std::move(cluster), certificates, tokens, tell);
  home.clear();
  return done;
}

/// In the child: cut off from the terminal; what goes wrong before `ready` is told through the pipe.
[[noreturn]] void become_daemon(Home& home, const Options& options, int ready) {
  ::setsid();
  (void)!::chdir("/");
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null >= 0)
    for (const int stream : {0, 1, 2}) ::dup2(null, stream);
  const Result<void> done = stay(home, options, ready);
  if (!done) {
    const std::string words = "!" + done.error().message + "\n" + done.error().hint;
    (void)!::write(ready, words.data(), words.size());
  }
  std::_Exit(done ? 0 : 1);
}

std::string read_all(int file) {
  std::string words;
  char buffer[512];
  for (ssize_t got = 0; (got = ::read(file, buffer, sizeof buffer)) > 0;)
    words.append(buffer, static_cast<std::size_t>(got));
  return words;
}

Result<void> up(const Options& options) {
  Home home(options.dir);
  int pipe[2] = {};
  if (::pipe2(pipe, O_CLOEXEC) != 0) return Error{.message = "cannot make a pipe"};
  const pid_t child = ::fork();
  if (child < 0) return Error{.message = "cannot start a process"};
  if (child == 0) {
    ::close(pipe[0]);
    become_daemon(home, options, pipe[1]);
  }
  ::close(pipe[1]);
  const std::string told = read_all(pipe[0]);
  ::close(pipe[0]);
  if (told != "ready") {
    const auto lines = split(told, '\n');
    return Error{.message = told.starts_with('!') ? lines[0].substr(1) : "the sandbox ended at once",
                 .hint = lines.size() > 1 ? lines[1] : ""};
  }
  fmt::print(
      "sandbox: a simulated KubeVirt cluster is up (profile {})\n\n"
      "  export KUBECONFIG={}\n"
      "  kubectl get virtualmachines -n demo\n"
      "  kubectl wukong clone web web2 -n demo --wait\n\n"
      "{} is for a user who may only look. End it with: wukong-sandbox down{}\n",
      options.profile, home.kubeconfig(), home.viewer_kubeconfig(),
      options.dir.empty() ? "" : " --dir " + options.dir);
  return {};
}

Result<void> down(const Options& options) {
  const Home home(options.dir);
  const auto holder = home.holder();
  if (!holder) {
    home.clear();
    fmt::print("sandbox: none runs in {}\n", home.folder());
    return {};
  }
  ::kill(*holder, SIGTERM);
  for (int tries = 0; tries < 200 && home.holder() == holder; ++tries)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  if (home.holder() == holder) return Error{.message = fmt::format("process {} does not end", *holder)};
  fmt::print("sandbox: ended\n");
  return {};
}

Result<void> run(const Options& options) {
  if (options.command == "up") return up(options);
  if (options.command == "down") return down(options);
  if (options.command != "help")
    return usage_error(options.command.empty() ? "say what to do: up or down"
                                               : fmt::format("there is no command {:?}", options.command));
  fmt::print("{}", kUsage);
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const auto options = parse({argv + 1, argv + argc});
    const Result<void> done = options ? run(*options) : Result<void>{options.error()};
    if (done) return 0;
    std::fprintf(stderr, "error: %s\n", done.error().message.c_str());
    if (!done.error().hint.empty()) std::fprintf(stderr, "hint:  %s\n", done.error().hint.c_str());
    return exit_code(done.error().code);
  } catch (const std::exception& bug) {
    std::fprintf(stderr, "error: internal: %s\n", bug.what());
    return 1;
  }
}
