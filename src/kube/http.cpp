#include "kube/http.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "kube/http_exchange.h"
#include "kube/url.h"

namespace wukong::kube {
namespace {

constexpr unsigned kUserTimeoutMs = 30'000;  // unacknowledged bytes for so long end a connection
constexpr long kConnectTimeoutMs = 10'000;

void add(HttpExchange::List& list, std::string line) {
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

bool has_text(const Authorities& authorities) { return authorities.pem && !authorities.pem->empty(); }

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

Result<Http> Http::make(Loop& loop, const ClusterAccess& access, Options options) {
  Http http(loop, access, std::move(options));
  http.base_url_ = access.server;
  http.proxy_ = proxy_url(access.proxy_url.empty() ? proxy_for(access.server, http.options_.proxies)
                                                   : access.proxy_url);
  http.authorities_ =
      access.ca_pem.empty() ? http.options_.roots : Authorities{.pem = access.ca_pem, .folder = false};
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
  Authorities authorities = authorities_;
  // Connections are shared only by exchanges with the same CA text, so a comment in it retires the old ones.
  if (generation_ > 0 && has_text(authorities)) *authorities.pem += fmt::format("\n# {}\n", generation_);
  believe(easy, authorities);
  if (credential.client_certificate.empty()) return;
  curl_blob certificate = blob_of(credential.client_certificate);
  curl_blob key = blob_of(credential.client_key);
  curl_easy_setopt(easy, CURLOPT_SSLCERTTYPE, "PEM");
  curl_easy_setopt(easy, CURLOPT_SSLCERT_BLOB, &certificate);
  curl_easy_setopt(easy, CURLOPT_SSLKEY_BLOB, &key);
}

void Http::set_route(HttpExchange& exchange) const {
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

bool Http::prepare(HttpExchange& exchange, const HttpRequest& request, const Credential& credential) {
  exchange.easy.reset(curl_easy_init());
  CURL* const easy = exchange.easy.get();
  if (easy == nullptr) return false;
  curl_easy_setopt(easy, CURLOPT_URL, (base_url_ + request.target).c_str());
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange.problem.data());
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &HttpExchange::on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &exchange);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &HttpExchange::on_body);
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
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, &HttpExchange::on_read);
    curl_easy_setopt(easy, CURLOPT_READDATA, &exchange);
    curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, &HttpExchange::on_rewind);
  }
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, exchange.headers.get());
  set_route(exchange);
  set_tls(easy, credential);
  // Without a CA text of our own only the next exchange is kept off the old connections.
  if (std::exchange(fresh_, false) && !has_text(authorities_))
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
  return true;
}

void Http::begin_trace(HttpExchange& exchange, const HttpRequest& request) const {
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
  const auto exchange = std::make_shared<HttpExchange>(*loop_);
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
