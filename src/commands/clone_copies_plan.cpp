// The steps of `clone` by method snapshot.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "base/quantity.h"
#include "commands/clone_checks.h"
#include "commands/clone_copies.h"
#include "commands/clone_parts.h"
#include "commands/clone_resume.h"
#include "commands/clone_room.h"
#include "commands/clone_stop.h"
#include "commands/quota.h"
#include "commands/vm_argument.h"
#include "manifest/vm_copy.h"
#include "manifest/vm_snapshot.h"
#include "status/copy_status.h"

namespace wukong::commands {

namespace {

/// What all steps of one operation share; the bodies that are made later hold on to it.
struct Plan {
  CopySource source{};
  CloneNames names{};
  CloneOptions options{};
  manifest::Marks marks{};
  std::string ns{};
  std::string labels{};  // selects what this operation makes
  ObjectRef snapshot{};
  std::string run_strategy{};  // with --start
};
using Shared = std::shared_ptr<const Plan>;

/// Restore size of a VolumeSnapshot as the step "sizes" found it, or 0.
std::int64_t seen_size(const op::Seen& seen, const std::string& name) {
  const Json* lists = seen.object("sizes");
  if (lists == nullptr || !lists->is_array() || lists->empty()) return 0;
  for (const Json& each : items(lists->front(), {"items"}))
    if (text(each, {"metadata", "name"}) == name)
      if (const auto bytes = parse_quantity(text(each, {"status", "restoreSize"}))) return bytes->count;
  return 0;
}

/// The spec of a claim for `disk`. Without `seen`: as a plan shows it.
Json claim_spec(const Plan& plan, const CopySource::Disk& disk, const op::Seen* seen) {
  std::string snapshot = disk.snapshot;
  std::int64_t bytes = disk.bytes;
  if (snapshot.empty() && seen != nullptr) {
    snapshot = manifest::volume_snapshot_name(seen->uid("snapshot"), disk.volume);
    bytes = std::max(bytes, seen_size(*seen, snapshot));
  }
  if (snapshot.empty()) snapshot = fmt::format("<from VirtualMachineSnapshot {}>", plan.snapshot.name);
  return manifest::claim_from_snapshot(disk.claim_spec, snapshot, bytes);
}

Json claim_manifest(const Plan& plan, const std::string& target, const CopySource::Disk& disk,
                    const op::Seen* seen) {
  Json claim = skeleton({gvr::pvc(), plan.ns, copied_claim(target, disk.volume)});
  manifest::add_marks(claim, plan.marks);
  claim["spec"] = claim_spec(plan, disk, seen);
  return claim;
}

Result<Json> vm_manifest(const Plan& plan, std::size_t number, const op::Seen* seen) {
  const std::string& target = plan.names.targets[number - 1];
  WUKONG_TRY(const manifest::VmShape shape, settle(plan.options.shape, number, plan.names.count));
  std::vector<manifest::CopiedDisk> disks;
  for (const CopySource::Disk& disk : plan.source.disks)
    disks.push_back(
        {.volume = disk.volume,
         .claim = copied_claim(target, disk.volume),
         .data_volume = disk.owned,
         .made_by_vm = disk.owned ? manifest::template_from_snapshot(claim_spec(plan, disk, seen)) : Json()});
  return manifest::vm_copy({gvr::vm(), plan.ns, target}, plan.source.vm, disks, shape, plan.marks);
}

void add_target(op::Operation& operation, const Shared& plan, std::size_t number) {
  const std::string& target = plan->names.targets[number - 1];
  TargetSteps steps(operation, {gvr::vm(), plan->ns, target});
  const bool later = !plan->names.from_snapshot;
  const std::vector<std::string> begin =
      plan->names.from_snapshot ? std::vector<std::string>{} : std::vector<std::string>{"sizes"};
  std::vector<std::string> before_vm = begin;
  for (std::size_t i = 0; i < plan->source.disks.size(); ++i) {
    const CopySource::Disk& disk = plan->source.disks[i];
    if (disk.owned) continue;
    const std::string id = fmt::format("claim-{}-{}", target, disk.volume);
    steps.add(id, begin,
              create(later, {gvr::pvc(), plan->ns, copied_claim(target, disk.volume)},
                     claim_manifest(*plan, target, disk, nullptr),
                     [plan, number, i](const op::Seen& seen) -> Result<Json> {
                       return claim_manifest(*plan, plan->names.targets[number - 1], plan->source.disks[i],
                                             &seen);
                     }));
    before_vm.push_back(id);
  }
  const auto now = vm_manifest(*plan, number, nullptr);
  const std::string vm = "vm-" + target;
  const bool owns = std::any_of(plan->source.disks.begin(), plan->source.disks.end(),
                                [](const CopySource::Disk& d) { return d.owned; });
  steps.add(vm, before_vm,
            create(later, {gvr::vm(), plan->ns, target}, now.value_or(Json()),
                   [plan, number](const op::Seen& seen) { return vm_manifest(*plan, number, &seen); }),
            owns ? "disks of the source's dataVolumeTemplates go with it" : "");
  std::string last = vm;
  if (!plan->run_strategy.empty()) last = steps.add_start(plan->run_strategy, {vm});
  const status::CopyWait wait{.ns = plan->ns,
                              .vm = target,
                              .claims = copied_claims(plan->source, target),
                              .labels = plan->labels,
                              .data_volumes = owns,
                              .consumer_expected = !plan->run_strategy.empty()};
  const ObjectRef ref{gvr::vm(), plan->ns, target};
  steps.add("usable-" + target, {last}, op::Await{ref, status::watches_copy(wait), status::copy_judge(wait)},
            "until its claims are bound, or wait for its first start");
  if (!plan->run_strategy.empty() && plan->options.write.wait) steps.add_running({"usable-" + target});
}

/// The claims go before the snapshot does: one that is deleted while a claim from it is Pending hangs.
void add_undo(op::Operation& operation, const Shared& plan, std::size_t number) {
  const std::string& target = plan->names.targets[number - 1];
  const ObjectRef vm{gvr::vm(), plan->ns, target};
  TargetSteps steps(operation, vm);
  std::vector<std::string> removed{steps.add_undo("vm-" + target, vm, {})};
  std::string first_claim;
  for (const CopySource::Disk& disk : plan->source.disks) {
    if (disk.owned) continue;
    const std::string made = fmt::format("claim-{}-{}", target, disk.volume);
    removed.push_back(steps.add_undo(made, {gvr::pvc(), plan->ns, copied_claim(target, disk.volume)},
                                     {"undo-vm-" + target}));
    if (first_claim.empty()) first_claim = made;
  }
  const status::CopyWait wait{
      .ns = plan->ns, .vm = target, .claims = copied_claims(plan->source, target), .labels = plan->labels};
  steps.add_gone(std::move(removed), status::watches_copy(wait), status::copy_gone_judge(wait),
                 first_claim.empty() ? "vm-" + target : first_claim,
                 "until its claims are gone: they still need the snapshot");
}

std::vector<std::string> volumes_of(const Plan& plan) {
  std::vector<std::string> volumes;
  for (const CopySource::Disk& disk : plan.source.disks) volumes.push_back(disk.volume);
  return volumes;
}

kube::Read all_claims(const Plan& plan) {
  return {.gvr = gvr::pvc(), .ns = plan.ns, .keep = {{"status.phase", "spec.dataSourceRef"}}};
}

/// Claims of a target whose VM is not made yet are from a snapshot that is gone: its others would be of another moment.
Result<void> check_one_moment(const CloneNames& names, const Earlier& earlier,
                              const std::set<std::string>& made, const std::string& cancel, const Scope& at) {
  if (names.from_snapshot || !earlier.snapshot.is_absent()) return {};
  for (const Json& claim : items(earlier.claims.object, {"items"})) {
    const std::string name(text(claim, {"metadata", "name"}));
    const bool of_made = std::any_of(made.begin(), made.end(),
                                     [&](const std::string& vm) { return name.starts_with(vm + "-"); });
    if (of_made) continue;
    return lost_snapshot(fmt::format("PersistentVolumeClaim {}/{}", at.ns, name), cancel);
  }
  return {};
}

}  // namespace

std::string copied_claim(const std::string& vm, const std::string& volume) {
  return fmt::format("{}-{}", vm, volume);
}

std::vector<std::string> copied_claims(const CopySource& source, const std::string& vm) {
  std::vector<std::string> claims;
  for (const CopySource::Disk& disk : source.disks) claims.push_back(copied_claim(vm, disk.volume));
  return claims;
}

Result<op::Operation> plan_copies(const CloneOptions& options, const CloneNames& names,
                                  const CopyFacts& facts, const Scope& at) {
  auto plan = std::make_shared<Plan>(Plan{.names = names, .options = options, .ns = at.ns});
  if (!names.from_snapshot) WUKONG_CHECK(check_source_vm(names, facts.base, at));
  WUKONG_TRY(plan->source, copy_source(names, facts, at));
  WUKONG_CHECK(check_running(names, plan->source.vm, at));
  WUKONG_CHECK(choose_disks(plan->source, names, at));
  plan->marks = clone_marks(options, names, at);
  plan->labels = manifest::selector_of(at.operation_id);
  plan->snapshot = {speaking(gvr::vm_snapshot(), facts.base.served), at.ns, names.snapshot};
  if (options.start) plan->run_strategy = start_strategy(plan->source.vm);
  WUKONG_TRY(const std::set<std::string> made, made_targets(names, facts.base.earlier, plan->marks));
  WUKONG_CHECK(check_free(names, plan->source, facts, kube::Fact::absent(), made, plan->marks, at));
  const std::string cancel =
      fmt::format("kubectl wukong cancel operation/{} {} -y", at.operation_id, at.where());
  WUKONG_CHECK(check_one_moment(names, facts.base.earlier, made, cancel, at));
  WUKONG_CHECK(check_shape(plan->source.vm, options.shape));
  WUKONG_CHECK(check_macs(names, options, plan->source.vm, facts.vms, at));

  op::Operation operation{
      .id = at.operation_id, .request = plan->marks.request_hash, .title = clone_title(names, at)};
  operation.notes = clone_notes(names, facts.base, at);
  if (!names.reason.empty()) operation.notes.push_back(fmt::format("method snapshot: {}", names.reason));
  for (std::string& note : left_out_notes(plan->source)) operation.notes.push_back(std::move(note));
  if (std::string note = unread_sizes_note(names, facts); !note.empty())
    operation.notes.push_back(std::move(note));
  if (std::string note = lost_snapshot_note(names, facts.base.earlier, made); !note.empty())
    operation.notes.push_back(std::move(note));
  if (options.start)
    operation.notes.push_back(fmt::format("started with run strategy {}", plan->run_strategy));
  if (!options.write.wait)
    operation.notes.emplace_back(
        names.from_snapshot || options.keep_snapshot
            ? "method snapshot waits until the disks are made"
            : "method snapshot waits until the disks are made: only then its snapshot can go");
  for (const std::string& target : names.targets) operation.results.push_back({gvr::vm(), at.ns, target});
  operation.cancel_command = cancel;
  operation.charge = charge_of(names, plan->source);
  if (!names.from_snapshot) charge_snapshot(operation.charge, plan->snapshot.gvr, plan->source.disks.size());
  operation.reads = quota_reads(names.target_ns);
  const bool stop = is_to_stop(names, plan->source.vm, at);
  if (stop) add_stop(operation, names, plan->source.vm, at);
  const AfterMade more{.run_strategy = plan->run_strategy, .until_running = options.write.wait};
  if (only_looks(names, facts.base.earlier, made)) {
    for (const std::string& target : names.targets) add_made_target(operation, names, target, more);
    if (stop) add_start_again(operation, names, plan->source.vm, {}, at);
    return operation;
  }
  if (!names.from_snapshot)
    add_snapshot(operation,
                 {.ref = plan->snapshot,
                  .vm = names.source,
                  .volumes = volumes_of(*plan),
                  .needs = stop ? std::vector<std::string>{"off"} : std::vector<std::string>{},
                  .kept = options.keep_snapshot,
                  .reason = names.targets.size() > 1 ? "one for all of them" : ""},
                 plan->marks);
  std::vector<std::size_t> to_make;
  for (std::size_t i = 1; i <= names.targets.size(); ++i) {
    const std::string& target = names.targets[i - 1];
    if (made.contains(target)) {
      add_made_target(operation, names, target, more);  // and never undone: it may be in use by now
    } else {
      add_target(operation, plan, i);
      to_make.push_back(i);
    }
  }
  for (const std::size_t i : to_make) add_undo(operation, plan, i);
  if (stop) add_start_again(operation, names, plan->source.vm, {.snapshot = plan->snapshot}, at);
  if (!names.from_snapshot && !options.keep_snapshot)
    add_snapshot_removal(operation, plan->snapshot, {all_claims(*plan)}, is_copied_disk(names, plan->source),
                         at);
  return operation;
}

}  // namespace wukong::commands
