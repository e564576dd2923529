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

/// How the user proves who they are. Secrets: never printed, never written anywhere.
struct CredentialSpec {
  std::string client_certificate{};  // PEM
  std::string client_key{};          // PEM
  std::string token{};
  std::string token_file{};  // used when `token` is empty
  std::string username{};
  std::string password{};
  std::optional<ExecSpec> exec{};
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
  std::string ca_pem{};           // empty: the system's certificate authorities
  bool insecure{};                // the server's certificate is not checked
  std::string tls_server_name{};  // SNI and the name checked, where it is not the URL's host
  std::string ns{"default"};
  std::string proxy_url{};
  bool disable_compression{};
  CredentialSpec credentials{};
  Impersonation impersonation{};
  std::chrono::nanoseconds request_timeout{};  // zero: none
  std::string context{};                       // names in the kubeconfig; empty where none was used
  std::string cluster{};
  std::string user{};
  /// Credentials are sent over TLS only.
  bool tls() const { return server.starts_with("https://"); }
};

}  // namespace wukong::kube
