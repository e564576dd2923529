#include "kube/http_exchange.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "base/time.h"

namespace wukong::kube {
namespace {

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

}  // namespace

std::size_t HttpExchange::on_header(char* data, std::size_t size, std::size_t count, void* self) noexcept {
  return static_cast<HttpExchange*>(self)->take_header({data, size * count});
}
std::size_t HttpExchange::on_read(char* to, std::size_t size, std::size_t count, void* self) noexcept {
  return static_cast<HttpExchange*>(self)->give_body(to, size * count);
}
/// libcurl would send a request again by itself when the connection that it reused has died. A write may have been
/// carried out by then, and nobody would know that there were two.
int HttpExchange::on_rewind(void* /*self*/, curl_off_t /*offset*/, int /*origin*/) noexcept {
  return CURL_SEEKFUNC_FAIL;
}
std::size_t HttpExchange::on_body(char* data, std::size_t size, std::size_t count, void* self) noexcept {
  return static_cast<HttpExchange*>(self)->take_body({data, size * count});
}

std::size_t HttpExchange::give_body(char* to, std::size_t room) {
  const std::size_t count = std::min(room, body.size() - given);
  std::copy_n(body.data() + given, count, to);
  given += count;
  return count;
}

std::size_t HttpExchange::take_header(std::string_view line) {
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
    if (std::string words = warning_text(value); !words.empty()) answer.warnings.push_back(std::move(words));
  }
  return line.size();
}

void HttpExchange::read_status() {
  long status = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
  answer.status = static_cast<int>(status);
  if (streaming || !events.bytes || status < 200 || status > 299) return;  // streaming already: a trailer
  streaming = true;
  opened_pending = true;
  deliver_soon();
}

std::size_t HttpExchange::take_body(std::string_view piece) {
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

void HttpExchange::deliver_soon() {
  if (std::exchange(deliver_pending, true)) return;
  loop->defer([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->deliver();
  });
}

void HttpExchange::deliver() {
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

void HttpExchange::finish(CURLcode code) {
  idle_timer.reset();
  const auto self = shared_from_this();
  deliver();
  if (cancelled) return;
  read_end(code);
  tell_answer();
  cancelled = true;  // nothing more comes
  if (events.done) events.done(std::move(answer));
}

void HttpExchange::watch_silence() {
  if (idle_limit == Duration::zero()) return;
  const Duration silent = loop->now() - last_byte;
  Duration wait = idle_limit - silent;
  if (quiet_after > Duration::zero())
    wait = std::min(wait, silent < quiet_after ? quiet_after - silent : quiet_after);
  idle_timer = loop->after(wait, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->on_silence();
  });
}

void HttpExchange::on_silence() {
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

Duration HttpExchange::since_begin(CURLINFO which) const {
  curl_off_t micros = 0;
  curl_easy_getinfo(easy.get(), which, &micros);
  return std::chrono::microseconds{micros};
}

/// Once; a connection that stood already took no time to look up and dial.
void HttpExchange::tell_answer() {
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

void HttpExchange::read_remote() {
  const char* address = nullptr;
  long port = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_PRIMARY_IP, &address);
  curl_easy_getinfo(easy.get(), CURLINFO_PRIMARY_PORT, &port);
  if (address == nullptr || *address == '\0') return;
  const bool v6 = std::string_view(address).find(':') != std::string_view::npos;
  traced.remote = v6 ? fmt::format("[{}]:{}", address, port) : fmt::format("{}:{}", address, port);
}

void HttpExchange::read_end(CURLcode code) {
  answer.curl_code = code;
  if (code != CURLE_OK) answer.curl_text = problem[0] != '\0' ? problem.data() : curl_easy_strerror(code);
  if (code == CURLE_SEND_FAIL_REWIND) answer.curl_text = "the connection ended before an answer came";
  if (answer.silent) answer.curl_text = fmt::format("no byte for {}", format_duration(idle_limit));
  if (too_large) answer.curl_text = fmt::format("the answer is larger than {} bytes", largest_body);
  curl_off_t seconds = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_RETRY_AFTER, &seconds);
  if (seconds > 0) answer.retry_after = std::chrono::seconds{seconds};
}

}  // namespace wukong::kube
