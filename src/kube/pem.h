// Certificates and keys as PEM text: what of it Go would use, and what it would refuse.
#pragma once

#include <string>
#include <string_view>

namespace wukong::kube {

/// The certificates of a bundle, as PEM again; "" for none. Other blocks, blocks with headers, broken certificates and the
/// text between them are left out, where OpenSSL would refuse the whole.
/// Source: Go crypto/x509, CertPool.AppendCertsFromPEM.
std::string certificates_in(const std::string& bundle);

/// Why this certificate and this key cannot be used together; "" when they can. An encrypted key cannot: nobody is asked
/// for its password. Source: Go crypto/tls, X509KeyPair.
std::string pair_problem(const std::string& certificate, const std::string& key);

}  // namespace wukong::kube
