#include "kube/url.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <memory>

#include "base/text.h"

namespace wukong::kube {
namespace {

using Url = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;

Url parse(const std::string& text) {
  Url url(curl_url(), &curl_url_cleanup);
  if (url && curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) url.reset();
  return url;
}

std::string part(const Url& url, CURLUPart which, unsigned flags = CURLU_DEFAULT_PORT) {
  char* found = nullptr;
  if (curl_url_get(url.get(), which, &found, flags) != CURLUE_OK) return {};
  std::string out = found;
  curl_free(found);
  return out;
}

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

std::string percent_encode(std::string_view text, std::string_view marks) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (is_letter_or_digit(c) || marks.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

std::string query_string(const std::vector<std::pair<std::string, std::string>>& query) {
  std::string out;
  for (const auto& [key, value] : query) {
    out += fmt::format("{}{}={}", out.empty() ? '?' : '&', percent_encode(key), percent_encode(value));
  }
  return out;
}

Result<Detour> detour(const std::string& server, const std::string& name) {
  const Url url = parse(server);
  const std::string host = url ? part(url, CURLUPART_HOST) : std::string();
  const std::string port = url ? part(url, CURLUPART_PORT) : std::string();
  if (host.empty() || curl_url_set(url.get(), CURLUPART_HOST, name.c_str(), 0) != CURLUE_OK) {
    return usage(fmt::format("cannot use the server {} with the TLS server name {}", server, name));
  }
  const std::string written_port = part(url, CURLUPART_PORT, 0);
  std::string moved = part(url, CURLUPART_URL);
  while (moved.ends_with('/')) moved.pop_back();
  return Detour{.url = std::move(moved),
                .connect_to = fmt::format("{}:{}:{}:{}", name, port, host, port),
                .host = written_port.empty() ? host : fmt::format("{}:{}", host, port)};
}

std::optional<UrlParts> url_parts(const std::string& text) {
  const Url url = parse(text);
  if (!url) return std::nullopt;
  std::string host = lower(part(url, CURLUPART_HOST));
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  return UrlParts{
      .scheme = part(url, CURLUPART_SCHEME), .host = std::move(host), .port = part(url, CURLUPART_PORT)};
}

}  // namespace wukong::kube
