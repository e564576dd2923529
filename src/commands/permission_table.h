// What each command needs to be allowed, for `doctor --permissions`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/object.h"
#include "kube/api.h"

namespace wukong::commands {

/// Where a rule counts.
enum class Reach {
  here,    // the namespace that the command works in
  there,   // the one that --to-namespace names
  cluster  // the kind has no namespace, or is read in all of them
};

/// What a use of a command does with one kind.
struct PermissionRule {
  std::string group{};
  std::string resource{};  // "datavolumes", "datavolumes/source"
  std::vector<std::string> verbs{};
  Reach reach{};
  bool spare{};  // without it the command works, and says what it could not see or tidy up
};

/// What --permissions takes: "clone", and its single uses "clone:native" ….
std::vector<std::string> permission_uses();

/// A use that is no way of its own to do what its command does, but something that is done with others, or has to be.
struct Extra {
  std::string_view use{};   // "clone:start"
  std::string_view when{};  // "--start"
  std::string_view with{};  // the uses that it goes with
};

bool is_extra(std::string_view use);

/// What may have to be allowed beside a use. Of a command none: it is the sum of its uses.
std::vector<Extra> extras_of(std::string_view use);

/// Whether a use is about two namespaces.
bool is_elsewhere(std::string_view use);

/// The rules of a use, or of all uses of a command, those about two namespaces only with `elsewhere`. For a kind at most
/// one that is spare and one that is not, without a verb in common. Empty when `use` is none.
std::vector<PermissionRule> rules_of(std::string_view use, bool elsewhere = false);

/// One permission for each verb.
std::vector<kube::Permission> permissions_of(const PermissionRule& rule, const std::string& ns,
                                             const std::string& there = {});

/// The least Role for `rules` in a namespace, one for the namespace `there` and, when they reach beyond, a ClusterRole; all
/// called "kubectl-wukong-<use>", with "-" for ":".
std::vector<Json> roles_of(std::string_view use, const std::vector<PermissionRule>& rules,
                           const std::string& ns, const std::string& there = {});

}  // namespace wukong::commands
