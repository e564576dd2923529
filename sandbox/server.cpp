#include "sandbox/server.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "sandbox/access.h"
#include "sandbox/controllers/controllers.h"

namespace wukong::sandbox {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::seconds;
using std::chrono::steady_clock;
using Stream = asio::ssl::stream<tcp::socket>;

constexpr seconds kBookmarks{15};
constexpr std::size_t kLargestBody = 8U << 20U;
constexpr unsigned char kHttp1[] = "\x08http/1.1";  // as ALPN lists it

std::string entry_of(X509_NAME* name, int kind) {
  const int at = X509_NAME_get_index_by_NID(name, kind, -1);
  if (at < 0) return {};
  const ASN1_STRING* value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
          static_cast<std::size_t>(ASN1_STRING_length(value))};
}

/// The client certificate was checked in the handshake: its CN is the user, its O the group.
User certified_user(SSL* ssl) {
  const std::unique_ptr<X509, void (*)(X509*)> certificate(SSL_get1_peer_certificate(ssl), X509_free);
  if (certificate == nullptr) return {.name = kAnonymous};
  X509_NAME* name = X509_get_subject_name(certificate.get());
  return {entry_of(name, NID_commonName), {entry_of(name, NID_organizationName)}};
}

int choose_http1(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
                 unsigned length, void*) {
  unsigned char* found = nullptr;
  if (SSL_select_next_proto(&found, size, kHttp1, sizeof kHttp1 - 1, offered, length) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_NOACK;
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

bool has_hung_up(Stream& stream) {
  pollfd socket{stream.lowest_layer().native_handle(), POLLRDHUP, 0};
  return ::poll(&socket, 1, 0) > 0;
}

/// One thread per connection and one for the controllers, all under one lock: simple, and fast enough for one user.
class Server : public std::enable_shared_from_this<Server> {
 public:
  Server(Cluster cluster, const Certificates& made, Tokens tokens)
      : cluster_(std::move(cluster)), tokens_(std::move(tokens)) {
    tls_.use_certificate_chain(asio::buffer(made.server.certificate));
    tls_.use_private_key(asio::buffer(made.server.key), asio::ssl::context::pem);
    tls_.add_certificate_authority(asio::buffer(made.authority.certificate));
    tls_.set_verify_mode(asio::ssl::verify_peer);  // who shows no certificate may have a token
    SSL_CTX_set_alpn_select_cb(tls_.native_handle(), choose_http1, nullptr);
    SSL_CTX_set_session_cache_mode(tls_.native_handle(), SSL_SESS_CACHE_OFF);
  }

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

  void start() {
    std::thread([self = shared_from_this()] { self->run_controllers(); }).detach();
    std::thread([self = shared_from_this()] { self->accept(); }).detach();
  }

 private:
  void run_controllers() {
    std::unique_lock lock(mutex_);
    while (true) {
      settle(cluster_);
      changed_.notify_all();
      const std::uint64_t seen = cluster_.store().version();
      const Millis next = cluster_.take_wake_up().value_or(cluster_.running() + std::chrono::hours(1));
      changed_.wait_for(lock, std::max(Millis(5), next - cluster_.running()),
                        [&] { return cluster_.store().version() != seen; });
    }
  }

  void accept() {
    while (true) {
      error_code error;
      auto socket = std::make_shared<tcp::socket>(acceptor_.accept(error));
      if (error)
        std::this_thread::sleep_for(Millis(50));  // out of files, most likely
      else
        std::thread([self = shared_from_this(), socket] { self->talk(std::move(*socket)); }).detach();
    }
  }

  void talk(tcp::socket socket) {
    error_code error;
    socket.set_option(tcp::no_delay(true), error);
    Stream stream(std::move(socket), tls_);
    boost::beast::flat_buffer buffer;
    stream.handshake(asio::ssl::stream_base::server, error);
    bool more = !error;
    while (more) {
      http::request_parser<http::string_body> parser;
      parser.body_limit(kLargestBody);
      http::read(stream, buffer, parser, error);
      more = !error && answer(stream, parser.get());
    }
  }

  std::optional<User> user_of(Stream& stream, const std::string& authorization) const {
    if (!authorization.starts_with("Bearer ")) return certified_user(stream.native_handle());
    const auto found = tokens_.find(authorization.substr(7));
    return found == tokens_.end() ? std::nullopt : std::optional(found->second);
  }

  /// False when the connection has ended.
  bool answer(Stream& stream, const http::request<http::string_body>& message) {
    const auto user = user_of(stream, std::string(message[http::field::authorization]));
    const Request request{.method = std::string(message.method_string()),
                          .target = std::string(message.target()),
                          .accept = std::string(message[http::field::accept]),
                          .content_type = std::string(message[http::field::content_type]),
                          .body = message.body(),
                          .user = user.value_or(User{})};
    Response response{.status = 401, .body = dump(status_of({401, "Unauthorized", "Unauthorized"}))};
    if (user) {
      const std::lock_guard lock(mutex_);
      response = handle(cluster_, request);
    }
    changed_.notify_all();
    if (response.watch != nullptr) return tell_changes(stream, response, parse_url(request.target));
    http::response<http::string_body> reply(http::int_to_status(static_cast<unsigned>(response.status)), 11);
    if (!response.content_type.empty()) reply.set(http::field::content_type, response.content_type);
    if (!response.warning.empty())
      reply.set(http::field::warning, fmt::format("299 - {}", dump(Json(response.warning))));
    reply.keep_alive(message.keep_alive());
    reply.body() = std::move(response.body);
    reply.prepare_payload();
    error_code error;
    http::write(stream, reply, error);
    return !error && reply.keep_alive();
  }

  /// A watch, until its time is over or the client has gone. Always false: the connection ends with it.
  bool tell_changes(Stream& stream, Response& response, const Url& url) {
    http::response<http::empty_body> head(http::status::ok, 11);
    head.set(http::field::content_type, response.content_type);
    head.chunked(true);
    http::response_serializer<http::empty_body> serializer(head);
    error_code error;
    http::write_header(stream, serializer, error);
    const auto asked = std::strtoul(url.value("timeoutSeconds").c_str(), nullptr, 10);
    const auto end = steady_clock::now() + seconds(asked == 0 ? 3600 : asked);
    auto bookmark = steady_clock::now() + kBookmarks;
    std::string lines = std::move(response.body);
    while (!error && steady_clock::now() < end && !response.watch->has_ended() && !has_hung_up(stream)) {
      lines += next_lines(*response.watch, bookmark);
      if (!lines.empty()) asio::write(stream, http::make_chunk(asio::buffer(lines)), error);
      lines.clear();
    }
    if (!error) asio::write(stream, http::make_chunk_last(), error);
    return false;
  }

  /// What there is to tell; waits up to a second for it.
  std::string next_lines(Watch& watch, steady_clock::time_point& bookmark) {
    std::unique_lock lock(mutex_);
    std::string lines;
    changed_.wait_for(lock, seconds(1), [&] {
      lines = watch.drain(cluster_.store(), cluster_.now());
      return !lines.empty();
    });
    if (steady_clock::now() < bookmark) return lines;
    bookmark = steady_clock::now() + kBookmarks;
    return lines + watch.bookmark();
  }

  Cluster cluster_;
  Tokens tokens_{};
  std::mutex mutex_{};                 // of the cluster
  std::condition_variable changed_{};  // the cluster may have
  asio::io_context io_{};
  asio::ssl::context tls_{asio::ssl::context::tls_server};
  tcp::acceptor acceptor_{io_, {asio::ip::address_v4::loopback(), 0}};
};

}  // namespace

Result<void> serve(Cluster cluster, const Certificates& certificates, Tokens tokens,
                   const std::function<Result<void>(std::uint16_t port)>& ready) {
  sigset_t signals{};
  sigemptyset(&signals);
  for (const int each : {SIGTERM, SIGINT}) sigaddset(&signals, each);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // for all threads: this one waits for them
  try {
    const auto server = std::make_shared<Server>(std::move(cluster), certificates, std::move(tokens));
    WUKONG_CHECK(ready(server->port()));
    server->start();
  } catch (const std::exception& problem) {
    return Error{.message = fmt::format("cannot serve on 127.0.0.1: {}", problem.what())};
  }
  int signal = 0;
  sigwait(&signals, &signal);
  return {};
}

}  // namespace wukong::sandbox
