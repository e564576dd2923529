#include "kube/loop.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <thread>

using namespace wukong;
using namespace wukong::kube;
using namespace std::chrono_literals;

namespace {

std::unique_ptr<Loop> make_loop() {
  auto loop = Loop::make();
  REQUIRE(loop.has_value());
  return std::move(*loop);
}

}  // namespace

TEST_CASE("loop: timers fire in the order of their times, never before, and not once dropped") {
  const auto loop = make_loop();
  std::string order{};
  const Time start = loop->now();
  const Handle late = loop->after(4ms, [&] { order += "c"; });
  const Handle soon = loop->after(1ms, [&] { order += "a"; });
  Handle dropped = loop->after(2ms, [&] { order += "x"; });
  const Handle second = loop->after(2ms, [&] { order += "b"; });
  dropped.reset();
  CHECK(order.empty());
  while (order.size() < 3) loop->turn();
  CHECK(order == "abc");
  CHECK(loop->now() - start >= 4ms);
}

TEST_CASE("loop: a timer of zero that starts itself again leaves room for others") {
  const auto loop = make_loop();
  int rounds = 0;
  Handle again{};
  std::function<void()> repeat = [&] {
    ++rounds;
    again = loop->after(0ms, repeat);
  };
  again = loop->after(0ms, repeat);
  loop->turn();
  CHECK(rounds == 1);
  loop->turn();
  CHECK(rounds == 2);
}

TEST_CASE("loop: a turn does not spin through the last millisecond of a sleep") {
  const auto loop = make_loop();
  bool fired = false;
  const Handle timer = loop->after(20ms, [&] { fired = true; });
  int turns = 0;
  for (; !fired; ++turns) loop->turn();
  CHECK(turns <= 4);
}

TEST_CASE("loop: messages of other threads wake it and arrive in its own thread") {
  const auto loop = make_loop();
  std::thread::id heard_in{};
  std::thread worker([&] { loop->post([&] { heard_in = std::this_thread::get_id(); }); });
  while (heard_in == std::thread::id{}) loop->turn();
  worker.join();
  CHECK(heard_in == std::this_thread::get_id());
}

TEST_CASE("loop: what is deferred is delivered by a turn, also what it defers itself") {
  const auto loop = make_loop();
  int count = 0;
  loop->defer([&] {
    ++count;
    loop->defer([&] { ++count; });
  });
  CHECK(count == 0);
  loop->turn();
  loop->turn();
  CHECK(count == 2);
}

TEST_CASE("loop: Ctrl-C is heard by the newest handler, and kept while there is none") {
  const auto loop = make_loop();
  ::raise(SIGINT);
  const Handle wake = loop->after(0ms, [] {});
  loop->turn();  // nobody listens
  std::vector<std::pair<char, int>> heard{};
  const Handle first = loop->on_signal([&](int signal) { heard.emplace_back('1', signal); });
  while (heard.empty()) loop->turn();
  CHECK(heard.back() == std::pair('1', SIGINT));
  Handle second = loop->on_signal([&](int signal) { heard.emplace_back('2', signal); });
  ::raise(SIGTERM);
  while (heard.size() < 2) loop->turn();
  CHECK(heard.back() == std::pair('2', SIGTERM));
  second.reset();
  ::raise(SIGINT);
  while (heard.size() < 3) loop->turn();
  CHECK(heard.back() == std::pair('1', SIGINT));
  ::raise(SIGHUP);
  while (heard.size() < 4) loop->turn();
  CHECK(heard.back() == std::pair('1', SIGHUP));
}

TEST_CASE("loop: what was ignored before stays ignored: nohup") {
  struct sigaction before{};
  struct sigaction ignore{};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGHUP, &ignore, &before);
  {
    const auto loop = make_loop();
    int signal = 0;
    const Handle heard = loop->on_signal([&](int number) { signal = number; });
    ::raise(SIGHUP);
    ::raise(SIGTERM);
    while (signal == 0) loop->turn();
    CHECK(signal == SIGTERM);
  }
  sigaction(SIGHUP, &before, nullptr);
}

TEST_CASE("loop: whoever draws leaves before Ctrl-\\ ends the program") {
  int ends[2] = {-1, -1};
  REQUIRE(pipe(ends) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit no_core{};
    ::setrlimit(RLIMIT_CORE, &no_core);
    const auto loop = Loop::make();
    const Handle leaving = (*loop)->on_leave([&] { static_cast<void>(!write(ends[1], "left", 4)); });
    ::raise(SIGQUIT);
    (*loop)->turn();
    ::_exit(0);
  }
  const Fd read_end(ends[0]);
  ::close(ends[1]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGQUIT);
  std::array<char, 8> said{};
  CHECK(read(read_end.get(), said.data(), said.size()) == 4);
}

TEST_CASE("loop: a resized terminal is told to all who listen") {
  const auto loop = make_loop();
  int told = 0;
  const Handle one = loop->on_resize([&] { ++told; });
  const Handle two = loop->on_resize([&] { ++told; });
  ::raise(SIGWINCH);
  while (told == 0) loop->turn();
  CHECK(told == 2);
}

TEST_CASE("loop: signals are as before once it has gone") {
  sigset_t before{};
  pthread_sigmask(SIG_BLOCK, nullptr, &before);
  {
    const auto loop = make_loop();
    sigset_t inside{};
    pthread_sigmask(SIG_BLOCK, nullptr, &inside);
    CHECK(sigismember(&inside, SIGINT) == 1);
    CHECK(sigismember(&loop->outer_signal_mask(), SIGINT) == sigismember(&before, SIGINT));
    struct sigaction pipe{};
    sigaction(SIGPIPE, nullptr, &pipe);
    const bool ignored = pipe.sa_handler == SIG_IGN;
    CHECK(ignored);
  }
  sigset_t after{};
  pthread_sigmask(SIG_BLOCK, nullptr, &after);
  CHECK(sigismember(&after, SIGINT) == sigismember(&before, SIGINT));
  CHECK(sigismember(&after, SIGWINCH) == sigismember(&before, SIGWINCH));
}

TEST_CASE("loop: a descriptor is ready when bytes came, and when its writer has gone") {
  const auto loop = make_loop();
  int ends[2] = {-1, -1};
  REQUIRE(pipe(ends) == 0);
  const Fd read_end(ends[0]);
  Fd write_end(ends[1]);
  std::string got{};
  bool closed = false;
  const Handle ready = loop->on_ready([&] { return std::vector<pollfd>{{read_end.get(), POLLIN, 0}}; },
                                      [&] {
                                        char c = 0;
                                        if (read(read_end.get(), &c, 1) == 1) {
                                          got += c;
                                        } else {
                                          closed = true;
                                        }
                                      });
  REQUIRE(write(write_end.get(), "hi", 2) == 2);
  while (got.size() < 2) loop->turn();
  CHECK(got == "hi");
  write_end.reset();
  while (!closed) loop->turn();
}

TEST_CASE("loop: handles may outlive it") {
  Handle timer{};
  Handle signals{};
  {
    const auto loop = make_loop();
    timer = loop->after(1h, [] {});
    signals = loop->on_signal([](int) {});
  }
  timer.reset();
  signals.reset();
}
