// Whose certificates are believed: a kubeconfig's authorities, else the system's as Go's programs find them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace wukong::kube {

/// At first: the system's, as libcurl was built to find them.
struct Authorities {
  std::optional<std::string> pem{};  // certificates, in the place of libcurl's bundle
  bool folder{true};                 // libcurl's folder counts beside them
};

/// Those that stand in "NAME=value" entries: SSL_CERT_FILE goes before the system's bundle, SSL_CERT_DIR (folders with ":"
/// between them, each file in them) before its folder. What cannot be read is left out.
/// Source: Go crypto/x509, root_unix.go.
Authorities system_authorities(const std::vector<std::string>& environment,
                               const std::function<Result<std::string>(const std::string& path)>& read);

/// For the server's certificate and, with an https:// proxy, for the proxy's. `easy`: a CURL.
void believe(void* easy, const Authorities& authorities);

}  // namespace wukong::kube
