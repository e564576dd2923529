// The legacy auth-provider "oidc": when its token has to be renewed, what is sent for that, what comes back. Pure.
// Source: client-go plugin/pkg/client/auth/oidc/oidc.go; golang.org/x/oauth2.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "kube/cluster_access.h"

namespace wukong::kube {

struct OidcTokens {
  std::string id_token{};
  std::string refresh_token{};
};

/// The id-token while it is good for another ten seconds; nothing when it has to be renewed. Errors: `unauthenticated`:
/// it is none, or there is no refresh-token to renew it with.
Result<std::optional<std::string>> usable_token(const OidcSpec& spec, WallTime now);

/// Where the issuer describes itself.
std::string discovery_url(const OidcSpec& spec);
/// The token endpoint in that description. Errors: `unauthenticated`; `unreachable` where another try may do better.
Result<std::string> token_endpoint(int status, std::string_view body);

/// What is posted to the token endpoint. Issuers want the client's id and secret as Basic authorization or, where that is
/// refused, in the form.
std::string renewal_form(const OidcSpec& spec, bool with_client);
/// The value of the Authorization header.
std::string client_authorization(const OidcSpec& spec);

/// True when the answer grants something. Else the other way to name the client is worth a try.
bool is_granted(int status, std::string_view body);
/// The tokens in the answer; the old refresh token where there is no new one. Errors: `unauthenticated` or `unreachable`, with
/// the issuer's own word for it, never with a token.
Result<OidcTokens> renewed_tokens(const OidcSpec& spec, int status, std::string_view body);

}  // namespace wukong::kube
