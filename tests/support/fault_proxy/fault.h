// What can go wrong between a client and the API server, as data: kinds of faults, when they happen, how they are told.
#pragma once

#include <chrono>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include "base/object.h"
#include "base/result.h"

namespace wukong::faults {

using Milliseconds = std::chrono::milliseconds;

enum class Kind {
  // Of connections, in both modes; on an answer (TLS-ending mode) only cut, reset, stall.
  cut,        // ends both directions in good order (FIN)
  reset,      // ends with RST
  stall,      // bytes of `direction` wait for `time`, then go on
  blackhole,  // accepts and forwards nothing, for ever; a reset after `time`, unless that is zero
  refuse,     // nobody listens for `time`; what is connected is reset
  delay,      // every piece of bytes waits for `time`
  throttle,   // `bytes` per second in each direction
  // Of answers, TLS-ending mode only.
  status,      // answers `status` itself; with `after_write` the request is carried out nevertheless
  lost,        // the request is carried out, the answer is swallowed and the connection cut
  truncated,   // the connection is cut in the middle of the body
  broken,      // a whole body whose second half is blanks
  stale,       // the first answer that was given to this very request; passes when there was none
  slow,        // the body in slices of `bytes` with `time` between them
  gone_event,  // a watch: an ERROR event with status 410, then the end
  end_watch,   // a watch: the end in good order
};

enum class Direction { both, up, down };  // up: from the client to the server

struct Fault {
  Kind kind{Kind::cut};
  Milliseconds time{};
  std::size_t bytes{};
  Direction direction{Direction::both};
  int status{503};
  std::optional<int> retry_after{};  // seconds
  bool after_write{};
};

/// When a fault of a connection strikes: when either has passed.
struct Strike {
  Fault fault{};
  std::size_t after_bytes{};  // towards the client
  Milliseconds after{};       // since it was accepted
};

/// A fault for some requests, or (no `path`, and a kind of connections) for some connections.
struct Rule {
  std::string method{};               // "" matches all
  std::string path{};                 // searched for in path and query
  std::optional<std::regex> regex{};  // of `path`; none: the rule is for connections
  std::optional<bool> watch{};        // only watches, or no watches
  std::size_t nth{1};                 // the first match that is struck
  std::size_t times{1};               // how many are, from then on; 0: all
  Milliseconds from{};                // not before so long after the start of the proxy
  Milliseconds after{};               // a watch or a connection: so long after it began
  std::size_t after_bytes{};          // a connection: after so many bytes towards the client
  Fault fault{};
};

/// True for kinds that strike a connection as a whole.
bool is_of_connections(Kind kind);
std::string_view name_of(Kind kind);

/// Reads {"rules": [{"method", "path", "watch", "nth", "times", "from_ms", "after_ms", "after_bytes", "fault",
/// "time_ms", "bytes", "direction", "status", "retry_after", "after_write"}]}; all but "fault" may be left out.
/// A rule for requests has a "path" or a "method"; without them it is for connections. Errors: `usage`.
Result<std::vector<Rule>> parse_rules(const Json& script);

/// Reads "cut", "reset", "stall 5s down", "blackhole 20s", "refuse 3s", "delay 50ms", "throttle 2000".
/// Errors: `usage`.
Result<Fault> parse_command(std::string_view line);

/// "stall 5s down", "status 503": for logs.
std::string describe(const Fault& fault);

}  // namespace wukong::faults
