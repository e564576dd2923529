#include "kube/sender.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "kube/url.h"

namespace wukong::kube {
namespace {

constexpr std::chrono::seconds kShortestSilence{10};

bool looks_like_json(const HttpAnswer& answer) {
  return !answer.body.empty() &&
         (answer.content_type.find("json") != std::string::npos || answer.body.front() == '{');
}

}  // namespace

Sender::Sender(Loop& loop, Http http, ClusterAccess access, CredentialSource credentials,
               const ClientOptions& options)
    : loop_(&loop),
      http_(std::move(http)),
      access_(std::move(access)),
      credentials_(std::move(credentials)),
      peer_{.server = access_.server, .user = access_.user, .context = access_.context},
      watch_silence_(options.watch_silence),
      request_silence_(options.request_silence),
      trace_(options.trace) {}

Handle Sender::attempt(Request request, std::function<void(Attempt)> done) {
  auto entry = std::make_shared<Try>();
  entry->request = std::move(request);
  entry->done = std::move(done);
  return begin(std::move(entry));
}

Handle Sender::stream(Request request, StreamEvents events) {
  auto entry = std::make_shared<Try>();
  entry->request = std::move(request);
  entry->streamed = true;
  entry->events = std::move(events);
  return begin(std::move(entry));
}

Handle Sender::begin(std::shared_ptr<Try> entry) {
  entry->target = entry->request.path + query_string(entry->request.query);
  const Id id = ++last_id_;
  tries_->emplace(id, std::move(entry));
  loop_->defer([this, weak = std::weak_ptr(tries_), id] {
    if (!weak.expired()) send(id);
  });
  return Handle([weak = std::weak_ptr(tries_), id] {
    const auto tries = weak.lock();
    if (!tries) return;
    const auto dropped = tries->extract(id);  // dies here, not inside the map
  });
}

void Sender::send(Id id) {
  if (!tries_->contains(id)) return;
  auto credential = credentials_.current();
  if (!credential) return deliver(id, tl::unexpected(Failure{.error = std::move(credential.error())}));
  if (!*credential) return wait_for_credential(id);
  send_with(id, **credential);
}

void Sender::wait_for_credential(Id id) {
  waiting_.push_back(id);
  if (waiting_.size() > 1) return;
  plugin_ = loop_->on_ready([this] { return credentials_.waits(); }, [this] { on_credential(); });
}

void Sender::on_credential() {
  credentials_.pump();
  // Asked once for all who wait: the plugin's answer may be one that has expired already, good for a single use.
  const auto credential = credentials_.current();
  if (credential.has_value() && !credential->has_value()) return;  // still running
  plugin_.reset();
  for (const Id id : std::exchange(waiting_, {})) {
    if (!credential) {
      deliver(id, tl::unexpected(Failure{.error = credential.error()}));
    } else if (tries_->contains(id)) {
      send_with(id, **credential);
    }
  }
}

HttpRequest Sender::http_request(const Try& entry, Headers headers) const {
  const Request& request = entry.request;
  HttpRequest out{.method = request.method,
                  .target = entry.target,
                  .headers = std::move(headers),
                  .body = request.body,
                  .content_type = request.content_type,
                  .compressed = request.envelope == Envelope::list,
                  .idle_limit = entry.streamed ? watch_silence_ : request_silence_};
  if (entry.streamed) return out;
  out.time_limit = access_.request_timeout;
  // A write may wait for slow webhooks; a read that says nothing for so long is better asked again.
  if (request.method == Method::get)
    out.idle_limit = std::min(out.idle_limit, std::max<Duration>(request.patience, kShortestSilence));
  return out;
}

void Sender::send_with(Id id, const Credential& credential) {
  const auto entry = tries_->at(id);
  auto headers = auth_headers(credential, access_.impersonation, access_.tls());
  if (!headers) return deliver(id, tl::unexpected(Failure{.error = std::move(headers.error())}));
  entry->generation = credential.generation;
  HttpEvents events{.done = [this, id](HttpAnswer answer) { finish(id, std::move(answer)); }};
  if (entry->streamed) {
    events.opened = [weak = std::weak_ptr(entry)] {
      if (const auto alive = weak.lock()) alive->events.opened();
    };
    events.bytes = [weak = std::weak_ptr(entry)](std::string_view bytes) {
      if (const auto alive = weak.lock()) alive->events.bytes(bytes);
    };
  }
  entry->exchange = http_.send(http_request(*entry, std::move(*headers)), credential, std::move(events));
}

void Sender::finish(Id id, HttpAnswer answer) {
  const auto found = tries_->find(id);
  if (found == tries_->end()) return;
  const auto entry = found->second;
  if (trace_) {
    trace_(fmt::format("{} {} {}", method_word(entry->request.method), entry->target,
                       answer.curl_code == CURLE_OK ? fmt::format("{}", answer.status) : answer.curl_text));
  }
  if (answer.silent) http_.distrust_connections(answer);
  const bool refused = answer.curl_code == CURLE_OK && answer.status == 401;
  if (refused && !std::exchange(entry->renewed, true) && credentials_.refresh(entry->generation))
    return send(id);
  deliver(id, judge(*entry, std::move(answer)));
}

Attempt Sender::judge(const Try& entry, HttpAnswer answer) const {
  if (answer.curl_code != CURLE_OK)
    return tl::unexpected(failed_transfer(answer.curl_code, answer.curl_text, peer_));
  if (answer.status < 200 || answer.status > 299) {
    return tl::unexpected(
        failed_status(answer.status, answer.body, answer.retry_after, entry.request.path, peer_));
  }
  Response response{.status = answer.status, .warnings = std::move(answer.warnings)};
  if (!looks_like_json(answer)) return response;
  auto body = parse_json(answer.body, entry.request.keep, entry.request.envelope);
  if (!body) return tl::unexpected(broken_answer(body.error(), entry.request.path));
  response.body = std::move(*body);
  return response;
}

void Sender::deliver(Id id, Attempt attempt) {
  const auto found = tries_->find(id);
  if (found == tries_->end()) return;
  const auto entry = found->second;
  tries_->erase(found);
  if (!entry->streamed) return entry->done(std::move(attempt));
  entry->events.ended(attempt ? std::nullopt : std::optional(std::move(attempt.error())));
}

}  // namespace wukong::kube
