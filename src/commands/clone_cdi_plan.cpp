// The steps of `clone` by method cdi.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "base/quantity.h"
#include "commands/clone_cdi.h"
#include "commands/clone_cdi_resume.h"
#include "commands/clone_checks.h"
#include "commands/clone_parts.h"
#include "commands/clone_resume.h"
#include "commands/clone_room.h"
#include "commands/clone_stop.h"
#include "commands/quota.h"
#include "commands/vm_argument.h"
#include "manifest/data_volume.h"
#include "manifest/vm_copy.h"
#include "manifest/vm_snapshot.h"

namespace wukong::commands {

namespace {

/// Who takes a disk along when it is deleted.
enum class Owner {
  nobody,
  templates,  // the VM's dataVolumeTemplates make it
  reference,  // the VM, by an owner reference
};

/// What all steps of one operation share; the bodies that are made later hold on to it.
struct Plan {
  CopySource source{};
  CloneNames names{};
  CloneOptions options{};
  manifest::Marks marks{};
  manifest::VolumeFill fill{};
  std::string ns{};      // of the source
  std::string labels{};  // selects what this operation makes
  ObjectRef snapshot{};
  bool snapshots{};  // it is taken by this operation
  bool stops{};      // the source is stopped meanwhile
  bool waits{};      // something must be put back or removed when the disks are there, or it was asked for
  std::string run_strategy{};                                     // with --start
  std::vector<std::string> references{};                          // steps that copy what the VM names
  std::map<std::string, std::vector<OutdatedVolume>> outdated{};  // by target
};
using Shared = std::shared_ptr<const Plan>;

/// From another namespace KubeVirt's templates may clone with rights of their own only. And what is half copied when a source that
/// was stopped starts again is removed: of a template KubeVirt would make it anew at once, from a source that runs. That is asked of
/// the words, not of the source, so that a run that goes on with another one finds what that has made.
Owner owner_of(const Plan& plan, const CopySource::Disk& disk) {
  if (!disk.owned) return Owner::nobody;
  const bool may_stop = plan.names.running == Running::stop && !plan.names.from_snapshot;
  return plan.names.target_ns == plan.ns && !may_stop ? Owner::templates : Owner::reference;
}

/// Where the disk comes from. Without `seen`: as a plan shows it.
manifest::VolumeSource source_of(const Plan& plan, const CopySource::Disk& disk, const op::Seen* seen) {
  using enum manifest::VolumeSource::Kind;
  if (!disk.snapshot.empty()) return {snapshot, plan.ns, disk.snapshot};
  if (!plan.snapshots) return {claim, plan.ns, disk.claim};
  return {snapshot, plan.ns,
          seen == nullptr ? fmt::format("<from VirtualMachineSnapshot {}>", plan.snapshot.name)
                          : manifest::volume_snapshot_name(seen->uid("snapshot"), disk.volume)};
}

Json volume_spec(const Plan& plan, const CopySource::Disk& disk, const op::Seen* seen) {
  return manifest::data_volume_spec(disk.claim_spec, source_of(plan, disk, seen), disk.bytes, disk.content);
}

Json volume_manifest(const Plan& plan, const std::string& target, const CopySource::Disk& disk,
                     const op::Seen* seen) {
  const ObjectRef vm{gvr::vm(), plan.names.target_ns, target};
  const ObjectRef ref{gvr::data_volume(), plan.names.target_ns, copied_claim(target, disk.volume)};
  Json owner = Json();
  if (owner_of(plan, disk) == Owner::reference)
    owner = manifest::controlled_by(
        vm, seen == nullptr ? "<from " + describe(vm) + ">" : std::string(seen->uid("vm-" + target)));
  return manifest::data_volume(ref, volume_spec(plan, disk, seen), plan.fill, plan.marks, owner);
}

Json template_manifest(const Plan& plan, const CopySource::Disk& disk, const op::Seen* seen) {
  if (owner_of(plan, disk) != Owner::templates) return {};
  Json made = {{"spec", volume_spec(plan, disk, seen)}};
  if (Json annotations = manifest::fill_annotations(plan.fill); !annotations.empty())
    made["metadata"]["annotations"] = std::move(annotations);
  return made;
}

Result<Json> vm_manifest(const Plan& plan, std::size_t number, const op::Seen* seen) {
  const std::string& target = plan.names.targets[number - 1];
  WUKONG_TRY(const manifest::VmShape shape, settle(plan.options.shape, number, plan.names.count));
  std::vector<manifest::CopiedDisk> disks;
  for (const CopySource::Disk& disk : plan.source.disks)
    disks.push_back({.volume = disk.volume,
                     .claim = copied_claim(target, disk.volume),
                     .data_volume = true,
                     .made_by_vm = template_manifest(plan, disk, seen)});
  return manifest::vm_copy({gvr::vm(), plan.names.target_ns, target}, plan.source.vm, disks, shape,
                           plan.marks);
}

/// Steps that make what one target consists of, and their ids.
class Target {
 public:
  Target(op::Operation& operation, Shared plan, std::size_t number)
      : plan_(std::move(plan)),
        number_(number),
        name_(plan_->names.targets[number - 1]),
        steps_(operation, vm_ref()) {}

