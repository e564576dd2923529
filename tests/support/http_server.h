// A loopback HTTP/1.1 server that lives in the Loop of the client it is to be tested with: one thread, no races.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "kube/loop.h"

namespace wukong::testing {

struct HttpSeen {
  std::string method{};
  std::string target{};
  std::string body{};
  std::map<std::string, std::string> headers{};  // names in lower case
};

/// One connection, in the hands of the handler that answers a request on it.
class HttpConnection {
 public:
  explicit HttpConnection(int fd) : fd_(fd) {}

  void answer(int status, const std::string& body, const std::string& headers = "") {
    raw(fmt::format("HTTP/1.1 {} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{}\r\n{}",
                    status, body.size(), headers, body));
  }
  /// A 200 whose length is not told: then line() and end(), or cut().
  void open_stream() {
    raw("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
  }
  void piece(const std::string& bytes) { raw(fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes)); }
  void line(const std::string& json) { piece(json + "\n"); }
  void end() { raw("0\r\n\r\n"); }
  void raw(const std::string& bytes) {
    out_ += bytes;
    flush();
  }
  /// Closes in good order (FIN), after what was sent.
  void cut() {
    close_soon_ = true;
    flush();
  }
  /// Closes with a reset (RST).
  void reset() {
    if (!fd_) return;
    const linger now{1, 0};
    setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    fd_.reset();
  }
  bool open() const { return static_cast<bool>(fd_); }

 private:
  friend class HttpServer;

  void flush() {
    while (fd_ && !out_.empty()) {
      const ssize_t n = send(fd_.get(), out_.data(), out_.size(), MSG_NOSIGNAL);
      if (n <= 0) break;
      out_.erase(0, static_cast<std::size_t>(n));
    }
    if (out_.empty() && close_soon_) fd_.reset();
  }

  /// Takes a whole request out of what was read.
  bool take(HttpSeen& seen) {
    const auto head_end = in_.find("\r\n\r\n");
    if (head_end == std::string::npos) return false;
    HttpSeen out{};
    std::vector<std::string> lines = split(in_.substr(0, head_end), '\n');
    const auto words = split(trim(lines.front()), ' ');
    if (words.size() < 2) return false;
    out.method = words[0];
    out.target = words[1];
    for (std::size_t i = 1; i < lines.size(); ++i) {
      const auto colon = lines[i].find(':');
      if (colon == std::string::npos) continue;
      out.headers[lower(lines[i].substr(0, colon))] = trim(std::string_view(lines[i]).substr(colon + 1));
    }
    const auto length = out.headers.find("content-length");
    const std::size_t size =
        length == out.headers.end() ? 0 : std::strtoul(length->second.c_str(), nullptr, 10);
    if (in_.size() < head_end + 4 + size) return false;
    out.body = in_.substr(head_end + 4, size);
    in_.erase(0, head_end + 4 + size);
    seen = std::move(out);
    return true;
  }

  kube::Fd fd_{};
  std::string in_{};
  std::string out_{};
  bool close_soon_{};
};

class HttpServer {
 public:
  using Connection = std::shared_ptr<HttpConnection>;
  using Handler = std::function<void(const HttpSeen&, const Connection&)>;

  HttpServer(kube::Loop& loop, Handler handler) : handler_(std::move(handler)) {
    listen_on(0);
    polling_ = loop.on_ready([this] { return wanted(); }, [this] { serve(); });
  }

  std::vector<HttpSeen> seen{};
  std::string url() const { return fmt::format("http://127.0.0.1:{}", port_); }
  std::size_t connections() const { return accepted_; }
  /// Refuses connections until `back`.
  void away() {
    listener_.reset();
    for (const auto& each : connections_) each->reset();
    connections_.clear();
  }
  void back() { listen_on(port_); }

 private:
  void listen_on(int port) {
    listener_.reset(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const int yes = 1;
    setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons(static_cast<in_port_t>(port));
    socklen_t size = sizeof at;
    auto* const address =
        reinterpret_cast<sockaddr*>(&at);  // NOLINT(cppcoreguidelines-pro-type-reinterpret-cast)
    if (bind(listener_.get(), address, size) != 0 || listen(listener_.get(), 128) != 0)
      throw std::runtime_error("cannot listen on the loopback");
    getsockname(listener_.get(), address, &size);
    port_ = ntohs(at.sin_port);
  }

  std::vector<pollfd> wanted() const {
    std::vector<pollfd> out{};
    if (listener_) out.push_back({listener_.get(), POLLIN, 0});
    for (const auto& each : connections_) {
      if (!each->fd_) continue;
      out.push_back({each->fd_.get(), static_cast<short>(each->out_.empty() ? POLLIN : POLLIN | POLLOUT), 0});
    }
    return out;
  }

  void serve() {
    while (listener_) {
      const int fd = accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) break;
      ++accepted_;
      connections_.push_back(std::make_shared<HttpConnection>(fd));
    }
    const auto now = connections_;
    for (const auto& each : now) serve(each);
    connections_.remove_if([](const auto& each) { return !each->open(); });
  }

  void serve(const Connection& connection) {
    connection->flush();
    char buffer[65536];
    while (connection->open()) {
      const ssize_t n = recv(connection->fd_.get(), buffer, sizeof buffer, 0);
      if (n == 0) connection->fd_.reset();
      if (n <= 0) break;
      connection->in_.append(buffer, static_cast<std::size_t>(n));
    }
    HttpSeen request{};
    while (connection->open() && connection->take(request)) {
      seen.push_back(request);
      handler_(request, connection);
    }
  }

  Handler handler_;
  kube::Fd listener_{};
  int port_{};
  std::size_t accepted_{};
  std::list<Connection> connections_{};
  kube::Handle polling_{};
};

}  // namespace wukong::testing
