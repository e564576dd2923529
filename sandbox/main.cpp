// wukong-sandbox: up, down, status.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
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
    "       wukong-sandbox down|status [--dir DIR]\n\n"
    "A small simulated KubeVirt cluster, to try kubectl-wukong without a real one. Nothing in it is real: no "
    "VM runs,\n"
    "no disk is copied. It serves on 127.0.0.1 until `down`, and leaves nothing behind.\n\n"
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

Result<Options> parse(std::vector<std::string> words) {
  Options options;
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::string word = words[i];
    if (word == "--help" || word == "-h") return Options{.command = "help"};
    if (!word.starts_with("--")) {
      if (!options.command.empty()) return usage_error(fmt::format("unexpected word {:?}", word));
      options.command = word;
      continue;
    }
    const auto at = word.find('=');
    if (at == std::string::npos && i + 1 == words.size()) return usage_error(word + " needs a value");
    const std::string value = at == std::string::npos ? words[++i] : word.substr(at + 1);
    word = word.substr(0, at);
    if (word == "--dir")
      options.dir = value;
    else if (word == "--profile")
      options.profile = value;
    else if (word == "--speed")
      options.speed = std::strtod(value.c_str(), nullptr);
    else
      return usage_error(fmt::format("there is no flag {}", word));
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
Result<void> serve(Home& home, const Options& options, int ready) {
  WUKONG_CHECK(home.hold());
  Cluster cluster(real_clock(), options.speed, 1);
  WUKONG_CHECK(seed(cluster, options.profile));
  WUKONG_TRY(Certificates certificates, make_certificates());
  const std::string admin = make_token();
  const std::string viewer = make_token();
  WUKONG_TRY(
      auto server,
      Server::listen(cluster, {.certificates = certificates,
                               .tokens = {{admin, {kAdmin, {"system:masters"}}}, {viewer, {kViewer, {}}}}}));
  const std::string url = fmt::format("https://127.0.0.1:{}", server->port());
  WUKONG_CHECK(home.write(home.kubeconfig(), admin_kubeconfig(url, certificates, admin)));
  WUKONG_CHECK(home.write(home.viewer_kubeconfig(), viewer_kubeconfig(url, certificates, viewer)));
  WUKONG_CHECK(home.write_state({{"url", url}, {"profile", options.profile}, {"speed", options.speed}}));
  (void)!::write(ready, "ready", 5);
  ::close(ready);
  server->run();
  home.clear();
  return {};
}

/// In the child: cut off from the terminal; what goes wrong before `ready` is told through the pipe.
[[noreturn]] void become_daemon(Home& home, const Options& options, int ready) {
  ::setsid();
  (void)!::chdir("/");
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null >= 0)
    for (const int stream : {0, 1, 2}) ::dup2(null, stream);
  const Result<void> done = serve(home, options, ready);
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

std::string absolute(const std::string& path) {
  char* resolved = ::realpath(path.c_str(), nullptr);
  std::string words = resolved == nullptr ? path : resolved;
  std::free(resolved);
  return words;
}

Result<void> up(const Options& options) {
  if (!options.dir.empty() && !options.dir.starts_with('/')) {
    Options whole = options;
    whole.dir = absolute(".") + "/" + options.dir;
    return up(whole);
  }
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
  for (int tries = 0; tries < 100 && home.holder() == holder; ++tries)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  if (home.holder() == holder) return Error{.message = fmt::format("process {} does not end", *holder)};
  fmt::print("sandbox: ended\n");
  return {};
}

Result<void> status(const Options& options) {
  const Home home(options.dir);
  const auto holder = home.holder();
  if (!holder)
    return Error{.message = fmt::format("no sandbox runs in {}", home.folder()), .hint = "wukong-sandbox up"};
  const Json state = home.read_state();
  fmt::print("sandbox: process {} serves {} (profile {})\n\n  export KUBECONFIG={}\n", *holder,
             text(state, {"url"}), text(state, {"profile"}), home.kubeconfig());
  return {};
}

Result<void> run(const Options& options) {
  if (options.command == "up") return up(options);
  if (options.command == "down") return down(options);
  if (options.command == "status") return status(options);
  if (options.command == "help") {
    fmt::print("{}", kUsage);
    return {};
  }
  return usage_error(options.command.empty() ? "say what to do: up, down or status"
                                             : fmt::format("there is no command {:?}", options.command));
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
