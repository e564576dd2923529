#include "kube/proxy.h"

#include <doctest/doctest.h>

#include "kube/url.h"

using namespace wukong::kube;

TEST_CASE("proxy_environment: upper case first, empty is none, ALL_PROXY is not read") {
  const ProxyEnvironment upper = proxy_environment(
      {"https_proxy=lower", "HTTPS_PROXY=upper", "NO_PROXY=a", "no_proxy=b", "http_proxy=l", "HTTP_PROXY=u"});
  CHECK(upper.https_proxy == "upper");
  CHECK(upper.http_proxy == "u");
  CHECK(upper.no_proxy == "a");
  const ProxyEnvironment lower = proxy_environment(
      {"HTTPS_PROXY=", "https_proxy=lower", "NO_PROXY=", "no_proxy=b", "ALL_PROXY=all", "HTTP_PROXY_X=no"});
  CHECK(lower.https_proxy == "lower");
  CHECK(lower.http_proxy.empty());
  CHECK(lower.no_proxy == "b");
}

// The cases of golang.org/x/net/http/httpproxy's own tests.

TEST_CASE("proxy_for: how a proxy is written") {
  const std::vector<std::pair<std::string, std::string>> table{
      {"127.0.0.1:8080", "http://127.0.0.1:8080"},
      {"cache.corp.example.com:1234", "http://cache.corp.example.com:1234"},
      {"cache.corp.example.com", "http://cache.corp.example.com"},
      {"localhost", "http://localhost"},
      {"https://cache.corp.example.com", "https://cache.corp.example.com"},
      {"http://127.0.0.1:8080", "http://127.0.0.1:8080"},
      {"https://127.0.0.1:8080", "https://127.0.0.1:8080"},
      {"socks5://127.0.0.1", "socks5://127.0.0.1"},
      {"foo://host", "foo://host"},
      {"", ""}};
  for (const auto& [written, read] : table) {
    CAPTURE(written);
    CHECK(proxy_for("http://example.com", {.http_proxy = written}) == read);
    CHECK(proxy_for("https://example.com", {.https_proxy = written}) == read);
  }
}

TEST_CASE("proxy_for: one for https, one for http") {
  const ProxyEnvironment both{.http_proxy = "http.proxy.tld", .https_proxy = "secure.proxy.tld"};
  CHECK(proxy_for("http://insecure.tld/", both) == "http://http.proxy.tld");
  CHECK(proxy_for("https://secure.tld/", both) == "http://secure.proxy.tld");
  CHECK(proxy_for("https://secure.tld/", {.https_proxy = "https://secure.proxy.tld"}) ==
        "https://secure.proxy.tld");
  CHECK(proxy_for("https://secure.tld/", {.http_proxy = "http.proxy.tld"}).empty());
  CHECK(proxy_for("ftp://insecure.tld/", {.http_proxy = "http.proxy.tld"}).empty());
  CHECK(proxy_for("no url at all", {.http_proxy = "p", .https_proxy = "p"}).empty());
}

TEST_CASE("proxy_for: NO_PROXY by domain, also in other letters") {
  struct Row {
    const char* no_proxy{};
    const char* server{};
    bool proxied{};
  };
  for (const Row& row : std::vector<Row>{{"example.com", "http://example.com/", false},
                                         {".example.com", "http://example.com/", true},
                                         {"ample.com", "http://example.com/", true},
                                         {"example.com", "http://foo.example.com/", false},
                                         {".foo.com", "http://example.com/", true},
                                         {"EXAMPLE.com", "http://Example.COM/", false},
                                         {"a.org, example.com ,b.org", "http://example.com", false},
                                         {".示例.com", "http://www.示例.com", false},
                                         {":1", "http://example.com:80", true},
                                         {",, ,", "http://example.com", true}}) {
    CAPTURE(row.no_proxy);
    CAPTURE(row.server);
    CHECK(proxy_for(row.server, {.http_proxy = "proxy", .no_proxy = row.no_proxy}).empty() != row.proxied);
  }
}

