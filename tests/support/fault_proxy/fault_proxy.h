// A proxy that fails on purpose, between a client and an API server: for tests, on a thread of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "support/fault_proxy/decider.h"
#include "support/fault_proxy/fault.h"
#include "support/fault_proxy/upstream.h"

namespace wukong::faults {

struct ProxyOptions {
  Mode mode{Mode::tcp};
  Upstream upstream{};
  std::uint16_t port{};  // 0: any free one
  std::vector<Rule> rules{};
  std::optional<Chance> chance{};
  std::function<void(const std::string& line)>
      log{};  // each fault as it strikes; called on the proxy's thread
};

/// Listens on 127.0.0.1 until it is destroyed. All members may be called from any thread but the proxy's own, and
/// return when it is done.
class FaultProxy {
 public:
  /// Errors: `unreachable` (the server's name is not known), `failed` (no port), `usage` (bad certificates).
  static Result<std::unique_ptr<FaultProxy>> start(ProxyOptions options);
  ~FaultProxy();
  FaultProxy(const FaultProxy&) = delete;
  FaultProxy& operator=(const FaultProxy&) = delete;

  std::uint16_t port() const;
  /// PEM of the authority that signed the proxy's certificate; "" in Mode::tcp.
  const std::string& authority() const;
  /// Strikes all connections, now; those that come later too, for the fault's time (zero: until heal).
  /// cut and reset end what is there and no more. Only kinds of connections.
  void impose(const Fault& fault);
  /// Mode::tls: connections that come later see another certificate; those that are there go on.
  void rotate();
  /// New rules and chances from now on; the counts of `nth` begin again.
  void set_rules(std::vector<Rule> rules, std::optional<Chance> chance = {});
  /// Ends what was imposed and drops rules and chances. Connections in a blackhole stay there.
  void heal();
  /// What has struck so far, one line each.
  std::vector<std::string> log() const;

 private:
  struct Impl;
  explicit FaultProxy(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace wukong::faults
