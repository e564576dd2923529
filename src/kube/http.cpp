#include "kube/http.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <charconv>

#include "base/text.h"
#include "base/time.h"
#include "kube/url.h"

namespace wukong::kube {
namespace {

constexpr unsigned kUserTimeoutMs = 30'000;  // unacknowledged bytes for so long end a connection
constexpr long kConnectTimeoutMs = 10'000;

using Easy = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;
using List = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

void add(List& list, const std::string& line) {
  if (curl_slist* longer = curl_slist_append(list.get(), line.c_str())) {
    static_cast<void>(list.release());  // NOLINT(bugprone-unused-return-value): the longer list holds it
    list.reset(longer);
  }
}

curl_blob blob_of(const std::string& text) {
  // libcurl copies it; its interface just lacks the const.
  return curl_blob{const_cast<char*>(text.data()), text.size(),
                   CURL_BLOB_COPY};  // NOLINT(cppcoreguidelines-pro-type-const-cast)
}

/// The text of `Warning: 299 - "text"`; "" for other warnings. Quotes and backslashes in it are escaped.
std::string warning_text(std::string_view value) {
  if (!value.starts_with("299")) return {};
  const auto open = value.find('"');
  if (open == std::string_view::npos) return {};
  std::string out;
  for (std::size_t i = open + 1; i < value.size() && value[i] != '"'; ++i) {
    if (value[i] == '\\' && i + 1 < value.size()) ++i;
    out += value[i];
  }
  return out;
}

int on_socket(void* /*context*/, curl_socket_t socket, curlsocktype /*purpose*/) {
  // Without it, bytes sent into a dead network are repeated for a quarter of an hour. Refused for other
  // socket kinds.
  setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &kUserTimeoutMs, sizeof kUserTimeoutMs);
  return CURL_SOCKOPT_OK;
}

}  // namespace

const char* method_word(Method method) {
  switch (method) {
    case Method::get:
      return "GET";
    case Method::post:
      return "POST";
    case Method::put:
      return "PUT";
    case Method::patch:
      return "PATCH";
    case Method::del:
      return "DELETE";
  }
  return "GET";
}

/// One transfer. Its callbacks run inside libcurl, where nothing of ours may be called: they only keep what
/// came, and `deliver` hands it on from the loop.
struct Http::Exchange : std::enable_shared_from_this<Exchange> {
  explicit Exchange(Loop& where) : loop(&where) {}

  Loop* loop;
  Easy easy{nullptr, &curl_easy_cleanup};
  List headers{nullptr, &curl_slist_free_all};
  List connect_to{nullptr, &curl_slist_free_all};
  std::array<char, CURL_ERROR_SIZE> problem{};
  HttpEvents events{};
  HttpAnswer answer{};
  std::size_t largest_body{};
  Duration idle_limit{};
  Time last_byte{};
  std::string pending{};  // streamed bytes not handed on yet
  bool streaming{};       // a 2xx answer to a stream
  bool opened_pending{};
  bool deliver_pending{};
  bool too_large{};
  bool cancelled{};
  Handle transfer{};
  Handle idle_timer{};

  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self) noexcept {
    return static_cast<Exchange*>(self)->take_header({data, size * count});
  }
  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self) noexcept {
    return static_cast<Exchange*>(self)->take_body({data, size * count});
  }

  std::size_t take_header(std::string_view line) {
    last_byte = loop->now();
    if (line.starts_with("HTTP/")) {  // also of a 1xx or a proxy's answer before the real one
      answer.warnings.clear();
      answer.content_type.clear();
      return line.size();
    }
    if (trim(line).empty()) {
      read_status();
      return line.size();
    }
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return line.size();
    const std::string name = lower(line.substr(0, colon));
    const std::string_view value = trim(line.substr(colon + 1));
    if (name == "content-type") answer.content_type = value;
    if (name == "warning") {
      if (std::string words = warning_text(value); !words.empty())
        answer.warnings.push_back(std::move(words));
    }
    return line.size();
  }

  void read_status() {
    long status = 0;
    curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
    answer.status = static_cast<int>(status);
    if (streaming || !events.bytes || status < 200 || status > 299) return;  // streaming already: a trailer
    streaming = true;
    opened_pending = true;
    deliver_soon();
  }

  std::size_t take_body(std::string_view piece) {
    last_byte = loop->now();
    if (streaming) {
      pending += piece;
      deliver_soon();
      return piece.size();
    }
    too_large = answer.body.size() + piece.size() > largest_body;
    if (too_large) return 0;
    answer.body += piece;
    return piece.size();
  }

  void deliver_soon() {
    if (std::exchange(deliver_pending, true)) return;
    loop->defer([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->deliver();
    });
  }

  void deliver() {
    deliver_pending = false;
    if (cancelled) return;
    if (std::exchange(opened_pending, false) && events.opened) events.opened();
    if (cancelled || pending.empty()) return;
    const std::string bytes = std::exchange(pending, {});
    events.bytes(bytes);
  }

  void finish(CURLcode code) {
    idle_timer.reset();
    const auto self = shared_from_this();
    deliver();
    if (cancelled) return;
    read_end(code);
    cancelled = true;  // nothing more comes
    if (events.done) events.done(std::move(answer));
  }

  /// Ends the exchange when `idle_limit` has passed since the last byte; looks again when it has not.
  void watch_silence(Duration wait) {
    idle_timer = loop->after(wait, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->on_silence();
    });
  }

  void on_silence() {
    const Duration silent = loop->now() - last_byte;
    if (silent < idle_limit) return watch_silence(idle_limit - silent);
    transfer.reset();
    answer.silent = true;
    finish(CURLE_OPERATION_TIMEDOUT);
  }

  void read_end(CURLcode code) {
    answer.curl_code = code;
    if (code != CURLE_OK) answer.curl_text = problem[0] != '\0' ? problem.data() : curl_easy_strerror(code);
    if (answer.silent) answer.curl_text = fmt::format("no byte for {}", format_duration(idle_limit));
    if (too_large) answer.curl_text = fmt::format("the answer is larger than {} bytes", largest_body);
    curl_off_t seconds = 0;
    curl_easy_getinfo(easy.get(), CURLINFO_RETRY_AFTER, &seconds);
    if (seconds > 0) answer.retry_after = std::chrono::seconds{seconds};
  }
};

