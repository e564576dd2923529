#include "kube/proxy.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/text.h"
#include "kube/url.h"

namespace wukong::kube {
namespace {

/// IPv4 addresses stand in it as IPv6 ones (::ffff:1.2.3.4).
using Address = std::array<std::uint8_t, 16>;
constexpr unsigned kMapped = 96;  // bits before an IPv4 address

struct Network {
  Address address{};
  unsigned bits{};
};

struct HostPort {
  std::string host{};
  std::string port{};
};

bool is_mapped(const Address& address) {
  constexpr std::array<std::uint8_t, 12> kPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255};
  return std::equal(kPrefix.begin(), kPrefix.end(), address.begin());
}

std::optional<Address> parse_address(const std::string& text) {
  Address out{};
  if (inet_pton(AF_INET6, text.c_str(), out.data()) == 1) return out;
  if (inet_pton(AF_INET, text.c_str(), out.data() + 12) != 1) return std::nullopt;
  out[10] = out[11] = 255;
  return out;
}

/// "10.0.0.0/8", "2002:db8::/64".
std::optional<Network> parse_network(const std::string& text) {
  const auto slash = text.find('/');
  if (slash == std::string::npos) return std::nullopt;
  const auto address = parse_address(text.substr(0, slash));
  const std::string_view digits = std::string_view(text).substr(slash + 1);
  Network out{};
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), out.bits);
  if (!address || problem != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  const bool four = text.find(':') == std::string::npos;
  if (out.bits > (four ? 32U : 128U)) return std::nullopt;
  if (four) out.bits += kMapped;
  out.address = *address;
  return out;
}

bool contains(const Network& network, const Address& address) {
  if (is_mapped(network.address) != is_mapped(address)) return false;
  for (unsigned bit = 0; bit < network.bits; ++bit) {
    const unsigned mask = 0x80U >> (bit % 8);
    if (((network.address[bit / 8] ^ address[bit / 8]) & mask) != 0) return false;
  }
  return true;
}

bool is_loopback(const Address& address) {
  if (is_mapped(address)) return address[12] == 127;
  Address one{};
  one[15] = 1;
  return address == one;
}

/// "host:port", "[v6]:port"; nothing for what has no port.
std::optional<HostPort> split_port(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  std::string host = text.substr(0, colon);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (host.find_first_of(bracketed ? "[]" : "[]:") != std::string::npos) return std::nullopt;
  return HostPort{host, text.substr(colon + 1)};
}

bool matches_domain(const std::string& host, std::string pattern) {
  if (pattern.starts_with("*.")) pattern.erase(0, 1);
  const bool below_only = pattern.starts_with('.');
  const std::string name = below_only ? pattern.substr(1) : pattern;
  return (!below_only && host == name) || host.ends_with("." + name);
}

/// One entry of no_proxy, trimmed and in lower case.
bool excludes(const std::string& entry, const UrlParts& server, const std::optional<Address>& address) {
  if (const auto network = parse_network(entry)) return address && contains(*network, *address);
  const auto with_port = split_port(entry);
  const HostPort wanted = with_port.value_or(HostPort{entry, ""});
  if (wanted.host.empty() || (!wanted.port.empty() && wanted.port != server.port)) return false;
  if (const auto own = parse_address(wanted.host)) return address && *own == *address;
  return !address && matches_domain(server.host, wanted.host);
}

bool is_excluded(const UrlParts& server, const std::string& no_proxy) {
  const auto address = parse_address(server.host);
  if (server.host == "localhost" || (address && is_loopback(*address))) return true;
  for (const std::string& each : split(no_proxy, ',')) {
    const std::string entry = lower(trim(each));
    if (entry == "*" || (!entry.empty() && excludes(entry, server, address))) return true;
  }
  return false;
}

std::string first_of(const std::vector<std::string>& environment,
                     std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    const std::string start = fmt::format("{}=", name);
    for (const std::string& entry : environment)
      if (entry.starts_with(start) && entry.size() > start.size()) return entry.substr(start.size());
  }
  return {};
}

bool has_scheme(std::string_view url) {
  const auto at = url.find("://");
  if (at == std::string_view::npos || at == 0 || at + 3 >= url.size()) return false;
  return std::all_of(url.begin(), url.begin() + static_cast<std::ptrdiff_t>(at), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '+' || c == '-' || c == '.';
  });
}

}  // namespace

ProxyEnvironment proxy_environment(const std::vector<std::string>& environment) {
  return {.http_proxy = first_of(environment, {"HTTP_PROXY", "http_proxy"}),
          .https_proxy = first_of(environment, {"HTTPS_PROXY", "https_proxy"}),
          .no_proxy = first_of(environment, {"NO_PROXY", "no_proxy"})};
}

std::string proxy_for(const std::string& server, const ProxyEnvironment& environment) {
  const auto parts = url_parts(server);
  if (!parts) return {};
  const std::string proxy = parts->scheme == "https"  ? environment.https_proxy
                            : parts->scheme == "http" ? environment.http_proxy
                                                      : std::string();
  if (proxy.empty() || is_excluded(*parts, environment.no_proxy)) return {};
  return has_scheme(proxy) ? proxy : "http://" + proxy;
}

std::string proxy_url(const std::string& proxy) {
  if (proxy.empty()) return {};
  const std::string whole = has_scheme(proxy) ? proxy : "http://" + proxy;
  const auto scheme_end = whole.find("://");
  std::string scheme = lower(whole.substr(0, scheme_end));
  const std::string authority =
      whole.substr(scheme_end + 3, whole.find_first_of("/?#", scheme_end + 3) - scheme_end - 3);
  const auto at = authority.rfind('@');
  const std::string host = authority.substr(at == std::string::npos ? 0 : at + 1);
  const auto colon = host.rfind(':');
  const bool has_port = colon != std::string::npos && host.find(']', colon) == std::string::npos;
  const char* const port = has_port                      ? ""
                           : scheme == "https"           ? ":443"
                           : scheme.starts_with("socks") ? ":1080"
                                                         : ":80";
  if (scheme == "socks5") scheme = "socks5h";
  return fmt::format("{}://{}{}", scheme, authority, port);
}

}  // namespace wukong::kube
