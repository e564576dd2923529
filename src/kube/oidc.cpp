#include "kube/oidc.h"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/text.h"
#include "kube/base64.h"
#include "kube/url.h"

namespace wukong::kube {
namespace {

constexpr auto kMargin = std::chrono::seconds{10};

/// An issuer that is busy or half up: nothing was decided.
bool is_away(int status) { return status == 429 || status >= 500; }

Error refused(const std::string& message) {
  return {.code = Code::unauthenticated,
          .message = "auth-provider oidc: " + message,
          .hint =
              "log in again with the tool that wrote the kubeconfig, or use a credential plugin "
              "(users[].user.exec)"};
}

std::string setting(const OidcSpec& spec, const std::string& name) {
  const auto found = spec.settings.find(name);
  return found == spec.settings.end() ? std::string() : found->second;
}

/// Base64 with - and _, without padding.
std::optional<std::string> decode_part(std::string_view part) {
  std::string text(part);
  if (text.find_first_of("+/=") != std::string::npos) return std::nullopt;
  for (char& c : text) c = c == '-' ? '+' : c == '_' ? '/' : c;
  while (text.size() % 4 != 0) text += '=';
  return decode_base64(text);
}

/// Seconds since 1970 in the claim "exp"; 0 without one.
std::optional<double> expiry(std::string_view token) {
  const std::vector<std::string> parts = split(token, '.');
  if (parts.size() != 3) return std::nullopt;
  const auto payload = decode_part(parts[1]);
  if (!payload) return std::nullopt;
  const auto claims = parse_json(*payload);
  if (!claims || !claims->is_object()) return std::nullopt;
  const Json* exp = find(*claims, {"exp"});
  if (exp == nullptr) return 0;
  const std::string number = exp->is_string() ? std::string(text(*exp, {})) : dump(*exp);
  double seconds{};
  const char* const end = number.data() + number.size();
  const auto got = std::from_chars(number.data(), end, seconds);
  if (got.ec != std::errc{} || got.ptr != end) return std::nullopt;
  return seconds;
}

/// As Go's url.QueryEscape.
std::string form_encode(std::string_view text) {
  std::string out = percent_encode(text);
  for (auto at = out.find("%20"); at != std::string::npos; at = out.find("%20", at)) out.replace(at, 3, "+");
  return out;
}

}  // namespace

Result<std::optional<std::string>> usable_token(const OidcSpec& spec, WallTime now) {
  const std::string token = setting(spec, "id-token");
  if (!token.empty()) {
    const auto end = expiry(token);
    if (!end) return refused("the id-token is no JSON Web Token");
    const std::chrono::duration<double> limit = (now + kMargin).time_since_epoch();
    if (limit.count() < *end) return std::optional(token);
  }
  if (setting(spec, "refresh-token").empty())
    return refused("the id-token has expired, and there is no refresh-token to get another one with");
  return std::optional<std::string>{};
}

std::string discovery_url(const OidcSpec& spec) {
  std::string issuer = setting(spec, "idp-issuer-url");
  if (issuer.ends_with('/')) issuer.pop_back();
  return issuer + "/.well-known/openid-configuration";
}

Result<std::string> token_endpoint(int status, std::string_view body) {
  if (status != 200) {
    Error error = refused(fmt::format("the issuer's description cannot be read: it answered {}", status));
    if (is_away(status)) error.code = Code::unreachable;
    return error;
  }
  const auto json = parse_json(body);
  std::string url(json ? text(*json, {"token_endpoint"}) : std::string_view());
  if (url.empty()) return refused("the issuer's description names no token_endpoint");
  return url;
}

std::string renewal_form(const OidcSpec& spec, bool with_client) {
  std::string out = "grant_type=refresh_token&refresh_token=" + form_encode(setting(spec, "refresh-token"));
  if (!with_client) return out;
  out += "&client_id=" + form_encode(setting(spec, "client-id"));
  if (const std::string secret = setting(spec, "client-secret"); !secret.empty())
    out += "&client_secret=" + form_encode(secret);
  return out;
}

std::string client_authorization(const OidcSpec& spec) {
  return "Basic " + encode_base64(form_encode(setting(spec, "client-id")) + ":" +
                                  form_encode(setting(spec, "client-secret")));
}

bool is_granted(int status, std::string_view body) {
  const auto json = parse_json(body);
  return status >= 200 && status <= 299 && json && text(*json, {"error"}).empty() &&
         !text(*json, {"access_token"}).empty();
}

Result<OidcTokens> renewed_tokens(const OidcSpec& spec, int status, std::string_view body) {
  const auto json = parse_json(body);
  const std::string_view word = json ? text(*json, {"error"}) : std::string_view();
  if (status < 200 || status > 299 || !word.empty()) {
    Error error =
        refused(fmt::format("the issuer gave no new token: {}",
                            word.empty() ? fmt::format("it answered {}", status) : printable(word)));
    if (is_away(status)) error.code = Code::unreachable;
    return error;
  }
  if (!json || text(*json, {"access_token"}).empty())
    return refused("the issuer's answer holds no access_token");
  OidcTokens out{.id_token = std::string(text(*json, {"id_token"})),
                 .refresh_token = std::string(text(*json, {"refresh_token"}))};
  if (out.id_token.empty())
    return refused(
        "the issuer's answer holds no id_token: the scope \"openid\" was not asked for at login, or it gives "
        "none");
  if (out.refresh_token.empty()) out.refresh_token = setting(spec, "refresh-token");
  return out;
}

}  // namespace wukong::kube
