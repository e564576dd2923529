// The real kube::Api: requests with retries, watches, timers and signals over one Loop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "kube/api.h"
#include "kube/authorities.h"
#include "kube/cluster_access.h"
#include "kube/credentials.h"
#include "kube/loop.h"
#include "kube/proxy.h"
#include "kube/trace.h"

namespace wukong::kube {

struct ClientOptions {
  std::string user_agent{"kubectl-wukong"};
  bool http1{};
  std::uint64_t seed{};  // of jitter
  /// A watch that says nothing for so long has a probe sent beside it; if that is not answered either, it is begun
  /// again. client-go: HTTP/2 pings after 30 s, 15 s for the answer.
  Duration watch_quiet{std::chrono::seconds{30}};
  Duration probe_silence{std::chrono::seconds{15}};
  Duration watch_silence{std::chrono::seconds{90}};    // the server sends a bookmark about every minute
  Duration request_silence{std::chrono::seconds{65}};  // it gives up a request itself after 60 s
  std::size_t largest_body{512UL * 1024UL * 1024UL};
  ProxyEnvironment proxies{};
  Authorities roots{};
  /// Hears each distinct text of `Warning` headers once; Response::warnings stay empty then.
  std::function<void(std::string_view)> warn{};
  /// Each exchange, when it begins and when its answer is there (Http::Options::trace).
  std::function<void(const Traced&, bool answered)> trace{};
};

class Client final : public Api {
 public:
  /// `loop` must outlive the client. Errors: `usage` for a server URL that is none.
  static Result<std::unique_ptr<Client>> make(Loop& loop, const ClusterAccess& access,
                                              CredentialSource credentials, const ClientOptions& options);
  ~Client() override;

  Time now() const override;
  Handle after(Duration delay, std::function<void()> fire) override;
  void request(Request request, std::function<void(Result<Response>)> done) override;
  WatchHandle watch(const Watched& what, std::function<void(const std::string& name)> changed) override;
  Handle on_signal(std::function<void(int)> heard) override;
  Handle on_leave(std::function<void()> leave) override;
  void turn() override;

 private:
  struct Core;
  explicit Client(std::unique_ptr<Core> core);
  std::unique_ptr<Core> core_;
};

}  // namespace wukong::kube
