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

/// Exactly what the user typed.
struct CancelOptions {
  std::vector<std::string> objects{};
  bool yes{};
  std::string format{};  // -o
  WriteOptions write{.timeout = "60s"};
};

/// What would be deleted by what is there now.
struct Going {
  ObjectRef ref{};
  std::string uid{};
};

/// One of several that stays: it has finished, rests, or is needed.
struct Refused {
  ObjectArgument what{};
  Error why{};
};

struct CancelPlan {
  op::Operation operation{};
  std::vector<Going> goes{};
  std::vector<std::string> starts{};  // VMs that the operation has stopped
  std::vector<Refused> refused{};
  std::chrono::nanoseconds limit{};  // of each wait until something is gone; zero: none

  /// Until no object of `watched` is left that `pick` chooses. `what`: "claims".
  op::Await until_none_left(const ObjectRef& about, const Watched& watched, std::string what,
                            std::function<bool(const Json&)> pick) const;

  void add_going(const ObjectRef& ref, const Json& object);
  void add_going(const ObjectRef& ref, std::string uid);
  /// "you may not list services: those that the operation has made are left"
  void note_unseen(const std::vector<std::string>& resources);
  /// "virtualmachineclone.clone.kubevirt.io/x", once each, in order.
  std::vector<std::string> names() const;
  /// Adds what another plan does.
  void absorb(CancelPlan&& other);
};

/// Decides everything and does nothing. Of several arguments those that cannot be cancelled are left (`refused`); one that is not
/// there refuses all.
/// Errors: `precondition`: absent, finished, somebody else's; what it is made of may not be read: as the API said.
/// `limit`: of each wait until something is gone (--timeout).
Result<CancelPlan> plan_cancel(const std::vector<ObjectArgument>& arguments, const Inventory& inventory,
                               const Scope& at, std::chrono::nanoseconds limit);

/// The operation that an object is cancelled with; none: for itself.
struct OfOperation {
  std::string id{};
  std::vector<std::string> needs{};  // steps that come first
  std::set<std::string> claims{};    // that go, too
  std::set<std::string> users{};     // clones and restores that go, too: "vmrestore/x"
};

/// Errors: `precondition` for a clone that has ended, well or as it says: its VM may be in use, whatever its claims look like.
Result<void> check_clone(const ObjectArgument& what, const Json& clone, const Inventory& inventory);
/// True for the VM that the clone has made.
bool is_made_by_clone(const Json& vm, const Json& clone);
/// Errors: `precondition` for a restore that has ended well, or is a part of a clone.
Result<void> check_restore(const ObjectArgument& what, const Json& restore, const Inventory& inventory);
/// Errors: `precondition` when anybody but `operation` needs the snapshot; where that cannot be told, as the API said.
Result<void> check_unneeded(const ObjectArgument& what, const Json& snapshot, const Inventory& inventory,
                            const OfOperation& operation);

/// Right before the first deletion: `check`, which the plan was made with, of what `watches` follow, listed again. An error, too,
/// when that may not be read any more. `snapshot`: what it is for in another namespace is looked at, too.
op::Guard still(const Inventory& then, std::vector<Watched> watches,
                std::function<Result<void>(const Inventory& now)> check, std::string what,
                const std::string& snapshot = {});
/// The same for an object, by `check`. It must still be there, unless it is a snapshot: whoever has finished takes its clone or
/// restore away.
using CheckObject = std::function<Result<void>(const Json& object, const Inventory& now)>;
op::Guard still(const ObjectArgument& what, const Json& object, const Inventory& then,
                std::vector<Watched> watches, CheckObject check);

/// The steps of one object are added to `plan`; `number` makes their ids differ.
Result<void> plan_cancel_clone(const ObjectArgument& what, std::size_t number, const Inventory& inventory,
                               CancelPlan& plan);
/// The same, with the Service and the Ingress of the VM that it makes.
Result<void> plan_cancel_lone_clone(const ObjectArgument& what, std::size_t number,
                                    const Inventory& inventory, CancelPlan& plan);
Result<void> plan_cancel_snapshot(const ObjectArgument& what, std::size_t number, const Inventory& inventory,
                                  const OfOperation& operation, CancelPlan& plan);
Result<void> plan_cancel_restore(const ObjectArgument& what, std::size_t number, const Inventory& inventory,
                                 CancelPlan& plan);
/// Everything with the operation's label. Errors: also `precondition` when the operation has ended well.
Result<void> plan_cancel_operation(const ObjectArgument& what, std::size_t number, const Inventory& inventory,
                                   CancelPlan& plan);

/// Deletes it, if its uid still is the one seen, with dryRun=All.
kube::Request dry_deletion(const Going& each);

/// "kubectl delete virtualmachine copy -n demo"; `where`: of the inventory.
std::string delete_command(const ObjectArgument& what, const std::string& where);
/// What may be done about something that the operation `id` has made: give that up, or go on with it.
std::string operation_hint(const std::string& id, const Inventory& inventory);
/// Says what is left of several; nothing when all can be cancelled.
Result<void> check_none_refused(const CancelPlan& plan, std::size_t arguments, const Scope& at);
/// "kubectl wukong status -n demo shows what is under way"
std::string status_hint(const Inventory& inventory);

void add_cancel(CLI::App& app, std::function<Result<void>(Context&)>& chosen);

}  // namespace wukong::commands
