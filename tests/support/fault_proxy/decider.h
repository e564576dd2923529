// Which connection and which request meets which fault: rules first, then chance, which a seed decides.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "support/fault_proxy/fault.h"

namespace wukong::faults {

/// Faults by chance. The same seed decides the same for the n-th request of the same shape, in whatever order
/// requests of different shapes come, so a run can be repeated although its names differ.
struct Chance {
  std::uint64_t seed{};
  double rate{};               // share of requests that are struck
  double connection_rate{};    // share of connections that are struck
  int stretch{1};              // multiplies the times of faults: outages that outlast a client's patience
  std::size_t most{8};         // no more faults than these …
  Milliseconds until{20'000};  // … and none later than this, so that every run comes to an end
};

struct RequestSeen {
  std::string method{};
  std::string target{};  // path and query
  Milliseconds at{};     // since the proxy started
};

/// A fault for a request and when, for a watch, it strikes.
struct Decision {
  Fault fault{};
  Milliseconds after{};
};

/// Pure: no clock, no randomness of its own.
class Decider {
 public:
  Decider(std::vector<Rule> rules, std::optional<Chance> chance)
      : rules_(std::move(rules)), chance_(chance), matched_(rules_.size()) {}

  /// Faults for a new connection, by when they strike; `number` counts from 1.
  std::vector<Strike> on_connection(std::size_t number, Milliseconds at);
  std::optional<Decision> on_request(const RequestSeen& seen);

 private:
  bool struck(std::size_t rule);
  bool luck_left(Milliseconds at) const;

  std::vector<Rule> rules_;
  std::optional<Chance> chance_;
  std::vector<std::size_t> matched_;             // per rule
  std::map<std::string, std::size_t> shapes_{};  // how often each shape was seen
  std::size_t given_{};                          // faults by chance
};

bool is_watch(const std::string& target);
/// "GET virtualmachines/*", "WATCH events", "POST virtualmachineclones": without names, namespaces and versions.
std::string shape_of(const std::string& method, const std::string& target);

}  // namespace wukong::faults
