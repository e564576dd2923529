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

void add(List& list, std::string line) {
  if (line.ends_with(": "))
    line.replace(line.size() - 2, 2, ";");  // an empty value, which libcurl would leave out
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

/// KubeVirt's PUT subresources answer 406 to application/json alone.
std::string accept_of(const HttpRequest& request) {
  return request.accept.empty() ? "application/json, */*" : request.accept;
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
  std::string body{};   // of the request
  std::size_t given{};  // of it, to libcurl
  std::size_t largest_body{};
  Duration quiet_after{};
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
  std::function<void(const Traced&, bool)> trace{};
  Traced traced{};

  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self) noexcept {
    return static_cast<Exchange*>(self)->take_header({data, size * count});
  }
  static std::size_t on_read(char* to, std::size_t size, std::size_t count, void* self) noexcept {
    return static_cast<Exchange*>(self)->give_body(to, size * count);
  }
  /// libcurl would send a request again by itself when the connection that it reused has died. A write may have been
  /// carried out by then, and nobody would know that there were two.
  static int on_rewind(void* /*self*/, curl_off_t /*offset*/, int /*origin*/) noexcept {
    return CURL_SEEKFUNC_FAIL;
  }
  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self) noexcept {
    return static_cast<Exchange*>(self)->take_body({data, size * count});
  }

  std::size_t give_body(char* to, std::size_t room) {
    const std::size_t count = std::min(room, body.size() - given);
    std::copy_n(body.data() + given, count, to);
    given += count;
    return count;
  }

  std::size_t take_header(std::string_view line) {
    last_byte = loop->now();
    if (line.starts_with("HTTP/")) {  // also of a 1xx or a proxy's answer before the real one
      answer.warnings.clear();
      answer.content_type.clear();
      traced.response_headers.clear();
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
    if (trace) traced.response_headers.emplace_back(trim(line.substr(0, colon)), value);
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
    if (std::exchange(opened_pending, false) && events.opened) {
      traced.streamed = true;
      tell_answer();
      events.opened();
    }
    if (cancelled || pending.empty()) return;
    const std::string bytes = std::exchange(pending, {});
    if (trace) traced.response_body += bytes;
    events.bytes(bytes);
  }

  void finish(CURLcode code) {
    idle_timer.reset();
    const auto self = shared_from_this();
    deliver();
    if (cancelled) return;
    read_end(code);
    tell_answer();
    cancelled = true;  // nothing more comes
    if (events.done) events.done(std::move(answer));
  }

  /// Ends the exchange when `idle_limit` has passed since the last byte; looks again when it has not.
  void watch_silence() {
    if (idle_limit == Duration::zero()) return;
    const Duration silent = loop->now() - last_byte;
    Duration wait = idle_limit - silent;
    if (quiet_after > Duration::zero())
      wait = std::min(wait, silent < quiet_after ? quiet_after - silent : quiet_after);
    idle_timer = loop->after(wait, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->on_silence();
    });
  }

  void on_silence() {
    const Duration silent = loop->now() - last_byte;
    if (silent < idle_limit) {
      watch_silence();
      if (quiet_after > Duration::zero() && silent >= quiet_after && events.quiet) events.quiet();
      return;
    }
    transfer.reset();
    answer.silent = true;
    finish(CURLE_OPERATION_TIMEDOUT);
  }

  Duration since_begin(CURLINFO which) const {
    curl_off_t micros = 0;
    curl_easy_getinfo(easy.get(), which, &micros);
    return std::chrono::microseconds{micros};
  }

  /// Once; a connection that stood already took no time to look up and dial.
  void tell_answer() {
    const auto tell = std::exchange(trace, nullptr);
    if (!tell) return;
    traced.status = answer.status;
    traced.problem = answer.curl_text;
    if (!answer.body.empty()) traced.response_body = answer.body;
    const Duration dns = since_begin(CURLINFO_NAMELOOKUP_TIME_T);
    const Duration dial = since_begin(CURLINFO_CONNECT_TIME_T);
    const Duration tls = since_begin(CURLINFO_APPCONNECT_TIME_T);
    const Duration sent = since_begin(CURLINFO_PRETRANSFER_TIME_T);
    traced.total = since_begin(CURLINFO_TOTAL_TIME_T);
    traced.server = std::max(Duration::zero(), since_begin(CURLINFO_STARTTRANSFER_TIME_T) - sent);
    traced.dns = dns;
    traced.dial = std::max(Duration::zero(), dial - dns);
    traced.tls = std::max(Duration::zero(), tls - dial);
    long version = 0;
    curl_easy_getinfo(easy.get(), CURLINFO_HTTP_VERSION, &version);
    if (answer.status != 0) traced.http_version = version == CURL_HTTP_VERSION_2_0 ? "2" : "1.1";
    read_remote();
    tell(traced, true);
  }

  void read_remote() {
    const char* address = nullptr;
    long port = 0;
    curl_easy_getinfo(easy.get(), CURLINFO_PRIMARY_IP, &address);
    curl_easy_getinfo(easy.get(), CURLINFO_PRIMARY_PORT, &port);
    if (address == nullptr || *address == '\0') return;
    const bool v6 = std::string_view(address).find(':') != std::string_view::npos;
    traced.remote = v6 ? fmt::format("[{}]:{}", address, port) : fmt::format("{}:{}", address, port);
  }

  void read_end(CURLcode code) {
    answer.curl_code = code;
    if (code != CURLE_OK) answer.curl_text = problem[0] != '\0' ? problem.data() : curl_easy_strerror(code);
    if (code == CURLE_SEND_FAIL_REWIND) answer.curl_text = "the connection ended before an answer came";
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
  http.proxy_ = proxy_url(access.proxy_url.empty() ? proxy_for(access.server, http.options_.proxies)
                                                   : access.proxy_url);
  if (access.tls() && !access.tls_server_name.empty()) {
    WUKONG_TRY(Detour moved, detour(access.server, access.tls_server_name));
    http.base_url_ = std::move(moved.url);
    http.connect_to_ = std::move(moved.connect_to);
    http.host_header_ = std::move(moved.host);
  }
  return http;
}

