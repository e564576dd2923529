// Permissions in words: what is missing, and the Role to ask for. Pure.
#pragma once

#include <string>
#include <vector>

#include "kube/api.h"

namespace wukong::commands {

/// "create virtualmachines.kubevirt.io in namespace demo"
std::string permission_words(const kube::Permission& permission);

/// The rules of a Role for each namespace, `ns` first, and of a ClusterRole for what is read beyond; several lines.
std::string roles_to_ask_for(const std::vector<kube::Permission>& all, const std::string& ns);

/// What comes of permissions that are missing and not required, a line per resource: "you may not list, watch events: what
/// they tell stays unseen". Of another namespace than `ns` it is named.
std::vector<std::string> lacking_notes(const std::vector<kube::Permission>& missing, const std::string& ns);

}  // namespace wukong::commands
