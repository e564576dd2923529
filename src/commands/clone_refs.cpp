#include "commands/clone_refs.h"

#include <fmt/format.h>

#include "base/text.h"
#include "commands/vm_argument.h"
#include "manifest/vm_references.h"

namespace wukong::commands {

namespace {

ObjectRef in(ObjectRef ref, const std::string& ns) {
  ref.ns = ns;
  return ref;
}

/// Secrets are copied by a body made late: it is in no plan. What a plan shows instead are their keys.
op::Create copy_of(const ReferenceFact& fact, const ObjectRef& there, const manifest::Marks& marks) {
  Json body = manifest::copied_object(fact.source.object, there);
  manifest::add_marks(body, marks);
  if (there.gvr.kind != "Secret") return {.ref = there, .body = std::move(body)};
  Json preview = body;
  for (const char* field : {"data", "stringData"}) preview.erase(field);
  for (const auto& [key, value] : fields(fact.source.object, {"data"}).items())
    preview["stringData"][key] = "<from " + describe(fact.here) + ">";
  return {.ref = there,
          .body = [body = std::move(body)](const op::Seen&) -> Result<Json> { return body; },
          .preview = std::move(preview)};
}

/// Why nothing of this kind can be copied, or "".
std::string never_copied(const Gvr& gvr) {
  if (gvr.kind == "ServiceAccount") return "its rights cannot be copied";
  if (gvr == gvr::pvc()) return "it is the base of an ephemeral disk, and its data is not copied";
  return {};
}

/// Why an object that is missing there cannot be copied, or "".
std::string cannot_copy(const ReferenceFact& fact) {
  if (text(fact.source.object, {"type"}) == "kubernetes.io/service-account-token")
    return "it belongs to a service account";
  if (fact.source.is_absent()) return "the source does not have it either";
  return fact.source.is_unreadable() ? "it cannot be read" : "";
}

}  // namespace

Result<std::vector<ReferenceFact>> gather_references(const CloneNames& names, const Json& vm, bool copy,
                                                     kube::Api& api, const Scope& at) {
  std::vector<ReferenceFact> facts;
  if (names.target_ns == at.ns) return facts;
  std::vector<kube::Read> reads;
  for (const ObjectRef& ref : manifest::references_of(vm, at.ns)) {
    facts.push_back({.here = ref});
    reads.push_back({.gvr = ref.gvr, .ns = names.target_ns, .name = ref.name, .keep = {{"metadata"}}});
    if (copy) reads.push_back({.gvr = ref.gvr, .ns = at.ns, .name = ref.name});
  }
  if (reads.empty()) return facts;
  WUKONG_TRY(std::vector<kube::Fact> got, kube::fetch(api, std::move(reads)));
  for (std::size_t i = 0, next = 0; i < facts.size(); ++i) {
    facts[i].there = std::move(got[next++]);
    if (copy) facts[i].source = std::move(got[next++]);
  }
  return facts;
}

Result<std::vector<std::string>> add_references(op::Operation& operation, const CloneNames& names,
                                                const std::vector<ReferenceFact>& facts, bool copy,
                                                const manifest::Marks& marks) {
  std::vector<std::string> ids;
  std::vector<std::string> missing;
  bool some_copied = false;  // with the flag
  for (const ReferenceFact& fact : facts) {
    const ObjectRef there = in(fact.here, names.target_ns);
    if (fact.there.is_unreadable())
      operation.notes.push_back(
          fmt::format("{} cannot be read, so it was not checked (needs: get {} in namespace {})",
                      describe(there), there.gvr.qualified(), there.ns));
    if (!fact.there.is_absent()) continue;
    std::string why = never_copied(fact.here.gvr);
    some_copied |= why.empty();
    if (copy && why.empty()) why = cannot_copy(fact);
    if (!copy || !why.empty()) {
      missing.push_back(why.empty() ? describe(there) : fmt::format("{}: {}", describe(there), why));
      continue;
    }
    // With several targets nobody can tell whether one of them needs it still: it stays, and is named.
    const std::string group = names.targets.size() == 1 ? names.target : "";
    const std::string id = fmt::format("copy-{}-{}", lower(there.gvr.kind), there.name);
    operation.steps.push_back({.id = id,
                               .action = copy_of(fact, there, marks),
                               .group = group,
                               .reason = fmt::format("a copy of the one in {}", fact.here.ns)});
    ids.push_back(id);
    if (!group.empty())
      operation.steps.push_back({.id = "undo-" + id,
                                 .action = op::Delete{there, id},
                                 .group = group,
                                 .phase = op::Phase::undo,
                                 .after = id});
  }
  if (missing.empty()) return ids;
  return refuse(fmt::format("the VM names objects that namespace {} does not have", names.target_ns),
                copy || !some_copied ? "make them there, and try again"
                                     : "--copy-refs copies what can be copied; or make them there",
                std::move(missing));
}

}  // namespace wukong::commands