  /// `first`: steps before all others.
  void add(std::vector<std::string> first) {
    first_ = std::move(first);
    if (plan_->snapshots) first_.emplace_back("sizes");
    if (plan_->stops && !plan_->snapshots) first_.emplace_back("off");
    std::vector<std::string> made = first_;
    for (std::size_t i = 0; i < disks().size(); ++i)
      if (owner_of(*plan_, disks()[i]) == Owner::nobody) made.push_back(add_volume(i, first_));
    made.insert(made.end(), plan_->references.begin(), plan_->references.end());
    add_vm(made);
    std::vector<std::string> all{"vm-" + name_};
    for (std::size_t i = 0; i < disks().size(); ++i)
      if (owner_of(*plan_, disks()[i]) == Owner::reference) all.push_back(add_volume(i, {"vm-" + name_}));
    if (!plan_->run_strategy.empty()) all = {steps_.add_start(plan_->run_strategy, all)};
    if (plan_->waits) add_waits(all);
  }

 private:
  const std::vector<CopySource::Disk>& disks() const { return plan_->source.disks; }
  ObjectRef vm_ref() const { return {gvr::vm(), plan_->names.target_ns, name_}; }

  std::string add_volume(std::size_t index, std::vector<std::string> needs) {
    const CopySource::Disk& disk = disks()[index];
    std::string id = disk_step(name_, disk.volume);
    const bool owned = owner_of(*plan_, disk) == Owner::reference;
    steps_.add(id, std::move(needs),
               create(plan_->snapshots || owned,
                      {gvr::data_volume(), plan_->names.target_ns, copied_claim(name_, disk.volume)},
                      volume_manifest(*plan_, name_, disk, nullptr),
                      [plan = plan_, target = name_, index](const op::Seen& seen) -> Result<Json> {
                        return volume_manifest(*plan, target, plan->source.disks[index], &seen);
                      }),
               owned ? "it goes with the VM" : "");
    return id;
  }

  void add_vm(std::vector<std::string> needs) {
    const bool templates = std::any_of(disks().begin(), disks().end(), [&](const CopySource::Disk& d) {
      return owner_of(*plan_, d) == Owner::templates;
    });
    steps_.add("vm-" + name_, std::move(needs),
               create(plan_->snapshots && templates, vm_ref(),
                      vm_manifest(*plan_, number_, nullptr).value_or(Json()),
                      [plan = plan_, number = number_](const op::Seen& seen) {
                        return vm_manifest(*plan, number, &seen);
                      }),
               templates ? "disks of its dataVolumeTemplates go with it" : "");
  }

  void add_waits(const std::vector<std::string>& needs) {
    const bool started = !plan_->run_strategy.empty();
    const status::DataVolumesWait wait{.ns = plan_->names.target_ns,
                                       .source_ns = plan_->ns,
                                       .names = copied_claims(plan_->source, name_),
                                       .labels = plan_->labels,
                                       .vm = name_,
                                       .consumer_expected = started || plan_->fill.at_once,
                                       .until_then = until_then(),
                                       .source = source()};
    steps_.add("usable-" + name_, needs,
               op::Await{vm_ref(), status::watches_data_volumes(wait), status::data_volumes_judge(wait)},
               "until its disks are filled, or wait for its first start");
    if (!started || !plan_->options.write.wait) return;
    steps_.add_running({"usable-" + name_});
  }

