#include "sandbox/server.h"

#include <fmt/format.h>

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <set>

#include "sandbox/controllers/controllers.h"

namespace wukong::sandbox {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using std::chrono::seconds;

constexpr seconds kIdle{300};  // a connection without a request
constexpr seconds kBookmarks{15};
constexpr unsigned char kHttp1[] = "\x08http/1.1";  // as ALPN lists it
constexpr std::size_t kLargestBody = 8U << 20U;

std::string entry_of(X509_NAME* name, int kind, int& at) {
  at = X509_NAME_get_index_by_NID(name, kind, at);
  if (at < 0) return {};
  const ASN1_STRING* value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
          static_cast<std::size_t>(ASN1_STRING_length(value))};
}

/// The client certificate was checked in the handshake: its CN is the user, its O are the groups.
std::optional<User> certified_user(SSL* ssl) {
  const std::unique_ptr<X509, void (*)(X509*)> certificate(SSL_get1_peer_certificate(ssl), X509_free);
  if (certificate == nullptr) return std::nullopt;
  X509_NAME* name = X509_get_subject_name(certificate.get());
  int at = -1;
  User user{.name = entry_of(name, NID_commonName, at)};
  at = -1;
  for (std::string group = entry_of(name, NID_organizationName, at); at >= 0;
       group = entry_of(name, NID_organizationName, at))
    user.groups.push_back(group);
  return user;
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

class Session;

/// What sessions want from the server.
class Host {
 public:
  virtual ~Host() = default;
  virtual Response handle(const Request& request) = 0;
  virtual std::optional<User> user_of(const std::string& token) const = 0;
  virtual const Store& store() const = 0;
  virtual WallTime now() const = 0;
  virtual void changed() = 0;
  virtual void join(Session* watcher) = 0;
  virtual void leave(Session* watcher) = 0;
};

/// One connection. It lives as long as something is under way on it.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, asio::ssl::context& tls, Host& host)
      : stream_(std::move(socket), tls), host_(&host) {}
  ~Session() {
    if (watch_ != nullptr) host_->leave(this);
  }

  void begin() {
    beast::get_lowest_layer(stream_).expires_after(kIdle);
    stream_.async_handshake(asio::ssl::stream_base::server, [self = shared_from_this()](error_code error) {
      if (!error) self->read();
    });
  }

  /// Sends what the watch has to tell by now.
  void pump() {
    if (watch_ == nullptr || writing_) return;
    std::string lines = std::move(first_lines_);
    first_lines_.clear();
    lines += watch_->drain(host_->store(), host_->now());
    if (!lines.empty()) send_chunk(std::move(lines));
  }

  /// Once a second: bookmarks, and the end that the client asked for.
  void tick(std::chrono::steady_clock::time_point now) {
    if (watch_ == nullptr || writing_) return;
    if (now >= watch_end_) return end_watch();
    if (now < next_bookmark_) return;
    next_bookmark_ = now + kBookmarks;
    if (std::string line = watch_->bookmark(host_->store()); !line.empty()) send_chunk(std::move(line));
  }

 private:
  using Parser = http::request_parser<http::string_body>;

  void read() {
    parser_.emplace();
    parser_->body_limit(kLargestBody);
    beast::get_lowest_layer(stream_).expires_after(kIdle);
    http::async_read(stream_, buffer_, *parser_, [self = shared_from_this()](error_code error, std::size_t) {
      if (!error) self->answer();
    });
  }

  std::optional<User> user() {
    const std::string authorization(parser_->get()[http::field::authorization]);
    if (authorization.starts_with("Bearer ")) return host_->user_of(authorization.substr(7));
    const auto certified = certified_user(stream_.native_handle());
    return certified ? certified : User{.name = kAnonymous};
  }

  void answer() {
    const auto& message = parser_->get();
    const auto who = user();
    if (!who) return send({.status = 401, .body = dump(status_of({401, "Unauthorized", "Unauthorized"}))});
    const Request request{.method = std::string(message.method_string()),
                          .target = std::string(message.target()),
                          .accept = std::string(message[http::field::accept]),
                          .content_type = std::string(message[http::field::content_type]),
                          .body = message.body(),
                          .user = *who};
    Response response = host_->handle(request);
    if (response.watch != nullptr)
      begin_watch(std::move(response), parse_url(request.target));
    else
      send(std::move(response));
    host_->changed();
  }

  void send(Response response) {
    auto message = std::make_shared<http::response<http::string_body>>(
        http::int_to_status(static_cast<unsigned>(response.status)), 11);
    message->set(http::field::content_type, response.content_type);
    message->keep_alive(parser_->get().keep_alive());
    message->body() = std::move(response.body);
    message->prepare_payload();
    http::async_write(stream_, *message, [self = shared_from_this(), message](error_code error, std::size_t) {
      if (!error && message->keep_alive()) self->read();
    });
  }

  void begin_watch(Response response, const Url& url) {
    watch_ = std::move(response.watch);
    first_lines_ = std::move(response.body);
    const auto now = std::chrono::steady_clock::now();
    const auto asked = std::strtoul(url.value("timeoutSeconds").c_str(), nullptr, 10);
    watch_end_ = now + seconds(asked == 0 ? 3600 : asked);
    next_bookmark_ = now + kBookmarks;
    host_->join(this);
    beast::get_lowest_layer(stream_).expires_never();
    await_hang_up();
    write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
  }

  /// A client ends a watch by closing: only a read notices.
  void await_hang_up() {
    stream_.async_read_some(asio::buffer(ignored_),
                            [self = shared_from_this()](error_code error, std::size_t) {
                              if (error)
                                self->close();
                              else
                                self->await_hang_up();
                            });
  }

  void send_chunk(std::string lines) { write(fmt::format("{:x}\r\n{}\r\n", lines.size(), lines)); }

  void end_watch() {
    ending_ = true;
    write("0\r\n\r\n");
  }

  void write(std::string bytes) {
    writing_ = true;
    auto kept = std::make_shared<const std::string>(std::move(bytes));
    asio::async_write(stream_, asio::buffer(*kept),
                      [self = shared_from_this(), kept](error_code error, std::size_t) {
                        self->writing_ = false;
                        if (error || self->ending_) return self->close();
                        if (self->watch_->has_ended()) return self->end_watch();
                        self->pump();
                      });
  }

  void close() { beast::get_lowest_layer(stream_).close(); }

  beast::ssl_stream<beast::tcp_stream> stream_;
  Host* host_{};
  beast::flat_buffer buffer_{};
  std::optional<Parser> parser_{};
  std::unique_ptr<Watch> watch_{};
  std::string first_lines_{};
  std::array<char, 64> ignored_{};
  std::chrono::steady_clock::time_point watch_end_{};
  std::chrono::steady_clock::time_point next_bookmark_{};
  bool writing_{};
  bool ending_{};
};

