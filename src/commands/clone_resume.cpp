#include "commands/clone_resume.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "commands/clone_parts.h"
#include "commands/vm_argument.h"
#include "status/disks_status.h"

namespace wukong::commands {

namespace {

constexpr std::size_t kIdLength = 5;

Json words(const DiskOptions& o) {
  return {{"type", o.type},           {"only", o.only},   {"without", o.without}, {"sizes", o.sizes},
          {"class", o.storage_class}, {"owned", o.owned}, {"bind", o.bind}};
}

Json words(const ShapeOptions& o) {
  return {{"labels", o.label_filters},
          {"annotations", o.annotation_filters},
          {"template_labels", o.template_label_filters},
          {"template_annotations", o.template_annotation_filters},
          {"macs", o.new_macs},
          {"keep_mac", o.keep_mac},
          {"serial", o.new_serial},
          {"hostname", o.hostname},
          {"cpu", o.cpu.value_or(0)},
          {"memory", o.memory},
          {"set_labels", o.set_labels}};
}

std::string_view operation_of(const Json& object) {
  return text(object, {"metadata", "labels", mark::kOperation});
}

}  // namespace

Result<void> check_operation_id(const std::string& id) {
  if (id.size() == kIdLength && label_problem(id).empty()) return {};
  return usage(fmt::format("--resume {:?} is no id of an operation", printable(id)),
               "it has five characters, and is printed when the operation begins; kubectl wukong "
               "status shows those under way");
}

manifest::Marks clone_marks(const CloneOptions& options, const CloneNames& names, const Scope& at) {
  const Json request = {
      {"command", "clone"},       {"source", names.source},        {"from_snapshot", names.from_snapshot},
      {"targets", names.targets}, {"namespace", names.target_ns},  {"method", static_cast<int>(names.method)},
      {"start", options.start},   {"disks", words(options.disks)}, {"shape", words(options.shape)}};
  return {at.operation_id, manifest::request_hash(request)};
}

Result<Earlier> gather_earlier(const CloneNames& names, const std::optional<kube::ServedApis>& served,
                               kube::Api& api, const Scope& at) {
  const std::string labels = manifest::selector_of(at.operation_id);
  const Projection marks{{"metadata.labels", "metadata.annotations", "metadata.deletionTimestamp"}};
  std::vector<kube::Read> reads{
      {.gvr = gvr::vm(), .ns = names.target_ns, .keep = marks},
      {.gvr = gvr::pvc(), .ns = names.target_ns, .labels = labels, .keep = marks},
      {.gvr = gvr::data_volume(),
       .ns = names.target_ns,
       .labels = labels,
       .keep = {{"metadata.labels", "metadata.annotations", "metadata.deletionTimestamp", "spec.source",
                 "status.phase"}}},
      {.gvr = speaking(gvr::vm_clone(), served), .ns = at.ns, .labels = labels, .keep = marks},
      {.gvr = speaking(gvr::vm_restore(), served), .ns = at.ns, .labels = labels, .keep = marks},
      {.gvr = speaking(gvr::vm_snapshot(), served), .ns = at.ns, .labels = labels, .keep = marks}};
  WUKONG_TRY(std::vector<kube::Fact> got, kube::fetch(api, std::move(reads)));
  Earlier earlier{.vms = std::move(got[0]),
                  .claims = std::move(got[1]),
                  .volumes = std::move(got[2]),
                  .clones = std::move(got[3]),
                  .restores = std::move(got[4])};
  for (const Json& snapshot : items(got[5].object, {"items"}))
    if (text(snapshot, {"metadata", "deletionTimestamp"}).empty())
      earlier.snapshot = kube::Fact::known(snapshot);
  return earlier;
}

Result<bool> was_made(const kube::Fact& list, const ObjectRef& ref, const manifest::Marks& marks) {
  for (const Json& object : items(list.object, {"items"})) {
    if (text(object, {"metadata", "name"}) != ref.name || operation_of(object) != marks.operation) continue;
    if (!text(object, {"metadata", "deletionTimestamp"}).empty())
      return refuse(describe(ref) + " is being deleted", "try again when it is gone");
    const std::string_view made_for = text(object, {"metadata", "annotations", mark::kRequestHash});
    if (!made_for.empty() && made_for != marks.request_hash)
      return refuse(
          fmt::format("operation {} has made {} for another request", marks.operation, describe(ref)),
          "repeat the command as it was typed first, with --resume");
    return true;
  }
  return false;
}

Result<std::set<std::string>> made_targets(const CloneNames& names, const Earlier& earlier,
                                           const manifest::Marks& marks) {
  std::set<std::string> made;
  for (const std::string& target : names.targets) {
    WUKONG_TRY(const bool there, was_made(earlier.vms, {gvr::vm(), names.target_ns, target}, marks));
    if (there) made.insert(target);
  }
  return made;
}

std::string resume_words(const Json& object) {
  const std::string id(operation_of(object));
  return id.empty() ? "" : fmt::format(" (made by operation {}; if that was cut off: --resume {})", id, id);
}

void add_made_target(op::Operation& operation, const CloneNames& names, const std::string& target,
                     const AfterMade& more) {
  const ObjectRef vm{gvr::vm(), names.target_ns, target};
  TargetSteps steps(operation, vm);
  const std::string usable = names.method == CloneMethod::native ? "usable" : "usable-" + target;
  const status::DisksWait disks{.ns = vm.ns, .vm = target};
  steps.add(usable, {}, op::Await{vm, status::watches_disks(disks), status::disks_judge(disks)},
            "it was made before: until its claims are bound, or wait for its first start");
  steps.add_after_made(more, usable);
}

std::string lost_snapshot_note(const CloneNames& names, const Earlier& earlier,
                               const std::set<std::string>& made) {
  if (names.from_snapshot || made.empty() || !earlier.snapshot.is_absent()) return {};
  if (made.size() == names.targets.size()) return {};
  return fmt::format("the snapshot that {} made from is gone: the others are made from a new one",
                     made.size() == 1 ? *made.begin() + " was" : fmt::format("{} VMs were", made.size()));
}

Error of_another_moment(std::string what, const std::string& cancel) {
  return refuse(std::move(what),
                "other disks would be of another moment; give it up, and begin anew: " + cancel);
}

Error lost_snapshot(const std::string& of, const std::string& cancel) {
  return of_another_moment(fmt::format("the snapshot that {} was made from is gone", of), cancel);
}

bool only_looks(const CloneNames& names, const Earlier& earlier, const std::set<std::string>& made) {
  return !names.from_snapshot && made.size() == names.targets.size() && earlier.snapshot.is_absent();
}

std::string resume_note(const Earlier& earlier, const Scope& at) {
  const auto any = [&](const kube::Fact& list) {
    const Json& all = items(list.object, {"items"});
    return std::any_of(all.begin(), all.end(),
                       [&](const Json& o) { return operation_of(o) == at.operation_id; });
  };
  if (earlier.snapshot.is_known() || any(earlier.vms) || any(earlier.claims) || any(earlier.volumes) ||
      any(earlier.clones) || any(earlier.restores))
    return fmt::format("going on with operation {}", at.operation_id);
  return fmt::format("nothing of operation {} was found: it begins from the start", at.operation_id);
}

}  // namespace wukong::commands
