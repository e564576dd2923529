// kubectl-wukong: parse, select, run, print the error, return the exit code.
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <random>

#include "commands/registry.h"

extern char** environ;

namespace {

using namespace wukong;

/// Writes all of `text`; returns 0 or errno. A reader that has gone away (`| head`) is no error.
int write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno == EPIPE ? 0 : errno;
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

/// `lost` becomes the errno of a result that could not be written.
commands::Io process_io(int& lost) {
  commands::Io io;
  io.out = [&lost](std::string_view text) {
    if (const int error = write_all(STDOUT_FILENO, text); error != 0) lost = error;
  };
  io.err = [](std::string_view text) { write_all(STDERR_FILENO, text); };
  io.environment = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value == nullptr ? "" : value);
  };
  io.window = [] {
    winsize size{};
    if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0) return std::pair{0, 0};
    return std::pair<int, int>{size.ws_col, size.ws_row};
  };
  io.out_is_terminal = ::isatty(STDOUT_FILENO) == 1;
  io.err_is_terminal = ::isatty(STDERR_FILENO) == 1;
  io.in_is_terminal = ::isatty(STDIN_FILENO) == 1;
  for (char** entry = environ; *entry != nullptr; ++entry) io.all_environment.emplace_back(*entry);
  io.now = std::chrono::system_clock::now();
  io.random = random_word(10);
  return io;
}

int run(int argc, char** argv) {
  commands::Registry registry;
  auto asked = registry.parse({argv + 1, argv + argc});
  int lost = 0;
  commands::Context context(process_io(lost), asked ? asked->global : registry.global());
  Result<void> result{};
  if (!asked)
    result = std::move(asked.error());
  else if (!asked->run)
    context.print(asked->text);
  else
    result = asked->run(context);
  if (result && lost == 0) return 0;
  if (result)
    result = Error{.message = std::string("the result could not be written: ") + std::strerror(lost)};
  context.print_error(result.error());
  return exit_code(result.error().code);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& bug) {
    std::fprintf(
        stderr, "error: internal: %s\nhint:  this is a bug in kubectl-wukong; please report what you typed\n",
        bug.what());
    return 1;
  }
}
