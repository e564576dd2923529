#include "kube/loop.h"

#include <fmt/format.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>

namespace wukong::kube {
namespace {

using Id = std::uint64_t;

constexpr Duration kLongestSleep = std::chrono::hours{1};

template <class T>
void drop(std::vector<std::pair<Id, T>>& list, Id id) {
  std::erase_if(list, [id](const auto& entry) { return entry.first == id; });
}

/// Those who listen.
void tell(const std::vector<std::pair<Id, std::function<void()>>>& listening) {
  // NOLINTNEXTLINE(performance-unnecessary-copy-initialization): calling one may change the list
  const auto now = listening;
  for (const auto& [id, heard] : now) heard();
}

bool is_ignored(int signal) {
  struct sigaction now{};
  return sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

/// A signalfd reads even what is ignored, as long as it is blocked.
sigset_t signals_to_hear() {
  sigset_t all{};
  sigemptyset(&all);
  for (const int signal : {SIGINT, SIGTERM, SIGWINCH}) sigaddset(&all, signal);
  for (const int signal : {SIGHUP, SIGTSTP, SIGQUIT})
    if (!is_ignored(signal)) sigaddset(&all, signal);
  return all;
}

/// Stops or ends the program; returns when a stopped one goes on.
void act_by_default(int signal) {
  sigset_t one{};
  sigemptyset(&one);
  sigaddset(&one, signal);
  raise(signal);
  pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
  pthread_sigmask(SIG_BLOCK, &one, nullptr);
}

}  // namespace

struct Loop::State {
  struct Ready {
    std::function<std::vector<pollfd>()> wanted{};
    std::function<void()> ready{};
  };

  CURLM* multi{};
  Fd signal_fd{};
  sigset_t outer_mask{};
  struct sigaction outer_pipe{};
  bool signals_taken{};
  Id last_id{};
  std::map<std::pair<Time, Id>, std::function<void()>> timers{};
  std::vector<std::function<void()>> deferred{};
  std::map<CURL*, std::function<void(CURLcode)>> transfers{};
  std::vector<std::pair<Id, std::function<void(int)>>> hearers{};
  std::vector<std::pair<Id, std::function<void()>>> resizers{};
  std::vector<std::pair<Id, std::function<void()>>> leavers{};
  std::vector<std::pair<Id, Ready>> descriptors{};
  std::vector<int> unheard{};
  std::mutex mutex{};
  std::vector<std::function<void()>> messages{};  // guarded by `mutex`

