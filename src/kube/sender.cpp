#include "kube/sender.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "kube/url.h"

namespace wukong::kube {
namespace {

constexpr std::chrono::seconds kShortestSilence{10};
constexpr std::size_t kMostWarnings = 100;  // a server that says another at each answer is not heard for ever
constexpr std::chrono::seconds kWebhooks{35};  // the longest that one webhook may take, and a bit

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
      options_(options) {}

Handle Sender::pause(Duration longest, std::function<void()> fire) {
  const Id id = ++last_id_;
  pauses_->emplace(id, Pause{.fire = std::move(fire), .timer = loop_->after(longest, waker(id))});
  return Handle([weak = std::weak_ptr(pauses_), id] {
    const auto pauses = weak.lock();
    if (!pauses) return;
    const auto dropped = pauses->extract(id);  // dies here, not inside the map
  });
}

/// Ends a pause.
std::function<void()> Sender::waker(Id id) const {
  return [weak = std::weak_ptr(pauses_), id] {
    const auto pauses = weak.lock();
    if (!pauses) return;
    auto ended = pauses->extract(id);
    ended.mapped().fire();
  };
}

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
  if (!credential) return deliver(id, without_credential(std::move(credential.error())));
  if (!*credential) return wait_for_credential(id);
  send_with(id, **credential);
}

Attempt Sender::without_credential(Error why) const {
  return tl::unexpected(Failure{.error = std::move(why), .retryable = credentials_.may_recover()});
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
      deliver(id, without_credential(credential.error()));
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
                  .accept = request.accept,
                  .compressed = !entry.streamed,
                  .quiet_after = entry.streamed ? options_.watch_quiet : Duration::zero(),
                  .idle_limit = entry.streamed ? options_.watch_silence : options_.request_silence};
  if (entry.streamed) return out;
  out.time_limit = access_.request_timeout;
  // A read that says nothing for so long is better asked again; a write may wait for slow webhooks.
  const Duration patience = std::max<Duration>(request.patience, kShortestSilence);
  const Duration webhooks = request.method == Method::get ? Duration::zero() : kWebhooks;
  out.idle_limit = std::min(out.idle_limit, patience + webhooks);
  return out;
}

void Sender::send_with(Id id, const Credential& credential) {
  const auto entry = tries_->at(id);
  auto headers = auth_headers(credential, access_.impersonation, access_.tls());
  if (!headers) return deliver(id, tl::unexpected(Failure{.error = std::move(headers.error())}));
  entry->generation = credential.generation;
  begin_exchange(id, credential, std::move(*headers));
}

void Sender::begin_exchange(Id id, const Credential& credential, Headers headers) {
  const auto entry = tries_->at(id);
  HttpEvents events{.done = [this, id](HttpAnswer answer) { finish(id, std::move(answer)); }};
  if (entry->streamed) {
    events.opened = [this, weak = std::weak_ptr(entry)] {
      reached();
      if (const auto alive = weak.lock()) alive->events.opened();
    };
    events.bytes = [weak = std::weak_ptr(entry)](std::string_view bytes) {
      const auto alive = weak.lock();
      if (!alive) return;
      alive->quiet = false;
      alive->events.bytes(bytes);
    };
    events.quiet = [this, id] { on_quiet(id); };
  } else if (entry->request.envelope == Envelope::list) {
    entry->list.emplace(entry->request.keep);
    events.bytes = [limit = options_.largest_body, weak = std::weak_ptr(entry)](std::string_view bytes) {
      const auto alive = weak.lock();
      if (!alive) return;
      alive->list_bytes += bytes.size();
      if (alive->list_bytes <= limit) alive->list->feed(bytes);
    };
  }
  entry->exchange = http_.send(http_request(*entry, std::move(headers)), credential, std::move(events));
}

/// Whoever sleeps after an outage goes on now.
void Sender::reached() {
  if (!outage_.reached(now())) return;
  for (auto& [id, pause] : *pauses_) pause.timer = loop_->after(Duration::zero(), waker(id));
}

