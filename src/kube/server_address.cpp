#include "kube/server_address.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "kube/url.h"

namespace wukong::kube {
namespace {

/// What Go's URL.EscapedPath leaves as it is.
constexpr std::string_view kPathMarks = "-_.~$&+,/:;=@";

struct Parts {
  std::string scheme{};  // lower case
  std::string host{};    // with the port
  std::string path{};    // with the slash in front, escaped as it was written
};

Error no_url(const std::string& server) {
  return usage(fmt::format("\"{}\" is not the URL of a server", printable(server)),
               "write it like https://host:6443");
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> unescaped(std::string_view path) {
  std::string out{};
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] != '%') {
      out += path[i];
      continue;
    }
    const int high = i + 2 < path.size() ? hex_value(path[i + 1]) : -1;
    const int low = i + 2 < path.size() ? hex_value(path[i + 2]) : -1;
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

/// "/a//b/../c/" is "/a/c".
std::string cleaned(std::string_view path) {
  std::vector<std::string> kept{};
  for (std::string& segment : split(path, '/')) {
    if (segment == ".." && !kept.empty()) kept.pop_back();
    if (!segment.empty() && segment != "." && segment != "..") kept.push_back(std::move(segment));
  }
  std::string out{};
  for (const std::string& segment : kept) out += "/" + segment;
  return out;
}

/// A name, an IPv4 or a bracketed IPv6 address, and perhaps a port.
bool is_host(std::string_view host) {
  const auto bracket = host.rfind(']');
  const auto colon = host.find(':', bracket == std::string_view::npos ? 0 : bracket);
  const std::string_view name = host.substr(0, colon);
  const std::string_view port = colon == std::string_view::npos ? std::string_view() : host.substr(colon + 1);
  if (name.empty() || port.find_first_not_of("0123456789") != std::string_view::npos) return false;
  if (host.starts_with('['))
    return name.ends_with(']') &&
           name.find_first_not_of("0123456789abcdefABCDEF:.%[]") == std::string_view::npos;
  return name.find_first_of(" \"<>[]\\^`{|}%") == std::string_view::npos;
}

std::optional<Parts> parts_of(const std::string& url) {
  const auto scheme_end = url.find("://");
  if (scheme_end == std::string::npos) return std::nullopt;
  Parts out{.scheme = lower(url.substr(0, scheme_end))};
  const auto host_begin = scheme_end + 3;
  const auto host_end = std::min(url.find_first_of("/?#", host_begin), url.size());
  out.host = url.substr(host_begin, host_end - host_begin);
  // A path longer than "/" is read by a parser that knows no fragments.
  const bool has_path = host_end + 1 < url.size() && url[host_end] == '/' && url[host_end + 1] != '?' &&
                        url[host_end + 1] != '#';
  const auto path_end = std::min(url.find_first_of(has_path ? "?" : "?#", host_end), url.size());
  out.path = url.substr(host_end, path_end - host_end);
  return out;
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
}

}  // namespace

Result<ServerAddress> server_address(const std::string& server) {
  const bool bare = server.find("://") == std::string::npos;
  const auto parts = parts_of(bare ? "http://" + server : server);
  if (!parts || has_control(server)) return no_url(server);
  if (parts->host.find('@') != std::string::npos)
    return usage("the server's URL holds a user name or password",
                 "put them into the kubeconfig's user entry, or use --token");
  const auto path = unescaped(parts->path);
  const bool known = parts->scheme == "https" || parts->scheme == "http";
  if (!known || !is_host(parts->host) || !path || (bare && path->size() > 1)) return no_url(server);
  const std::string base = parts->scheme + "://" + parts->host;
  return ServerAddress{.url = base + percent_encode(cleaned(*path), kPathMarks),
                       .told = path->size() > 1 ? base + percent_encode(*path, kPathMarks) : server};
}

Result<void> check_proxy(const std::string& url) {
  const auto parts = parts_of(url);
  const bool known =
      parts && (parts->scheme == "http" || parts->scheme == "https" || parts->scheme == "socks5");
  const std::string host = parts ? parts->host.substr(parts->host.rfind('@') + 1) : std::string();
  if (known && !has_control(url) && is_host(host)) return {};
  return usage("proxy-url is not the URL of a proxy",
               "write it like http://host:3128, https://host or socks5://host:1080");
}

}  // namespace wukong::kube
