// HTTPS on the loopback: requests to the Api, watches to whoever waits, time to the controllers.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "sandbox/api.h"
#include "sandbox/certificates.h"

namespace wukong::sandbox {

struct ServerOptions {
  Certificates certificates{};
  std::map<std::string, User> tokens{};  // bearer token -> user
};

class Server {
 public:
  /// Listens on a free port of 127.0.0.1. Errors: `failed`.
  static Result<std::unique_ptr<Server>> listen(Cluster& cluster, ServerOptions options);
  virtual ~Server() = default;
  virtual std::uint16_t port() const = 0;
  /// Serves until SIGTERM or SIGINT.
  virtual void run() = 0;
};

}  // namespace wukong::sandbox