/// Gateways answer 502 to 504 for a server that they do not reach.
void Sender::learn(const HttpAnswer& answer) {
  const bool away = answer.curl_code != CURLE_OK || (answer.status >= 502 && answer.status <= 504);
  if (away) return outage_.failed(now());
  reached();
}

void Sender::warn(HttpAnswer& answer) {
  if (!options_.warn) return;
  for (const std::string& words : answer.warnings)
    if (warned_.size() < kMostWarnings && warned_.insert(words).second) options_.warn(words);
  answer.warnings.clear();
}

/// A watch may be silent because nothing happens, or because its connection died without a word. A request beside it tells:
/// over HTTP/2 it takes the same connection, and it comes before any priority and fairness.
void Sender::on_quiet(Id id) {
  tries_->at(id)->quiet = true;
  if (probing_ || (probed_ && now() - *probed_ < options_.probe_silence)) return;
  auto credential = credentials_.current();
  if (!credential || !*credential) return;
  auto headers = auth_headers(**credential, access_.impersonation, access_.tls());
  if (!headers) return;
  const HttpRequest request{
      .target = "/livez", .headers = std::move(*headers), .idle_limit = options_.probe_silence};
  probing_ = true;
  probe_ = http_.send(request, **credential, {.done = [this](const HttpAnswer& answer) { probed(answer); }});
}

void Sender::probed(const HttpAnswer& answer) {
  probing_ = false;
  learn(answer);
  if (answer.curl_code == CURLE_OK) {
    probed_ = now();
    return;
  }
  http_.distrust_connections(answer);
  std::vector<Id> quiet{};
  for (const auto& [id, entry] : *tries_)
    if (entry->quiet) quiet.push_back(id);
  for (const Id id : quiet) {
    const auto found = tries_->find(id);
    if (found == tries_->end()) continue;
    found->second->exchange.reset();
    deliver(id, tl::unexpected(failed_transfer(answer.curl_code, answer.curl_text, peer_)));
  }
}

void Sender::finish(Id id, HttpAnswer answer) {
  const auto found = tries_->find(id);
  if (found == tries_->end()) return;
  const auto entry = found->second;
  learn(answer);
  if (answer.silent) http_.distrust_connections(answer);
  warn(answer);
  const bool refused = answer.curl_code == CURLE_OK && answer.status == 401;
  if (refused && !std::exchange(entry->renewed, true) && credentials_.refresh(entry->generation))
    return send(id);
  deliver(id, judge(*entry, std::move(answer)));
}

/// Null when the answer is no JSON.
Result<Json> Sender::body_of(Try& entry, const HttpAnswer& answer) const {
  if (!entry.list) {
    if (!looks_like_json(answer)) return Json();
    return parse_json(answer.body, entry.request.keep, entry.request.envelope);
  }
  if (entry.list_bytes > options_.largest_body)
    return Error{.message = fmt::format("the answer is larger than {} bytes", options_.largest_body)};
  return entry.list->finish();
}

Attempt Sender::judge(Try& entry, HttpAnswer answer) const {
  if (answer.curl_code != CURLE_OK)
    return tl::unexpected(failed_transfer(answer.curl_code, answer.curl_text, peer_));
  if (answer.status < 200 || answer.status > 299) {
    Failure failure =
        failed_status(answer.status, answer.body, answer.retry_after, entry.request.path, peer_);
    // Asking once more costs nothing and changes nothing.
    if (answer.status == 500 && entry.request.method == Method::get && !failure.retryable)
      failure.retryable = failure.brief = true;
    // Some proxies that reload use the API server's own words for a path that it does not serve. Nobody writes to such a one.
    if (answer.status == 404 && entry.request.method != Method::get && is_not_served(failure.error))
      failure.retryable = failure.brief = true;
    return tl::unexpected(std::move(failure));
  }
  Response response{.status = answer.status, .warnings = std::move(answer.warnings)};
  auto body = body_of(entry, answer);
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
