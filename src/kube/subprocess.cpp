#include "kube/subprocess.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

extern "C" {  // glibc 2.36 forgot to say so in the header
#include <sys/pidfd.h>
}

namespace wukong::kube {
namespace {

constexpr std::size_t kErrTail = 4096;

Error child_error(const std::string& program, int error, Code code = Code::failed) {
  return {.code = code,
          .message = fmt::format("cannot start {}: {}", program, std::generic_category().message(error))};
}

struct Pipe {
  Fd read{};
  Fd write{};
};

/// A pipe that children do not inherit; our end never blocks. The child's end is above 2, so that making it
/// its stdout cannot overwrite another one, even where we were started without stdin.
Result<Pipe> make_pipe(const std::string& program) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return child_error(program, errno);
  Pipe out{Fd(ends[0]), Fd(ends[1])};
  if (out.write.get() <= 2) {
    const int above = ::fcntl(out.write.get(), F_DUPFD_CLOEXEC, 3);
    if (above < 0) return child_error(program, errno);
    out.write.reset(above);
  }
  if (::fcntl(out.read.get(), F_SETFL, O_NONBLOCK) != 0) return child_error(program, errno);
  return out;
}

/// What posix_spawn needs, freed when it goes.
class SpawnSetup {
 public:
  SpawnSetup() {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;
  ~SpawnSetup() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }

  void null(int target, int mode) {
    ::posix_spawn_file_actions_addopen(&actions_, target, "/dev/null", mode, 0);
  }
  void become(int source, int target) { ::posix_spawn_file_actions_adddup2(&actions_, source, target); }

  /// The loop blocks signals and ignores SIGPIPE; both would be inherited.
  void signals(const std::optional<sigset_t>& mask) {
    sigset_t initial{};
    ::sigemptyset(&initial);
    sigset_t defaults{};
    ::sigemptyset(&defaults);
    ::sigaddset(&defaults, SIGPIPE);
    ::posix_spawnattr_setsigmask(&attributes_, mask ? &*mask : &initial);
    ::posix_spawnattr_setsigdefault(&attributes_, &defaults);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }

