#include "kube/client.h"

#include <deque>
#include <map>

#include "kube/api_error.h"
#include "kube/http.h"
#include "kube/retry.h"
#include "kube/sender.h"
#include "kube/watch.h"

namespace wukong::kube {
namespace {

// The API server allows 100 streams on a connection; watches need some.
constexpr std::size_t kMaxInFlight = 64;

}  // namespace

struct Client::Core {
  struct Call {  // a request until its last try
    Request request{};
    std::function<void(Result<Response>)> done{};
    Time began{};  // of its first try
    unsigned tries{};
    bool unsure{};     // a try got no answer: what it asked for may have been done
    Handle current{};  // a try, or the pause before one
  };
  using Id = std::uint64_t;

  Core(Loop& where, Http http, const ClusterAccess& access, CredentialSource credentials,
       const ClientOptions& options)
      : loop(&where),
        request_timeout(access.request_timeout),
        random(options.seed),
        sender(where, std::move(http), access, std::move(credentials), options),
        watches(sender, options.seed) {}

  void start_waiting();
  void try_once(Id id);
  void take(Id id, Attempt attempt);
  void end(Id id, Result<Response> result);

  Loop* loop;
  Duration request_timeout;
  Random random;
  Sender sender;
  Watches watches;
  Id last_id{};
  std::deque<Id> waiting{};  // not begun: too many in flight
  std::size_t in_flight{};
  std::map<Id, Call> calls{};  // after `sender`: its handles go first
};

void Client::Core::start_waiting() {
  while (!waiting.empty() && in_flight < kMaxInFlight) {
    const Id id = waiting.front();
    waiting.pop_front();
    ++in_flight;
    calls.at(id).began = loop->now();
    try_once(id);
  }
}

void Client::Core::try_once(Id id) {
  Call& call = calls.at(id);
  ++call.tries;
  Request request = call.request;
  request.patience = std::max<Duration>(request.patience - (loop->now() - call.began), Duration::zero());
  call.current =
      sender.attempt(std::move(request), [this, id](Attempt attempt) { take(id, std::move(attempt)); });
}

void Client::Core::take(Id id, Attempt attempt) {
  if (attempt) return end(id, std::move(*attempt));
  Call& call = calls.at(id);
  const Duration spent = loop->now() - call.began;
  Duration patience = call.request.patience;
  if (request_timeout > Duration::zero()) patience = std::min(patience, request_timeout);
  Failure& failure = attempt.error();
  call.unsure = call.unsure || failure.error.code == Code::unreachable;
  const auto pause = retry_delay(failure, call.tries, spent, patience, random);
  if (!pause) {
    // `overloaded` would say that nothing was done.
    if (failure.error.code == Code::overloaded && call.unsure) failure.error.code = Code::unreachable;
    return end(id, final_error(std::move(failure), spent, call.tries, sender.peer()));
  }
  const auto again = [this, id] { try_once(id); };
  // What the server asked us to wait for is waited for, whoever gets through meanwhile.
  const bool told = failure.error.code == Code::overloaded || failure.retry_after || failure.brief;
  call.current = told ? loop->after(*pause, again) : sender.pause(*pause, again);
}

void Client::Core::end(Id id, Result<Response> result) {
  const auto ended = calls.extract(id);
  --in_flight;
  start_waiting();
  ended.mapped().done(std::move(result));
}

Client::Client(std::unique_ptr<Core> core) : core_(std::move(core)) {}
Client::~Client() = default;

Result<std::unique_ptr<Client>> Client::make(Loop& loop, const ClusterAccess& access,
                                             CredentialSource credentials, const ClientOptions& options) {
  WUKONG_TRY(Http http, Http::make(loop, access,
                                   {.user_agent = options.user_agent,
                                    .http1 = options.http1,
                                    .largest_body = options.largest_body,
                                    .proxies = options.proxies,
                                    .roots = options.roots,
                                    .trace = options.trace}));
  auto core = std::make_unique<Core>(loop, std::move(http), access, std::move(credentials), options);
  return std::unique_ptr<Client>(new Client(std::move(core)));
}

Time Client::now() const { return core_->loop->now(); }

Handle Client::after(Duration delay, std::function<void()> fire) {
  return core_->loop->after(delay, std::move(fire));
}

void Client::request(Request request, std::function<void(Result<Response>)> done) {
  const std::uint64_t id = ++core_->last_id;
  core_->calls.emplace(id, Core::Call{.request = std::move(request), .done = std::move(done)});
  core_->waiting.push_back(id);
  core_->start_waiting();
}

WatchHandle Client::watch(const Watched& what, std::function<void(const std::string&)> changed) {
  return core_->watches.watch(what, std::move(changed));
}

Handle Client::on_signal(std::function<void(int)> heard) { return core_->loop->on_signal(std::move(heard)); }

Handle Client::on_leave(std::function<void()> leave) { return core_->loop->on_leave(std::move(leave)); }

void Client::turn() { core_->loop->turn(); }

}  // namespace wukong::kube
