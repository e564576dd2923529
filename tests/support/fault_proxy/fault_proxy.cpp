#include "support/fault_proxy/fault_proxy.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <mutex>
#include <thread>

#include "support/fault_proxy/http_front.h"

namespace wukong::faults {
namespace {

using boost::system::error_code;

/// A server whose name does not resolve is told at the start.
Result<Tcp::endpoint> resolve(asio::io_context& io, const Upstream& upstream) {
  error_code failed;
  Tcp::resolver resolver(io);
  const auto found = resolver.resolve(upstream.host, fmt::format("{}", upstream.port), failed);
  if (failed || found.empty())
    return Error{.code = Code::unreachable,
                 .message = fmt::format("{} is not known: {}", upstream.host, failed.message())};
  return found.begin()->endpoint();
}

}  // namespace

struct FaultProxy::Impl {
  explicit Impl(ProxyOptions given)
      : options(std::move(given)), decider(options.rules, options.chance), acceptor(io), back(io) {}

  ProxyOptions options;
  Decider decider;
  Weather weather{};
  Clock::time_point began{Clock::now()};
  std::size_t accepted{};
  std::vector<std::weak_ptr<TcpRelay>> relays{};
  std::uint16_t port{};
  std::string authority{};
  mutable std::mutex lines_mutex{};
  std::vector<std::string> lines{};

  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> busy{io.get_executor()};  // also while refusing
  Tcp::acceptor acceptor;
  asio::steady_timer back;  // ends a time of refusing
  Tcp::endpoint target{};
  std::unique_ptr<HttpFront> front{};
  std::thread thread{};