  const posix_spawn_file_actions_t* actions() const { return &actions_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

Result<Pipe> connect(SpawnSetup& setup, ChildSpec::Output output, int target, const std::string& program) {
  if (output == ChildSpec::Output::null) setup.null(target, O_WRONLY);
  if (output != ChildSpec::Output::pipe) return Pipe{};
  WUKONG_TRY(Pipe pipe, make_pipe(program));
  setup.become(pipe.write.get(), target);
  return pipe;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> out{};
  out.reserve(words.size() + 1);
  for (std::string& word : words) out.push_back(word.data());
  out.push_back(nullptr);
  return out;
}

/// Reads what is there and calls `take`; closes `fd` at its end.
template <class Take>
void drain(Fd& fd, Take take) {
  std::array<char, 16384> piece{};
  while (fd) {
    const ssize_t got = ::read(fd.get(), piece.data(), piece.size());
    if (got > 0)
      take(std::string_view(piece.data(), static_cast<std::size_t>(got)));
    else if (got == 0 || (errno != EINTR && errno != EAGAIN))
      fd.reset();
    else if (errno == EAGAIN)
      return;
  }
}

}  // namespace

void Fd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

TerminalSettings::~TerminalSettings() {
  // In the background the terminal would stop us for it.
  if (known_ && ::tcgetpgrp(STDIN_FILENO) == ::getpgrp()) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &settings_);
}

Result<Child> Child::start(ChildSpec spec) {
  SpawnSetup setup{};
  if (spec.in == ChildSpec::Input::null) setup.null(STDIN_FILENO, O_RDONLY);
  WUKONG_TRY(Pipe out, connect(setup, spec.out, STDOUT_FILENO, spec.program));
  WUKONG_TRY(Pipe err, connect(setup, spec.err, STDERR_FILENO, spec.program));
  setup.signals(spec.signal_mask);

  std::vector<std::string> words{spec.program};
  words.insert(words.end(), spec.arguments.begin(), spec.arguments.end());
  std::vector<std::string> environment = spec.environment;
  std::unique_ptr<TerminalSettings> terminal{};
  if (spec.in == ChildSpec::Input::inherit) terminal = std::make_unique<TerminalSettings>();
  pid_t pid{};
  const int failed = ::posix_spawnp(&pid, spec.program.c_str(), setup.actions(), setup.attributes(),
                                    pointers(words).data(), pointers(environment).data());
  if (failed != 0)
    return child_error(spec.program, failed, failed == ENOENT ? Code::not_found : Code::failed);

  Child child{};
  child.pid_ = pid;
  // Nobody has reaped the child yet, so its number cannot stand for another process.
  child.pidfd_ = Fd(::pidfd_open(pid, 0));
  if (!child.pidfd_) {
    const int error = errno;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    child.pid_ = -1;
    return child_error(spec.program, error);
  }
  child.terminal_ = std::move(terminal);
  child.out_ = std::move(out.read);
  child.err_ = std::move(err.read);
  child.spec_ = std::move(spec);
  return child;
}

Child::Child(Child&& other) noexcept
    : spec_(std::move(other.spec_)),
      pid_(std::exchange(other.pid_, -1)),
      pidfd_(std::move(other.pidfd_)),
      out_(std::move(other.out_)),
      err_(std::move(other.err_)),
      terminal_(std::move(other.terminal_)),
      end_(std::move(other.end_)) {}

Child& Child::operator=(Child&& other) noexcept {
  if (this == &other) return *this;
  destroy();
  spec_ = std::move(other.spec_);
  pid_ = std::exchange(other.pid_, -1);
  pidfd_ = std::move(other.pidfd_);
  out_ = std::move(other.out_);
  err_ = std::move(other.err_);
  terminal_ = std::move(other.terminal_);
  end_ = std::move(other.end_);
  return *this;
}

Child::~Child() { destroy(); }

void Child::destroy() {
  if (ended()) return;
  kill(SIGKILL);
  siginfo_t info{};
  while (::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED) != 0 && errno == EINTR) {
  }
  pid_ = -1;
  terminal_.reset();
}

std::vector<pollfd> Child::waits() const {
  std::vector<pollfd> out{};
  if (ended()) return out;
  for (const Fd* fd : {&pidfd_, &out_, &err_})
    if (*fd) out.push_back({.fd = fd->get(), .events = POLLIN, .revents = 0});
  return out;
}

void Child::pump() {
  if (ended()) return;
  // The end is looked for first: what the child wrote before it is then in the pipes.
  siginfo_t info{};
  const bool over =
      ::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED | WNOHANG) == 0 && info.si_pid != 0;
  drain_stdout();
  drain_stderr();
  if (!over) return;
  pid_ = -1;
  pidfd_.reset();
  out_.reset();
  err_.reset();
  terminal_.reset();
  if (info.si_code == CLD_EXITED)
    end_.exit_code = info.si_status;
  else
    end_.signal = info.si_status;
}

void Child::drain_stdout() {
  drain(out_, [this](std::string_view piece) {
    if (end_.out.size() + piece.size() > spec_.max_output) {
      end_.too_much_output = true;
      kill(SIGKILL);  // before the pipe closes, else it may be SIGPIPE
      out_.reset();
      return;
    }
    end_.out += piece;
  });
}

void Child::drain_stderr() {
  drain(err_, [this](std::string_view piece) {
    if (spec_.on_stderr) spec_.on_stderr(piece);
    end_.err_tail += piece;
    if (end_.err_tail.size() > kErrTail) end_.err_tail.erase(0, end_.err_tail.size() - kErrTail);
  });
}

void Child::kill(int signal) {
  if (pidfd_) ::pidfd_send_signal(pidfd_.get(), signal, nullptr, 0);
}

Result<ChildEnd> run_child(ChildSpec spec) {
  WUKONG_TRY(Child child, Child::start(std::move(spec)));
  while (!child.ended()) {
    std::vector<pollfd> waits = child.waits();
    if (::poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR)
      return Error{.message =
                       fmt::format("cannot wait for a child: {}", std::generic_category().message(errno))};
    child.pump();
  }
  return child.end();
}

}  // namespace wukong::kube
