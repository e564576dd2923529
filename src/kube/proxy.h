// Which proxy leads to a server, by the environment as Go's programs read it: kubectl and its plugins agree. Pure.
#pragma once

#include <string>
#include <vector>

namespace wukong::kube {

/// Values as they stand in the environment; empty ones are not set.
struct ProxyEnvironment {
  std::string http_proxy{};   // for http:// servers
  std::string https_proxy{};  // for https:// servers
  std::string no_proxy{};
};

/// From "NAME=value" entries. HTTPS_PROXY goes before https_proxy, and so on; an empty value counts as none.
/// ALL_PROXY is not read.
/// Source: golang.org/x/net/http/httpproxy, FromEnvironment.
ProxyEnvironment proxy_environment(const std::vector<std::string>& environment);

/// The proxy for `server` ("https://host:6443"), or "" for none. localhost and loopback addresses have none.
/// no_proxy: domains ("example.com" with all below it, ".example.com" and "*.example.com" only what is below),
/// addresses, networks ("10.0.0.0/8"), each with or without ":port" (networks without), separated by commas; "*" is all.
/// Names in other than Latin letters are compared as they are written: Go also knows their "xn--" form.
/// Source: golang.org/x/net/http/httpproxy, Config.ProxyFunc.
std::string proxy_for(const std::string& server, const ProxyEnvironment& environment);

/// `proxy` as libcurl is to read it: "http://" where no scheme is written, Go's default ports (80, 443, 1080), and
/// socks5h, for Go has the proxy resolve names. User and password stay; path and query go. "" stays.
std::string proxy_url(const std::string& proxy);

}  // namespace wukong::kube
