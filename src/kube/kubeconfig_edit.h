// Keeping new tokens of the auth-provider oidc in the kubeconfig they came from.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace wukong::kube {

/// `text` with these values in the auth-provider's config of the user called `user`. What else stands there stays as it
/// is, comments too; where the YAML does not allow that, it is written anew, as kubectl always does. Pure.
/// Errors: `usage` when `text` is no YAML; `not_found` when it has no such user with an auth-provider.
Result<std::string> with_settings(const std::string& text, const std::string& user,
                                  const std::map<std::string, std::string>& settings);

/// Errors: `failed` when the file, or the folder for its successor, cannot be written.
Result<void> check_writable(const std::string& path);

/// Replaces the file, where a link leads to the file behind it, in one step; mode and owner stay. `path`.lock keeps kubectl
/// and others of us out meanwhile. Waits for it for up to two seconds. Errors: `failed`, and those of `edit`.
Result<void> rewrite_file(const std::string& path,
                          const std::function<Result<std::string>(const std::string&)>& edit);

}  // namespace wukong::kube
