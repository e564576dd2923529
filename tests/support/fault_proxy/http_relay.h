// One TLS connection of a client, request by request, and the connection to the server that answers it.
#pragma once

#include <array>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "support/fault_proxy/http_front.h"

namespace wukong::faults {

namespace ssl = asio::ssl;
namespace http = boost::beast::http;

/// What all relays of one proxy have in common.
struct HttpShared {
  explicit HttpShared(asio::io_context& io)
      : acceptor(io, Tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {}

  struct Recorded {
    std::string content_type{};
    std::string body{};
  };

  Tcp::acceptor acceptor;
  ssl::context to_client{ssl::context::tls_server};
  ssl::context to_server{ssl::context::tls_client};
  Signed next{};
  Upstream upstream{};
  Tcp::endpoint server{};
  Decide decide{};
  std::map<std::string, Recorded> first_answers{};  // of reads, by path and query: what `stale` says again
};

class HttpRelay : public std::enable_shared_from_this<HttpRelay> {
 public:
  HttpRelay(Tcp::socket client, std::shared_ptr<HttpShared> shared);
  void start();

 private:
  using Tls = ssl::stream<Tcp::socket>;
  enum class Ending { cut, reset };
  /// The connection to the server. Callbacks hold the one they began with: it may be left for another meanwhile.
  struct Server {
    Server(const Tls::executor_type& executor, ssl::context& context) : stream(executor, context) {}
    Tls stream;
    boost::beast::flat_buffer buffer{};
    std::optional<http::response_parser<http::buffer_body>> answer{};
    std::array<char, 16384> piece{};
  };

  void read_request();
  void take_request();
  void answer_whole(int status, const std::string& content_type, std::string body);
  void answer_status(const Fault& fault);
  void forward();
  void connect();
  void send();
  void read_head();
  void take_head();
  void send_head();
  void begin_stream();
  void notice_leaving();
  void strike();
  void read_piece();
  void take_piece(std::size_t count);
  void send_slice(std::size_t from);
  void piece_sent();
  void end_body(const std::string& last_words);
  void leave_server();
  void end(Ending how);

  bool is_watch() const { return wukong::faults::is_watch(target_); }
  bool has(Kind kind) const { return decision_ && decision_->fault.kind == kind; }
  std::size_t middle(std::size_t piece) const;
  void damage(std::size_t count);
  void record(std::string_view bytes);

  std::shared_ptr<HttpShared> shared_;
  Tls client_;
  std::shared_ptr<Server> server_{};
  boost::beast::flat_buffer client_buffer_{};
  asio::steady_timer timer_;         // pauses
  asio::steady_timer strike_timer_;  // the fault of a watch

  // Of the request at hand.
  std::optional<http::request_parser<http::string_body>> request_{};
  std::string target_{};
  std::optional<Decision> decision_{};
  std::string out_{};        // what goes to the client next
  std::size_t sent_{};       // bytes of the body
  std::string recording_{};  // the body so far, while it may become a first answer
  char last_byte_{'\n'};
  bool chunked_{};
  bool streaming_{};
  bool writing_{};
  bool armed_{};              // the fault works on the next piece
  bool end_after_{};          // the connection ends behind the piece that is on its way
  std::uint64_t exchange_{};  // counts requests, so that late callbacks know theirs is over
};

}  // namespace wukong::faults