  ~State();
  Result<void> open();
  bool deliver_completions();
  bool deliver_messages();
  bool run_due_timers(Time now);
  std::chrono::milliseconds time_to_sleep(Time now) const;
  void poll_all(std::chrono::milliseconds longest);
  void on_signals();
  void deliver_signals();
};

Loop::State::~State() {
  for (const auto& [easy, finished] : transfers) curl_multi_remove_handle(multi, easy);
  if (multi != nullptr) {
    curl_multi_cleanup(multi);
    curl_global_cleanup();
  }
  if (!signals_taken) return;
  sigaction(SIGPIPE, &outer_pipe, nullptr);
  pthread_sigmask(SIG_SETMASK, &outer_mask, nullptr);
}

Result<void> Loop::State::open() {
  const sigset_t ours = signals_to_hear();
  pthread_sigmask(SIG_BLOCK, &ours, &outer_mask);
  struct sigaction ignore{};
  ignore.sa_handler = SIG_IGN;  // NOLINT(cppcoreguidelines-pro-type-union-access): how sigaction is made
  sigaction(SIGPIPE, &ignore, &outer_pipe);
  signals_taken = true;
  signal_fd = Fd(signalfd(-1, &ours, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!signal_fd) return Error{.message = fmt::format("cannot listen for signals: {}", std::strerror(errno))};
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return Error{.message = "cannot start libcurl"};
  multi = curl_multi_init();
  if (multi == nullptr) {
    curl_global_cleanup();
    return Error{.message = "cannot start libcurl"};
  }
  curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
  curl_multi_setopt(multi, CURLMOPT_MAX_CONCURRENT_STREAMS, 100L);  // what the API server allows
  return {};
}

bool Loop::State::deliver_completions() {
  bool any = false;
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* const easy = message->easy_handle;
    const CURLcode code = message->data.result;  // `message` dies with the next curl call
    const auto found = transfers.find(easy);
    if (found == transfers.end()) continue;
    const auto finished = std::move(found->second);
    transfers.erase(found);
    curl_multi_remove_handle(multi, easy);
    any = true;
    finished(code);
  }
  return any;
}

bool Loop::State::deliver_messages() {
  std::vector<std::function<void()>> ready = std::exchange(deferred, {});
  {
    const std::lock_guard lock(mutex);
    std::move(messages.begin(), messages.end(), std::back_inserter(ready));
    messages.clear();
  }
  for (auto& act : ready) std::exchange(act, nullptr)();
  return !ready.empty();
}

bool Loop::State::run_due_timers(Time now) {
  bool any = false;
  const Id newest = last_id;  // what timers start waits for the next turn
  auto due = timers.begin();
  while (due != timers.end() && due->first.first <= now) {
    if (due->first.second > newest) {
      ++due;
      continue;
    }
    const auto fire = std::move(due->second);
    timers.erase(due);
    any = true;
    fire();
    due = timers.begin();
  }
  return any;
}

std::chrono::milliseconds Loop::State::time_to_sleep(Time now) const {
  if (!deferred.empty()) return std::chrono::milliseconds{0};
  Duration sleep = kLongestSleep;
  if (!timers.empty()) sleep = std::clamp(timers.begin()->first.first - now, Duration::zero(), kLongestSleep);
  // ceil, never truncate: a rounded-down wait spins through the last millisecond of every sleep.
  return std::chrono::ceil<std::chrono::milliseconds>(sleep);
}

void Loop::State::poll_all(std::chrono::milliseconds longest) {
  std::vector<curl_waitfd> waits{{signal_fd.get(), CURL_WAIT_POLLIN, 0}};
  std::vector<std::pair<Id, std::size_t>> owners{};  // of waits[1…], in order
  for (const auto& [id, entry] : descriptors) {
    for (const pollfd& each : entry.wanted()) {
      // CURL_WAIT_POLLIN, -PRI and -OUT have the values of POLLIN, POLLPRI and POLLOUT.
      waits.push_back({each.fd, each.events, 0});
      owners.emplace_back(id, waits.size() - 1);
    }
  }
  int happened = 0;
  curl_multi_poll(multi, waits.data(), static_cast<unsigned>(waits.size()), static_cast<int>(longest.count()),
                  &happened);
  if (waits[0].revents != 0) on_signals();
  // POLLHUP alone (a pipe whose writer has gone) is not handed on by libcurl but ends its poll: ask again.
  std::vector<Id> due{};
  for (const auto& [id, at] : owners) {
    pollfd again{waits[at].fd, waits[at].events, 0};
    if (::poll(&again, 1, 0) > 0 && (due.empty() || due.back() != id)) due.push_back(id);
  }
  for (const Id id : due) {
    const auto found = std::find_if(descriptors.begin(), descriptors.end(),
                                    [&](const auto& each) { return each.first == id; });
    if (found == descriptors.end()) continue;
    const auto ready = found->second.ready;
    ready();
  }
}

void Loop::State::on_signals() {
  bool resized = false;
  signalfd_siginfo info{};
  while (read(signal_fd.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    const int signal = static_cast<int>(info.ssi_signo);
    if (signal == SIGWINCH) {
      resized = true;
    } else if (signal == SIGTSTP || signal == SIGQUIT) {
      tell(leavers);
      act_by_default(signal);
    } else {
      unheard.push_back(signal);
    }
  }
  deliver_signals();
  if (resized) tell(resizers);
}

void Loop::State::deliver_signals() {
  while (!unheard.empty() && !hearers.empty()) {
    const int signal = unheard.front();
    unheard.erase(unheard.begin());
    const auto heard = hearers.back().second;
    heard(signal);
  }
}

Result<std::unique_ptr<Loop>> Loop::make() {
  auto state = std::make_shared<State>();
  WUKONG_CHECK(state->open());
  return std::unique_ptr<Loop>(new Loop(std::move(state)));
}

Loop::~Loop() = default;

Handle Loop::after(Duration delay, std::function<void()> fire) {
  const std::pair key{now() + std::max(delay, Duration::zero()), ++state_->last_id};
  state_->timers.emplace(key, std::move(fire));
  return Handle([weak = std::weak_ptr(state_), key] {
    if (const auto state = weak.lock()) state->timers.erase(key);
  });
}

void Loop::defer(std::function<void()> act) { state_->deferred.push_back(std::move(act)); }

void Loop::post(std::function<void()> message) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->messages.push_back(std::move(message));
  }
  curl_multi_wakeup(state_->multi);
}

Handle Loop::on_signal(std::function<void(int)> heard) {
  const Id id = ++state_->last_id;
  state_->hearers.emplace_back(id, std::move(heard));
  if (!state_->unheard.empty()) {
    defer([weak = std::weak_ptr(state_)] {
      if (const auto state = weak.lock()) state->deliver_signals();
    });
  }
  return Handle([weak = std::weak_ptr(state_), id] {
    if (const auto state = weak.lock()) drop(state->hearers, id);
  });
}

Handle Loop::on_resize(std::function<void()> heard) {
  const Id id = ++state_->last_id;
  state_->resizers.emplace_back(id, std::move(heard));
  return Handle([weak = std::weak_ptr(state_), id] {
    if (const auto state = weak.lock()) drop(state->resizers, id);
  });
}

Handle Loop::on_leave(std::function<void()> leave) {
  const Id id = ++state_->last_id;
  state_->leavers.emplace_back(id, std::move(leave));
  return Handle([weak = std::weak_ptr(state_), id] {
    if (const auto state = weak.lock()) drop(state->leavers, id);
  });
}

Handle Loop::on_ready(std::function<std::vector<pollfd>()> wanted, std::function<void()> ready) {
  const Id id = ++state_->last_id;
  state_->descriptors.emplace_back(id, State::Ready{std::move(wanted), std::move(ready)});
  return Handle([weak = std::weak_ptr(state_), id] {
    if (const auto state = weak.lock()) drop(state->descriptors, id);
  });
}

Handle Loop::transfer(CURL* easy, std::function<void(CURLcode)> finished) {
  if (const CURLMcode code = curl_multi_add_handle(state_->multi, easy); code != CURLM_OK) {
    defer([finished = std::move(finished)] { finished(CURLE_FAILED_INIT); });
    return {};
  }
  state_->transfers.insert_or_assign(easy, std::move(finished));
  return Handle([weak = std::weak_ptr(state_), easy] {
    const auto state = weak.lock();
    if (state && state->transfers.erase(easy) > 0) curl_multi_remove_handle(state->multi, easy);
  });
}

const sigset_t& Loop::outer_signal_mask() const { return state_->outer_mask; }

void Loop::turn() {
  const auto state = state_;
  int running = 0;
  curl_multi_perform(state->multi, &running);
  bool any = state->deliver_completions();
  any = state->deliver_messages() || any;
  any = state->run_due_timers(now()) || any;
  state->poll_all(any ? std::chrono::milliseconds{0} : state->time_to_sleep(now()));
}

}  // namespace wukong::kube
