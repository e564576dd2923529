// `cancel`: stops a clone, snapshot, restore, export or DataVolume that is under way, and takes back what it has made.
#pragma once

#include <chrono>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "commands/context.h"
#include "commands/inventory.h"
#include "commands/object_argument.h"
#include "op/operation.h"

namespace CLI {
class App;
}

namespace wukong::commands {

/// For what is deleted, each.
inline constexpr std::chrono::seconds kUntilGone{60};

/// Exactly what the user typed.
struct CancelOptions {
  std::vector<std::string> objects{};
  bool yes{};
  std::string format{};  // -o
  WriteOptions write{};
};

struct CancelPlan {
  op::Operation operation{};
  std::vector<std::string>
      goes{};  // "virtualmachineclone.clone.kubevirt.io/x": what would be deleted by what is there now
};

/// Decides everything and does nothing.
/// Errors: `precondition`: absent, finished, somebody else's; what it is made of may not be read: as the API said.
Result<CancelPlan> plan_cancel(const std::vector<ObjectArgument>& arguments, const Inventory& inventory,
                               const Scope& at);

/// The operation that an object is cancelled with; none: for itself.
struct OfOperation {
  std::string id{};
  std::vector<std::string> needs{};  // steps that come first
  std::set<std::string> claims{};    // that go, too
};

/// The steps of one object are added to `plan`; `number` makes their ids differ.
Result<void> plan_cancel_clone(const ObjectArgument& what, std::size_t number, const Inventory& inventory,
                               CancelPlan& plan);
Result<void> plan_cancel_snapshot(const ObjectArgument& what, std::size_t number, const Inventory& inventory,
                                  const OfOperation& operation, CancelPlan& plan);
Result<void> plan_cancel_restore(const ObjectArgument& what, std::size_t number, const Inventory& inventory,
                                 CancelPlan& plan);
/// Everything with the operation's label. Errors: also `precondition` when the operation has ended well.
Result<void> plan_cancel_operation(const ObjectArgument& what, std::size_t number, const Inventory& inventory,
                                   CancelPlan& plan);

/// Names of the objects with this operation's label.
std::vector<ObjectArgument> members_of(const std::string& operation, const Inventory& inventory);

/// "kubectl delete virtualmachine/copy -n demo"
std::string delete_command(const ObjectArgument& what, const std::string& ns);

void add_cancel(CLI::App& app, std::function<Result<void>(Context&)>& chosen);

}  // namespace wukong::commands
