// One connection through the proxy: bytes as they are, and what goes wrong with them.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "support/fault_proxy/fault.h"

namespace wukong::faults {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using Clock = std::chrono::steady_clock;

/// What is imposed on all connections, the present and the coming ones.
struct Weather {
  std::array<Clock::time_point, 2> stalled_until{};  // up, down
  Clock::time_point blackhole_until{};
  Milliseconds delay{};
  std::size_t bytes_per_second{};  // 0: no limit
};

class TcpRelay : public std::enable_shared_from_this<TcpRelay> {
 public:
  /// `struck` hears of each fault of `strikes` when it strikes; Kind::refuse is carried out there.
  TcpRelay(Tcp::socket client, Tcp::endpoint server, const Weather& weather, std::vector<Strike> strikes,
           std::function<void(const Fault&)> struck);

  void start();
  /// Now. Kind::refuse resets.
  void strike(const Fault& fault);
  void close();

 private:
  enum Way : std::size_t { up, down };
  struct Pump {
    explicit Pump(Tcp::socket& client) : timer(client.get_executor()) {}
    std::array<char, 16384> piece{};
    std::size_t begin{};
    std::size_t end{};
    bool ended{};
    Clock::time_point stalled_until{};
    asio::steady_timer timer;
  };

  Tcp::socket& from(Way way) { return way == up ? client_ : server_; }
  Tcp::socket& to(Way way) { return way == up ? server_ : client_; }
  void connect();
  void expect_strikes();
  void read(Way way);
  void pass(Way way, bool delayed);
  void write(Way way);
  void written(Way way, std::size_t count);
  void on_end(Way way, const boost::system::error_code& why);
  std::size_t allowed(Way way) const;
  void strike_after_bytes();
  void swallow();
  void enter_blackhole(Milliseconds time);
  void cut();
  void reset();

  Tcp::socket client_;
  Tcp::socket server_;
  Tcp::endpoint endpoint_;
  const Weather* weather_;
  std::vector<Strike> strikes_;  // by time: taken out when they strike
  std::function<void(const Fault&)> struck_;
  std::array<Pump, 2> pumps_;
  std::vector<std::unique_ptr<asio::steady_timer>> strike_timers_{};
  asio::steady_timer last_timer_;  // ends a blackhole, or the patience after a cut
  Milliseconds delay_{};
  std::size_t bytes_per_second_{};
  std::size_t sent_down_{};
  bool connected_{};
  bool swallows_{};  // blackholed or cut: what comes is dropped
  bool closed_{};
};

}  // namespace wukong::faults