class BeastServer : public Server, public Host {
 public:
  BeastServer(Cluster& cluster, ServerOptions options)
      : cluster_(&cluster), api_(cluster), options_(std::move(options)), signals_(io_, SIGTERM, SIGINT) {
    const Certificates& made = options_.certificates;
    tls_.use_certificate_chain(asio::buffer(made.server.certificate));
    tls_.use_private_key(asio::buffer(made.server.key), asio::ssl::context::pem);
    tls_.add_certificate_authority(asio::buffer(made.authority.certificate));
    tls_.set_verify_mode(asio::ssl::verify_peer);  // who shows no certificate may have a token
    SSL_CTX_set_alpn_select_cb(tls_.native_handle(), choose_http1, nullptr);
    SSL_CTX_set_session_cache_mode(tls_.native_handle(), SSL_SESS_CACHE_OFF);
    acceptor_.open(tcp::v4());
    acceptor_.bind({asio::ip::address_v4::loopback(), 0});
    acceptor_.listen();
  }

  std::uint16_t port() const override { return acceptor_.local_endpoint().port(); }

  void run() override {
    signals_.async_wait([this](error_code, int) { io_.stop(); });
    accept();
    tick();
    changed();
    io_.run();
  }

  Response handle(const Request& request) override { return api_.handle(request); }
  std::optional<User> user_of(const std::string& token) const override {
    const auto found = options_.tokens.find(token);
    return found == options_.tokens.end() ? std::nullopt : std::optional(found->second);
  }
  const Store& store() const override { return cluster_->store(); }
  WallTime now() const override { return cluster_->now(); }
  void join(Session* watcher) override { watchers_.insert(watcher); }
  void leave(Session* watcher) override { watchers_.erase(watcher); }

  /// Answers go out before controllers act on them, as on a real cluster.
  void changed() override {
    pump();
    wake_after(Millis(5));
  }

 private:
  void accept() {
    acceptor_.async_accept([this](error_code error, tcp::socket socket) {
      if (!error) std::make_shared<Session>(std::move(socket), tls_, *this)->begin();
      accept();
    });
  }

  void wake_after(Millis time) {
    if (time >= controllers_.expiry() - std::chrono::steady_clock::now() && waiting_) return;
    waiting_ = true;
    controllers_.expires_after(time);
    controllers_.async_wait([this](error_code error) {
      if (!error) run_controllers();
    });
  }

  void run_controllers() {
    waiting_ = false;
    settle(*cluster_);
    if (const auto next = cluster_->take_wake_up())
      wake_after(std::max(Millis(5), *next - cluster_->running()));
    pump();
  }

  void pump() {
    for (Session* watcher : std::set(watchers_)) watcher->pump();
  }

  void tick() {
    ticks_.expires_after(seconds(1));
    ticks_.async_wait([this](error_code error) {
      if (error) return;
      for (Session* watcher : std::set(watchers_)) watcher->tick(std::chrono::steady_clock::now());
      tick();
    });
  }

  Cluster* cluster_{};
  Api api_;
  ServerOptions options_{};
  std::set<Session*> watchers_{};  // before io_: its handlers own sessions, which leave when they go
  asio::io_context io_{1};
  asio::ssl::context tls_{asio::ssl::context::tls_server};
  asio::signal_set signals_;
  tcp::acceptor acceptor_{io_};
  asio::steady_timer controllers_{io_};
  asio::steady_timer ticks_{io_};
  bool waiting_{};
};

}  // namespace

Result<std::unique_ptr<Server>> Server::listen(Cluster& cluster, ServerOptions options) {
  try {
    return std::unique_ptr<Server>(std::make_unique<BeastServer>(cluster, std::move(options)));
  } catch (const boost::system::system_error& problem) {
    return Error{.message = fmt::format("cannot serve on 127.0.0.1: {}", problem.what())};
  }
}

}  // namespace wukong::sandbox
