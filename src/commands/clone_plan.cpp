// The steps of `clone`.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "commands/clone.h"
#include "commands/clone_checks.h"
#include "commands/vm_argument.h"
#include "manifest/vm_clone.h"
#include "status/clone_status.h"
#include "status/clone_undo.h"
#include "status/watched.h"

namespace wukong::commands {

namespace {

/// `watches` in the versions that the server serves.
std::vector<Watched> speaking(const CloneApi& api, std::vector<Watched> watches) {
  for (Watched& watched : watches)
    for (const Gvr& gvr : {api.clone, api.snapshot, api.restore})
      if (watched.gvr.resource == gvr.resource) watched.gvr = gvr;
  return watches;
}

op::Step usable_step(const CloneNames& names, const CloneApi& api, const Settled& settled,
                     const ObjectRef& ref) {
  const status::CloneWait wait{ref.ns, names.clone, names.target, names.source};
  std::vector<Watched> watches = speaking(api, status::watches_clone(wait));
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
void add_undo(op::Operation& operation, const CloneNames& names, const CloneApi& api, const ObjectRef& ref) {
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
  const status::CloneWait wait{ref.ns, names.clone, names.target, names.source};
  const auto settled = [&](Judge judge) {
    return op::Await{ref, speaking(api, status::watches_clone_undo(wait)), std::move(judge),
                     kLongestUndoWait};
  };
  step("undo-settled", {}, settled(status::clone_settled_judge(wait)),
       "until its snapshots are taken: one deleted meanwhile would hang");
  step("undo-restore", {"undo-settled"},
       op::Sweep{api.restore, ref.ns, "", owned_by_clone, "the VirtualMachineRestore inside the clone"});
  const auto is_target = [target = names.target](const Json& vm, const op::Seen& seen) {
    return text(vm, {"metadata", "name"}) == target && !seen.uid("clone").empty() &&
           text(vm, {"metadata", "annotations", status::kLastRestore}).starts_with(restore_of(seen) + "-");
  };
  const auto is_claim = [](const Json& claim, const op::Seen& seen) {
    return !seen.uid("clone").empty() &&
           text(claim, {"metadata", "annotations", status::kRestoreName}) == restore_of(seen);
  };
  const op::Sweep target{gvr::vm(), ref.ns, "", is_target,
                         fmt::format("VM {}, if this clone made it", names.target)};
  const op::Sweep claims{gvr::pvc(), ref.ns, "", is_claim, "the claims that this clone made"};
  step("undo-target", {"undo-restore"}, target);
  step("undo-claims", {"undo-restore"}, claims);
  step("undo-claims-gone", {"undo-target", "undo-claims"}, settled(status::claims_gone_judge(wait)),
       "until its claims are gone: they still need its snapshots");
  // A busy controller goes on for a moment with a restore that is deleted: seen to make claims and the VM after the sweeps.
  step("undo-late-target", {"undo-claims-gone"}, target, "made meanwhile");
  step("undo-late-claims", {"undo-claims-gone"}, claims, "made meanwhile");
  step("undo-clone", {"undo-late-target", "undo-late-claims"}, op::Delete{ref, "clone"});
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
  WUKONG_TRY(std::string source, vm_name(options.source));
  CloneNames names{.source = std::move(source), .target = options.target};
  WUKONG_CHECK(check_vm_name(names.source));
  if (names.target.empty())
    names.target = fmt::format("clone-{}-{}", names.source.substr(0, 51), scope.suffix);
  WUKONG_CHECK(check_vm_name(names.target));
  if (names.source == names.target)
    return Error{.code = Code::usage,
                 .message = fmt::format("{} cannot be cloned onto itself", names.source)};
  names.clone = fmt::format("{}-{}", names.target, scope.operation_id);
  return names;
}

Result<op::Operation> plan_clone(const CloneOptions& options, const CloneNames& names,
                                 const CloneFacts& facts, const Settled& settled, const Scope& at) {
  WUKONG_CHECK(check_clone(names, facts, at));
  const CloneApi api = clone_api(facts);
  const ObjectRef ref{api.clone, at.ns, names.clone};
  const Json request = {{"command", "clone"}, {"source", names.source}, {"target", names.target}};
  const manifest::Marks marks{at.operation_id, manifest::request_hash(request)};
  op::Operation operation{
      .id = at.operation_id,
      .title = fmt::format("clone {}/{} -> {}/{}", at.ns, names.source, at.ns, names.target)};
  operation.results = {{gvr::vm(), at.ns, names.target}};
  operation.notes = clone_notes(names, facts, at);
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
  operation.steps.push_back(usable_step(names, api, settled, ref));
  add_undo(operation, names, api, ref);
  if (!options.keep) add_tidy(operation, names, ref);
  return operation;
}

}  // namespace wukong::commands
