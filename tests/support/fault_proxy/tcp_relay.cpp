#include "support/fault_proxy/tcp_relay.h"

#include <algorithm>
#include <boost/asio/write.hpp>
#include <utility>

namespace wukong::faults {
namespace {

using boost::system::error_code;

constexpr Milliseconds kLook{5};          // how often a stalled connection looks whether it may go on
constexpr Milliseconds kAfterCut{2'000};  // for the client to see the end and close, too

void reset_socket(Tcp::socket& socket) {
  error_code ignored;
  socket.set_option(asio::socket_base::linger(true, 0), ignored);
  socket.close(ignored);
}

void shut(Tcp::socket& socket, Tcp::socket::shutdown_type what) {
  error_code ignored;
  socket.shutdown(what, ignored);
}

}  // namespace

TcpRelay::TcpRelay(Tcp::socket client, Tcp::endpoint server, const Weather& weather,
                   std::vector<Strike> strikes, std::function<void(const Fault&)> struck)
    : client_(std::move(client)),
      server_(client_.get_executor()),
      endpoint_(std::move(server)),
      weather_(&weather),
      strikes_(std::move(strikes)),
      struck_(std::move(struck)),
      pumps_{{Pump(client_), Pump(client_)}},
      last_timer_(client_.get_executor()) {}

void TcpRelay::start() {
  expect_strikes();
  if (closed_) return;
  if (const auto until = weather_->blackhole_until; until == Clock::time_point::max())
    enter_blackhole(Milliseconds::zero());
  else if (const auto left = until - Clock::now(); left.count() > 0)
    enter_blackhole(std::chrono::ceil<Milliseconds>(left));
  read(up);
  if (!swallows_) connect();
}

void TcpRelay::connect() {
  server_.async_connect(endpoint_, [self = shared_from_this()](const error_code& failed) {
    if (self->closed_ || self->swallows_) return;
    if (failed) return self->reset();
    self->connected_ = true;
    error_code ignored;
    self->server_.set_option(Tcp::no_delay(true), ignored);
    self->client_.set_option(Tcp::no_delay(true), ignored);
    self->read(down);
    if (self->pumps_[up].end > 0) self->pass(up, false);
  });
}

/// Those by bytes wait in strikes_; those by time get a timer, or strike at once.
void TcpRelay::expect_strikes() {
  std::vector<Strike> by_time{};
  std::erase_if(strikes_, [&](const Strike& each) {
    if (each.after_bytes > 0) return false;
    by_time.push_back(each);
    return true;
  });
  for (const Strike& each : by_time) {
    const auto now_strikes = [self = shared_from_this(), fault = each.fault] {
      if (self->closed_) return;
      self->struck_(fault);
      self->strike(fault);
    };
    if (each.after.count() == 0) {
      now_strikes();
      continue;
    }
    auto& timer =
        strike_timers_.emplace_back(std::make_unique<asio::steady_timer>(client_.get_executor(), each.after));
    timer->async_wait([now_strikes](const error_code& cancelled) {
      if (!cancelled) now_strikes();
    });
  }
}

void TcpRelay::strike(const Fault& fault) {
  if (closed_) return;
  const auto until = Clock::now() + fault.time;
  switch (fault.kind) {
    case Kind::cut:
      return cut();
    case Kind::reset:
    case Kind::refuse:
      return reset();
    case Kind::stall:
      if (fault.direction != Direction::down) pumps_[up].stalled_until = until;
      if (fault.direction != Direction::up) pumps_[down].stalled_until = until;
      return;
    case Kind::blackhole:
      return enter_blackhole(fault.time);
    case Kind::delay:
      delay_ = fault.time;
      return;
    case Kind::throttle:
      bytes_per_second_ = fault.bytes;
      return;
    default:
      return;
  }
}

void TcpRelay::read(Way way) {
  Pump& pump = pumps_[way];
  from(way).async_read_some(asio::buffer(pump.piece),
                            [self = shared_from_this(), way](const error_code& why, std::size_t count) {
                              if (self->closed_) return;
                              if (why) return self->on_end(way, why);
                              if (self->swallows_) return self->read(way);
                              self->pumps_[way].begin = 0;
                              self->pumps_[way].end = count;
                              // Until the server is there, the first piece waits for it.
                              if (way == up && !self->connected_) return;
                              self->pass(way, false);
                            });
}

/// Lets the piece of `way` through as soon as nothing holds it. `delayed`: it has served its time.
void TcpRelay::pass(Way way, bool delayed) {
  Pump& pump = pumps_[way];
  if (swallows_) return read(way);
  const bool stalled = std::max(pump.stalled_until, weather_->stalled_until[way]) > Clock::now();
  std::chrono::nanoseconds wait{};
  if (stalled) {
    wait = kLook;
  } else if (!delayed) {
    wait = std::max(delay_, weather_->delay);
    for (const std::size_t rate : {bytes_per_second_, weather_->bytes_per_second})
      if (rate > 0) wait += std::chrono::nanoseconds{std::chrono::seconds{pump.end - pump.begin}} / rate;
  }
  if (wait.count() == 0) return write(way);
  pump.timer.expires_after(wait);
  pump.timer.async_wait(
      [self = shared_from_this(), way, delayed = delayed || !stalled](const error_code& cancelled) {
        if (!cancelled && !self->closed_) self->pass(way, delayed);
      });
}

/// Bytes of the piece before the next strike.
std::size_t TcpRelay::allowed(Way way) const {
  std::size_t count = pumps_[way].end - pumps_[way].begin;
  if (way == down)
    for (const Strike& each : strikes_)
      count = std::min(count, each.after_bytes - std::min(each.after_bytes, sent_down_));
  return count;
}

void TcpRelay::write(Way way) {
  const Pump& pump = pumps_[way];
  asio::async_write(to(way), asio::buffer(pump.piece.data() + pump.begin, allowed(way)),
                    [self = shared_from_this(), way](const error_code& failed, std::size_t count) {
                      if (self->closed_) return;
                      if (self->swallows_) return self->read(way);
                      if (failed) return self->reset();
                      self->written(way, count);
                    });
}

void TcpRelay::written(Way way, std::size_t count) {
  Pump& pump = pumps_[way];
  pump.begin += count;
  if (way == down) {
    sent_down_ += count;
    strike_after_bytes();
    if (closed_) return;
  }
  if (pump.begin < pump.end) return pass(way, false);
  pump.begin = pump.end = 0;
  read(way);
}

void TcpRelay::strike_after_bytes() {
  std::vector<Strike> due{};
  std::erase_if(strikes_, [&](const Strike& each) {
    if (each.after_bytes > sent_down_) return false;
    due.push_back(each);
    return true;
  });
  for (const Strike& each : due) {
    if (closed_) return;
    struck_(each.fault);
    strike(each.fault);
  }
}

void TcpRelay::on_end(Way way, const error_code& why) {
  if (swallows_ && way == down) return;  // the client is not told
  if (why != asio::error::eof) return swallows_ ? close() : reset();
  pumps_[way].ended = true;
  if (swallows_ || pumps_[up].ended == pumps_[down].ended || !connected_) return close();
  shut(to(way), Tcp::socket::shutdown_send);
}

/// From now on what the client sends is dropped, and nothing is sent to it.
void TcpRelay::swallow() {
  if (std::exchange(swallows_, true)) return;
  error_code ignored;
  server_.close(ignored);
  // Its first piece was waiting for the server: nobody would read on.
  if (!connected_ && pumps_[up].end > 0) read(up);
}

void TcpRelay::enter_blackhole(Milliseconds time) {
  swallow();
  if (time.count() == 0) return;
  last_timer_.expires_after(time);
  last_timer_.async_wait([self = shared_from_this()](const error_code& cancelled) {
    if (!cancelled && !self->closed_) self->reset();
  });
}

/// A socket that is closed with bytes unread sends RST, so what still comes is read and dropped for a while.
void TcpRelay::cut() {
  swallow();
  shut(client_, Tcp::socket::shutdown_send);
  last_timer_.expires_after(kAfterCut);
  last_timer_.async_wait([self = shared_from_this()](const error_code& cancelled) {
    if (!cancelled) self->close();
  });
}

void TcpRelay::reset() {
  if (closed_) return;
  reset_socket(client_);
  reset_socket(server_);
  close();
}

void TcpRelay::close() {
  closed_ = true;
  error_code ignored;
  client_.close(ignored);
  server_.close(ignored);
  for (Pump& pump : pumps_) pump.timer.cancel();
  for (const auto& timer : strike_timers_) timer->cancel();
  last_timer_.cancel();
}

}  // namespace wukong::faults
