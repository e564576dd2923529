// `wait`: until objects are usable, ready, bound, running, gone, or say what was asked for.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "commands/context.h"
#include "commands/object_argument.h"
#include "commands/options.h"
#include "op/operation.h"

namespace CLI {
class App;
}

namespace wukong::commands {

/// Exactly what the user typed.
struct WaitCommandOptions {
  std::vector<std::string> objects{};
  std::string until{"usable"};  // --for
  OutputOptions output{};
  WriteOptions write{};
};

/// --for, understood.
struct WaitGoal {
  enum class Kind { usable, ready, bound, running, gone, condition, value };
  Kind kind{Kind::usable};
  std::string subject{};               // of a condition its type, of a value its JSONPath
  std::optional<std::string> value{};  // "True" for a condition without one
};

/// Errors: `usage`.
Result<WaitGoal> parse_goal(const std::string& typed);

/// Exactly what the cluster said; each fact is known, absent or unreadable.
struct WaitFacts {
  std::optional<kube::ServedApis> served{};                // nothing: may not be asked
  std::vector<kube::Fact> objects{};                       // of the arguments, in order
  std::map<std::string, kube::Fact> snapshots{};           // that clones and restores are made from, by name
  std::map<ObjectKind, std::vector<std::string>> names{};  // of the kinds of which one is absent
};

/// Reads everything that plan_wait() wants to know. Errors: as kube::fetch.
Result<WaitFacts> gather_wait(const std::vector<ObjectArgument>& arguments, kube::Api& api,
                              kube::Discovery& discovery, const Scope& scope);

/// Decides everything and does nothing. Steps "wait-0", "wait-1" … in the order of the arguments.
/// Errors: `usage` for what a kind cannot be waited for, `precondition` for one that is absent or not served.
Result<op::Operation> plan_wait(const WaitCommandOptions& options, const WaitGoal& goal,
                                const std::vector<ObjectArgument>& arguments, const WaitFacts& facts,
                                const Scope& at);

/// Those of `refs` that are still there, whole. Listed, for who may wait may list, and perhaps not get.
/// Errors: as the API said where one may not be read.
Result<std::vector<Json>> read_again(const std::vector<ObjectRef>& refs, kube::Api& api);

void add_wait(CLI::App& app, std::function<Result<void>(Context&)>& chosen);

}  // namespace wukong::commands
