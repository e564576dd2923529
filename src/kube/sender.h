// One try of a request: credential, exchange, answer as Attempt. A 401 renews the credential once.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "kube/api_error.h"
#include "kube/client.h"
#include "kube/credentials.h"
#include "kube/http.h"
#include "kube/list_reader.h"
#include "kube/outage.h"
#include "kube/watch.h"

namespace wukong::kube {

class Sender final : public Wire {
 public:
  Sender(Loop& loop, Http http, ClusterAccess access, CredentialSource credentials,
         const ClientOptions& options);

  Time now() const override { return loop_->now(); }
  Handle after(Duration delay, std::function<void()> fire) override {
    return loop_->after(delay, std::move(fire));
  }
  Handle pause(Duration longest, std::function<void()> fire) override;
  Handle attempt(Request request, std::function<void(Attempt)> done) override;
  Handle stream(Request request, StreamEvents events) override;

  const Peer& peer() const { return peer_; }

 private:
  struct Try {
    Request request{};
    std::string target{};
    bool streamed{};
    std::optional<ListReader> list{};  // a list is read while it comes
    std::size_t list_bytes{};
    std::function<void(Attempt)> done{};
    StreamEvents events{};
    std::uint64_t generation{};  // of the credential it was sent with
    bool renewed{};
    bool quiet{};  // a stream: no byte came for a while
    Handle exchange{};
  };
  struct Pause {
    std::function<void()> fire{};
    Handle timer{};
  };
  using Id = std::uint64_t;

  Handle begin(std::shared_ptr<Try> entry);
  void send(Id id);
  void send_with(Id id, const Credential& credential);
  Attempt without_credential(Error why) const;
  void wait_for_credential(Id id);
  void on_credential();
  void begin_exchange(Id id, const Credential& credential, Headers headers);
  void finish(Id id, HttpAnswer answer);
  void learn(const HttpAnswer& answer);
  void reached();
  std::function<void()> waker(Id pause) const;
  void warn(HttpAnswer& answer);
  void on_quiet(Id id);
  void probed(const HttpAnswer& answer);
  Attempt judge(Try& entry, HttpAnswer answer) const;
  Result<Json> body_of(Try& entry, const HttpAnswer& answer) const;
  void deliver(Id id, Attempt attempt);
  HttpRequest http_request(const Try& entry, Headers headers) const;

  Loop* loop_;
  Http http_;
  ClusterAccess access_;
  CredentialSource credentials_;
  Peer peer_;
  ClientOptions options_;
  Id last_id_{};
  // Events look their try up here: one that was dropped is not found, and gets none. Handles and what was
  // deferred know the table weakly, so they may outlive the sender.
  std::shared_ptr<std::map<Id, std::shared_ptr<Try>>> tries_{
      std::make_shared<std::map<Id, std::shared_ptr<Try>>>()};
  std::shared_ptr<std::map<Id, Pause>> pauses_{std::make_shared<std::map<Id, Pause>>()};
  Outage outage_{};
  std::set<std::string> warned_{};
  Handle probe_{};
  bool probing_{};
  std::optional<Time> probed_{};  // the last probe that was answered
  std::vector<Id> waiting_{};     // for a credential
  Handle plugin_{};
};

}  // namespace wukong::kube
