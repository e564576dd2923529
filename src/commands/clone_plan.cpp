// The steps of `clone`.
#include <fmt/format.h>

#include <algorithm>

#include "base/quantity.h"
#include "base/text.h"
#include "commands/clone.h"
#include "commands/clone_checks.h"
#include "commands/clone_parts.h"
#include "commands/clone_removal.h"
#include "commands/clone_resume.h"
#include "commands/quota.h"
#include "commands/vm_argument.h"
#include "manifest/vm_clone.h"
#include "status/clone_status.h"

namespace wukong::commands {

namespace {

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

void add_undo(op::Operation& operation, const CloneNames& names, const CloneApi& api, const ObjectRef& ref) {
  const CloneRemoval removal{.wait = {ref.ns, names.clone, names.target, names.source},
                             .api = api,
                             .made_by = "clone",
                             .ids = "undo-",
                             .group = names.target,
                             .after = "clone"};
  for (op::Step& step : removal_steps(removal)) operation.steps.push_back(std::move(step));
}

/// While a claim waits for its first consumer, the clone keeps the snapshot that will fill it: without it the disk is lost.
/// The target is marked first: an operation that is cut off then is gone on with by that.
void add_tidy(op::Operation& operation, const CloneNames& names, const ObjectRef& ref,
              const manifest::Marks& marks, bool keep) {
  const auto check = [names, ref](const std::vector<kube::Fact>&, const op::Seen& seen) -> Result<void> {
    // The wait ended well, or this step would not run.
    if (seen.verdict("usable")->recall("unbound").empty()) return {};
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
  Json marked = Json::object();
  manifest::add_marks(marked, marks);
  step("mark", {}, op::Patch{{gvr::vm(), ref.ns, names.target}, std::move(marked), true},
       "it is known by that to be of this operation");
  if (keep) return;
  step("unneeded", {"mark"},
       op::Guard{.check = check, .what = "that no claim still needs the clone's snapshot"},
       "a claim that waits for its first consumer does");
  step("tidy-clone", {"unneeded"}, op::Delete{ref, "clone"}, "its work is done");
}

/// Claims as large as the source's; what KubeVirt makes on the way counts, too.
op::Charge charge_of(const CloneFacts& facts, const CloneApi& api, const std::string& ns) {
  op::Charge charge{.ns = ns,
                    .objects = {{api.clone, 1}, {api.snapshot, 1}, {api.restore, 1}, {gvr::vm(), 1}}};
  for (std::size_t i = 0; i < facts.claims.size(); ++i) {
    const Json& claim = facts.claims[i].object;
    charge.claims.push_back({.name = "copied from " + facts.claim_names[i],
                             .storage_class = std::string(text(claim, {"spec", "storageClassName"})),
                             .bytes = bytes_at(claim, {"spec", "resources", "requests", "storage"})});
  }
  if (!charge.claims.empty())
    charge.objects.emplace_back(gvr::volume_snapshot(), static_cast<std::int64_t>(charge.claims.size()));
  return charge;
}

}  // namespace

Result<op::Operation> plan_clone(const CloneOptions& options, const CloneNames& names,
                                 const CloneFacts& facts, const Settled& settled, const Scope& at) {
  const CloneApi api = clone_api(facts);
  const ObjectRef ref{api.clone, at.ns, names.clone};
  const manifest::Marks marks = clone_marks(options, names, at);
  WUKONG_TRY(const bool begun, was_made(facts.earlier.clones, ref, marks));
  // Its clone marks it at the end, and is removed then.
  WUKONG_TRY(const std::set<std::string> made, made_targets(names, facts.earlier, marks));
  WUKONG_CHECK(check_clone(names, facts, at, begun || !made.empty()));
  WUKONG_CHECK(check_running(names, facts.source.object, at));
  op::Operation operation{
      .id = at.operation_id,
      .request = marks.request_hash,
      .title = fmt::format("clone {}/{} -> {}/{}", at.ns, names.source, at.ns, names.target)};
  operation.results = {{gvr::vm(), at.ns, names.target}};
  operation.notes = clone_notes(names, facts, at);
  operation.charge = charge_of(facts, api, at.ns);
  operation.reads = quota_reads(at.ns);
  operation.wait_command = fmt::format("kubectl wukong wait vmclone/{} {}", names.clone, at.where());
  operation.cancel_command = fmt::format("kubectl wukong cancel vmclone/{} {} -y", names.clone, at.where());
  for (const Gvr& read : {gvr::vm(), gvr::pvc()})
    operation.reads.push_back({.verb = "get", .group = read.group, .resource = read.resource, .ns = at.ns});
  const bool stop = is_to_stop(names, facts.source.object, at);
  if (stop) add_stop(operation, names, facts.source.object, settled, at);
  if (!begun && !made.empty()) {
    add_made_target(operation, names, names.target, {}, settled);
    return operation;
  }
  const bool waits = options.write.wait || stop;  // the source is started again when the disks are there
  operation.steps.push_back(
      {.id = "clone",
       .needs = stop ? std::vector<std::string>{"off"} : std::vector<std::string>{},
       .action = op::Create{ref, manifest::vm_clone(ref, names.source, names.target, marks)},
       .group = waits ? names.target : "",  // the object is made, but the target is not: not its row
       .reason = "method native: a snapshot of the source, restored to a new VM by KubeVirt"});
  if (!waits) return operation;
  operation.steps.push_back(usable_step(names, api, settled, ref));
  add_undo(operation, names, api, ref);
  add_tidy(operation, names, ref, marks, options.keep);
  return operation;
}

}  // namespace wukong::commands