  Milliseconds elapsed() const { return std::chrono::duration_cast<Milliseconds>(Clock::now() - began); }
  Result<void> prepare();
  Result<void> listen(std::uint16_t wanted);
  void accept();
  void begin_relay(Tcp::socket client);
  void refuse(Milliseconds time);
  void impose(const Fault& fault);
  void heal();
  void note(const std::string& what);
  template <class F>
  void on_thread(F work);
};

Result<void> FaultProxy::Impl::prepare() {
  WUKONG_TRY(target, resolve(io, options.upstream));
  if (options.mode == Mode::tls) {
    if (options.upstream.plain)
      return Error{.code = Code::usage, .message = "the server speaks no TLS that could be ended"};
    WUKONG_TRY(const Certificates own, make_certificates());
    authority = own.authority;
    const auto decide = [this](const std::string& method, const std::string& path) {
      auto decision = decider.on_request({method, path, elapsed()});
      if (decision) note(fmt::format("{} {}: {}", method, path, describe(decision->fault)));
      return decision;
    };
    WUKONG_TRY(front, HttpFront::make(io, options.upstream, target, own, decide));
    target = front->endpoint();
  }
  return listen(options.port);
}

Result<void> FaultProxy::Impl::listen(std::uint16_t wanted) {
  try {
    const Tcp::endpoint at(asio::ip::address_v4::loopback(), wanted);
    acceptor.open(at.protocol());
    acceptor.set_option(Tcp::acceptor::reuse_address(true));
    acceptor.bind(at);
    acceptor.listen();
    port = acceptor.local_endpoint().port();
  } catch (const boost::system::system_error& e) {
    return Error{.message = fmt::format("cannot listen on port {}: {}", wanted, e.what())};
  }
  accept();
  return {};
}

void FaultProxy::Impl::accept() {
  acceptor.async_accept([this](const error_code& failed, Tcp::socket client) {
    if (failed == asio::error::operation_aborted || !acceptor.is_open()) return;
    if (!failed) begin_relay(std::move(client));
    if (acceptor.is_open()) accept();
  });
}

void FaultProxy::Impl::begin_relay(Tcp::socket client) {
  const std::size_t number = ++accepted;
  const auto struck = [this, number](const Fault& fault) {
    note(fmt::format("connection {}: {}", number, describe(fault)));
    if (fault.kind == Kind::refuse) refuse(fault.time);
  };
  std::erase_if(relays, [](const auto& each) { return each.expired(); });
  const auto relay = std::make_shared<TcpRelay>(std::move(client), target, weather,
                                                decider.on_connection(number, elapsed()), struck);
  relays.push_back(relay);
  relay->start();
}

void FaultProxy::Impl::refuse(Milliseconds time) {
  error_code ignored;
  acceptor.close(ignored);
  if (time.count() == 0) return;
  back.expires_after(time);
  back.async_wait([this](const error_code& cancelled) {
    if (cancelled || acceptor.is_open()) return;
    if (const auto again = listen(port); !again) note(again.error().message);
  });
}

void FaultProxy::Impl::impose(const Fault& fault) {
  note("all: " + describe(fault));
  const bool for_ever = fault.time.count() == 0;
  const auto until = for_ever ? Clock::time_point::max() : Clock::now() + fault.time;
  switch (fault.kind) {
    case Kind::stall:
      if (fault.direction != Direction::down) weather.stalled_until[0] = until;
      if (fault.direction != Direction::up) weather.stalled_until[1] = until;
      return;
    case Kind::delay:
      weather.delay = fault.time;
      return;
    case Kind::throttle:
      weather.bytes_per_second = fault.bytes;
      return;
    case Kind::blackhole:
      weather.blackhole_until = until;
      break;
    case Kind::refuse:
      refuse(fault.time);
      break;
    default:
      break;
  }
  const auto struck = relays;  // a relay that ends leaves the list alone
  for (const auto& each : struck)
    if (const auto relay = each.lock()) relay->strike(fault);
}

void FaultProxy::Impl::heal() {
  note("healed");
  weather = {};
  decider = Decider({}, {});
  back.cancel();
  if (acceptor.is_open()) return;
  if (const auto again = listen(port); !again) note(again.error().message);
}

void FaultProxy::Impl::note(const std::string& what) {
  const std::string line =
      fmt::format("{:.3f} {}", std::chrono::duration<double>(Clock::now() - began).count(), what);
  {
    const std::lock_guard lock(lines_mutex);
    lines.push_back(line);
  }
  if (options.log) options.log(line);
}

template <class F>
void FaultProxy::Impl::on_thread(F work) {
  const auto done = std::make_shared<std::promise<void>>();  // set_value may outlast the wait
  asio::post(io, [&work, done] {
    work();
    done->set_value();
  });
  done->get_future().wait();
}

FaultProxy::FaultProxy(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

FaultProxy::~FaultProxy() {
  impl_->io.stop();
  if (impl_->thread.joinable()) impl_->thread.join();
}

Result<std::unique_ptr<FaultProxy>> FaultProxy::start(ProxyOptions options) {
  auto impl = std::make_unique<Impl>(std::move(options));
  WUKONG_CHECK(impl->prepare());
  impl->thread = std::thread([io = &impl->io] { io->run(); });
  return std::unique_ptr<FaultProxy>(new FaultProxy(std::move(impl)));
}

std::uint16_t FaultProxy::port() const { return impl_->port; }
const std::string& FaultProxy::authority() const { return impl_->authority; }

void FaultProxy::impose(const Fault& fault) {
  impl_->on_thread([&] { impl_->impose(fault); });
}

void FaultProxy::rotate() {
  impl_->on_thread([&] {
    const Result<void> done =
        impl_->front ? impl_->front->rotate() : Error{.message = "no TLS is ended here"};
    impl_->note(done ? "the certificate was rotated" : done.error().message);
  });
}

void FaultProxy::set_rules(std::vector<Rule> rules, std::optional<Chance> chance) {
  impl_->on_thread([&] {
    impl_->decider = Decider(std::move(rules), chance);
    impl_->began = Clock::now();
  });
}

void FaultProxy::heal() {
  impl_->on_thread([&] { impl_->heal(); });
}

std::vector<std::string> FaultProxy::log() const {
  const std::lock_guard lock(impl_->lines_mutex);
  return impl_->lines;
}

}  // namespace wukong::faults
