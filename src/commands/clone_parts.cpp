#include "commands/clone_parts.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/quantity.h"
#include "base/text.h"
#include "commands/clone_checks.h"
#include "commands/clone_resume.h"
#include "commands/vm_argument.h"
#include "manifest/vm_copy.h"
#include "manifest/vm_snapshot.h"
#include "status/snapshot_status.h"
#include "status/vm_status.h"
#include "status/watched.h"

namespace wukong::commands {

namespace {

constexpr std::size_t kLongestClaim = 253;

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Every disk that a flag names is one of the source's.
Result<void> check_named(const CopySource& source, const CloneNames& names) {
  std::vector<std::string> known;
  for (const CopySource::Disk& disk : source.disks) known.push_back(disk.volume);
  const auto check = [&](const char* flag, const std::string& name) -> Result<void> {
    if (contains(known, name)) return {};
    const std::string meant = closest(name, known);
    std::string hint = fmt::format("its disks on claims: {}", fmt::join(known, ", "));
    if (known.empty()) hint = "it has no disks on claims";
    if (!meant.empty()) hint = fmt::format("did you mean {}?", meant);
    return refuse(fmt::format("{}: {} has no disk {}", flag, names.source, name), hint);
  };
  for (const std::string& name : names.disks.only) WUKONG_CHECK(check("--disks", name));
  for (const std::string& name : names.disks.without) WUKONG_CHECK(check("--skip-disks", name));
  for (const auto& [name, bytes] : names.disks.sizes) WUKONG_CHECK(check("--disk-size", name));
  return {};
}

}  // namespace

std::string clone_title(const CloneNames& names, const Scope& at) {
  const std::string source = names.from_snapshot ? "snapshot " + names.source : names.source;
  const std::string& there = names.target_ns;
  if (names.targets.size() == 1)
    return fmt::format("clone {}/{} -> {}/{}", at.ns, source, there, names.target);
  return fmt::format("clone {}/{} -> {}/{} … {} ({} VMs)", at.ns, source, there, names.target,
                     names.targets.back(), names.targets.size());
}

std::string start_strategy(const Json& vm) {
  const std::string_view strategy = text(vm, {"spec", "runStrategy"});
  // One that waits for a migration to it would wait for ever.
  const bool starts = !strategy.empty() && strategy != "Halted" && strategy != "WaitAsReceiver";
  return starts ? std::string(strategy) : "Always";
}

ObjectRef vm_subresources(const std::string& ns, const std::string& name) {
  return {{"subresources.kubevirt.io", "v1", "virtualmachines", "VirtualMachine"}, ns, name};
}

std::string disk_step(std::string_view target, std::string_view volume) {
  return fmt::format("disk-{}-{}", target, volume);
}

op::Create create(bool later, ObjectRef ref, Json now, std::function<Result<Json>(const op::Seen&)> make) {
  if (!later) return {.ref = std::move(ref), .body = std::move(now)};
  return {.ref = std::move(ref), .body = std::move(make), .preview = std::move(now)};
}

void TargetSteps::add(std::string id, std::vector<std::string> needs, op::Action action, std::string reason) {
  operation_.steps.push_back({.id = std::move(id),
                              .needs = std::move(needs),
                              .action = std::move(action),
                              .group = vm_.name,
                              .reason = std::move(reason)});
}

std::string TargetSteps::add_start(const std::string& run_strategy, std::vector<std::string> needs) {
  std::string id = "start-" + vm_.name;
  const bool by_itself = run_strategy != "Manual";
  // A VM that KubeVirt has restored keeps the older field of its source, and must not have both.
  add(id, std::move(needs),
      op::Patch{vm_, Json{{"spec", {{"running", nullptr}, {"runStrategy", run_strategy}}}}},
      fmt::format("run strategy {}{}", run_strategy, by_itself ? ": it starts" : ""));
  if (by_itself) return id;
  const std::string call = "run-" + vm_.name;
  add(call, {id},
      op::Call{
          .ref = vm_subresources(vm_.ns, vm_.name), .subresource = "start", .settled = {"already running"}},
      "Manual: it starts when it is told to");
  return call;
}

void TargetSteps::add_running(std::vector<std::string> needs) {
  const status::VmWait wait{vm_.ns, vm_.name};
  add("running-" + vm_.name, std::move(needs),
      op::Await{vm_, status::watches_vm_running(wait), status::vm_running_judge(wait)}, "until it runs");
}

void TargetSteps::add_after_made(const AfterMade& after, const std::string& made) {
  std::string last = made;
  if (!after.shape.empty()) {
    last = "shape-" + vm_.name;
    add(last, {made}, op::Patch{vm_, after.shape}, "what KubeVirt's own copies cannot be told");
  }
  if (after.run_strategy.empty()) return;
  last = add_start(after.run_strategy, {last});
  if (after.until_running) add_running({last});
}

std::string TargetSteps::add_undo(const std::string& made, const ObjectRef& ref,
                                  std::vector<std::string> needs) {
  std::string id = "undo-" + made;
  operation_.steps.push_back({.id = id,
                              .needs = std::move(needs),
                              .action = op::Delete{ref, made},
                              .group = vm_.name,
                              .phase = op::Phase::undo,
                              .after = made});
  return id;
}

void TargetSteps::add_gone(std::vector<std::string> needs, std::vector<Watched> watches, Judge judge,
                           std::string after, std::string reason) {
  operation_.steps.push_back(
      {.id = "undo-gone-" + vm_.name,
       .needs = std::move(needs),
       .action = op::Await{vm_, std::move(watches), std::move(judge), kLongestUndoWait},
       .group = vm_.name,
       .phase = op::Phase::undo,
       .after = std::move(after),
       .reason = std::move(reason)});
}

std::vector<Watched> snapshot_watches(const ObjectRef& ref, const status::SnapshotWait& wait) {
  std::vector<Watched> watches = status::watches_snapshot(wait);
  for (Watched& watched : watches)
    if (watched.gvr.resource == ref.gvr.resource) watched.gvr = ref.gvr;
  return watches;
}

void add_snapshot(op::Operation& operation, const SnapshotPart& part, const manifest::Marks& marks) {
  Json manifest = manifest::vm_snapshot(part.ref, part.vm, marks);
  if (part.kept) manifest["metadata"]["annotations"][mark::kKept] = "true";
  if (!operation.results.empty() && operation.results.front().ns != part.ref.ns)
    manifest["metadata"]["annotations"][mark::kTargetNamespace] = operation.results.front().ns;
  operation.steps.push_back({.id = "snapshot",
                             .needs = part.needs,
                             .action = op::Create{part.ref, std::move(manifest)},
                             .reason = part.reason});
  const status::SnapshotWait wait{part.ref.ns, part.ref.name, part.volumes};
  operation.steps.push_back(
      {.id = "taken",
       .needs = {"snapshot"},
       .action = op::Await{part.ref, snapshot_watches(part.ref, wait), status::snapshot_judge(wait)},
       .reason = "until it can be restored from"});
  const auto whole = [](const std::vector<kube::Fact>&, const op::Seen& seen) -> Result<void> {
    const Verdict* verdict = seen.verdict("taken");
    const std::string left_out = verdict == nullptr ? std::string{} : verdict->recall("left_out");
    if (left_out.empty()) return {};
    return refuse(fmt::format("the snapshot does not hold all disks: left out: {}", left_out),
                  "give their StorageClass a VolumeSnapshotClass of the same driver");
  };
  operation.steps.push_back(
      {.id = "sizes",
       .needs = {"taken"},
       .action = op::Guard{.reads = {{.gvr = gvr::volume_snapshot(),
                                      .ns = part.ref.ns,
                                      .labels = "snapshot.kubevirt.io/source-vm-name=" + part.vm,
                                      .keep = {{"status.restoreSize"}}}},
                           .check = whole,
                           .what = "that it holds all disks, and how large they are",
                           .about = part.ref}});
}

void add_snapshot_removal(op::Operation& operation, const ObjectRef& ref, std::vector<kube::Read> users,
                          std::function<bool(const Json&)> is_user, const Scope& at) {
  // A snapshot that is deleted while a claim from it is Pending hangs, and the claim can never be filled.
  std::vector<std::string> kinds;  // items of a list do not tell theirs
  for (const kube::Read& read : users) kinds.push_back(read.gvr.kind);
  const std::string later =
      fmt::format("kubectl delete virtualmachinesnapshot {} {}", ref.name, at.in(ref.ns).where());
  const auto unneeded = [ref, kinds, later, is_user = std::move(is_user)](
                            const std::vector<kube::Fact>& facts, const op::Seen& seen) -> Result<void> {
    const std::string mine = manifest::volume_snapshot_name(seen.uid("snapshot"), "");
    for (std::size_t i = 0; i < facts.size(); ++i)
      for (const Json& user : items(facts[i].object, {"items"})) {
        const std::string_view phase = text(user, {"status", "phase"});
        if (phase == "Bound" || phase == "Succeeded") continue;
        // CDI's own claims have the labels of the one that they are for, and are Lost when they have done their work.
        const bool others = phase == "Pending" && !seen.uid("snapshot").empty() &&
                            text(user, {"spec", "dataSourceRef", "name"}).starts_with(mine);
        if (!others && !is_user(user)) continue;
        return refuse(fmt::format("{} stays: {} {} is not filled yet; once all are: {}", describe(ref),
                                  kinds[i], text(user, {"metadata", "name"}), later),
                      "");
      }
    if (std::all_of(facts.begin(), facts.end(), [](const kube::Fact& f) { return f.is_known(); })) return {};
    return refuse(
        fmt::format("{} stays: claims cannot be read, so it is not known whether one still needs it; "
                    "once all disks are bound: {}",
                    describe(ref), later),
        "");
  };
  const status::SnapshotWait wait{ref.ns, ref.name};
  const auto step = [&](const char* id, std::vector<std::string> needs, op::Action action,
                        const char* reason) {
    operation.steps.push_back({.id = id,
                               .needs = std::move(needs),
                               .action = std::move(action),
                               .phase = op::Phase::tidy,
                               .after = "snapshot",
                               .reason = reason});
  };
  step("settled", {},
       op::Await{ref, snapshot_watches(ref, wait), status::snapshot_settled_judge(wait), kLongestUndoWait},
       "one that is deleted while it is taken hangs");
  step("unneeded", {"settled"},
       op::Guard{
           .reads = std::move(users), .check = unneeded, .what = "that no claim still needs the snapshot"},
       "");
  step("remove-snapshot", {"unneeded"}, op::Delete{ref, "snapshot"}, "its work is done");
}

std::function<bool(const Json&)> is_copied_disk(const CloneNames& names, const CopySource& source) {
  std::set<std::string> claims;
  for (const std::string& target : names.targets)
    for (std::string& claim : copied_claims(source, target)) claims.insert(std::move(claim));
  return [claims = std::move(claims)](const Json& object) {
    return claims.contains(std::string(text(object, {"metadata", "name"})));
  };
}

Result<void> choose_disks(CopySource& source, const CloneNames& names, const Scope& at) {
  const DiskChoice& choice = names.disks;
  WUKONG_CHECK(check_named(source, names));
  std::erase_if(source.disks, [&](const CopySource::Disk& d) { return !is_chosen(choice, d.volume); });
  for (CopySource::Disk& disk : source.disks) {
    disk.from_class = text(disk.claim_spec, {"storageClassName"});
    if (choice.owned) disk.owned = *choice.owned;
    if (!choice.storage_class.empty()) disk.claim_spec["storageClassName"] = choice.storage_class;
    const auto size = choice.sizes.find(disk.volume);
    if (size == choice.sizes.end()) continue;
    if (size->second < disk.bytes)
      return refuse(
          fmt::format("--disk-size {}={}: disk {} of {}/{} holds {}, and a copy cannot be smaller",
                      disk.volume, format_quantity({size->second}), disk.volume, at.ns, names.source,
                      format_quantity({disk.bytes})),
          fmt::format("ask for at least --disk-size {}={}", disk.volume, format_quantity({disk.bytes})));
    disk.bytes = size->second;
  }
  return {};
}

std::vector<std::string> left_out_notes(const CopySource& source) {
  std::vector<std::string> volumes;
  for (const Json& volume : items(source.vm, {"spec", "template", "spec", "volumes"})) {
    const std::string name(text(volume, {"name"}));
    const bool copied = std::any_of(source.disks.begin(), source.disks.end(),
                                    [&](const CopySource::Disk& disk) { return disk.volume == name; });
    if (!copied && !status::claim_of(volume).empty()) volumes.push_back(name);
  }
  if (volumes.empty()) return {};
  return {fmt::format("left out of the new VM: {} {}", volumes.size() == 1 ? "disk" : "disks",
                      fmt::join(volumes, ", "))};
}

Result<void> check_shape(const Json& vm, const ShapeOptions& shape) {
  const std::string_view type = text(vm, {"spec", "instancetype", "name"});
  if (!type.empty() && (shape.cpu || !shape.memory.empty()))
    return refuse(fmt::format("{}: the source takes its size from the instancetype {}",
                              shape.cpu ? "--cpu" : "--memory", type),
                  "leave it out: KubeVirt refuses a VM that has both");
  const std::vector<std::string> known = manifest::interfaces_of(vm);
  for (const std::string& typed : shape.new_macs) {
    const std::string name = typed.substr(0, typed.find('='));
    if (contains(known, name)) continue;
    const std::string meant = closest(name, known);
    return refuse(fmt::format("--new-mac: the source has no interface called {:?}", printable(name)),
                  !meant.empty()  ? fmt::format("did you mean {}?", meant)
                  : known.empty() ? "it has none"
                                  : fmt::format("its interfaces: {}", fmt::join(known, ", ")));
  }
  return {};
}

Result<void> check_free(const CloneNames& names, const CopySource& source, const CopyFacts& facts,
                        const kube::Fact& volumes, const std::set<std::string>& made,
                        const manifest::Marks& marks, const Scope& at) {
  const std::string& ns = names.target_ns;
  const std::string where = at.in(ns).where();
  const Earlier& earlier = facts.base.earlier;
  const auto taken = [&](const Json& object, const Gvr& gvr, const std::string& name) {
    return refuse(
        fmt::format("{} {}/{} exists already{}", gvr.kind, ns, name, resume_words(object)),
        fmt::format("it may hold data: look at it, and choose another target name, or delete it: kubectl "
                    "delete {} {} {}",
                    lower(gvr.kind), name, where));
  };
  for (const std::string& target : names.targets) {
    if (made.contains(target)) continue;
    if (const Json* vm = named(facts.vms, target))
      return refuse(
          fmt::format("VirtualMachine {}/{} exists already{}", ns, target, resume_words(*vm)),
          fmt::format("choose another name, or delete it first: kubectl delete virtualmachine {} {}", target,
                      where));
    if (!names.elsewhere) WUKONG_CHECK(check_no_clone_to(target, facts.base, at));
    for (const CopySource::Disk& disk : source.disks) {
      const std::string claim = copied_claim(target, disk.volume);
      if (const std::string problem = subdomain_problem(claim);
          !problem.empty() || claim.size() > kLongestClaim)
        return refuse(fmt::format("the disk {} cannot have this name: {}", claim, problem),
                      "choose another target name");
      if (const Json* volume = named(volumes, claim)) {
        WUKONG_TRY(const bool ours, was_made(earlier.volumes, {gvr::data_volume(), ns, claim}, marks));
        if (!ours) return taken(*volume, gvr::data_volume(), claim);
      } else if (const Json* found = named(facts.claims, claim)) {
        WUKONG_TRY(const bool ours, was_made(earlier.claims, {gvr::pvc(), ns, claim}, marks));
        if (!ours) return taken(*found, gvr::pvc(), claim);
      }
    }
  }
  return {};
}

}  // namespace wukong::commands
