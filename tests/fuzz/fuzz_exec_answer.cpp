// Any bytes as the answer of a credential plugin or of an OIDC issuer, as a token, a certificate, a URL.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "kube/exec_plugin.h"
#include "kube/oidc.h"
#include "kube/pem.h"
#include "kube/server_address.h"

using namespace wukong;
using namespace wukong::kube;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  for (const char* version : {"client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"})
    if (const auto credential = parse_exec_credential(text, version))
      require(!credential->token.empty() || !credential->client_key.empty());

  const OidcSpec spec{.settings = {{"id-token", text}, {"refresh-token", text}, {"client-id", text}}};
  static_cast<void>(usable_token(spec, {}));
  static_cast<void>(token_endpoint(200, text));
  require(renewal_form(spec, true).find_first_of("\r\n ") == std::string::npos);
  require(client_authorization(spec).find_first_of("\r\n") == std::string::npos);
  if (const auto tokens = renewed_tokens(spec, 200, text)) require(!tokens->id_token.empty());

  const std::string certificates = certificates_in(text);
  require(certificates_in(certificates) == certificates);
  static_cast<void>(pair_problem(text, text));
  static_cast<void>(check_proxy(text));
  if (const auto address = server_address(text)) require(server_address(address->url)->url == address->url);
  return 0;
}
