// Whatever a server, or somebody between it and us, may answer: the first byte chooses who reads the rest.
// For libFuzzer: clang++-19 -fsanitize=fuzzer,address,undefined.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/object.h"
#include "base/text.h"
#include "kube/api_error.h"
#include "kube/client.h"
#include "kube/proxy.h"
#include "kube/watch.h"
#include "support/http_server.h"

namespace {

using namespace wukong;
using namespace wukong::kube;

const Projection kKept{{"spec.runStrategy", "status.conditions", "metadata.labels"}};
const Watched kVms{.gvr = gvr::vm(), .ns = "demo", .keep = kKept};

/// What must hold of every text that a person may see.
void show(std::string_view text) {
  for (const char c : printable(text))
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) std::abort();
}

void show(const Error& error) {
  show(error.message);
  show(error.hint);
  for (const std::string& cause : error.causes) show(cause);
}

void read_json(std::string_view text) {
  for (const Envelope envelope : {Envelope::object, Envelope::list, Envelope::watch_event}) {
    const auto parsed = parse_json(text, kKept, envelope);
    if (!parsed) {
      show(parsed.error().message);
      continue;
    }
    show(dump(*parsed));
    show(status_error(*parsed));
  }
}

void read_refusal(std::string_view text, std::uint8_t salt) {
  constexpr int kStatus[] = {400, 401, 403, 404, 409, 410, 422, 429, 500, 502, 503, 504};
  const Peer peer{.server = "https://h:6443"};
  const int status = kStatus[salt % std::size(kStatus)];
  Failure failure = failed_status(status, text, std::nullopt, "/api/v1/pods", peer);
  show(failure.error);
  show(final_error(std::move(failure), std::chrono::seconds{1}, 2, peer));
}

/// A wire on which a test speaks for the server. Timers fire when asked.
class SpokenWire : public Wire {
 public:
  Time now() const override { return now_; }
  Handle after(Duration delay, std::function<void()> fire) override {
    timers_.emplace_back(delay, std::make_shared<std::function<void()>>(std::move(fire)));
    return Handle([kept = std::weak_ptr(timers_.back().second)] {
      if (const auto timer = kept.lock()) *timer = nullptr;
    });
  }
  Handle attempt(Request request, std::function<void(Attempt)> done) override {
    asked = std::make_shared<Asked>(Asked{std::move(request), std::move(done), {}});
    return released();
  }
  Handle stream(Request request, StreamEvents events) override {
    asked = std::make_shared<Asked>(Asked{std::move(request), {}, std::move(events)});
    return released();
  }
  void turn() {
    auto due = std::exchange(timers_, {});
    for (auto& [delay, timer] : due) {
      now_ += delay;
      if (const auto fire = std::exchange(*timer, nullptr)) fire();
    }
  }
  struct Asked {
    Request request{};
    std::function<void(Attempt)> done{};
    StreamEvents events{};
  };
  std::shared_ptr<Asked> asked{};

 private:
  Handle released() {
    return Handle([this, mine = std::weak_ptr(asked)] {
      if (asked && asked == mine.lock()) asked.reset();
    });
  }
  Time now_{};
  std::deque<std::pair<Duration, std::shared_ptr<std::function<void()>>>> timers_{};
};

/// A list, then the text as the bytes of a watch, in pieces of `salt` bytes; then lists and watches again.
void follow(std::string_view text, std::uint8_t salt) {
  SpokenWire wire;
  Watches watches(wire, salt);
  WatchHandle held = watches.watch(kVms, [](const std::string&) {});
  for (int round = 0; round < 3; ++round) {
    wire.turn();
    if (!wire.asked) break;
    if (const auto asked = wire.asked; asked->done) {
      auto page = parse_json(round == 0 ? R"({"metadata":{"resourceVersion":"1"},"items":[]})" : text, kKept,
                             Envelope::list);
      if (page)
        asked->done(Response{.status = 200, .body = std::move(*page)});
      else
        asked->done(tl::unexpected(broken_answer(page.error(), "/x")));
      wire.turn();
    }
    const auto stream = wire.asked;
    if (!stream || !stream->events.bytes) continue;
    stream->events.opened();
    for (std::size_t at = 0; at < text.size() && wire.asked == stream; at += 1U + salt)
      stream->events.bytes(text.substr(at, 1U + salt));
    if (wire.asked == stream) stream->events.ended(std::nullopt);
  }
  show(held.shelf->trouble);
  show(held.shelf->why);
  for (const auto& [name, object] : held.shelf->objects) show(dump(object));
}

/// The text as raw bytes of HTTP, over a socket: status line, headers (Warning, Retry-After), chunks.
class OverSocket {
 public:
  OverSocket()
      : loop_(std::move(*Loop::make())), server_(*loop_, [this](const testing::HttpSeen&, const auto& to) {
          to->raw(answer_);
          to->cut();
        }) {
    ClusterAccess access{};
    access.server = server_.url();
    CredentialSource credentials(access, {});
    client_ = std::move(
        *Client::make(*loop_, access, std::move(credentials),
                      {.largest_body = 1UL << 20U, .warn = [](std::string_view words) { show(words); }}));
  }
  void answer(std::string_view text) {
    // Most mutations of a status line would only teach that libcurl knows one.
    answer_ = text.starts_with("HTTP/") ? std::string(text) : "HTTP/1.1 200 OK\r\n" + std::string(text);
    bool done = false;
    client_->request({.path = "/x", .keep = kKept, .envelope = Envelope::list, .patience = {}},
                     [&](Result<Response> got) {
                       done = true;
                       if (got)
                         show(dump(got->body));
                       else
                         show(got.error());
                     });
    while (!done) {
      const Handle guard = loop_->after(std::chrono::seconds{1}, [] {});
      client_->turn();
    }
    server_.seen.clear();
  }

 private:
  std::unique_ptr<Loop> loop_;
  std::string answer_{};
  testing::HttpServer server_;
  std::unique_ptr<Client> client_{};
};

void read_environment(std::string_view text) {
  const auto cut = text.find('\n');
  const std::string proxy(text.substr(0, cut));
  const std::string excluded(cut == std::string_view::npos ? std::string_view() : text.substr(cut + 1));
  for (const char* server : {"https://10.1.2.3:6443", "http://api.example.org", "https://[2001:db8::1]"})
    static_cast<void>(
        proxy_url(proxy_for(server, {.http_proxy = proxy, .https_proxy = proxy, .no_proxy = excluded})));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  static OverSocket socket;  // connections and signal masks are made once
  const std::string text(reinterpret_cast<const char*>(data + 2),
                         size - 2);  // NOLINT(cppcoreguidelines-pro-type-reinterpret-cast)
  switch (data[0] % 8) {
    case 0:
    case 1:
      read_json(text);
      break;
    case 2:
      read_refusal(text, data[1]);
      break;
    case 3:
    case 4:
      follow(text, data[1]);
      break;
    case 5:
      read_environment(text);
      break;
    default:
      socket.answer(text);
      break;
  }
  return 0;
}
