#include "commands/clone_claim.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/quantity.h"
#include "base/text.h"
#include "commands/clone_checks.h"
#include "commands/clone_parts.h"
#include "commands/clone_resume.h"
#include "commands/quota.h"
#include "commands/vm_argument.h"
#include "manifest/data_volume.h"

namespace wukong::commands {

namespace {

constexpr std::size_t kLongestName = 253;

/// The first flag that is about a VM, or "".
std::string flag_for_vms(const CloneOptions& o) {
  if (o.count > 0) return "--count";
  if (o.shape.any()) return "a flag that changes the new VM";
  if (o.expose.any()) return "--expose or --ingress";
  if (o.start) return "--start";
  if (o.keep) return "--keep";
  if (o.keep_snapshot) return "--keep-snapshot";
  if (o.copy_refs) return "--copy-refs";
  if (o.running != "allow") return "--running";
  if (!o.disks.only.empty()) return "--disks";
  if (!o.disks.without.empty()) return "--skip-disks";
  if (!o.disks.owned.empty()) return "--own-disks";
  return {};
}

Result<void> check_name(const char* what, const std::string& name) {
  std::string problem = subdomain_problem(name);
  if (problem.empty() && name.size() > kLongestName) problem = "it has more than 253 characters";
  if (problem.empty()) return {};
  return usage(fmt::format("{:?} cannot be the name of {}: {}", printable(name), what, problem));
}

std::string words_of(const CloneNames& names, const Scope& at) {
  return fmt::format("PersistentVolumeClaim {}/{}", at.ns, names.source);
}

/// The pod that writes to the claim, or "". A finished one does not count, for CDI neither.
std::string user_of(const kube::Fact& pods, const std::string& claim) {
  for (const Json& pod : items(pods.object, {"items"}))
    if (status::uses_claim(pod, claim)) return std::string(text(pod, {"metadata", "name"}));
  return {};
}

Result<CopySource> source_of(const CloneNames& names, const ClaimFacts& facts, const Scope& at) {
  const std::string words = words_of(names, at);
  if (facts.claim.is_absent())
    return refuse(words + " does not exist", "kubectl get persistentvolumeclaims " + at.where());
  if (!facts.claim.is_known())
    return unreadable(words + " cannot be read, so its size and class are not known",
                      "ask for: get persistentvolumeclaims", facts.claim);
  const Json& claim = facts.claim.object;
  if (const std::string_view phase = text(claim, {"status", "phase"}); phase != "Bound")
    return refuse(fmt::format("{} has no data: it is {}", words, phase.empty() ? "Pending" : phase),
                  "it gets its volume when a pod or VM first uses it");
  if (const std::string pod = user_of(facts.pods, names.source); !pod.empty())
    return refuse(fmt::format("{} is used by pod {}: CDI would wait until it is not", words, pod),
                  "stop the VM or pod that uses it, or clone the whole VM, which can be done while it runs");
  CopySource source;
  source.disks.push_back({.volume = names.source,
                          .claim = names.source,
                          .claim_spec = fields(claim, {"spec"}),
                          .content = content_type(claim),
                          .bytes = claim_bytes(claim)});
  return source;
}

Json volume_spec(const CopySource::Disk& disk, const Scope& at) {
  const manifest::VolumeSource from{manifest::VolumeSource::Kind::claim, at.ns, disk.claim};
  return manifest::data_volume_spec(disk.claim_spec, from, disk.bytes, disk.content);
}

Result<void> check_target(const CloneNames& names, const CdiFacts& facts, const manifest::Marks& marks) {
  const ObjectRef ref{gvr::data_volume(), names.target_ns, names.target};
  WUKONG_TRY(const bool ours, was_made(facts.copies.base.earlier.volumes, ref, marks));
  if (ours) return {};
  for (const auto& [gvr, list] :
       {std::pair{gvr::data_volume(), &facts.volumes}, std::pair{gvr::pvc(), &facts.copies.claims}})
    if (const Json* found = named(*list, names.target))
      return refuse(fmt::format("{} {}/{} exists already{}", gvr.kind, names.target_ns, names.target,
                                resume_words(*found)),
                    "it may hold data: look at it, and choose another name");
  return {};
}

Result<ClaimFacts> gather_claim(const CloneNames& names, bool resumed, Context& cx, kube::Api& api) {
  CloneFacts base;
  WUKONG_TRY(base.served, cx.discovery().served());
  if (resumed) {
    WUKONG_TRY(base.earlier, gather_earlier(names, base.served, api, cx.scope()));
  }
  WUKONG_TRY(CdiFacts cdi, gather_cdi(names, std::move(base), api, cx.scope()));
  std::vector<kube::Read> reads{{.gvr = gvr::pvc(), .ns = cx.scope().ns, .name = names.source},
                                {.gvr = {"", "v1", "pods", "Pod"},
                                 .ns = cx.scope().ns,
                                 .keep = {{"spec.volumes.persistentVolumeClaim", "status.phase"}}}};
  WUKONG_TRY(std::vector<kube::Fact> got, kube::fetch(api, std::move(reads)));
  return ClaimFacts{.cdi = std::move(cdi), .claim = std::move(got[0]), .pods = std::move(got[1])};
}

Result<void> print_volume(const CloneNames& names, bool waited, const render::Printer& printer, Context& cx) {
  WUKONG_TRY(kube::Api* const api, cx.connect());
  const ObjectRef ref{gvr::data_volume(), names.target_ns, names.target};
  const auto got = kube::fetch(*api, {{.gvr = ref.gvr, .ns = ref.ns, .name = ref.name},
                                      {.gvr = gvr::pvc(), .ns = ref.ns, .name = ref.name}});
  const bool known = got && got->front().is_known();
  if (printer.format == render::OutputFormat::name || (!known && !printer.is_table())) {
    cx.print(resource_name(ref) + "\n");
  } else if (!printer.is_table()) {
    return cx.print_objects(printer, {got->front().object});
  } else if (!waited) {
    cx.print(resource_name(ref) + " created\n");
  } else {
    const Json volume = known ? got->front().object : Json();
    const Json claim = got && (*got)[1].is_known() ? (*got)[1].object : Json();
    const std::string phase(text(volume, {"status", "phase"}));
    cx.print(render::table({"NAME", "PHASE", "SIZE", "STORAGECLASS", "CLONED FROM"},
                           {{names.target, phase.empty() ? "Unknown" : phase,
                             std::string(text(claim, {"status", "capacity", "storage"})),
                             std::string(text(claim, {"spec", "storageClassName"})), names.source}},
                           printer.headers));
  }
  return {};
}

}  // namespace

std::optional<std::string> claim_name(const std::string& typed) {
  const auto slash = typed.find('/');
  if (slash == std::string::npos) return std::nullopt;
  const std::string kind = lower(typed.substr(0, slash));
  for (const char* known : {"pvc", "persistentvolumeclaim", "persistentvolumeclaims"})
    if (kind == known) return typed.substr(slash + 1);
  return std::nullopt;
}

Result<CloneNames> claim_names(const CloneOptions& o, const Scope& scope) {
  CloneNames names{.source = claim_name(o.source).value_or("")};
  if (const std::string flag = flag_for_vms(o); !flag.empty())
    return usage(fmt::format("{}: a claim is no VM", flag), "clone the VM, or leave it out");
  if (o.method != "auto" && o.method != "cdi")
    return usage(fmt::format("--method {}: a claim is cloned by cdi", printable(o.method)), "leave it out");
  WUKONG_CHECK(check_name("a claim", names.source));
  names.target = o.target.empty() ? fmt::format("clone-{}-{}", names.source.substr(0, 51), scope.operation_id)
                                  : o.target;
  WUKONG_CHECK(check_name("a DataVolume", names.target));
  names.targets = {names.target};
  names.target_ns = o.to_namespace.empty() ? scope.ns : o.to_namespace;
  if (const std::string problem = label_problem(names.target_ns); !problem.empty())
    return usage(fmt::format("--to-namespace {:?}: {}", printable(o.to_namespace), problem));
  if (names.target == names.source && names.target_ns == scope.ns)
    return usage(fmt::format("{} cannot be cloned onto itself", names.source));
  WUKONG_TRY(names.disks, settle(o.disks));
  // There is one disk only: its size needs no name, and may have it.
  if (auto bare = names.disks.sizes.extract("")) {
    bare.key() = names.source;
    names.disks.sizes.insert(std::move(bare));
  }
  return names;
}

Result<op::Operation> plan_claim(const CloneOptions& options, const CloneNames& names,
                                 const ClaimFacts& facts, const Scope& at) {
  WUKONG_TRY(CopySource source, source_of(names, facts, at));
  WUKONG_CHECK(choose_disks(source, names, at));
  CopySource::Disk& disk = source.disks.front();
  WUKONG_CHECK(check_cdi(names, source, facts.cdi, at));
  const manifest::Marks marks = clone_marks(options, names, at);
  WUKONG_CHECK(check_target(names, facts.cdi, marks));
  if (names.disks.sizes.empty()) disk.bytes = disk_bytes(disk, facts.cdi, disk.from_class);

  const ObjectRef ref{gvr::data_volume(), names.target_ns, names.target};
  const manifest::VolumeFill fill{.full = names.disks.type == CloneType::full, .at_once = names.disks.bind};
  op::Operation operation{.id = at.operation_id,
                          .request = marks.request_hash,
                          .title = clone_title(names, at),
                          .results = {ref}};
  if (names.disks.type == CloneType::linked) operation.notes.emplace_back(kLinkedNote);
  if (facts.pods.is_unreadable())
    operation.notes.emplace_back(
        "pods cannot be read, so it was not checked whether one uses the claim (needs: list pods)");
  operation.charge = {.ns = names.target_ns,
                      .claims = {{.name = names.target,
                                  .storage_class = std::string(text(disk.claim_spec, {"storageClassName"})),
                                  .bytes = disk.bytes}},
                      .objects = {{gvr::data_volume(), 1}}};
  if (names.target_ns == at.ns) charge_filling(operation.charge, facts.cdi, names.disks.bind);
  operation.reads = quota_reads(names.target_ns);
  const Scope there = at.in(names.target_ns);
  operation.wait_command = fmt::format("kubectl wukong wait dv/{} {}", names.target, there.where());
  operation.cancel_command = fmt::format("kubectl wukong cancel dv/{} {} -y", names.target, there.where());
  TargetSteps steps(operation, ref);
  steps.add("disk", {},
            op::Create{ref, manifest::data_volume(ref, volume_spec(disk, at), fill, marks, Json())});
  if (!options.write.wait) return operation;
  const status::DataVolumesWait wait{
      .ns = names.target_ns,
      .source_ns = at.ns,
      .names = {names.target},
      .labels = manifest::selector_of(at.operation_id),
      .consumer_expected = fill.at_once,
      .until_then = fmt::format(
          "with what {} holds then, and only while nothing uses that; --bind fills it at once", names.source),
      .source = {.ns = at.ns, .claim = names.source}};
  steps.add("usable-" + names.target, {"disk"},
            op::Await{ref, status::watches_data_volumes(wait), status::data_volumes_judge(wait)},
            "until it is filled, or waits for its first consumer");
  std::vector<Watched> watches = status::watches_data_volumes(wait);
  for (Watched& watched : watches) watched.required = false;
  steps.add_gone({steps.add_undo("disk", ref, {})}, std::move(watches), status::data_volumes_gone_judge(wait),
                 "disk", "until its claim is gone");
  return operation;
}

Result<void> run_clone_claim(const CloneOptions& o, const Settled& settled, const render::Printer& printer,
                             Context& cx) {
  WUKONG_TRY(kube::Api* const api, cx.connect());
  WUKONG_TRY(const CloneNames names, claim_names(o, cx.scope()));
  WUKONG_TRY(const ClaimFacts facts, gather_claim(names, !o.resume.empty(), cx, *api));
  WUKONG_TRY(op::Operation operation, plan_claim(o, names, facts, cx.scope()));
  if (!o.resume.empty())
    operation.notes.insert(operation.notes.begin(), resume_note(facts.cdi.copies.base.earlier, cx.scope()));
  WUKONG_CHECK(cx.check_permissions(operation, "clone claims"));
  if (o.resume.empty()) WUKONG_CHECK(cx.check_quotas(operation));
  WUKONG_CHECK(check_clone_right(names, operation, *api, cx.scope()));
  if (settled.dry_run != DryRunMode::none)
    return cx.show_plan(operation, settled.dry_run, printer, o.write.field_manager);
  const std::string wait_command = operation.wait_command;
  operation.resume_command = cx.resume_command(operation.id);
  op::Outcome outcome = cx.run(std::move(operation), o.write, settled);
  if (outcome.error) return std::move(*outcome.error);
  if (const Verdict* verdict = outcome.seen.verdict("usable-" + names.target))
    for (const std::string& line : fill_words(status::fills(*verdict), names.disks.type))
      cx.note("note", line);
  if (!o.write.wait) {
    cx.note("note", fmt::format("{} is being cloned to {}; nothing has been waited for (--wait does)",
                                names.source, names.target));
    cx.note("note", "to wait for it: " + wait_command);
  }
  return print_volume(names, o.write.wait, printer, cx);
}

}  // namespace wukong::commands
