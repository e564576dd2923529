// What of `doctor` is about the user: which uses of which commands the user's rights are good for, and the Role that is missing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "commands/context.h"
#include "commands/doctor.h"
#include "commands/doctor_cluster.h"
#include "commands/permission_table.h"

namespace wukong::commands {

/// The namespaces that rules are about.
struct Places {
  std::string here{};
  std::string there{};  // of the new VM; empty: uses that are about two namespaces are left out
  std::string
      flags{};  // " --context prod": which cluster they are of, for commands that an administrator runs
};

/// What one use of a command lacks: rules with no more than the verbs that the user has not.
struct UseRights {
  std::string use{};                     // "clone:native"
  std::vector<PermissionRule> needed{};  // it cannot be done without these
  std::vector<PermissionRule> spare{};   // it can, and what they tell stays unseen
};

/// Pure. A use that only reads, and may read nothing of the namespace, needs what is spare otherwise.
UseRights rights_for(const std::string& use, const std::vector<PermissionRule>& rules,
                     const std::vector<kube::Permission>& missing, const Places& places);

/// Every use of every command, asked of the server at once. Errors: unreachable, unauthenticated, interrupted.
Result<std::vector<UseRights>> gather_rights(kube::Api& api, const Places& places);

/// A line per use: all that is missing.
std::vector<Finding> rights_by_use(const std::vector<UseRights>& rights, const Places& places);
/// A line per command, short: "but not cdi, pvc".
std::vector<Finding> rights_by_command(const std::vector<UseRights>& rights);

/// The commands with which an administrator gives somebody the Roles of a use.
std::string binding_commands(const std::string& use, const std::vector<Json>& roles, const Places& places);

/// `doctor --permissions`: the least Roles on stdout, what of it the user lacks on stderr.
Result<void> check_use(const DoctorOptions& options, const render::Printer& printer, Context& cx);

}  // namespace wukong::commands
