#include "commands/clone_removal.h"

#include <fmt/format.h>

#include <algorithm>

#include "status/clone_undo.h"
#include "status/watched.h"

namespace wukong::commands {

namespace {

/// For a server that does not answer; with one that does, the judges have less patience.
constexpr std::chrono::seconds kLongestWait{60};

using Pick = std::function<bool(const Json&, const op::Seen&)>;

/// What tells which objects are the clone's, once its uid is known.
struct Picks {
  std::string made_by{};
  std::string uid{};
  std::string target{};

  std::string uid_in(const op::Seen& seen) const {
    return uid.empty() ? std::string(seen.uid(made_by)) : uid;
  }
  /// The name of the restore inside the clone, which marks all that it makes; "" while the uid is not known.
  std::string restore_in(const op::Seen& seen) const {
    const std::string known = uid_in(seen);
    return known.empty() ? std::string{} : "tmp-restore-" + known;
  }
  Pick restore() const {
    return [p = *this](const Json& object, const op::Seen& seen) {
      const Json& owners = items(object, {"metadata", "ownerReferences"});
      return std::any_of(owners.begin(), owners.end(),
                         [&](const Json& o) { return text(o, {"uid"}) == p.uid_in(seen); });
    };
  }
  Pick vm() const {
    return [p = *this](const Json& vm, const op::Seen& seen) {
      const std::string restore = p.restore_in(seen);
      return !restore.empty() && text(vm, {"metadata", "name"}) == p.target &&
             text(vm, {"metadata", "annotations", status::kLastRestore}).starts_with(restore + "-");
    };
  }
  Pick claims() const {
    return [p = *this](const Json& claim, const op::Seen& seen) {
      const std::string restore = p.restore_in(seen);
      return !restore.empty() && text(claim, {"metadata", "annotations", status::kRestoreName}) == restore;
    };
  }
};

}  // namespace

std::vector<op::Step> removal_steps(const CloneRemoval& removal) {
  const std::string& ns = removal.wait.ns;
  const ObjectRef ref{removal.api.clone, ns, removal.wait.name};
  const Picks picks{removal.made_by, removal.uid, removal.wait.target};
  std::vector<op::Step> steps;
  const auto step = [&](const std::string& id, std::vector<std::string> needs, op::Action action,
                        std::string reason = {}) {
    for (std::string& need : needs) need.insert(0, removal.ids);
    steps.push_back({.id = removal.ids + id,
                     .needs = std::move(needs),
                     .action = std::move(action),
                     .group = removal.group,
                     .phase = removal.phase,
                     .after = removal.after,
                     .reason = std::move(reason)});
  };
  const auto until = [&](Judge judge) {
    return op::Await{ref, speaking(removal.api, status::watches_clone_undo(removal.wait)), std::move(judge),
                     kLongestWait};
  };
  const op::Sweep target{gvr::vm(), ns, "", picks.vm(),
                         fmt::format("VM {}, if this clone made it", removal.wait.target)};
  const op::Sweep claims{gvr::pvc(), ns, "", picks.claims(), "the claims that this clone made"};
  step("settled", {}, until(status::clone_settled_judge(removal.wait)),
       "until its snapshots are taken: one deleted meanwhile would hang");
  step("restore", {"settled"},
       op::Sweep{removal.api.restore, ns, "", picks.restore(), "the VirtualMachineRestore inside the clone"});
  step("restore-gone", {"restore"}, until(status::inner_restore_gone_judge(removal.wait)),
       "its controller may still make claims");
  step("target", {"restore-gone"}, target);
  if (removal.claims_unreadable) {
    step("clone", {"target"}, op::Delete{ref, removal.made_by, removal.uid});
    return steps;
  }
  step("claims", {"restore-gone"}, claims);
  step("claims-gone", {"target", "claims"}, until(status::claims_gone_judge(removal.wait)),
       "until its claims are gone: they still need its snapshots");
  // A busy controller goes on for a moment with a restore that is deleted: seen to make claims and the VM after the sweeps.
  step("late-target", {"claims-gone"}, target, "made meanwhile");
  step("late-claims", {"claims-gone"}, claims, "made meanwhile");
  step("clone", {"late-target", "late-claims"}, op::Delete{ref, removal.made_by, removal.uid});
  return steps;
}  // NOLINT(clang-analyzer-cplusplus.NewDeleteLeaks): what it sees is a std::function that has been moved on

}  // namespace wukong::commands
