// The steps of `clone` by restores of one snapshot.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "commands/clone_checks.h"
#include "commands/clone_parts.h"
#include "commands/clone_restores.h"
#include "commands/clone_resume.h"
#include "commands/clone_room.h"
#include "commands/clone_stop.h"
#include "commands/quota.h"
#include "commands/vm_argument.h"
#include "manifest/vm_copy.h"
#include "manifest/vm_restore.h"
#include "status/object_status.h"
#include "status/restore_status.h"
#include "status/vm_disks.h"
#include "status/watched.h"

namespace wukong::commands {

namespace {

struct Plan {
  Json vm = Json();  // the source
  CloneNames names{};
  CloneOptions options{};
  manifest::Marks marks{};
  std::string ns{};
  std::string labels{};  // selects what this operation makes itself
  ObjectRef snapshot{};
  Gvr restores{};
  std::string run_strategy{};  // with --start
  bool sees_held{};            // the step "held" reads what the snapshot holds
};
using Shared = std::shared_ptr<const Plan>;

ObjectRef restore_of(const Plan& plan, const std::string& target) {
  return {plan.restores, plan.ns, fmt::format("{}-{}", target, plan.marks.operation)};
}

/// The VM that is cloned, as far as it can be known.
std::string source_vm(const Plan& plan) {
  return plan.names.from_snapshot ? std::string(text(plan.vm, {"metadata", "name"})) : plan.names.source;
}

/// A snapshot, restored under the name of its own VM.
bool is_own_name(const Plan& plan, const std::string& target) {
  return plan.names.from_snapshot && target == source_vm(plan);
}

/// What its restore cannot be told.
AfterMade after_made(const Plan& plan, const manifest::VmShape& shape) {
  Json patch = manifest::dropped_keys_patch(plan.vm, shape);
  patch.update(manifest::shape_patch(plan.vm, shape), true);  // what is set stays, whatever filters say
  return {
      .shape = std::move(patch), .run_strategy = plan.run_strategy, .until_running = plan.options.write.wait};
}

/// Streams that all targets share: one each, not one per target.
std::vector<Watched> shared_watches(const Plan& plan, const status::RestoreWait& wait) {
  std::vector<Watched> watches = status::watches_restore(wait);
  for (Watched& watched : watches) {
    if (watched.gvr.resource == plan.restores.resource) {
      watched.gvr = plan.restores;
      watched.labels = plan.labels;
    }
    watched.name.clear();
  }
  return watches;
}

/// The VM that the snapshot `name` holds, or nullptr.
const Json* held_vm(const Json& contents, const std::string& name) {
  for (const Json& content : items(contents, {"items"}))
    if (text(content, {"spec", "virtualMachineSnapshotName"}) == name)
      return find(content, {"spec", "source", "virtualMachine"});
  return nullptr;
}

/// A snapshot of a VM that runs holds the spec with which that was started: its interfaces may be others than the VM's are now, and
/// patches name them by number. Source: kubevirt pkg/storage/snapshot/source.go.
void add_held(op::Operation& operation, const Plan& plan, const Gvr& contents,
              const manifest::VmShape& shape) {
  std::vector<std::string> wanted;
  for (const auto& [interface, mac] : shape.macs) wanted.push_back(interface);
  const auto check = [wanted, snapshot = plan.snapshot, source = plan.names.source](
                         const std::vector<kube::Fact>& facts, const op::Seen&) -> Result<void> {
    const Json* vm = held_vm(facts.front().object, snapshot.name);
    if (vm == nullptr)
      return unreadable(
          fmt::format("what {} holds cannot be read, so what its copies must not share is not known",
                      describe(snapshot)),
          "ask for: list virtualmachinesnapshotcontents.snapshot.kubevirt.io", facts.front());
    const std::vector<std::string> known = manifest::interfaces_of(*vm);
    for (const std::string& name : wanted)
      if (std::find(known.begin(), known.end(), name) == known.end())
        return refuse(fmt::format("--new-mac: {} was started without the interface {}", source, name),
                      "a copy is as the VM was started: restart it first, or leave that interface out");
    return {};
  };
  operation.steps.push_back(
      {.id = "held",
       .needs = {"sizes"},
       .action = op::Guard{.reads = {{.gvr = contents,
                                      .ns = plan.ns,
                                      .keep = {{"spec.virtualMachineSnapshotName",
                                                "spec.source.virtualMachine.spec.template.spec.domain"}}}},
                           .check = check,
                           .what = "which interfaces it holds",
                           .about = plan.snapshot},
       .reason = "those that the source was started with"});
}

Json restore_manifest(const Plan& plan, const std::string& target, const manifest::VmShape& shape,
                      const op::Seen* seen) {
  const Json* read = seen == nullptr ? nullptr : seen->object("held");
  const bool has_read = read != nullptr && read->is_array() && !read->empty();
  const Json* held = has_read ? held_vm(read->front(), plan.snapshot.name) : nullptr;
  const std::vector<std::string> patches =
      manifest::identity_patches(held == nullptr ? plan.vm : *held, shape);
  return manifest::vm_restore(restore_of(plan, target), plan.snapshot.name, target, patches, plan.marks);
}

void add_restore(op::Operation& operation, const Shared& shared, const std::string& target,
                 const manifest::VmShape& shape, const Scope& at) {
  const Plan& plan = *shared;
  TargetSteps steps(operation, {gvr::vm(), plan.ns, target});
  const ObjectRef ref = restore_of(plan, target);
  std::vector<std::string> needs;
  if (!plan.names.from_snapshot) needs.emplace_back(plan.sees_held ? "held" : "sizes");
  if (is_own_name(plan, target)) {
    needs.push_back("still-gone-" + target);
    steps.add(needs.back(), {}, own_name_guard(target, ref, at), "KubeVirt would overwrite it");
  }
  steps.add("restore-" + target, std::move(needs),
            create(plan.sees_held, ref, restore_manifest(plan, target, shape, nullptr),
                   [shared, target, shape](const op::Seen& seen) -> Result<Json> {
                     return restore_manifest(*shared, target, shape, &seen);
                   }));
}

/// What follows its restore. `stands`: an earlier run has made the target.
void add_rest(op::Operation& operation, const Plan& plan, const std::string& target,
              const manifest::VmShape& shape, bool stands) {
  TargetSteps steps(operation, {gvr::vm(), plan.ns, target});
  const ObjectRef ref = restore_of(plan, target);
  const status::RestoreWait wait{.ns = plan.ns,
                                 .name = ref.name,
                                 .target = target,
                                 .source_vm = source_vm(plan),
                                 .to_be_started = !plan.run_strategy.empty(),
                                 .all_disks_own = true,
                                 .afterwards = stands};
  steps.add("usable-" + target,
            stands ? std::vector<std::string>{} : std::vector<std::string>{"restore-" + target},
            op::Await{ref, shared_watches(plan, wait), status::restore_judge(wait)},
            "until its claims are its own and bound, or wait for its first start");
  steps.add_after_made(after_made(plan, shape), "usable-" + target);
}

/// With the restore gone nobody makes its VM and claims again.
void add_undo(op::Operation& operation, const Plan& plan, const std::string& target) {
  const ObjectRef ref = restore_of(plan, target);
  const auto step = [&](const std::string& id, std::vector<std::string> needs, op::Action action) {
    operation.steps.push_back({.id = id + "-" + target,
                               .needs = std::move(needs),
                               .action = std::move(action),
                               .group = target,
                               .phase = op::Phase::undo,
                               .after = "restore-" + target});
  };
  const auto is_vm = [name = ref.name](const Json& vm, const op::Seen&) {
    return text(vm, {"metadata", "annotations", status::kLastRestore}).starts_with(name + "-");
  };
  const auto is_claim = [name = ref.name](const Json& claim, const op::Seen&) {
    return text(claim, {"metadata", "annotations", status::kRestoreName}) == name;
  };
  const op::Sweep vm{gvr::vm(), plan.ns, "", is_vm, fmt::format("VM {}, if the restore made it", target)};
  const op::Sweep claims{gvr::pvc(), plan.ns, "", is_claim, fmt::format("the claims of {}", target)};
  step("undo-restore", {}, op::Delete{ref, "restore-" + target});
  step("undo-gone", {"undo-restore-" + target},
       op::Await{ref, status::watches_object(ref, {{"metadata.finalizers"}}), status::gone_judge(ref),
                 kLongestUndoWait});
  step("undo-vm", {"undo-gone-" + target}, vm);
  step("undo-claims", {"undo-vm-" + target}, claims);
  // A busy controller goes on for a moment with a restore that is deleted.
  step("undo-late-vm", {"undo-claims-" + target}, vm);
  step("undo-late-claims", {"undo-late-vm-" + target}, claims);
}

/// `uid`: of a restore that is there, and is not made by a step.
void add_restore_removal(op::Operation& operation, const Plan& plan, const std::string& target,
                         const std::string& uid = {}) {
  operation.steps.push_back(
      {.id = "remove-restore-" + target,
       .action = op::Delete{restore_of(plan, target), uid.empty() ? "restore-" + target : "", uid},
       .group = target,
       .phase = op::Phase::tidy,
       .after = "usable-" + target,
       .reason = "its work is done"});
}

void add_tidy(op::Operation& operation, const Plan& plan, const Scope& at) {
  if (plan.names.from_snapshot || plan.options.keep_snapshot) return;
  std::set<std::string> restores;
  for (const std::string& target : plan.names.targets) restores.insert(restore_of(plan, target).name);
  const Watched claims = status::watch_restored_claims(plan.ns, source_vm(plan));
  add_snapshot_removal(
      operation, plan.snapshot,
      {{.gvr = gvr::pvc(),
        .ns = plan.ns,
        .labels = claims.labels,
        .keep = {{"metadata.annotations", "status.phase"}}}},
      [restores](const Json& claim) {
        return restores.contains(std::string(text(claim, {"metadata", "annotations", status::kRestoreName})));
      },
      at);
}

/// How far an earlier run has come.
struct Reached {
  std::set<std::string> made{};                   // targets whose restore is gone: nothing needs it any more
  std::map<std::string, std::string> standing{};  // targets whose restore is there, and its uid
  std::set<std::string> begun{};                  // all these, and those for which only a restore is there
  bool unseen{};                                  // VMs may not be listed: what is begun may stand

