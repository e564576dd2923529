// The decisions of `clone`: names, refusals, steps.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "commands/clone.h"
#include "kube/discovery.h"
#include "manifest/vm_clone.h"
#include "status/clone_status.h"
#include "status/clone_undo.h"
#include "status/vm_disks.h"
#include "status/watched.h"

namespace wukong::commands {

namespace {

Error refuse(std::string message, std::string hint, std::vector<std::string> causes = {}) {
  return {.code = Code::precondition,
          .message = std::move(message),
          .hint = std::move(hint),
          .causes = std::move(causes)};
}

std::string vm_words(const Scope& at, const std::string& name) {
  return fmt::format("VirtualMachine {}/{}", at.ns, name);
}

// ---- names

Result<std::string> source_name(const std::string& typed) {
  const auto slash = typed.find('/');
  if (slash == std::string::npos) return typed;
  const std::string kind = lower(typed.substr(0, slash));
  if (kind == "vm" || kind == "vms" || kind == "virtualmachine" || kind == "virtualmachines" ||
      kind == "virtualmachine.kubevirt.io" || kind == "virtualmachines.kubevirt.io")
    return typed.substr(slash + 1);
  return Error{.code = Code::usage,
               .message = fmt::format("{:?} is no source that can be cloned", printable(typed)),
               .hint = "write NAME or vm/NAME"};
}

Result<void> check_name(const char* what, const std::string& name) {
  // Longer names are accepted for VMs, but KubeVirt writes them into labels of the restored claims, where 63 is the end.
  std::string problem = subdomain_problem(name);
  if (problem.empty() && name.size() > 63) problem = "it has more than 63 characters";
  if (problem.empty()) return {};
  return Error{.code = Code::usage,
               .message = fmt::format("{:?} cannot be {}: {}", printable(name), what, problem)};
}

// ---- refusals, one by one; each gets what it looks at and is content with what cannot be read

Result<Gvr> served_clone(const CloneFacts& facts) {
  if (facts.clone_group.is_unreadable()) return gvr::vm_clone();
  const auto served = facts.clone_group.is_known()
                          ? kube::with_served_version(gvr::vm_clone(), facts.clone_group.object)
                          : std::nullopt;
  if (served) return *served;
  if (facts.source.is_absent() && facts.kubevirts.is_absent())
    return refuse("this cluster does not serve KubeVirt",
                  "check the context: kubectl config current-context");
  return refuse(
      "this cluster does not serve clone.kubevirt.io in a version that wukong speaks (v1beta1, v1alpha1)",
      "KubeVirt 0.59 or newer serves it");
}

std::optional<int> number(const std::string& digits) {
  int value = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  return error == std::errc{} && stop == end ? std::optional(value) : std::nullopt;
}

/// {1, 8} from "v1.8.4"; nothing for what does not look so.
std::optional<std::pair<int, int>> version_of(std::string_view text) {
  if (text.starts_with('v')) text.remove_prefix(1);
  const std::vector<std::string> parts = split(text, '.');
  if (parts.size() < 2) return std::nullopt;
  const auto major = number(parts[0]);
  const auto minor = number(parts[1]);
  if (!major || !minor) return std::nullopt;
  return std::pair{*major, *minor};
}

bool lists(const Json& developer, const char* field, std::string_view gate) {
  const Json& gates = items(developer, {field});
  return std::any_of(gates.begin(), gates.end(),
                     [&](const Json& g) { return g.is_string() && g.get_ref<const std::string&>() == gate; });
}

/// The Snapshot gate guards clones too; it is on by itself from 1.9.
Result<void> check_gate(const CloneFacts& facts) {
  const Json& all = items(facts.kubevirts.object, {"items"});
  if (!facts.kubevirts.is_known() || all.empty()) return {};
  const Json& developer = fields(all.front(), {"spec", "configuration", "developerConfiguration"});
  const auto version = version_of(text(all.front(), {"status", "observedKubeVirtVersion"}));
  if (!version || lists(developer, "featureGates", "Snapshot")) return {};
  const bool on_by_itself =
      *version >= std::pair{1, 9} && !lists(developer, "disabledFeatureGates", "Snapshot");
  if (on_by_itself) return {};
  return refuse(
      "KubeVirt's feature gate Snapshot is off: it cannot clone VMs",
      fmt::format("add Snapshot to .spec.configuration.developerConfiguration.featureGates of KubeVirt {}/{}",
                  text(all.front(), {"metadata", "namespace"}), text(all.front(), {"metadata", "name"})));
}

Result<void> check_source(const CloneNames& names, const CloneFacts& facts, const Scope& at) {
  const std::string words = vm_words(at, names.source);
  if (facts.source.is_absent()) {
    const std::string meant = closest(names.source, facts.vm_names);
    return refuse(words + " does not exist",
                  meant.empty() ? fmt::format("kubectl get virtualmachines -n {} lists what is there", at.ns)
                                : fmt::format("did you mean {}?", meant));
  }
  if (!facts.source.is_known()) return {};
  const Json& vm = facts.source.object;
  if (!text(vm, {"metadata", "deletionTimestamp"}).empty())
    return refuse(words + " is being deleted", "nothing can be cloned from it any more");
  if (const std::string_view restore = text(vm, {"status", "restoreInProgress"}); !restore.empty())
    return refuse(fmt::format("{} is being restored: a clone of now could hold the disks from before", words),
                  fmt::format("wait for VirtualMachineRestore {}/{}", at.ns, restore));
  if (status::has_persistent_state(vm))
    return refuse(words + " has persistent TPM or EFI state, which KubeVirt cannot clone",
                  "take it away from a copy of the VM's manifest, or restore a snapshot of the VM in place");
  return {};
}

Result<void> check_claim(const CloneNames& names, const kube::Fact& fact, const std::string& name,
                         const Scope& at) {
  const std::string words = vm_words(at, names.source);
  const std::string claim = fmt::format("PersistentVolumeClaim {}/{}", at.ns, name);
  if (fact.is_absent())
    return refuse(fmt::format("{} names a disk that does not exist: {}", words, claim),
                  fmt::format("kubectl describe virtualmachine {} -n {}", names.source, at.ns));
  const std::string_view phase = text(fact.object, {"status", "phase"});
  if (!fact.is_known() || phase == "Bound") return {};
  return refuse(
      fmt::format("{} has a disk without data: {} is {}", words, claim, phase.empty() ? "Pending" : phase),
      fmt::format("a volume that waits for its first consumer is made when the VM first starts: virtctl "
                  "start {} -n {}",
                  names.source, at.ns));
}

Result<void> check_disks(const CloneNames& names, const CloneFacts& facts, const Scope& at) {
  if (!facts.source.is_known()) return {};
  // Missing and unbound claims first: KubeVirt then has odd reasons, or none yet, for not snapshotting them.
  for (std::size_t i = 0; i < facts.claims.size(); ++i)
    WUKONG_CHECK(check_claim(names, facts.claims[i], facts.claim_names[i], at));

  std::vector<std::string> causes;
  std::vector<std::string> disks;
  for (const status::LeftOut& disk : status::disks_without_snapshot(facts.source.object)) {
    disks.push_back(disk.volume);
    if (!disk.reason.empty()) causes.push_back(fmt::format("{}: {}", disk.volume, disk.reason));
  }
  if (disks.empty()) return {};
  const std::string words = vm_words(at, names.source);
  if (causes.empty())
    return refuse(fmt::format("KubeVirt has not said yet whether disks of {} can be snapshotted: {}", words,
                              fmt::join(disks, ", ")),
                  "it does so within seconds after a VM was made: try again");
  return refuse(fmt::format("{} has disks that cannot be snapshotted: {}", words, fmt::join(disks, ", ")),
                "give their StorageClass a VolumeSnapshotClass of the same driver: kubectl get "
                "storageclass,volumesnapshotclass",
                std::move(causes));
}

Result<void> check_target(const CloneNames& names, const CloneFacts& facts, const Scope& at) {
  // Not only a matter of politeness: KubeVirt reports success for a clone onto a running VM without cloning anything.
  if (facts.target.is_known())
    return refuse(
        vm_words(at, names.target) + " exists already",
        fmt::format("choose another name, or delete it first: kubectl delete virtualmachine {} -n {}",
                    names.target, at.ns));
  for (const Json& clone : items(facts.clones.object, {"items"})) {
    const std::string_view phase = text(clone, {"status", "phase"});
    if (text(clone, {"spec", "target", "name"}) != names.target || phase == "Succeeded" || phase == "Failed")
      continue;
    const std::string_view other = text(clone, {"metadata", "name"});
    return refuse(
        fmt::format("VirtualMachineClone {}/{} is making {} already", at.ns, other, names.target),
        fmt::format("wait for it, or give it up: kubectl delete virtualmachineclone {} -n {}", other, at.ns));
  }
  return {};
}

std::vector<std::string> notes_of(const CloneNames& names, const CloneFacts& facts, const Scope& at) {
  std::vector<std::string> notes;
  if (facts.source.is_unreadable())
    notes.push_back(
        fmt::format("{} cannot be read, so it was not checked (needs: get virtualmachines.kubevirt.io)",
                    vm_words(at, names.source)));
  const bool blind = std::any_of(facts.claims.begin(), facts.claims.end(),
                                 [](const kube::Fact& f) { return f.is_unreadable(); });
  if (blind)
    notes.emplace_back(
        "the source's claims cannot be read, so they were not checked (needs: get persistentvolumeclaims)");
  if (flag(facts.source.object, {"status", "created"}))
    notes.push_back(fmt::format(
        "{} is running: its disks are taken as of one moment, quiesced only when its guest agent answers",
        names.source));
  if (const std::string_view other = text(facts.source.object, {"status", "snapshotInProgress"});
      !other.empty())
    notes.push_back(
        fmt::format("VirtualMachineSnapshot {}/{} is being taken: the clone waits for it", at.ns, other));
  return notes;
}

// ---- steps

op::Step usable_step(const CloneNames& names, const Settled& settled, const Scope& at, const ObjectRef& ref) {
  const status::CloneWait wait{at.ns, names.clone, names.target, names.source};
  std::vector<Watched> watches = status::watches_clone(wait);
  for (Watched& w : watches)
    if (w.gvr.resource == ref.gvr.resource) w.gvr = ref.gvr;
  return {.id = "usable",
          .needs = {"clone"},
          .action = op::Await{ref, std::move(watches), status::clone_judge(wait), settled.timeout},
          .group = names.target,
          .reason = "until the target's claims are its own and bound, or wait for its first start"};
}

/// The name of the restore inside the clone, which marks all that it makes.
std::string restore_of(const op::Seen& seen) { return "tmp-restore-" + std::string(seen.uid("clone")); }

/// Gives up a clone that has begun with its claims, in the order of add_undo(); "" while it has not. The first of the
/// two commands waits until the claims are gone.
std::string cancel_command(const CloneNames& names, const std::string& ns, const op::Seen& seen) {
  const Verdict* verdict = seen.verdict("usable");
  if (verdict == nullptr || seen.uid("clone").empty()) return {};
  const auto told = [&](const char* key) {
    const auto it = verdict->memory.find(key);
    return it == verdict->memory.end() ? std::string{} : it->second;
  };
  if (told("claims").empty()) return {};
  std::string command =
      fmt::format("kubectl delete -n {} --ignore-not-found virtualmachinerestore/{}", ns, restore_of(seen));
  if (told("target") == "made") command += " virtualmachine/" + names.target;
  for (const std::string& claim : split(told("claims"), ',')) command += " persistentvolumeclaim/" + claim;
  return fmt::format("{} && kubectl delete -n {} virtualmachineclone/{}", command, ns, names.clone);
}

bool owned_by_clone(const Json& object, const op::Seen& seen) {
  const Json& owners = items(object, {"metadata", "ownerReferences"});
  return std::any_of(owners.begin(), owners.end(),
                     [&](const Json& o) { return text(o, {"uid"}) == seen.uid("clone"); });
}

/// For a server that does not answer; with one that does, the judges have less patience.
constexpr std::chrono::seconds kLongestUndoWait{60};

/// In this order nothing hangs: with the restore gone nobody makes its claims again, and a snapshot is deleted only
/// when it is taken and no claim from it is there any more (seen with external-snapshotter 8).
void add_undo(op::Operation& operation, const CloneNames& names, const Scope& at, const ObjectRef& ref) {
  const auto step = [&](std::string id, std::vector<std::string> needs, op::Action action,
                        std::string reason = {}) {
    operation.steps.push_back({.id = std::move(id),
                               .needs = std::move(needs),
                               .action = std::move(action),
                               .group = names.target,
                               .phase = op::Phase::undo,
                               .after = "clone",
                               .reason = std::move(reason)});
  };
  const status::CloneWait wait{at.ns, names.clone, names.target, names.source};
  const auto settled = [&](Judge judge) {
    std::vector<Watched> watches = status::watches_clone_undo(wait);
    for (Watched& w : watches)
      if (w.gvr.resource == ref.gvr.resource) w.gvr = ref.gvr;
    return op::Await{ref, std::move(watches), std::move(judge), kLongestUndoWait};
  };
  step("undo-settled", {}, settled(status::clone_settled_judge(wait)),
       "until its snapshots are taken: one deleted meanwhile would hang");
  step("undo-restore", {"undo-settled"},
       op::Sweep{gvr::vm_restore(), at.ns, "", owned_by_clone, "the VirtualMachineRestore inside the clone"});
  const auto is_target = [target = names.target](const Json& vm, const op::Seen& seen) {
    return text(vm, {"metadata", "name"}) == target && !seen.uid("clone").empty() &&
           text(vm, {"metadata", "annotations", status::kLastRestore}).starts_with(restore_of(seen) + "-");
  };
  step("undo-target", {"undo-restore"},
       op::Sweep{gvr::vm(), at.ns, "", is_target, fmt::format("VM {}, if this clone made it", names.target)});
  const auto is_claim = [](const Json& claim, const op::Seen& seen) {
    return !seen.uid("clone").empty() &&
           text(claim, {"metadata", "annotations", status::kRestoreName}) == restore_of(seen);
  };
  step("undo-claims", {"undo-restore"},
       op::Sweep{gvr::pvc(), at.ns, "", is_claim, "the claims that this clone made"});
  step("undo-claims-gone", {"undo-target", "undo-claims"}, settled(status::claims_gone_judge(wait)),
       "until its claims are gone: they still need its snapshots");
  step("undo-clone", {"undo-claims-gone"}, op::Delete{ref, "clone"});
}

/// While a claim waits for its first consumer, the clone keeps the snapshot that will fill it: without it the disk is lost.
void add_tidy(op::Operation& operation, const CloneNames& names, const ObjectRef& ref) {
  const auto check = [names, ref](const std::vector<kube::Fact>&, const op::Seen& seen) -> Result<void> {
    const auto& memory = seen.verdict("usable")->memory;  // the wait ended well, or this step would not run
    if (const auto unbound = memory.find("unbound"); unbound == memory.end() || unbound->second.empty())
      return {};
    return refuse(fmt::format("{} stays; once {} has started: kubectl delete virtualmachineclone {} -n {}",
                              describe(ref), names.target, ref.name, ref.ns),
                  "");
  };
  const auto step = [&](std::string id, std::vector<std::string> needs, op::Action action,
                        std::string reason) {
    operation.steps.push_back({.id = std::move(id),
                               .needs = std::move(needs),
                               .action = std::move(action),
                               .group = names.target,
                               .phase = op::Phase::tidy,
                               .after = "usable",
                               .reason = std::move(reason)});
  };
  step("unneeded", {}, op::Guard{.check = check, .what = "that no claim still needs the clone's snapshot"},
       "a claim that waits for its first consumer does");
  step("tidy-clone", {"unneeded"}, op::Delete{ref, "clone"}, "its work is done");
}

}  // namespace

Result<CloneNames> clone_names(const CloneOptions& options, const Scope& scope) {
  WUKONG_TRY(std::string source, source_name(options.source));
  CloneNames names{.source = std::move(source), .target = options.target};
  WUKONG_CHECK(check_name("the name of a VM", names.source));
  if (names.target.empty())
    names.target = fmt::format("clone-{}-{}", names.source.substr(0, 51), scope.suffix);
  WUKONG_CHECK(check_name("the name of a VM", names.target));
  if (names.source == names.target)
    return Error{.code = Code::usage,
                 .message = fmt::format("{} cannot be cloned onto itself", names.source)};
  names.clone = fmt::format("{}-{}", names.target, scope.operation_id);
  return names;
}

Result<op::Operation> plan_clone(const CloneOptions& options, const CloneNames& names,
                                 const CloneFacts& facts, const Settled& settled, const Scope& at) {
  WUKONG_TRY(Gvr gvr, served_clone(facts));
  WUKONG_CHECK(check_source(names, facts, at));
  WUKONG_CHECK(check_target(names, facts, at));
  WUKONG_CHECK(check_gate(facts));
  WUKONG_CHECK(check_disks(names, facts, at));

  const ObjectRef ref{std::move(gvr), at.ns, names.clone};
  const Json request = {{"command", "clone"}, {"source", names.source}, {"target", names.target}};
  const manifest::Marks marks{at.operation_id, manifest::request_hash(request)};
  op::Operation operation{
      .id = at.operation_id,
      .title = fmt::format("clone {}/{} -> {}/{}", at.ns, names.source, at.ns, names.target)};
  operation.results = {{gvr::vm(), at.ns, names.target}};
  operation.notes = notes_of(names, facts, at);
  operation.wait_command = fmt::format(
      "kubectl wait virtualmachineclone/{} -n {} --for=condition=Ready --timeout=30m", names.clone, at.ns);
  operation.cancel_command = fmt::format("kubectl delete virtualmachineclone {} -n {}", names.clone, at.ns);
  operation.cancel_now = [names, ns = at.ns](const op::Seen& seen) {
    return cancel_command(names, ns, seen);
  };
  for (const Gvr& read : {gvr::vm(), gvr::pvc()})
    operation.reads.push_back({.verb = "get", .group = read.group, .resource = read.resource, .ns = at.ns});
  operation.steps.push_back(
      {.id = "clone",
       .action = op::Create{ref, manifest::vm_clone(ref, names.source, names.target, marks)},
       .group =
           options.write.wait ? names.target : "",  // the object is made, but the target is not: not its row
       .reason = "method native: a snapshot of the source, restored to a new VM by KubeVirt"});
  if (!options.write.wait) return operation;
  operation.steps.push_back(usable_step(names, settled, at, ref));
  add_undo(operation, names, at, ref);
  if (!options.keep) add_tidy(operation, names, ref);
  return operation;
}

}  // namespace wukong::commands
