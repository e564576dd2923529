#include "kube/url.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <memory>

namespace wukong::kube {
namespace {

using Url = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;

Url parse(const std::string& text) {
  Url url(curl_url(), &curl_url_cleanup);
  if (url && curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) url.reset();
  return url;
}

std::string part(const Url& url, CURLUPart which) {
  char* found = nullptr;
  if (curl_url_get(url.get(), which, &found, CURLU_DEFAULT_PORT) != CURLUE_OK) return {};
  std::string out = found;
  curl_free(found);
  return out;
}

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
         c == '.' || c == '~';
}

}  // namespace

std::string percent_encode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (is_unreserved(c)) {
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
    return Error{
        .code = Code::usage,
        .message = fmt::format("cannot use the server {} with the TLS server name {}", server, name)};
  }
  std::string moved = part(url, CURLUPART_URL);
  while (moved.ends_with('/')) moved.pop_back();
  return Detour{.url = std::move(moved), .connect_to = fmt::format("{}:{}:{}:{}", name, port, host, port)};
}

bool is_loopback(const std::string& server) {
  const Url url = parse(server);
  const std::string host = url ? part(url, CURLUPART_HOST) : std::string();
  const bool digits = host.find_first_not_of("0123456789.") == std::string::npos;
  return host == "localhost" || host == "[::1]" || (digits && host.starts_with("127."));
}

}  // namespace wukong::kube
