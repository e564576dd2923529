// How to reach one cluster, as one user: what kubeconfig files, flags and the environment came to. Values
// only.
#pragma once

#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/object.h"
#include "kube/authorities.h"
#include "kube/proxy.h"

namespace wukong::kube {

/// A credential plugin: `users[].user.exec` of a kubeconfig.
struct ExecSpec {
  std::string api_version{};  // "client.authentication.k8s.io/v1" or ".../v1beta1"
  std::string command{};      // with a slash: a path; else searched in PATH
  std::vector<std::string> args{};
  std::vector<std::pair<std::string, std::string>> env{};
  std::string install_hint{};
  std::string interactive_mode{};  // "Never", "IfAvailable", "Always"
  bool provide_cluster_info{};
  Json cluster_config =
      Json();  // the cluster's extension "client.authentication.k8s.io/exec", for the plugin
};

/// The legacy auth-provider "oidc": `users[].user.auth-provider.config` of a kubeconfig. Secrets in it.
struct OidcSpec {
  std::string user{};  // the entry to keep new tokens in, and its file
  std::string file{};
  std::map<std::string, std::string>
      settings{};              // "idp-issuer-url", "client-id", "id-token", "refresh-token" …
  std::string ca_pem{};        // of the issuer; empty: the system's authorities
  ProxyEnvironment proxies{};  // on the way to the issuer
  Authorities roots{};         // the system's
};

/// How the user proves who they are. Secrets: never printed, never written anywhere.
struct CredentialSpec {
  std::string client_certificate{};  // PEM
  std::string client_key{};          // PEM
  std::string
      certificate_file{};  // where both came from, when both came from files: they may be renewed there
  std::string key_file{};
  std::string token{};
  std::string token_file{};  // what stands in it goes before `token`
  std::string username{};
  std::string password{};
  std::optional<ExecSpec> exec{};
  std::optional<OidcSpec> oidc{};
};

/// Whom to act as. Empty `user`: nobody else.
struct Impersonation {
  std::string user{};
  std::string uid{};
  std::vector<std::string> groups{};
  std::map<std::string, std::vector<std::string>> extra{};
};

struct ClusterAccess {
  std::string server{};           // "https://host:6443" or "https://host/prefix", without a slash at the end
  std::string ca_pem{};           // certificates only; empty: the system's certificate authorities
  bool insecure{};                // the server's certificate is not checked
  std::string tls_server_name{};  // SNI and the name checked, where it is not the URL's host
  std::string ns{"default"};
  std::string proxy_url{};
  bool disable_compression{};
  CredentialSpec credentials{};
  Impersonation impersonation{};
  std::chrono::nanoseconds request_timeout{};  // zero: none
  std::vector<std::string> files{};            // the kubeconfig files that were read
  std::string context{};                       // names in the kubeconfig; empty where none was used
  std::string cluster{};
  std::string user{};
  std::string told_server{};  // server and certificate authority as credential plugins are told them: as
  std::string told_ca{};      // they were written
  /// Credentials are sent over TLS only.
  bool tls() const { return server.starts_with("https://"); }
};

}  // namespace wukong::kube