void Http::set_tls(void* easy, const Credential& credential) const {
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, access_.insecure ? 0L : 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, access_.insecure ? 0L : 2L);
  // A proxy's own certificate, for https:// proxies: Go checks it as it checks the server's.
  curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYPEER, access_.insecure ? 0L : 1L);
  curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYHOST, access_.insecure ? 0L : 2L);
  if (!access_.ca_pem.empty()) {
    curl_blob own = blob_of(access_.ca_pem);
    curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO_BLOB, &own);
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
  // A name server that does not answer holds up a thread of libcurl for many seconds: nobody waits for its end.
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, 30L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, 10L);
  curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, &on_socket);
  if (!connect_to_.empty()) {
    add(exchange.connect_to, connect_to_);
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, exchange.connect_to.get());
  }
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  // Set in any case, also to nothing: libcurl would read the environment itself, and otherwise than Go.
  curl_easy_setopt(easy, CURLOPT_PROXY, proxy_.c_str());
  curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
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
  add(exchange.headers, "Accept: " + accept_of(request));
  if (!host_header_.empty()) add(exchange.headers, fmt::format("Host: {}", host_header_));
  for (const auto& [name, value] : request.headers) add(exchange.headers, fmt::format("{}: {}", name, value));
  if (request.method != Method::get)
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method_word(request.method));
  if (request.method != Method::get && !(request.method == Method::del && request.body.empty())) {
    add(exchange.headers, fmt::format("Content-Type: {}", request.content_type));
    add(exchange.headers, "Expect:");
    exchange.body = request.body;
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, &Exchange::on_read);
    curl_easy_setopt(easy, CURLOPT_READDATA, &exchange);
    curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, &Exchange::on_rewind);
  }
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, exchange.headers.get());
  set_route(exchange);
  set_tls(easy, credential);
  // Without a CA text of our own only the next exchange is kept off the old connections.
  if (std::exchange(fresh_, false) && access_.ca_pem.empty())
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
  return true;
}

void Http::begin_trace(Exchange& exchange, const HttpRequest& request) const {
  exchange.trace = options_.trace;
  Traced& traced = exchange.traced;
  traced.method = method_word(request.method);
  traced.url = access_.server + request.target;
  traced.request_body = request.body;
  traced.request_headers = request.headers;
  traced.request_headers.emplace_back("Accept", accept_of(request));
  traced.request_headers.emplace_back("User-Agent", options_.user_agent);
  if (!request.body.empty()) traced.request_headers.emplace_back("Content-Type", request.content_type);
  exchange.trace(traced, false);
}

Handle Http::send(const HttpRequest& request, const Credential& credential, HttpEvents events) {
  const auto exchange = std::make_shared<Exchange>(*loop_);
  exchange->events = std::move(events);
  exchange->answer.generation = generation_;
  exchange->largest_body = options_.largest_body;
  exchange->quiet_after = request.quiet_after;
  exchange->idle_limit = request.idle_limit;
  exchange->last_byte = loop_->now();
  if (options_.trace) begin_trace(*exchange, request);
  if (!prepare(*exchange, request, credential)) {
    loop_->defer([exchange] { exchange->finish(CURLE_OUT_OF_MEMORY); });
  } else {
    exchange->transfer =
        loop_->transfer(exchange->easy.get(), [weak = std::weak_ptr(exchange)](CURLcode code) {
          if (const auto self = weak.lock()) self->finish(code);
        });
  }
  exchange->watch_silence();
  return Handle([exchange] {
    exchange->cancelled = true;
    exchange->idle_timer.reset();
    exchange->transfer.reset();
  });
}

}  // namespace wukong::kube
