// kubectl-wukong: parse, select, run, print the error, return the exit code.
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <random>

#include "commands/registry.h"

extern char** environ;

namespace {

using namespace wukong;

/// Writes all of `text`; returns 0 or errno.
int write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

std::string random_word(std::size_t length) {
  constexpr std::string_view kLetters =
      "bcdfghjklmnpqrstvwxz2456789";  // as Kubernetes' own suffixes: no words by chance
  std::random_device device;
  std::uniform_int_distribution<std::size_t> pick(0, kLetters.size() - 1);
  std::string word;
  while (word.size() < length) word += kLetters[pick(device)];
  return word;
}

/// While it waits, signals that the loop takes for itself end or stop the program again: nothing has been written then.
std::optional<std::string> ask(std::string_view question) {
  write_all(STDERR_FILENO, question);
  sigset_t ending;
  sigset_t before;
  sigemptyset(&ending);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGQUIT}) sigaddset(&ending, signal);
  ::pthread_sigmask(SIG_UNBLOCK, &ending, &before);
  std::string line;
  char c = 0;
  ssize_t got = 0;
  while ((got = ::read(STDIN_FILENO, &c, 1)) == 1 && c != '\n') line += c;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (got != 1 && line.empty()) return std::nullopt;
  return line;
}

/// Whether nobody reads stdout any more. A pipe tells it before anything more is written.
bool reader_has_gone() {
  pollfd out{STDOUT_FILENO, 0, 0};
  return ::poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0;
}

/// As any program ends whose reader has gone (`| head`): by the signal that the event loop ignores, without a word.
void end_by_broken_pipe() {
  ::signal(SIGPIPE, SIG_DFL);
  ::raise(SIGPIPE);
}

/// `lost` becomes the errno of a result that could not be written.
commands::Io process_io(int& lost, std::vector<std::string> words) {
  commands::Io io;
  io.out = [&lost](std::string_view text) {
    if (const int error = write_all(STDOUT_FILENO, text); error != 0 && lost == 0) lost = error;
  };
  io.out_problem = [&lost] {
    if (lost == 0 && reader_has_gone()) lost = EPIPE;
    return lost;
  };
  io.err = [](std::string_view text) { write_all(STDERR_FILENO, text); };
  io.environment = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value == nullptr ? "" : value);
  };
  io.ask = ask;
  io.window = [] {
    winsize size{};
    for (const int fd : {STDERR_FILENO, STDOUT_FILENO})
      if (::ioctl(fd, TIOCGWINSZ, &size) == 0) return std::pair<int, int>{size.ws_col, size.ws_row};
    return std::pair{0, 0};
  };
  io.out_is_terminal = ::isatty(STDOUT_FILENO) == 1;
  io.err_is_terminal = ::isatty(STDERR_FILENO) == 1;
  io.in_is_terminal = ::isatty(STDIN_FILENO) == 1;
  for (char** entry = environ; *entry != nullptr; ++entry) io.all_environment.emplace_back(*entry);
  io.now = std::chrono::system_clock::now();
  io.process = ::getpid();
  io.random = random_word(5);
  io.words = std::move(words);
  return io;
}

/// A core file would hold the credentials. Only the soft limit: whoever debugs may raise it again.
void forbid_core_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_CORE, &limit) != 0) return;
  limit.rlim_cur = 0;
  ::setrlimit(RLIMIT_CORE, &limit);
}

/// What a signal does that comes before or after the event loop, which hears them otherwise: the same exit code.
void exit_by_signal() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction now{};
    if (::sigaction(signal, nullptr, &now) != 0 || now.sa_handler == SIG_IGN) continue;
    now.sa_handler = [](int caught) { ::_exit(128 + caught); };
    ::sigaction(signal, &now, nullptr);
  }
}

int run(int argc, char** argv) {
  commands::Registry registry;
  const std::vector<std::string> words{argv + 1, argv + argc};
  auto asked = registry.parse(words);
  int lost = 0;
  commands::Context context(process_io(lost, words), asked ? asked->global : registry.global());
  if (registry.wants_json()) context.set_progress(render::ProgressMode::json);
  Result<void> result{};
  if (!asked)
    result = std::move(asked.error());
  else if (!asked->run)
    context.print(asked->text);
  else
    result = asked->run(context);
  // What came to its end has no need of a reader.
  if (result && lost != 0 && lost != EPIPE) result = context.check_written();
  if (result) return 0;
  if (lost == EPIPE && result.error().message.empty()) end_by_broken_pipe();
  context.print_error(result.error());
  return exit_code(result.error().code);
}

}  // namespace

int main(int argc, char** argv) {
  forbid_core_files();
  exit_by_signal();
  try {
    return run(argc, argv);
  } catch (const std::exception& bug) {
    std::fprintf(
        stderr, "error: internal: %s\nhint:  this is a bug in kubectl-wukong; please report what you typed\n",
        bug.what());
    return 1;
  }
}
