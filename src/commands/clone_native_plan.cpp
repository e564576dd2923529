// The steps of `clone` by method native.
#include <fmt/format.h>

#include <algorithm>

#include "base/quantity.h"
#include "base/text.h"
#include "commands/clone_checks.h"
#include "commands/clone_native.h"
#include "commands/clone_parts.h"
#include "commands/clone_removal.h"
#include "commands/clone_resume.h"
#include "commands/clone_room.h"
#include "commands/clone_stop.h"
#include "commands/quota.h"
#include "commands/vm_argument.h"
#include "manifest/vm_clone.h"
#include "status/clone_status.h"
#include "status/watched.h"

namespace wukong::commands {

namespace {

/// What is cloned, and to what.
struct Native {
  const CloneNames& names;
  const Scope& at;
  CloneApi api{};
  ObjectRef ref{};  // the VirtualMachineClone
  manifest::Marks marks{};
  Json vm = Json();         // that is cloned, or that the snapshot holds; null: may not be read
  std::string source_vm{};  // its name
  AfterMade after{};
  bool standing{};    // an earlier run has come so far that the target stands: it may be in use by now
  std::string uid{};  // of the VirtualMachineClone, when that has made the target which stands

  status::CloneWait wait() const {
    return {.ns = ref.ns,
            .name = names.clone,
            .target = names.target,
            .source_vm = source_vm,
            .to_be_started = !after.run_strategy.empty(),
            .afterwards = !uid.empty()};
  }
  /// A snapshot, restored under the name of its own VM.
  bool is_own_name() const { return names.from_snapshot && names.target == source_vm; }
  std::vector<std::string> made_by() const {
    return uid.empty() ? std::vector<std::string>{"clone"} : std::vector<std::string>{};
  }
};

/// The disks of a snapshot; those of a VM are read by KubeVirt.
Result<CopySource> checked_source(const CloneNames& names, const CopyFacts& facts, const Scope& at,
                                  bool begun) {
  WUKONG_CHECK(check_clone(names, facts.base, at, begun));
  if (names.from_snapshot) return copy_source(names, facts, at);
  WUKONG_CHECK(check_running(names, facts.base.source.object, at));
  return CopySource{.vm = facts.base.source.object};
}

/// The VM's own addresses cannot be kept without knowing them.
Result<void> check_identity(const CloneOptions& options, const Native& n, const CopyFacts& facts,
                            const Scope& at) {
  if (!n.names.from_snapshot && !facts.base.source.is_known()) {
    if (!options.shape.keep_mac && options.shape.new_macs.empty()) return {};
    return unreadable(
        fmt::format("{} cannot be read, so its interfaces are not known", vm_words(at, n.names.source)),
        "leave out --new-mac and --keep-mac, or ask for: get virtualmachines.kubevirt.io", facts.base.source);
  }
  WUKONG_CHECK(check_shape(n.vm, options.shape));
  return check_macs(n.names, options, n.vm, facts.vms, at);
}

void add_clone(op::Operation& operation, const Native& n, const manifest::VmShape& shape, bool stop,
               bool waits) {
  const ObjectRef source{n.names.from_snapshot ? n.api.snapshot : gvr::vm(), n.ref.ns, n.names.source};
  const char* reason = n.names.from_snapshot
                           ? "method native: the snapshot, restored to a new VM by KubeVirt"
                           : "method native: a snapshot of the source, restored to a new VM by KubeVirt";
  const std::string group =
      waits ? n.names.target : "";  // the object is made, but the target is not: not its row
  std::vector<std::string> needs = stop ? std::vector<std::string>{"off"} : std::vector<std::string>{};
  if (n.is_own_name()) {
    operation.steps.push_back({.id = "still-gone",
                               .action = own_name_guard(n.names.target, n.ref, n.at),
                               .group = group,
                               .reason = "KubeVirt would overwrite it"});
    needs.emplace_back("still-gone");
  }
  operation.steps.push_back(
      {.id = "clone",
       .needs = std::move(needs),
       .action = op::Create{n.ref, manifest::vm_clone(n.ref, source, n.names.target, n.vm, shape, n.marks)},
       .group = group,
       .reason = reason});
}

op::Step usable_step(const Native& n) {
  std::vector<Watched> watches = speaking(n.api, status::watches_clone(n.wait()));
  return {.id = "usable",
          .needs = n.made_by(),
          .action = op::Await{n.ref, std::move(watches), status::clone_judge(n.wait())},
          .group = n.names.target,
          .reason = "until the target's claims are its own and bound, or wait for its first start"};
}

void add_undo(op::Operation& operation, const Native& n) {
  const CloneRemoval removal{.wait = n.wait(),
                             .api = n.api,
                             .made_by = "clone",
                             .ids = "undo-",
                             .group = n.names.target,
                             .after = "clone"};
  for (op::Step& step : removal_steps(removal)) operation.steps.push_back(std::move(step));
}

/// While a claim waits for its first consumer, the clone keeps the snapshot that will fill it: without it the disk is lost.
/// The target is marked first: an operation that is cut off then is gone on with by that.
void add_tidy(op::Operation& operation, const Native& n, bool keep) {
  const auto check = [target = n.names.target, ref = n.ref, where = n.at.where()](
                         const std::vector<kube::Fact>&, const op::Seen& seen) -> Result<void> {
    // The wait ended well, or this step would not run. A VM that runs has all its disks.
    const Verdict* running = seen.verdict("running-" + target);
    if (running != nullptr && running->state == Verdict::State::done) return {};
    if (seen.verdict("usable")->recall("unbound").empty()) return {};
    return refuse(fmt::format("{} stays; once {} has started: kubectl delete virtualmachineclone {} {}",
                              describe(ref), target, ref.name, where),
                  "");
  };
  const auto step = [&](std::string id, std::vector<std::string> needs, op::Action action,
                        std::string reason) {
    operation.steps.push_back({.id = std::move(id),
                               .needs = std::move(needs),
                               .action = std::move(action),
                               .group = n.names.target,
                               .phase = op::Phase::tidy,
                               .after = "usable",
                               .reason = std::move(reason)});
  };
  Json marked = Json::object();
  manifest::add_marks(marked, n.marks);
  step("mark", {}, op::Patch{{gvr::vm(), n.ref.ns, n.names.target}, std::move(marked), true},
       "it is known by that to be of this operation");
  if (keep) return;
  step("unneeded", {"mark"},
       op::Guard{.check = check, .what = "that no claim still needs the clone's snapshot"},
       "a claim that waits for its first consumer does");
  step("tidy-clone", {"unneeded"}, op::Delete{n.ref, n.uid.empty() ? "clone" : "", n.uid},
       "its work is done");
}

/// What follows the VirtualMachineClone.
void add_rest(op::Operation& operation, const Native& n, bool keep) {
  operation.steps.push_back(usable_step(n));
  TargetSteps(operation, {gvr::vm(), n.ref.ns, n.names.target}).add_after_made(n.after, "usable");
  if (!n.standing) add_undo(operation, n);
  add_tidy(operation, n, keep);
}

/// Whether the target that the VirtualMachineClone of an earlier run was to make stands. Who may not see VMs cannot know: then it may.
void look_for_target(Native& n, const Earlier& earlier) {
  const Json* clone = named(earlier.clones, n.ref.name);
  const std::string uid(clone == nullptr ? std::string_view{} : text(*clone, {"metadata", "uid"}));
  const Json* vm = named(earlier.vms, n.names.target);
  const bool made = vm != nullptr && text(*vm, {"metadata", "annotations", status::kLastRestore})
                                         .starts_with(fmt::format("tmp-restore-{}-", uid));
  n.standing = made || !earlier.vms.is_known();
  if (made) n.uid = uid;
}

/// Claims as large as the source's; what KubeVirt makes on the way counts, too.
op::Charge charge_of(const Native& n, const CopySource& source, const CloneFacts& facts) {
  op::Charge charge{.ns = n.ref.ns, .objects = {{n.api.clone, 1}, {n.api.restore, 1}, {gvr::vm(), 1}}};
  for (const CopySource::Disk& disk : source.disks)
    charge.claims.push_back({.name = "copied from disk " + disk.volume,
                             .storage_class = std::string(text(disk.claim_spec, {"storageClassName"})),
                             .bytes = disk.bytes});
  if (n.names.from_snapshot) return charge;
  charge_claims(charge, facts, 1);
  charge_snapshot(charge, n.api.snapshot, charge.claims.size());
  return charge;
}

}  // namespace

Result<op::Operation> plan_native(const CloneOptions& options, const CloneNames& names,
                                  const CopyFacts& facts, const Scope& at) {
  Native n{.names = names, .at = at, .api = clone_api(facts.base), .marks = clone_marks(options, names, at)};
  n.ref = {n.api.clone, at.ns, names.clone};
  WUKONG_TRY(const bool begun, was_made(facts.base.earlier.clones, n.ref, n.marks));
  if (begun) look_for_target(n, facts.base.earlier);
  // Its clone marks it at the end, and is removed then.
  WUKONG_TRY(const std::set<std::string> made, made_targets(names, facts.base.earlier, n.marks));
  WUKONG_TRY(const CopySource source, checked_source(names, facts, at, begun || !made.empty()));
  n.vm = source.vm;
  n.source_vm = names.from_snapshot ? std::string(text(n.vm, {"metadata", "name"})) : names.source;
  if (n.is_own_name() && !begun && made.empty())
    WUKONG_CHECK(check_own_name(names.target, facts.base.target, at));
  WUKONG_CHECK(check_identity(options, n, facts, at));
  WUKONG_TRY(const manifest::VmShape shape, settle(options.shape, 1, names.count));
  n.after = {.shape = manifest::shape_patch(n.vm, shape),
             .run_strategy = options.start ? start_strategy(n.vm) : "",
             .until_running = options.write.wait};

  op::Operation operation{
      .id = at.operation_id, .request = n.marks.request_hash, .title = clone_title(names, at)};
  operation.results = {{gvr::vm(), at.ns, names.target}};
  operation.notes = clone_notes(names, facts.base, at);
  if (!names.reason.empty()) operation.usual_note = fmt::format("method native: {}", names.reason);
  if (std::string note = unread_sizes_note(names, facts); !note.empty())
    operation.notes.push_back(std::move(note));
  if (options.start)
    operation.notes.push_back(fmt::format("started with run strategy {}", n.after.run_strategy));
  operation.charge = charge_of(n, source, facts.base);
  operation.reads = quota_reads(at.ns);
  operation.wait_command = fmt::format("kubectl wukong wait vmclone/{} {}", names.clone, at.where());
  operation.cancel_command = fmt::format("kubectl wukong cancel vmclone/{} {} -y", names.clone, at.where());
  for (const Gvr& read : {gvr::vm(), gvr::pvc()})
    operation.reads.push_back({.verb = "get", .group = read.group, .resource = read.resource, .ns = at.ns});
  const bool stop = is_to_stop(names, n.vm, at);
  if (stop) add_stop(operation, names, n.vm, at);
  // The source is started again when the disks are there, and what is done to the target can be done only then.
  const bool waits = options.write.wait || stop || n.after.any() || !n.uid.empty();
  if (!waits && !options.keep)
    operation.notes.push_back(fmt::format(
        "VirtualMachineClone {} stays, because nothing waits for its end (--wait does); once {} is "
        "usable: kubectl delete virtualmachineclone {} {}",
        names.clone, names.target, names.clone, at.where()));
  if (!begun && !made.empty()) {
    add_made_target(operation, names, names.target, n.after);
  } else {
    if (n.uid.empty()) add_clone(operation, n, shape, stop, waits);
    if (waits) add_rest(operation, n, options.keep);
  }
  if (stop) add_start_again(operation, names, n.vm, {}, at);
  return operation;
}

}  // namespace wukong::commands