Result<Http> Http::make(Loop& loop, const ClusterAccess& access, Options options) {
  Http http(loop, access, std::move(options));
  http.base_url_ = access.server;
  if (access.tls() && !access.tls_server_name.empty()) {
    WUKONG_TRY(Detour moved, detour(access.server, access.tls_server_name));
    http.base_url_ = std::move(moved.url);
    http.connect_to_ = std::move(moved.connect_to);
  }
  return http;
}

void Http::set_tls(void* easy, const Credential& credential) const {
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, access_.insecure ? 0L : 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, access_.insecure ? 0L : 2L);
  if (!access_.ca_pem.empty()) {
    // Connections are shared only by exchanges with the same CA text, so a comment in it retires the old
    // ones.
    const std::string ca =
        generation_ == 0 ? access_.ca_pem : fmt::format("{}\n# {}\n", access_.ca_pem, generation_);
    curl_blob blob = blob_of(ca);
    curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob);
    curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);  // else the system's authorities would count as well
  }
  if (credential.client_certificate.empty()) return;
  curl_blob certificate = blob_of(credential.client_certificate);
  curl_blob key = blob_of(credential.client_key);
  curl_easy_setopt(easy, CURLOPT_SSLCERTTYPE, "PEM");
  curl_easy_setopt(easy, CURLOPT_SSLCERT_BLOB, &certificate);
  curl_easy_setopt(easy, CURLOPT_SSLKEY_BLOB, &key);
}

void Http::set_route(Exchange& exchange) const {
  CURL* const easy = exchange.easy.get();
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                   static_cast<long>(options_.http1 ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS));
  // Over plain http nobody tells early that there is one request per connection: all would wait for the first answer.
  curl_easy_setopt(easy, CURLOPT_PIPEWAIT, options_.http1 || !access_.tls() ? 0L : 1L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeoutMs);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, 30L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, 10L);
  curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, &on_socket);
  if (!connect_to_.empty()) {
    add(exchange.connect_to, connect_to_);
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, exchange.connect_to.get());
  }
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  // socks5h: the proxy resolves names, as Go's does. An empty text keeps the environment's proxy out, which
  // kubectl does not use for loopback addresses either.
  std::string proxy = access_.proxy_url;
  if (proxy.starts_with("socks5://")) proxy.insert(6, "h");
  if (!proxy.empty() || is_loopback(access_.server)) curl_easy_setopt(easy, CURLOPT_PROXY, proxy.c_str());
}

bool Http::prepare(Exchange& exchange, const HttpRequest& request, const Credential& credential) {
  exchange.easy.reset(curl_easy_init());
  CURL* const easy = exchange.easy.get();
  if (easy == nullptr) return false;
  curl_easy_setopt(easy, CURLOPT_URL, (base_url_ + request.target).c_str());
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange.problem.data());
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &Exchange::on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &exchange);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Exchange::on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &exchange);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, options_.user_agent.c_str());
  if (request.compressed && !access_.disable_compression)
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
  if (request.time_limit > Duration::zero()) {
    const auto limit = std::chrono::ceil<std::chrono::milliseconds>(request.time_limit);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(limit.count()));
  }
  // KubeVirt's PUT subresources answer 406 to application/json alone.
  add(exchange.headers, "Accept: application/json, */*");
  for (const auto& [name, value] : request.headers) add(exchange.headers, fmt::format("{}: {}", name, value));
  if (request.method != Method::get)
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method_word(request.method));
  if (request.method != Method::get && !(request.method == Method::del && request.body.empty())) {
    add(exchange.headers, fmt::format("Content-Type: {}", request.content_type));
    add(exchange.headers, "Expect:");
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, request.body.data());
  }
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, exchange.headers.get());
  set_route(exchange);
  set_tls(easy, credential);
  // Without a CA text of our own only the next exchange is kept off the old connections.
  if (std::exchange(fresh_, false) && access_.ca_pem.empty())
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
  return true;
}

Handle Http::send(const HttpRequest& request, const Credential& credential, HttpEvents events) {
  const auto exchange = std::make_shared<Exchange>(*loop_);
  exchange->events = std::move(events);
  exchange->answer.generation = generation_;
  exchange->largest_body = options_.largest_body;
  exchange->idle_limit = request.idle_limit;
  exchange->last_byte = loop_->now();
  if (!prepare(*exchange, request, credential)) {
    loop_->defer([exchange] { exchange->finish(CURLE_OUT_OF_MEMORY); });
  } else {
    exchange->transfer =
        loop_->transfer(exchange->easy.get(), [weak = std::weak_ptr(exchange)](CURLcode code) {
          if (const auto self = weak.lock()) self->finish(code);
        });
  }
  if (exchange->idle_limit > Duration::zero()) exchange->watch_silence(exchange->idle_limit);
  return Handle([exchange] {
    exchange->cancelled = true;
    exchange->idle_timer.reset();
    exchange->transfer.reset();
  });
}

}  // namespace wukong::kube