  bool stands(const std::string& target) const {
    return made.contains(target) || standing.contains(target) || (unseen && begun.contains(target));
  }
};

Result<Reached> look_for_targets(const Plan& plan, const Earlier& earlier) {
  Reached reached{.unseen = !earlier.vms.is_known()};
  for (const std::string& target : plan.names.targets) {
    const ObjectRef ref = restore_of(plan, target);
    WUKONG_TRY(const bool begun, was_made(earlier.restores, ref, plan.marks));
    if (begun) reached.begun.insert(target);
    const Json* vm = named(earlier.vms, target);
    const bool ours =
        vm != nullptr &&
        text(*vm, {"metadata", "annotations", status::kLastRestore}).starts_with(ref.name + "-");
    if (!ours) continue;
    reached.begun.insert(target);
    const Json* restore = named(earlier.restores, ref.name);
    if (restore == nullptr)
      reached.made.insert(target);
    else
      reached.standing.emplace(target, text(*restore, {"metadata", "uid"}));
  }
  return reached;
}

Result<std::vector<manifest::VmShape>> shapes_of(const CloneNames& names, const CloneOptions& options) {
  std::vector<manifest::VmShape> shapes;
  for (std::size_t i = 1; i <= names.targets.size(); ++i) {
    WUKONG_TRY(manifest::VmShape shape, settle(options.shape, i, names.count));
    shapes.push_back(std::move(shape));
  }
  return shapes;
}

/// Those that a snapshot must hold: a restored VM would use the source's own claims for the others.
std::vector<std::string> volumes_of(const Json& vm) {
  std::vector<std::string> volumes;
  for (const Json& volume : items(vm, {"spec", "template", "spec", "volumes"}))
    if (!status::claim_of(volume).empty()) volumes.emplace_back(text(volume, {"name"}));
  return volumes;
}

/// KubeVirt restores all disks, as they were.
Result<void> check_no_disk_flags(const CloneNames& names) {
  const std::string flag = flag_for_disks(names.disks);
  if (flag.empty()) return {};
  return Error{.code = Code::forbidden,
               .message = fmt::format(
                   "{} needs rights on claims: without them KubeVirt restores disks as they were", flag),
               .hint = "leave it out, or ask for: get, list, watch, create, delete persistentvolumeclaims"};
}

}  // namespace

Result<op::Operation> plan_restores(const CloneOptions& options, const CloneNames& names,
                                    const CopyFacts& facts, const Scope& at) {
  const auto shared = std::make_shared<Plan>(Plan{.names = names, .options = options, .ns = at.ns});
  Plan& plan = *shared;
  if (names.from_snapshot) {
    WUKONG_TRY(const CopySource source, copy_source(names, facts, at));
    plan.vm = source.vm;
  } else {
    WUKONG_CHECK(check_source_vm(names, facts.base, at));
    // Its restored copies would have its addresses and serials.
    if (!facts.base.source.is_known())
      return unreadable(fmt::format("{} cannot be read, so what its copies must not share is not known",
                                    vm_words(at, names.source)),
                        "ask for: get virtualmachines.kubevirt.io", facts.base.source);
    plan.vm = facts.base.source.object;
    WUKONG_CHECK(check_running(names, plan.vm, at));
  }
  plan.marks = clone_marks(options, names, at);
  const Earlier& earlier = facts.base.earlier;
  WUKONG_TRY(const Reached reached, look_for_targets(plan, earlier));
  WUKONG_CHECK(check_free(names, {}, facts, kube::Fact::absent(), reached.begun, plan.marks, at));
  const kube::Fact unseen = facts.vms.is_known() ? kube::Fact::absent() : facts.vms;
  for (const std::string& target : names.targets)
    if (is_own_name(plan, target) && !reached.begun.contains(target))
      WUKONG_CHECK(check_own_name(target, unseen, at));
  WUKONG_CHECK(check_shape(plan.vm, options.shape));
  WUKONG_CHECK(check_macs(names, options, plan.vm, facts.vms, at));
  WUKONG_CHECK(check_no_disk_flags(names));
  WUKONG_TRY(const std::vector<manifest::VmShape> shapes, shapes_of(names, options));
  const CloneApi api = clone_api(facts.base);
  plan.labels = manifest::selector_of(at.operation_id);
  plan.snapshot = {api.snapshot, at.ns, names.snapshot};
  plan.restores = api.restore;
  if (options.start) plan.run_strategy = start_strategy(plan.vm);
  plan.sees_held = !names.from_snapshot && facts.base.may_list_contents;

  op::Operation operation{
      .id = at.operation_id, .request = plan.marks.request_hash, .title = clone_title(names, at)};
  operation.notes = clone_notes(names, facts.base, at);
  operation.notes.push_back(fmt::format("by restores: {}", names.reason));
  if (!names.from_snapshot && !plan.sees_held && is_running(plan.vm))
    operation.notes.push_back(
        fmt::format("you may not list virtualmachinesnapshotcontents.snapshot.kubevirt.io: where the "
                    "interfaces of {} were changed since it was "
                    "started, copies may get its MAC addresses",
                    names.source));
  for (const std::string& target : names.targets) operation.results.push_back({gvr::vm(), at.ns, target});
  operation.cancel_command =
      fmt::format("kubectl wukong cancel operation/{} {} -y", at.operation_id, at.where());
  operation.charge = {.ns = at.ns,
                      .objects = {{gvr::vm(), static_cast<std::int64_t>(names.targets.size())},
                                  {plan.restores, static_cast<std::int64_t>(names.targets.size())}}};
  if (!names.from_snapshot) operation.charge.objects.emplace_back(plan.snapshot.gvr, 1);
  charge_claims(operation.charge, facts.base, names.targets.size());
  operation.reads = quota_reads(at.ns);
  const bool stop = is_to_stop(names, plan.vm, at);
  if (stop) add_stop(operation, names, plan.vm, at);
  std::set<std::string> all_there = reached.made;
  for (const auto& [target, uid] : reached.standing) all_there.insert(target);
  const bool only_look = only_looks(names, earlier, all_there);
  if (!names.from_snapshot && !only_look)
    add_snapshot(operation,
                 {.ref = plan.snapshot,
                  .vm = names.source,
                  .volumes = volumes_of(plan.vm),
                  .needs = stop ? std::vector<std::string>{"off"} : std::vector<std::string>{},
                  .kept = options.keep_snapshot,
                  .reason = "one for all of them"},
                 plan.marks);
  if (plan.sees_held && !only_look)
    add_held(operation, plan, speaking(contents_gvr(), facts.base.served), shapes.front());
  for (std::size_t i = 0; i < names.targets.size(); ++i) {
    const std::string& target = names.targets[i];
    if (reached.made.contains(target)) {
      add_made_target(operation, names, target, after_made(plan, shapes[i]));
      continue;
    }
    const bool standing = reached.standing.contains(target);
    if (!standing) add_restore(operation, shared, target, shapes[i], at);
    add_rest(operation, plan, target, shapes[i], standing);
  }
  for (const std::string& target : names.targets)
    if (!reached.stands(target)) add_undo(operation, plan, target);  // the others may be in use by now
  const MadeOfStopped meanwhile{.snapshot = only_look ? std::nullopt : std::optional(plan.snapshot)};
  if (stop) add_start_again(operation, names, plan.vm, meanwhile, at);
  for (const std::string& target : names.targets)
    if (const auto standing = reached.standing.find(target); standing != reached.standing.end())
      add_restore_removal(operation, plan, target, standing->second);
    else if (!reached.made.contains(target))
      add_restore_removal(operation, plan, target);
  if (!only_look) add_tidy(operation, plan, at);
  return operation;
}

}  // namespace wukong::commands
