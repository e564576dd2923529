// Names of what stands in the cluster and in the kubeconfig, for completion: soon or not at all, and never with a word on stderr.
#pragma once

#include <string>
#include <string_view>

#include "commands/completion.h"
#include "commands/context.h"

namespace wukong::commands {

inline constexpr std::size_t kAllNouns = static_cast<std::size_t>(-1);

/// Where a noun of a command is looked up: `bare` names stand for themselves, the others behind "KIND/".
struct NounNames {
  std::string_view command{};
  std::size_t first{};       // the first and the last noun that this is for
  std::size_t last{};        // kAllNouns: all that follow
  std::string_view bare{};   // "": none
  std::string_view kinds{};  // "vm,snapshot"
};

/// The rule for the noun number `at` (from 0) of `command`, or nullptr.
const NounNames* noun_names(std::string_view command, std::size_t at);

/// Where the values of the flag `name` (without dashes) are looked up, or "".
std::string_view flag_names(std::string_view name);

/// Adds the names of `completion.live`, as the words' own flags say which cluster. What does not answer adds nothing.
void add_live_names(Completion& completion, const Io& io);
/// The same, of a cluster that is there already.
void add_names_of(Completion& completion, kube::Api& api, const std::string& ns);

}  // namespace wukong::commands
