// Where the proxy stands: the API server behind it, taken from a kubeconfig, and the kubeconfig that goes through it.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace wukong::faults {

enum class Mode {
  tcp,  // bytes pass as they are: TLS and HTTP/2 are between client and server
  tls,  // the proxy ends TLS and speaks HTTP/1.1 on both sides
};

/// The server behind the proxy. All but host and port is for Mode::tls; texts are PEM.
struct Upstream {
  std::string host{};
  std::uint16_t port{};
  bool plain{};        // http, not https
  std::string name{};  // what its certificate is for
  std::string authority{};
  std::string certificate{};  // of the client
  std::string key{};
  bool insecure{};
};

struct KubeconfigFile {
  std::string text{};
  std::string folder{};  // relative file names in it start here
};

/// Reads a kubeconfig from `path`. Errors: `not_found`.
Result<KubeconfigFile> read_kubeconfig(const std::string& path);

/// The server of the current context with its user's client certificate. Tokens and passwords come from the client.
/// Errors: `usage`.
Result<Upstream> upstream_of(const KubeconfigFile& file);

/// The same kubeconfig with the current context's server at 127.0.0.1:`port`. Mode::tcp keeps the certificates and the
/// name they are for; Mode::tls trusts `authority` (PEM). Errors: `usage`.
Result<std::string> through_proxy(const KubeconfigFile& file, Mode mode, std::uint16_t port,
                                  const std::string& authority);

}  // namespace wukong::faults
