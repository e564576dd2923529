// The half of the proxy that ends TLS: it understands requests, so it can answer them wrongly.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "support/fault_proxy/certificates.h"
#include "support/fault_proxy/decider.h"
#include "support/fault_proxy/tcp_relay.h"
#include "support/fault_proxy/upstream.h"

namespace wukong::faults {

/// Decides for a request that begins now.
using Decide = std::function<std::optional<Decision>(const std::string& method, const std::string& target)>;

struct HttpShared;

/// Listens on a loopback port of its own; the connections of TcpRelay end there. To the server it speaks HTTP/1.1 with
/// the client certificate of `upstream`; headers (tokens, impersonation) pass as they are. No upgrades (exec, port-forward).
class HttpFront {
 public:
  /// Errors: `usage` (certificates that OpenSSL does not take), `failed` (no port).
  static Result<std::unique_ptr<HttpFront>> make(asio::io_context& io, const Upstream& upstream,
                                                 Tcp::endpoint server, const Certificates& own,
                                                 Decide decide);
  ~HttpFront();
  HttpFront(const HttpFront&) = delete;
  HttpFront& operator=(const HttpFront&) = delete;

  Tcp::endpoint endpoint() const;
  /// Connections that come later see another certificate and key, of the same authority. Errors: `failed`.
  Result<void> rotate();

 private:
  explicit HttpFront(std::shared_ptr<HttpShared> shared);
  std::shared_ptr<HttpShared> shared_;
};

}  // namespace wukong::faults
