#include "kube/oidc.h"

#include <doctest/doctest.h>

using namespace wukong;
using namespace wukong::kube;

namespace {

OidcSpec spec(const std::string& id_token, const std::string& refresh_token = "r") {
  return {.settings = {{"id-token", id_token},
                       {"refresh-token", refresh_token},
                       {"client-id", "a b"},
                       {"client-secret", "s/ü"},
                       {"idp-issuer-url", "https://issuer/realm/"}}};
}

WallTime at(const char* time) { return parse_rfc3339(time).value(); }

}  // namespace

TEST_CASE("oidc: a token is good until ten seconds before its end") {
  const std::string token = "e30.eyJleHAiOjE3NjcyMjU2MDB9.x";  // {"exp":1767225600}
  CHECK(usable_token(spec(token), at("2025-12-31T23:59:49Z"))->value() == token);
  CHECK_FALSE(usable_token(spec(token), at("2025-12-31T23:59:50Z"))->has_value());
  CHECK_FALSE(usable_token(spec(""), at("2025-01-01T00:00:00Z"))->has_value());
  CHECK_FALSE(usable_token(spec("e30.e30.x"), at("2025-01-01T00:00:00Z"))->has_value());
  CHECK(usable_token(spec(token, ""), at("2026-01-01T00:00:00Z")).error().code == Code::unauthenticated);
  for (const char* bad : {"hunter2", "a.b", "a.***.b", "a.aGVsbG8.b", "a.eyJleHAiOiJ4In0.b", "a.b.c.d"}) {
    const auto got = usable_token(spec(bad), {});
    REQUIRE_FALSE(got.has_value());
    CHECK(got.error().message == "auth-provider oidc: the id-token is no JSON Web Token");
  }
}

TEST_CASE("oidc: what the issuer is asked") {
  CHECK(discovery_url(spec("")) == "https://issuer/realm/.well-known/openid-configuration");
  CHECK(renewal_form(spec("", "r&="), false) == "grant_type=refresh_token&refresh_token=r%26%3D");
  CHECK(renewal_form(spec(""), true) ==
        "grant_type=refresh_token&refresh_token=r&client_id=a+b&client_secret=s%2F%C3%BC");
  CHECK(client_authorization(spec("")) == "Basic YStiOnMlMkYlQzMlQkM=");
}

TEST_CASE("oidc: what the issuer answers") {
  CHECK(token_endpoint(200, R"({"token_endpoint":"https://t"})").value() == "https://t");
  for (const char* bad : {"", "[]", "{}", R"({"token_endpoint":7})"})
    CHECK_FALSE(token_endpoint(200, bad).has_value());
  CHECK_FALSE(token_endpoint(404, R"({"token_endpoint":"https://t"})").has_value());

  const auto tokens = renewed_tokens(spec(""), 200, R"({"id_token":"i","access_token":"a"})");
  REQUIRE(tokens.has_value());
  CHECK(tokens->id_token == "i");
  CHECK(tokens->refresh_token == "r");
  CHECK(renewed_tokens(spec(""), 200, R"({"id_token":"i","access_token":"a","refresh_token":"n"})")
            ->refresh_token == "n");
  CHECK(renewed_tokens(spec(""), 200, R"({"access_token":"a"})").error().message.find("no id_token") !=
        std::string::npos);
  CHECK(renewed_tokens(spec(""), 200, R"({"id_token":"hunter2"})").error().message.find("hunter2") ==
        std::string::npos);
  CHECK(renewed_tokens(spec(""), 400, R"({"error":"invalid_grant"})").error().message.find("invalid_grant") !=
        std::string::npos);
  CHECK(renewed_tokens(spec(""), 400, R"({"error":"invalid_grant"})").error().code == Code::unauthenticated);
  CHECK(renewed_tokens(spec(""), 503, "").error().code == Code::unreachable);
  CHECK(token_endpoint(502, "").error().code == Code::unreachable);
  CHECK(is_granted(200, R"({"access_token":"a"})"));
  CHECK_FALSE(is_granted(401, R"({"access_token":"a"})"));
  CHECK_FALSE(is_granted(200, R"({"id_token":"a"})"));
}
