#include "support/fault_proxy/http_relay.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/write.hpp>
#include <limits>

namespace wukong::faults {
namespace {

using boost::system::error_code;

constexpr std::size_t kLargestRequest = 64 << 20;
constexpr std::size_t kLargestRecorded = 1 << 20;

std::string_view reason_of(int status) {
  switch (status) {
    case 410:
      return "Expired";
    case 429:
      return "TooManyRequests";
    case 500:
      return "InternalError";
    case 503:
      return "ServiceUnavailable";
    case 504:
      return "Timeout";
    default:
      return "";
  }
}

Json status_object(int status) {
  return {{"kind", "Status"},
          {"apiVersion", "v1"},
          {"metadata", Json::object()},
          {"status", "Failure"},
          {"message", status == 410 ? "too old resource version: 1 (2)"
                                    : fmt::format("the fault proxy says {}", status)},
          {"reason", reason_of(status)},
          {"code", status}};
}

}  // namespace

HttpRelay::HttpRelay(Tcp::socket client, std::shared_ptr<HttpShared> shared)
    : shared_(std::move(shared)),
      client_(std::move(client), shared_->to_client),
      timer_(client_.get_executor()),
      strike_timer_(client_.get_executor()) {}

void HttpRelay::start() {
  client_.async_handshake(ssl::stream_base::server, [self = shared_from_this()](const error_code& failed) {
    if (failed) return self->end(Ending::cut);
    self->read_request();
  });
}

void HttpRelay::read_request() {
  ++exchange_;
  streaming_ = false;
  strike_timer_.cancel();
  request_.emplace();
  request_->body_limit(kLargestRequest);
  http::async_read(client_, client_buffer_, *request_,
                   [self = shared_from_this()](const error_code& failed, std::size_t) {
                     if (failed) return self->end(Ending::cut);
                     self->take_request();
                   });
}

void HttpRelay::take_request() {
  const auto& request = request_->get();
  target_ = std::string(request.target());
  decision_ = shared_->decide(std::string(request.method_string()), target_);
  if (!decision_) return forward();
  const Fault& fault = decision_->fault;
  // A watch is cut, reset or stalled while it runs: strike() does that.
  if (has(Kind::status) && !fault.after_write) return answer_status(fault);
  if (has(Kind::cut) && !is_watch()) return end(Ending::cut);
  if (has(Kind::reset) && !is_watch()) return end(Ending::reset);
  if (has(Kind::stale)) {
    const auto found = shared_->first_answers.find(target_);
    if (request.method() == http::verb::get && found != shared_->first_answers.end())
      return answer_whole(200, found->second.content_type, found->second.body);
  }
  if (!has(Kind::stall) || is_watch()) return forward();
  timer_.expires_after(fault.time);
  timer_.async_wait([self = shared_from_this()](const error_code& cancelled) {
    if (!cancelled) self->forward();
  });
}

void HttpRelay::answer_whole(int status, const std::string& content_type, std::string body) {
  auto answer = std::make_shared<http::response<http::string_body>>();
  answer->result(static_cast<unsigned>(status));
  answer->set(http::field::content_type, content_type);
  if (status != 200 && decision_ && decision_->fault.retry_after)
    answer->set(http::field::retry_after, fmt::format("{}", *decision_->fault.retry_after));
  answer->body() = std::move(body);
  answer->prepare_payload();
  http::async_write(client_, *answer,
                    [self = shared_from_this(), answer](const error_code& failed, std::size_t) {
                      if (failed) return self->end(Ending::cut);
                      self->read_request();
                    });
}

void HttpRelay::answer_status(const Fault& fault) {
  // 502 and 504 come from what stands before the API server, and are no Status objects.
  const bool gateway = fault.status == 502 || fault.status == 504;
  if (gateway)
    return answer_whole(fault.status, "text/html",
                        fmt::format("<html><body>{}</body></html>\n", fault.status));
  answer_whole(fault.status, "application/json", dump(status_object(fault.status)));
}

void HttpRelay::forward() {
  auto& request = request_->get();
  request.set(http::field::host, fmt::format("{}:{}", shared_->upstream.name, shared_->upstream.port));
  // Bodies that are to be damaged must not be compressed.
  request.erase(http::field::accept_encoding);
  request.erase(http::field::expect);  // its body is here already
  request.prepare_payload();
  if (server_) return send();
  connect();
}

void HttpRelay::connect() {
  server_ = std::make_shared<Server>(client_.get_executor(), shared_->to_server);
  Tls& stream = server_->stream;
  const std::string& name = shared_->upstream.name;
  error_code is_name;
  asio::ip::make_address(name, is_name);
  std::string mutable_name = name;  // SSL_set_tlsext_host_name is a macro with a C cast
  if (is_name)
    SSL_ctrl(stream.native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             mutable_name.data());
  if (!shared_->upstream.insecure) stream.set_verify_callback(ssl::host_name_verification(name));
  const auto self = shared_from_this();
  stream.next_layer().async_connect(shared_->server, [self, server = server_](const error_code& failed) {
    if (failed) return self->end(Ending::cut);
    error_code ignored;
    server->stream.next_layer().set_option(Tcp::no_delay(true), ignored);
    server->stream.async_handshake(ssl::stream_base::client, [self, server](const error_code& refused) {
      if (refused) return self->end(Ending::cut);
      self->send();
    });
  });
}

void HttpRelay::send() {
  const auto sent = [self = shared_from_this(), server = server_](const error_code& failed, std::size_t) {
    if (failed) return self->end(Ending::cut);
    self->read_head();
  };
  http::async_write(server_->stream, request_->get(), sent);
}

void HttpRelay::read_head() {
  server_->answer.emplace();
  server_->answer->body_limit(std::numeric_limits<std::uint64_t>::max());  // boost::none fails in 1.74
  const auto got = [self = shared_from_this(), server = server_](const error_code& failed, std::size_t) {
    if (failed) return self->end(Ending::cut);
    self->take_head();
  };
  http::async_read_header(server_->stream, server_->buffer, *server_->answer, got);
}

/// The server has answered: what was asked is done.
void HttpRelay::take_head() {
  if (has(Kind::lost)) return end(Ending::cut);
  if (has(Kind::status)) {
    leave_server();
    return answer_status(decision_->fault);
  }
  if (server_->answer->get().result() == http::status::switching_protocols) return end(Ending::cut);
  send_head();
}

void HttpRelay::send_head() {
  const auto& got = server_->answer->get();
  auto head = std::make_shared<http::response<http::empty_body>>(http::response_header<>(got.base()));
  const bool empty = request_->get().method() == http::verb::head ||
                     got.result() == http::status::no_content || got.result() == http::status::not_modified;
  const auto length = server_->answer->content_length();
  chunked_ = !length && !empty;
  if (chunked_) head->chunked(true);
  auto writer = std::make_shared<http::response_serializer<http::empty_body>>(*head);
  http::async_write_header(
      client_, *writer,
      [self = shared_from_this(), head, writer, empty](const error_code& failed, std::size_t) {
        if (failed) return self->end(Ending::cut);
        if (empty) return self->read_request();
        self->begin_stream();
      });
}

void HttpRelay::begin_stream() {
  streaming_ = true;
  writing_ = end_after_ = false;
  sent_ = 0;
  recording_.clear();
  last_byte_ = '\n';
  armed_ = decision_.has_value() && !is_watch() && !has(Kind::stall);  // that one has been served
  if (is_watch()) notice_leaving();
  if (decision_ && is_watch()) {
    strike_timer_.expires_after(decision_->after);
    strike_timer_.async_wait([self = shared_from_this(), mine = exchange_](const error_code& cancelled) {
      if (!cancelled && self->streaming_ && self->exchange_ == mine) self->strike();
    });
  }
  read_piece();
}

/// A client that goes away from a silent watch would be noticed only at its next event.
void HttpRelay::notice_leaving() {
  client_.next_layer().async_wait(Tcp::socket::wait_read,
                                  [self = shared_from_this(), mine = exchange_](const error_code& failed) {
                                    if (!failed && self->streaming_ && self->exchange_ == mine)
                                      self->end(Ending::cut);
                                  });
}

/// The time of a watch's fault has come. What needs a whole event before it waits for one.
void HttpRelay::strike() {
  armed_ = true;
  if (has(Kind::cut)) return end(Ending::cut);
  if (has(Kind::reset)) return end(Ending::reset);
  const bool between_events = !writing_ && last_byte_ == '\n';
  if (!between_events) return;
  if (has(Kind::end_watch)) return end_body("");
  if (has(Kind::gone_event))
    return end_body(dump(Json{{"type", "ERROR"}, {"object", status_object(410)}}) + "\n");
}

void HttpRelay::read_piece() {
  if (server_->answer->is_done()) return end_body("");
  auto& body = server_->answer->get().body();
  body.data = server_->piece.data();
  body.size = server_->piece.size();
  body.more = true;
  const auto got = [self = shared_from_this(), server = server_](const error_code& failed, std::size_t) {
    if (self->server_ != server || !self->streaming_) return;
    if (failed && failed != http::error::need_buffer) return self->end(Ending::cut);
    self->take_piece(server->piece.size() - server->answer->get().body().size);
  };
  http::async_read_some(server_->stream, server_->buffer, *server_->answer, got);
}

/// Where a body of known length is cut or spoiled: its middle; else the middle of this piece.
std::size_t HttpRelay::middle(std::size_t piece) const {
  if (is_watch() || !server_->answer->content_length()) return sent_ + piece / 2;
  return static_cast<std::size_t>(*server_->answer->content_length() / 2);
}

void HttpRelay::damage(std::size_t count) {
  const std::size_t at = middle(count);
  if (at >= sent_ + count) return;
  const std::size_t keep = at > sent_ ? at - sent_ : 0;
  if (has(Kind::truncated)) {
    out_.resize(keep);
    end_after_ = true;
  }
  if (has(Kind::broken)) std::fill(out_.begin() + static_cast<std::ptrdiff_t>(keep), out_.end(), ' ');
}

void HttpRelay::record(std::string_view bytes) {
  const bool wanted = request_->get().method() == http::verb::get &&
                      server_->answer->get().result() == http::status::ok && !is_watch();
  if (!wanted || recording_.size() + bytes.size() > kLargestRecorded) return;
  recording_ += bytes;
  if (recording_.size() < sent_ + bytes.size() || !server_->answer->is_done()) return;
  shared_->first_answers.try_emplace(
      target_, HttpShared::Recorded{std::string(server_->answer->get()[http::field::content_type]),
                                    std::move(recording_)});
}

void HttpRelay::take_piece(std::size_t count) {
  record({server_->piece.data(), count});
  if (count == 0) return read_piece();
  out_.assign(server_->piece.data(), count);
  if (armed_) damage(count);
  writing_ = true;
  if (!armed_ || !has(Kind::stall)) return send_slice(0);
  armed_ = false;
  timer_.expires_after(decision_->fault.time);
  timer_.async_wait([self = shared_from_this(), mine = exchange_](const error_code& cancelled) {
    if (!cancelled && self->exchange_ == mine) self->send_slice(0);
  });
}

/// Sends out_ from `from`: all of it, or as much as a slow body may at once.
void HttpRelay::send_slice(std::size_t from) {
  if (from >= out_.size()) return piece_sent();
  const bool slow = armed_ && has(Kind::slow) && decision_->fault.bytes > 0;
  const std::size_t count = slow ? std::min(decision_->fault.bytes, out_.size() - from) : out_.size() - from;
  const std::string_view slice = std::string_view(out_).substr(from, count);
  auto framed = std::make_shared<std::string>(chunked_ ? fmt::format("{:x}\r\n{}\r\n", count, slice)
                                                       : std::string(slice));
  asio::async_write(
      client_, asio::buffer(*framed),
      [self = shared_from_this(), framed, next = from + count, slow](const error_code& failed, std::size_t) {
        if (failed) return self->end(Ending::cut);
        if (!slow) return self->send_slice(next);
        self->timer_.expires_after(self->decision_->fault.time);
        self->timer_.async_wait([self, next](const error_code& cancelled) {
          if (!cancelled) self->send_slice(next);
        });
      });
}

void HttpRelay::piece_sent() {
  writing_ = false;
  sent_ += out_.size();
  if (end_after_) return end(Ending::cut);
  if (!out_.empty()) last_byte_ = out_.back();
  const auto mine = exchange_;
  if (armed_ && is_watch()) strike();
  if (streaming_ && exchange_ == mine) read_piece();
}

/// Ends the answer in good order, behind `last_words`; a server that would say more is left.
void HttpRelay::end_body(const std::string& last_words) {
  streaming_ = false;
  const bool usable = server_->answer->is_done() && server_->answer->keep_alive();
  if (!usable) leave_server();
  auto framed = std::make_shared<std::string>();
  if (!last_words.empty()) *framed = fmt::format("{:x}\r\n{}\r\n", last_words.size(), last_words);
  if (chunked_) *framed += "0\r\n\r\n";
  asio::async_write(client_, asio::buffer(*framed),
                    [self = shared_from_this(), framed](const error_code& failed, std::size_t) {
                      if (failed) return self->end(Ending::cut);
                      self->read_request();
                    });
}

void HttpRelay::leave_server() {
  error_code ignored;
  server_->stream.next_layer().close(ignored);
  server_.reset();
}

void HttpRelay::end(Ending how) {
  streaming_ = false;
  error_code ignored;
  if (how == Ending::reset) client_.next_layer().set_option(asio::socket_base::linger(true, 0), ignored);
  if (how == Ending::cut) client_.next_layer().shutdown(Tcp::socket::shutdown_send, ignored);
  client_.next_layer().close(ignored);
  if (server_) server_->stream.next_layer().close(ignored);
  timer_.cancel();
  strike_timer_.cancel();
}

}  // namespace wukong::faults
