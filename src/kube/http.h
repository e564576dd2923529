// One HTTP exchange over libcurl: TLS, proxies, headers, limits. Knows nothing of Kubernetes objects.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kube/api.h"
#include "kube/authorities.h"
#include "kube/cluster_access.h"
#include "kube/credentials.h"
#include "kube/loop.h"
#include "kube/proxy.h"
#include "kube/trace.h"

namespace wukong::kube {

/// "GET", "POST" ….
const char* method_word(Method method);

struct HttpRequest {
  Method method{Method::get};
  std::string target{};  // path and query, escaped; comes behind the server's URL
  Headers headers{};     // credentials
  std::string body{};
  std::string content_type{};
  std::string accept{};  // empty: JSON, or anything
  bool compressed{};     // a gzip answer is welcome
  /// Calls `quiet` when no byte came for so long, and again after as long; zero: never.
  Duration quiet_after{};
  Duration idle_limit{};  // ends when no byte came for so long; zero: never
  Duration time_limit{};  // ends after so long; zero: never
};

struct HttpAnswer {
  int curl_code{};          // CURLE_OK: `status` and `body` are whole
  std::string curl_text{};  // what went wrong; never a secret
  int status{};
  std::string content_type{};
  std::string body{};  // empty for a streamed answer
  std::optional<Duration> retry_after{};
  bool silent{};                        // ended by `idle_limit`
  unsigned generation{};                // of the connections it could use
  std::vector<std::string> warnings{};  // texts of `Warning: 299` headers
};

struct HttpEvents {
  std::function<void(HttpAnswer)> done{};  // once, unless the exchange is dropped
  /// For streams: a 2xx answer comes in pieces instead of in `HttpAnswer::body`. `opened`, for those without an end
  /// (watches), when its headers are there.
  std::function<void()> opened{};
  std::function<void(std::string_view)> bytes{};
  std::function<void()> quiet{};
};

struct HttpExchange;

/// How all exchanges with one cluster are made.
class Http {
 public:
  struct Options {
    std::string user_agent{"kubectl-wukong"};
    bool http1{};  // no HTTP/2
    std::size_t largest_body{512UL * 1024UL * 1024UL};
    ProxyEnvironment proxies{};  // counts where the kubeconfig names no proxy
    Authorities roots{};         // count where it has no certificate authority
    /// Told of each exchange twice: when it begins, and (`answered`) when its answer is there, a watch's headers
    /// that is, or when none will come.
    std::function<void(const Traced&, bool answered)> trace{};
  };

  /// Errors: `usage` for a server URL that is none.
  static Result<Http> make(Loop& loop, const ClusterAccess& access, Options options);

  /// Starts an exchange; events come from within turn(), never from within send(). Dropping the Handle
  /// cancels it without a further event. `credential` gives the client certificate.
  Handle send(const HttpRequest& request, const Credential& credential, HttpEvents events);
  /// Later exchanges use none of the connections that `answer`, which was silent, may have waited on.
  void distrust_connections(const HttpAnswer& answer) {
    if (answer.generation != generation_) return;  // distrusted already
    ++generation_;
    fresh_ = true;
  }

 private:
  Http(Loop& loop, const ClusterAccess& access, Options options)
      : loop_(&loop), access_(access), options_(std::move(options)) {}
  bool prepare(HttpExchange& exchange, const HttpRequest& request, const Credential& credential);
  void begin_trace(HttpExchange& exchange, const HttpRequest& request) const;
  void set_tls(void* easy, const Credential& credential) const;
  void set_route(HttpExchange& exchange) const;

  Loop* loop_{};
  ClusterAccess access_{};
  Options options_{};
  Authorities authorities_{};
  std::string base_url_{};
  std::string connect_to_{};
  std::string host_header_{};  // where the URL has another host than the server
  std::string proxy_{};
  unsigned generation_{};
  bool fresh_{};
};

}  // namespace wukong::kube
