// kubeconfig files: text in, ClusterAccess out, by the rules of client-go's clientcmd.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kube/cluster_access.h"

namespace wukong::kube {

/// kubectl's connection flags; empty ones were not given, and a false one is as if it were not.
struct Overrides {
  std::string kubeconfig{};
  std::string context{};
  std::string cluster{};
  std::string user{};
  std::string server{};
  std::string token{};
  std::string username{};
  std::string password{};
  std::string as{};
  std::vector<std::string> as_group{};
  std::string as_uid{};
  std::string certificate_authority{};
  std::string client_certificate{};
  std::string client_key{};
  bool insecure_skip_tls_verify{};
  bool disable_compression{};
  std::string tls_server_name{};
  std::string request_timeout{};  // "30s", "1m", "30" (seconds), "0" (none)
  std::string ns{};
};

/// The text of a file. Errors: `not_found` when there is none, `failed` for the rest; messages name the path.
using FileReader = std::function<Result<std::string>(const std::string& path)>;

/// Reads files of at most 16 MiB (and pipes: `--kubeconfig <(…)`).
Result<std::string> read_file(const std::string& path);

/// What is taken from the process' surroundings.
struct Environment {
  std::string kubeconfig{};         // $KUBECONFIG: paths separated by ":"
  std::string home{};               // $HOME
  std::string kubernetes_master{};  // $KUBERNETES_MASTER: the server where no kubeconfig names one
  std::string service_host{};       // $KUBERNETES_SERVICE_HOST and _PORT: set in every pod
  std::string service_port{};
  std::string pod_namespace{};  // $POD_NAMESPACE
  std::string service_account{"/var/run/secrets/kubernetes.io/serviceaccount"};
  FileReader read{read_file};
};

/// What the files say, before anything is chosen from it. File names in it are made relative to the file they
/// stand in.
struct Kubeconfig {
  struct Cluster {
    std::string from{};  // the kubeconfig file that has this entry
    std::string server{};
    std::string ca_file{};
    std::string ca_data{};  // decoded, as the other *_data
    bool insecure{};
    std::string tls_server_name{};
    std::string proxy_url{};
    bool disable_compression{};
    Json exec_config = Json();
  };
  struct AuthProvider {
    std::string name{};
    std::map<std::string, std::string> settings{};
  };
  struct User {
    std::string from{};
    std::string certificate_file{};
    std::string certificate_data{};
    std::string key_file{};
    std::string key_data{};
    std::string token{};
    std::string token_file{};
    std::string username{};
    std::string password{};
    std::optional<AuthProvider> auth_provider{};
    std::optional<ExecSpec> exec{};
    Impersonation impersonation{};
  };
  struct Context {
    std::string from{};
    std::string cluster{};
    std::string user{};
    std::string ns{};
  };
  std::vector<std::string> files{};  // those that were read, for messages
  std::string current_context{};
  std::map<std::string, Cluster> clusters{};
  std::map<std::string, User> users{};
  std::map<std::string, Context> contexts{};
};

/// Parses one file. `path` names it in errors and is the base of relative file names. Fields that are not
/// known are ignored, an empty text is an empty configuration; a field of a wrong type spoils the whole file, as it does
/// for kubectl. Errors: `usage`, naming the file, the entry and the field.
Result<Kubeconfig> parse_kubeconfig(std::string_view text, const std::string& path);

/// Adds `next` behind `first`: a named entry or current-context that `first` has stays as it is, whole.
/// Source: client-go tools/clientcmd/loader.go, ClientConfigLoadingRules.Load.
void merge(Kubeconfig& first, Kubeconfig next);

/// Chooses context, cluster and user and reads the certificates; in a pod where nothing says which cluster: the pod's own.
/// Errors: `usage` (a name that does not exist, with the known ones; contradictions; a bad flag), `unreachable` (nothing
/// says where a cluster is: kubectl tries http://localhost:8080 then).
/// Source: client-go tools/clientcmd/{client_config,merged_client_builder,validation}.go, DirectClientConfig.
Result<ClusterAccess> choose_access(const Kubeconfig& config, const Overrides& flags,
                                    const Environment& environment);

/// Finds the files (--kubeconfig alone, else $KUBECONFIG, else ~/.kube/config) and merges them. Missing files are skipped, but
/// --kubeconfig must exist.
Result<Kubeconfig> load_kubeconfig(const Overrides& flags, const Environment& environment);

/// load_kubeconfig() and choose_access().
Result<ClusterAccess> load_access(const Overrides& flags, const Environment& environment);

}  // namespace wukong::kube
