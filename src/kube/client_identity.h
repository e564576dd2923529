// The user entry of a kubeconfig, with the flags over it, as credentials: what goes together and what does not.
#pragma once

#include <string>

#include "base/result.h"
#include "kube/kubeconfig.h"

namespace wukong::kube {

/// What is wrong with a user whatever server it is sent to. `owner` names it in errors: `usage`.
/// Source: client-go tools/clientcmd/validation.go, validateAuthInfo.
Result<void> check_user(const Kubeconfig::User& user, const std::string& owner, const FileReader& read);

/// What is sent over TLS. `exec_config`: the cluster's extension for plugins. `name`: the entry's name, for tokens that are
/// renewed. Errors: `usage`: files that cannot be read, a key that does not fit, two ways to
/// authenticate, none at all (kubectl would ask for a user name and a password then, which no API server takes any more).
/// Source: client-go tools/clientcmd/client_config.go, getUserIdentificationPartialConfig; transport/round_trippers.go;
/// plugin/pkg/client/auth.
Result<CredentialSpec> identify(const Kubeconfig::User& user, const std::string& name,
                                const std::string& owner, const Json& exec_config, const FileReader& read);

/// Data or else the file; "" when neither is set. `what` is the field's name.
Result<std::string> data_or_file(std::string_view what, const std::string& owner, const std::string& data,
                                 const std::string& file, const FileReader& read);

/// The certificates of a certificate-authority field, PEM; "" when none is set. Errors: `usage` when there are none in it.
Result<std::string> authorities(std::string_view what, const std::string& owner, const std::string& text);

}  // namespace wukong::kube
