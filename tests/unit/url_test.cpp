#include "kube/url.h"

#include <doctest/doctest.h>

using namespace wukong;
using namespace wukong::kube;

TEST_CASE("percent_encode and query_string") {
  CHECK(percent_encode("web-1.a_b~c") == "web-1.a_b~c");
  CHECK(percent_encode("a/b c:ü?") == "a%2Fb%20c%3A%C3%BC%3F");
  CHECK(percent_encode("Org/~a!", "!~") == "Org%2F~a!");
  CHECK(query_string({}).empty());
  CHECK(query_string({{"limit", "500"}, {"labelSelector", "a=b,c!=d"}}) ==
        "?limit=500&labelSelector=a%3Db%2Cc%21%3Dd");
}

TEST_CASE("detour: another name for the same machine") {
  const auto plain = detour("https://10.0.0.1:6443", "kubernetes.default");
  REQUIRE(plain.has_value());
  CHECK(plain->url == "https://kubernetes.default:6443");
  CHECK(plain->host == "10.0.0.1:6443");
  CHECK(plain->connect_to == "kubernetes.default:6443:10.0.0.1:6443");
  const auto prefix = detour("https://rancher.example/k8s/c1", "inner");
  REQUIRE(prefix.has_value());
  CHECK(prefix->url == "https://inner:443/k8s/c1");
  CHECK(prefix->host == "rancher.example");
  CHECK(prefix->connect_to == "inner:443:rancher.example:443");
  const auto six = detour("https://[::1]:6443", "inner");
  REQUIRE(six.has_value());
  CHECK(six->host == "[::1]:6443");
  CHECK(six->connect_to == "inner:6443:[::1]:6443");
  CHECK(detour("not a url", "inner").error().code == Code::usage);
}

TEST_CASE("url_parts") {
  const auto parts = url_parts("https://[2001:DB8::1]/k8s");
  REQUIRE(parts.has_value());
  CHECK(parts->scheme == "https");
  CHECK(parts->host == "2001:db8::1");
  CHECK(parts->port == "443");
  CHECK(url_parts("http://API.Example.org:6443")->host == "api.example.org");
  CHECK(url_parts("http://API.Example.org:6443")->port == "6443");
  CHECK_FALSE(url_parts("not a url").has_value());
}