TEST_CASE("proxy_for: NO_PROXY with addresses, networks, ports and wildcards") {
  const std::string no_proxy =
      "foobar.com, .barbaz.net, *.wildcard.io, 192.168.1.1, 192.168.1.2:81, 192.168.1.3:80, 10.0.0.0/30, "
      "2001:db8::52:0:1, [2001:db8::52:0:2]:443, [2001:db8::52:0:3]:80, 2002:db8:a::45/64";
  const std::vector<std::pair<std::string, bool>> table{{"localhost", false},
                                                        {"127.0.0.1", false},
                                                        {"127.0.0.2", false},
                                                        {"[::1]", false},
                                                        {"[::2]", true},
                                                        {"192.168.1.1", false},
                                                        {"192.168.1.2", true},
                                                        {"192.168.1.3", false},
                                                        {"192.168.1.4", true},
                                                        {"10.0.0.2", false},
                                                        {"10.0.0.4", true},
                                                        {"[2001:db8::52:0:1]", false},
                                                        {"[2001:db8::52:0:2]", true},
                                                        {"[2001:db8::52:0:3]", false},
                                                        {"[2002:db8:a::123]", false},
                                                        {"[fe80::424b:c8be:1643:a1b6]", true},
                                                        {"barbaz.net", true},
                                                        {"www.barbaz.net", false},
                                                        {"foobar.com", false},
                                                        {"www.foobar.com", false},
                                                        {"foofoobar.com", true},
                                                        {"baz.com", true},
                                                        {"localhost.net", true},
                                                        {"local.localhost", true},
                                                        {"barbarbaz.net", true},
                                                        {"wildcard.io", true},
                                                        {"nested.wildcard.io", false},
                                                        {"awildcard.io", true}};
  for (const auto& [host, proxied] : table) {
    CAPTURE(host);
    const std::string server = "http://" + host + ":80";
    CHECK(proxy_for(server, {.http_proxy = "proxy", .no_proxy = no_proxy}).empty() != proxied);
    CHECK(proxy_for(server, {.http_proxy = "proxy", .no_proxy = "*"}).empty());
    CHECK(proxy_for(server, {.http_proxy = "proxy", .no_proxy = "x.org,*"}).empty());
  }
}

TEST_CASE("proxy_for: a port that is not written is the scheme's; IPv4 in IPv6's clothes is IPv4") {
  const auto by_https = [](const std::string& server, const std::string& no_proxy) {
    return proxy_for(server, {.https_proxy = "proxy", .no_proxy = no_proxy});
  };
  CHECK(by_https("https://a.org", "a.org:443").empty());
  CHECK_FALSE(by_https("https://a.org:6443", "a.org:443").empty());
  CHECK(by_https("https://[::ffff:10.1.2.3]:6443", "10.0.0.0/8").empty());
  CHECK_FALSE(by_https("https://10.1.2.3:6443", "::/0").empty());
  CHECK(by_https("https://10.1.2.3:6443", "0.0.0.0/0").empty());
  CHECK_FALSE(by_https("https://10.1.2.3:6443", "10.0.0.0/33,10.0.0.0/,010.1.2.3").empty());
  CHECK_FALSE(by_https("https://10.example.org", "10.0.0.0/8").empty());
}

TEST_CASE("proxy_url: scheme, port and names as Go has them") {
  CHECK(proxy_url("").empty());
  CHECK(proxy_url("proxy") == "http://proxy:80");
  CHECK(proxy_url("proxy:3128") == "http://proxy:3128");
  CHECK(proxy_url("http://jo:p%40ss@proxy:3128/x?y") == "http://jo:p%40ss@proxy:3128");
  CHECK(proxy_url("https://proxy") == "https://proxy:443");
  CHECK(proxy_url("socks5://proxy") == "socks5h://proxy:1080");
  CHECK(proxy_url("SOCKS5://jo:p@[::1]") == "socks5h://jo:p@[::1]:1080");
  CHECK(proxy_url("http://[::1]:8080") == "http://[::1]:8080");
}