  bool is_of_claims() const { return !plan_->snapshots && !plan_->names.from_snapshot; }
  status::SourceUse source() const {
    return is_of_claims() ? status::SourceUse{.ns = plan_->ns, .vm = plan_->names.source}
                          : status::SourceUse{};
  }

  /// A clone of a claim that is made later is made of what the claim holds then.
  std::string until_then() const {
    if (!is_of_claims()) return {};
    return fmt::format(
        "with what the disks of {} hold then, and only while {} is off; --bind fills them at once",
        plan_->names.source, plan_->names.source);
  }

  Shared plan_;
  std::size_t number_{};
  std::string name_{};
  TargetSteps steps_;
  std::vector<std::string> first_{};
};

void add_undo(op::Operation& operation, const Plan& plan, const std::string& target) {
  const ObjectRef vm{gvr::vm(), plan.names.target_ns, target};
  TargetSteps steps(operation, vm);
  std::vector<std::string> removed{steps.add_undo("vm-" + target, vm, {})};
  std::string first = "vm-" + target;
  for (const CopySource::Disk& disk : plan.source.disks) {
    if (owner_of(plan, disk) == Owner::templates) continue;
    const std::string made = disk_step(target, disk.volume);
    removed.push_back(steps.add_undo(made, {gvr::data_volume(), vm.ns, copied_claim(target, disk.volume)},
                                     {"undo-vm-" + target}));
    if (owner_of(plan, disk) == Owner::nobody && first.starts_with("vm-")) first = made;
  }
  const status::DataVolumesWait wait{
      .ns = vm.ns, .source_ns = plan.ns, .names = copied_claims(plan.source, target), .labels = plan.labels};
  std::vector<Watched> watches = status::watches_data_volumes(wait);
  for (Watched& watched : watches) watched.required = false;
  steps.add_gone(std::move(removed), std::move(watches), status::data_volumes_gone_judge(wait), first,
                 "until its disks are gone: they still need their source");
}

std::vector<std::string> notes_of(const Plan& plan, const CdiFacts& facts, const Scope& at) {
  std::vector<std::string> notes;
  if (plan.snapshots)
    notes = clone_notes(plan.names, facts.copies.base, at);
  else if (plan.names.disks.type == CloneType::linked)
    notes.emplace_back(kLinkedNote);
  if (!plan.names.reason.empty()) notes.push_back(fmt::format("method cdi: {}", plan.names.reason));
  for (std::string& note : left_out_notes(plan.source)) notes.push_back(std::move(note));
  if (plan.stops && !plan.snapshots)
    notes.push_back(fmt::format(
        "{} is stopped meanwhile, and started again; a VM whose disks are not all filled by then loses them",
        plan.names.source));
  std::vector<std::string> referenced;
  for (const CopySource::Disk& disk : plan.source.disks)
    if (owner_of(plan, disk) == Owner::reference) referenced.push_back(disk.volume);
  if (!referenced.empty())
    notes.push_back(
        fmt::format("disks that go with the new VM, by owner references: {}", fmt::join(referenced, ", ")));
  if (!plan.run_strategy.empty())
    notes.push_back(fmt::format("started with run strategy {}", plan.run_strategy));
  if (!plan.waits && !plan.names.from_snapshot)
    notes.push_back(
        fmt::format("keep {} off until its disks are copied: only --wait would notice", plan.names.source));
  if (plan.waits && !plan.options.write.wait)
    notes.emplace_back(plan.stops
                           ? "it waits until the disks are filled: only then the source can be started again"
                           : "it waits until the disks are filled: only then its snapshot can go");
  return notes;
}

std::string wait_command(const Plan& plan, const Scope& at) {
  // Interrupted, the source runs again, and what was not copied by then is gone.
  if (plan.stops) return {};
  std::string command = "kubectl wukong wait";
  for (const std::string& target : plan.names.targets)
    for (const std::string& name : copied_claims(plan.source, target)) command += " dv/" + name;
  return fmt::format("{} {}", command, at.in(plan.names.target_ns).where());
}

/// The snapshot is in the source's namespace.
std::string cancel_command(const Plan& plan, const Scope& at) {
  std::string command = fmt::format("kubectl wukong cancel operation/{} {} -y", at.operation_id,
                                    at.in(plan.names.target_ns).where());
  if (plan.snapshots && plan.names.target_ns != plan.ns)
    command += fmt::format(" && kubectl wukong cancel operation/{} {} -y", at.operation_id, at.where());
  return command;
}

/// A source that runs: refused, stopped, or cloned from a snapshot; CDI waits for ever for a claim that a pod uses.
Result<void> settle_running(Plan& plan, const CdiFacts& facts, const Scope& at) {
  // A run that was cut off may have taken one: it is used, and removed.
  plan.snapshots = facts.copies.base.earlier.snapshot.is_known();
  const bool stop = is_to_stop(plan.names, plan.source.vm, at);
  if (plan.names.from_snapshot || (!is_running(plan.source.vm) && !stop)) return {};
  WUKONG_CHECK(check_running(plan.names, plan.source.vm, at));
  if (stop) {
    plan.stops = true;
    plan.fill.at_once = true;  // the source is started again afterwards, and then its claims are in use
    return {};
  }
  auto checked = check_source_vm(plan.names, facts.copies.base, at);
  if (!checked) {
    checked.error().message = fmt::format("{} is running, and cannot be cloned from a snapshot: {}",
                                          plan.names.source, checked.error().message);
    checked.error().hint = "--running=stop stops it, and starts it again afterwards";
    return std::move(checked.error());
  }
  plan.snapshots = true;
  return {};
}

Result<void> build_source(Plan& plan, const CdiFacts& facts, const Scope& at) {
  const CopyFacts& copies = facts.copies;
  if (!plan.names.from_snapshot) WUKONG_CHECK(check_source_to_copy(plan.names, copies.base, at));
  WUKONG_TRY(plan.source, copy_source(plan.names, copies, at));
  WUKONG_CHECK(choose_disks(plan.source, plan.names, at));
  WUKONG_CHECK(check_cdi(plan.names, plan.source, facts, at));
  for (CopySource::Disk& disk : plan.source.disks)
    if (!plan.names.disks.sizes.contains(disk.volume)) disk.bytes = disk_bytes(disk, facts, disk.from_class);
  return {};
}

op::Charge charge_with_volumes(const Plan& plan, const CdiFacts& facts) {
  op::Charge charge = charge_of(plan.names, plan.source);
  charge.objects.emplace_back(gvr::data_volume(), static_cast<std::int64_t>(charge.claims.size()));
  if (plan.snapshots && plan.names.target_ns == plan.ns)
    charge_snapshot(charge, plan.snapshot.gvr, plan.source.disks.size());
  if (plan.names.target_ns == plan.ns)
    charge_filling(charge, facts, plan.fill.at_once || !plan.run_strategy.empty());
  return charge;
}

/// By the names of their DataVolumes.
std::map<std::string, std::string> targets_of_volumes(const Plan& plan) {
  std::map<std::string, std::string> targets;
  for (const std::string& target : plan.names.targets)
    for (std::string& volume : copied_claims(plan.source, target)) targets.emplace(std::move(volume), target);
  return targets;
}

CdiMoment moment_of(const Plan& plan, const CdiFacts& facts, std::string cancel) {
  std::set<std::string> templated;
  for (const CopySource::Disk& disk : plan.source.disks)
    if (owner_of(plan, disk) == Owner::templates) templated.insert(disk.volume);
  return {.names = plan.names,
          .source = plan.source,
          .facts = facts,
          .marks = plan.marks,
          .templated = std::move(templated),
          .snapshots = plan.snapshots,
          .source_is_off = !is_running(plan.source.vm),
          .cancel_command = std::move(cancel)};
}

}  // namespace

Result<op::Operation> plan_cdi(const CloneOptions& options, const CloneNames& names, const CdiFacts& facts,
                               const Scope& at) {
  auto plan = std::make_shared<Plan>(Plan{.names = names, .options = options, .ns = at.ns});
  plan->fill = {.full = names.disks.type == CloneType::full, .at_once = names.disks.bind};
  WUKONG_CHECK(build_source(*plan, facts, at));
  WUKONG_CHECK(settle_running(*plan, facts, at));
  plan->marks = clone_marks(options, names, at);
  const Earlier& earlier = facts.copies.base.earlier;
  WUKONG_TRY(const std::set<std::string> made, made_targets(names, earlier, plan->marks));
  WUKONG_CHECK(check_free(names, plan->source, facts.copies, facts.volumes, made, plan->marks, at));
  WUKONG_CHECK(check_shape(plan->source.vm, options.shape));
  WUKONG_CHECK(check_macs(names, options, plan->source.vm, facts.copies.vms, at));
  plan->labels = manifest::selector_of(at.operation_id);
  plan->snapshot = {speaking(gvr::vm_snapshot(), facts.copies.base.served), at.ns, names.snapshot};
  plan->waits = options.write.wait || plan->stops || plan->snapshots;
  if (options.start) plan->run_strategy = start_strategy(plan->source.vm);
  WUKONG_TRY(plan->outdated, outdated_volumes(moment_of(*plan, facts, cancel_command(*plan, at)), made));

  op::Operation operation{
      .id = at.operation_id, .request = plan->marks.request_hash, .title = clone_title(names, at)};
  operation.notes = notes_of(*plan, facts, at);
  if (std::string note = plan->snapshots ? lost_snapshot_note(names, earlier, made) : ""; !note.empty())
    operation.notes.push_back(std::move(note));
  operation.charge = charge_with_volumes(*plan, facts);
  operation.reads = quota_reads(names.target_ns);
  for (const std::string& target : names.targets)
    operation.results.push_back({gvr::vm(), names.target_ns, target});
  operation.wait_command = wait_command(*plan, at);
  operation.cancel_command = cancel_command(*plan, at);
  if (plan->stops) add_stop(operation, names, plan->source.vm, at);
  if (plan->snapshots && only_looks(names, earlier, made)) {
    const AfterMade more{.run_strategy = plan->run_strategy, .until_running = options.write.wait};
    for (const std::string& target : names.targets) add_made_target(operation, names, target, more);
    if (plan->stops) add_start_again(operation, names, plan->source.vm, {}, at);
    return operation;
  }
  if (plan->snapshots) {
    std::vector<std::string> volumes;
    for (const CopySource::Disk& disk : plan->source.disks) volumes.push_back(disk.volume);
    add_snapshot(operation,
                 {.ref = plan->snapshot,
                  .vm = names.source,
                  .volumes = volumes,
                  .kept = options.keep_snapshot,
                  .reason = "the source is running"},
                 plan->marks);
  }
  WUKONG_TRY(plan->references,
             add_references(operation, names, facts.references, options.copy_refs, plan->marks));
  for (std::size_t i = 1; i <= names.targets.size(); ++i) {
    std::vector<std::string> first;
    if (const auto old = plan->outdated.find(names.targets[i - 1]); old != plan->outdated.end())
      first.push_back(add_removal(operation, names, old->first, old->second, at));
    Target(operation, plan, i).add(std::move(first));
  }
  for (const std::string& target : names.targets)
    if (!made.contains(target))
      add_undo(operation, *plan, target);  // what was made before may be in use by now
  if (plan->stops)
    add_start_again(operation, names, plan->source.vm,
                    {.snapshot = plan->snapshots ? std::optional(plan->snapshot) : std::nullopt,
                     .volumes_ns = plan->snapshots ? "" : names.target_ns,
                     .targets = targets_of_volumes(*plan)},
                    at);
  if (plan->snapshots && !options.keep_snapshot)
    add_snapshot_removal(
        operation, plan->snapshot,
        {{.gvr = gvr::pvc(), .ns = names.target_ns, .labels = plan->labels, .keep = {{"status.phase"}}},
         {.gvr = gvr::data_volume(),
          .ns = names.target_ns,
          .labels = plan->labels,
          .keep = {{"status.phase"}}}},
        is_copied_disk(names, plan->source), at);
  return operation;
}

}  // namespace wukong::commands
