#include "kube/url.h"

#include <doctest/doctest.h>

using namespace wukong;
using namespace wukong::kube;

TEST_CASE("percent_encode and query_string") {
  CHECK(percent_encode("web-1.a_b~c") == "web-1.a_b~c");
  CHECK(percent_encode("a/b c:ü?") == "a%2Fb%20c%3A%C3%BC%3F");
  CHECK(query_string({}).empty());
  CHECK(query_string({{"limit", "500"}, {"labelSelector", "a=b,c!=d"}}) ==
        "?limit=500&labelSelector=a%3Db%2Cc%21%3Dd");
}

TEST_CASE("detour: another name for the same machine") {
  const auto plain = detour("https://10.0.0.1:6443", "kubernetes.default");
  REQUIRE(plain.has_value());
  CHECK(plain->url == "https://kubernetes.default:6443");
  CHECK(plain->connect_to == "kubernetes.default:6443:10.0.0.1:6443");
  const auto prefix = detour("https://rancher.example/k8s/c1", "inner");
  REQUIRE(prefix.has_value());
  CHECK(prefix->url == "https://inner:443/k8s/c1");
  CHECK(prefix->connect_to == "inner:443:rancher.example:443");
  const auto six = detour("https://[::1]:6443", "inner");
  REQUIRE(six.has_value());
  CHECK(six->connect_to == "inner:6443:[::1]:6443");
  CHECK(detour("not a url", "inner").error().code == Code::usage);
}

TEST_CASE("is_loopback") {
  CHECK(is_loopback("https://localhost:6443"));
  CHECK(is_loopback("https://127.0.0.1:6443"));
  CHECK(is_loopback("http://[::1]:80"));
  CHECK_FALSE(is_loopback("https://127.example.org"));
  CHECK_FALSE(is_loopback("https://10.0.0.1"));
}
