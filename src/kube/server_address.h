// URLs of a kubeconfig as client-go understands them: the server's and its proxy's.
#pragma once

#include <string>

#include "base/result.h"

namespace wukong::kube {

struct ServerAddress {
  std::string url{};   // "https://host:6443" or "https://host/prefix": escaped, without a slash at the end
  std::string told{};  // as credential plugins are told it
};

/// A text without a scheme is plain http, whatever certificates are configured; queries are dropped, and the path is
/// cleaned. Errors: `usage`: no URL, another scheme than http and https, a password in it (which is not shown).
/// Source: client-go rest/url_utils.go, DefaultServerURL; clientcmd/client_config.go, ClientConfig.
Result<ServerAddress> server_address(const std::string& server);

/// Errors: `usage` for a proxy-url that is none of http, https and socks5. A password in it is not shown.
/// Source: client-go tools/clientcmd/helpers.go, parseProxyURL.
Result<void> check_proxy(const std::string& url);

}  // namespace wukong::kube
