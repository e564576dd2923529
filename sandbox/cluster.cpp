#include "sandbox/cluster.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>

#include "base/text.h"
#include "sandbox/admission.h"

namespace wukong::sandbox {
namespace {

std::string meta(const Json& object, std::string_view field) {
  return std::string(text(object, {"metadata", field}));
}

bool has_finalizers(const Json& object) {
  return !items(object, {"metadata", "finalizers"}).empty() || !items(object, {"spec", "finalizers"}).empty();
}

/// Everything but metadata and status counts for the generation.
Json desired(Json object) {
  object.erase("metadata");
  object.erase("status");
  return object;
}

void mark_deleted(const Kind& kind, Json& object, const std::string& timestamp) {
  Json& metadata = object["metadata"];
  metadata["deletionTimestamp"] = timestamp;
  metadata["deletionGracePeriodSeconds"] = 0;
  metadata["generation"] = integer(object, {"metadata", "generation"}).value_or(1) + 1;
  if (kind.resource == "namespaces") object["status"]["phase"] = "Terminating";
}

std::optional<Refusal> check_version(const Kind& kind, const Json& wanted, const Json& stored) {
  const std::string version = meta(wanted, "resourceVersion");
  if (!version.empty() && version != meta(stored, "resourceVersion"))
    return conflict(kind, meta(stored, "name"));
  const std::string uid = meta(wanted, "uid");
  if (uid.empty() || uid == meta(stored, "uid")) return std::nullopt;
  return conflict(kind, meta(stored, "name"),
                  fmt::format("Precondition failed: UID in precondition: {}, UID in object meta: {}", uid,
                              meta(stored, "uid")));
}

std::optional<Refusal> check_deletion(const Kind& kind, const Deletion& deletion, const Json& stored) {
  const std::string name = meta(stored, "name");
  if (!deletion.uid.empty() && deletion.uid != meta(stored, "uid"))
    return conflict(kind, name,
                    fmt::format("the UID in the precondition ({}) does not match the UID in record ({}). The "
                                "object might have been deleted and then recreated",
                                deletion.uid, meta(stored, "uid")));
  if (!deletion.resource_version.empty() && deletion.resource_version != meta(stored, "resourceVersion"))
    return conflict(kind, name,
                    fmt::format("the ResourceVersion in the precondition ({}) does not match the "
                                "ResourceVersion in record ({}). The object might have been modified",
                                deletion.resource_version, meta(stored, "resourceVersion")));
  return std::nullopt;
}

}  // namespace

Cluster::Cluster(Clock clock, double speed, std::uint64_t seed)
    : clock_(std::move(clock)), speed_(speed), random_(seed) {}

std::optional<Refusal> Cluster::check_namespace(const Kind& kind, const Json& object) const {
  if (!kind.namespaced) return std::nullopt;
  const std::string ns = meta(object, "namespace");
  const Object found = find("namespaces", "", ns);
  if (found == nullptr) return not_found(kind_named("namespaces"), ns);
  if (!is_deleting(*found)) return std::nullopt;
  return forbidden(
      kind, meta(object, "name"),
      fmt::format("unable to create new content in namespace {} because it is being terminated", ns));
}

Reply<Object> Cluster::create(const Kind& kind, Json object, bool dry_run) {
  Json& metadata = object["metadata"];
  if (meta(object, "name").empty() && !meta(object, "generateName").empty())
    metadata["name"] = meta(object, "generateName") + make_suffix();
  if (!kind.namespaced) metadata.erase("namespace");
  const std::string name = meta(object, "name");
  if (name.empty())
    return tl::unexpected(
        invalid(kind, name, "metadata.name", "Required value: name or generateName is required"));
  if (const std::string problem = subdomain_problem(name); !problem.empty())
    return tl::unexpected(
        invalid(kind, name, "metadata.name", fmt::format("Invalid value: \"{}\": {}", name, problem)));
  if (auto refusal = check_namespace(kind, object)) return tl::unexpected(*refusal);

  for (const char* field :
       {"resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds", "managedFields", "selfLink"})
    metadata.erase(field);
  metadata["uid"] = make_uid();
  metadata["creationTimestamp"] = timestamp();
  metadata["generation"] = 1;
  object["apiVersion"] = kind.api_version();
  object["kind"] = kind.kind;
  if (kind.has_status) object.erase("status");
  if (auto refusal = admit(*this, kind, object, nullptr)) return tl::unexpected(*refusal);
  if (store_.find(kind, meta(object, "namespace"), name) != nullptr)
    return tl::unexpected(already_exists(kind, name));
  if (dry_run) return std::make_shared<const Json>(std::move(object));
  return store_.put(kind, std::move(object));
}

Reply<Object> Cluster::update(const Kind& kind, Json object, bool dry_run) {
  const Object old = store_.find(kind, meta(object, "namespace"), meta(object, "name"));
  if (old == nullptr) return tl::unexpected(not_found(kind, meta(object, "name")));
  if (auto refusal = check_version(kind, object, *old)) return tl::unexpected(*refusal);
  for (const char* field : {"uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds",
                            "generation", "resourceVersion"}) {
    const Json* kept = wukong::find(*old, {"metadata", field});
    if (kept != nullptr)
      object["metadata"][field] = *kept;
    else
      object["metadata"].erase(field);
  }
  object["metadata"].erase("managedFields");
  object["apiVersion"] = kind.api_version();
  object["kind"] = kind.kind;
  if (kind.has_status) {
    if (const Json* status = wukong::find(*old, {"status"}))
      object["status"] = *status;
    else
      object.erase("status");
  }
  if (auto refusal = admit(*this, kind, object, old.get())) return tl::unexpected(*refusal);
  if (desired(object) != desired(*old))
    object["metadata"]["generation"] = integer(*old, {"metadata", "generation"}).value_or(1) + 1;
  return replace(kind, old, std::move(object), dry_run);
}

Reply<Object> Cluster::update_status(const Kind& kind, const Json& object, bool dry_run) {
  const Object old = store_.find(kind, meta(object, "namespace"), meta(object, "name"));
  if (old == nullptr) return tl::unexpected(not_found(kind, meta(object, "name")));
  if (auto refusal = check_version(kind, object, *old)) return tl::unexpected(*refusal);
  Json next = *old;
  next["status"] = fields(object, {"status"});
  return replace(kind, old, std::move(next), dry_run);
}

Reply<Object> Cluster::replace(const Kind& kind, const Object& old, Json next, bool dry_run) {
  if (next == *old) return old;
  if (dry_run) return std::make_shared<const Json>(std::move(next));
  const bool last_step = is_deleting(next) && !has_finalizers(next);
  Object stored = store_.put(kind, std::move(next));
  if (last_step) forget(kind, *stored);
  return stored;
}

Reply<Object> Cluster::remove(const Kind& kind, const std::string& ns, const std::string& name,
                              const Deletion& deletion) {
  const Object old = store_.find(kind, ns, name);
  if (old == nullptr) return tl::unexpected(not_found(kind, name));
  if (auto refusal = check_deletion(kind, deletion, *old)) return tl::unexpected(*refusal);
  Json next = *old;
  if (deletion.propagation == "Foreground") next["metadata"]["finalizers"].push_back("foregroundDeletion");
  if (!is_deleting(*old)) mark_deleted(kind, next, timestamp());
  if (deletion.dry_run) return std::make_shared<const Json>(std::move(next));
  if (deletion.propagation == "Orphan") orphan_dependents(meta(*old, "uid"));
  if (!has_finalizers(next)) {
    forget(kind, *old);
    return std::make_shared<const Json>(std::move(next));
  }
  return is_deleting(*old) ? old : store_.put(kind, std::move(next));
}

void Cluster::forget(const Kind& kind, const Json& object) {
  const std::string uid = meta(object, "uid");
  store_.erase(kind, meta(object, "namespace"), meta(object, "name"));
  auto each = waits_.lower_bound({uid, ""});
  while (each != waits_.end() && each->first.first == uid) each = waits_.erase(each);
}

void Cluster::orphan_dependents(std::string_view uid) {
  for (const Kind& kind : all_kinds())
    for (const Object& each : store_.list(kind)) {
      const Json& owners = items(*each, {"metadata", "ownerReferences"});
      const bool owned = std::any_of(owners.begin(), owners.end(),
                                     [&](const Json& owner) { return text(owner, {"uid"}) == uid; });
      if (!owned) continue;
      edit(kind.resource, *each, [&](Json& object) {
        Json kept = Json::array();
        for (const Json& owner : items(object, {"metadata", "ownerReferences"}))
          if (text(owner, {"uid"}) != uid) kept.push_back(owner);
        object["metadata"]["ownerReferences"] = std::move(kept);
      });
    }
}

Object Cluster::find(std::string_view resource, std::string_view ns, std::string_view name) const {
  return store_.find(kind_named(resource), std::string(ns), std::string(name));
}

std::vector<Object> Cluster::list(std::string_view resource, std::string_view ns) const {
  return store_.list(kind_named(resource), std::string(ns));
}

void Cluster::edit(std::string_view resource, const Json& object, const std::function<void(Json&)>& change) {
  const Object stored = find(resource, meta(object, "namespace"), meta(object, "name"));
  if (stored == nullptr || !same_uid(*stored, object)) return;
  Json next = *stored;
  change(next);
  // What a controller writes is not refused: only users meet the webhooks' locks.
  const Kind& kind = kind_named(resource);
  if (desired(next) != desired(*stored))
    next["metadata"]["generation"] = integer(*stored, {"metadata", "generation"}).value_or(1) + 1;
  (void)replace(kind, stored, std::move(next), false);
}

void Cluster::edit_status(std::string_view resource, const Json& object,
                          const std::function<void(Json&)>& change) {
  edit(resource, object, [&](Json& next) {
    Json status = fields(next, {"status"});
    change(status);
    next["status"] = std::move(status);
  });
}

void Cluster::remove(std::string_view resource, const Json& object) {
  (void)remove(kind_named(resource), meta(object, "namespace"), meta(object, "name"),
               {.uid = meta(object, "uid")});
}

void Cluster::add_finalizer(std::string_view resource, const Json& object, std::string_view finalizer) {
  edit(resource, object, [&](Json& next) {
    Json& all = next["metadata"]["finalizers"];
    if (std::find(all.begin(), all.end(), Json(finalizer)) == all.end()) all.push_back(finalizer);
  });
}

void Cluster::drop_finalizer(std::string_view resource, const Json& object, std::string_view finalizer) {
  edit(resource, object, [&](Json& next) {
    Json kept = Json::array();
    for (const Json& each : items(next, {"metadata", "finalizers"}))
      if (each != Json(finalizer)) kept.push_back(each);
    if (kept.empty())
      next["metadata"].erase("finalizers");
    else
      next["metadata"]["finalizers"] = std::move(kept);
  });
}

void Cluster::tell(const Json& about, std::string_view type, std::string_view reason,
                   const std::string& message, std::string_view component) {
  const Kind& events = kind_named("events");
  std::string ns = meta(about, "namespace");
  if (ns.empty()) ns = "default";
  std::string& name = told_[fmt::format("{}/{}/{}", meta(about, "uid"), reason, message)];
  Json event = nullptr;
  if (const Object before = store_.find(events, ns, name); !name.empty() && before != nullptr) {
    event = *before;
    event["count"] = integer(event, {"count"}).value_or(1) + 1;
  } else {
    if (find("namespaces", "", ns) == nullptr) return;
    name = fmt::format("{}.{:016x}", meta(about, "name"), random_());
    event = {{"kind", "Event"},
             {"apiVersion", "v1"},
             {"metadata",
              {{"name", name}, {"namespace", ns}, {"uid", make_uid()}, {"creationTimestamp", timestamp()}}},
             {"involvedObject",
              {{"kind", text(about, {"kind"})},
               {"namespace", meta(about, "namespace")},
               {"name", meta(about, "name")},
               {"uid", meta(about, "uid")},
               {"apiVersion", text(about, {"apiVersion"})},
               {"resourceVersion", meta(about, "resourceVersion")}}},
             {"reason", reason},
             {"message", message},
             {"source", {{"component", component}}},
             {"firstTimestamp", timestamp()},
             {"count", 1},
             {"type", type},
             {"eventTime", nullptr},
             {"reportingComponent", component},
             {"reportingInstance", ""}};
  }
  event["lastTimestamp"] = timestamp();
  store_.put(events, std::move(event));
}

Millis Cluster::scaled(Millis time) const {
  return Millis(static_cast<std::int64_t>(static_cast<double>(time.count()) / speed_));
}

void Cluster::wake_at(Millis when) {
  if (!wake_up_ || when < *wake_up_) wake_up_ = when;
}

bool Cluster::waited(const Json& object, std::string_view what, Millis time) {
  const auto [began, _] = waits_.try_emplace({meta(object, "uid"), std::string(what)}, running());
  const Millis end = began->second + scaled(time);
  if (running() >= end) return true;
  wake_at(end);
  return false;
}

bool Cluster::due(const Json& object, std::string_view what, Millis period) {
  const auto [last, first] = waits_.try_emplace({meta(object, "uid"), std::string(what)}, running());
  const bool now_due = first || running() >= last->second + scaled(period);
  if (now_due) last->second = running();
  wake_at(last->second + scaled(period));
  return now_due;
}

std::string Cluster::make_uid() {
  const std::uint64_t a = random_();
  const std::uint64_t b = random_();
  return fmt::format("{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}", a >> 32U, (a >> 16U) & 0xffffU, a & 0xfffU,
                     0x8000U | ((b >> 48U) & 0x3fffU), b & 0xffffffffffffU);
}

std::string Cluster::make_suffix(std::size_t length) {
  constexpr std::string_view kLetters = "bcdfghjklmnpqrstvwxz2456789";  // as Kubernetes' own
  std::string suffix;
  while (suffix.size() < length) suffix += kLetters[random_() % kLetters.size()];
  return suffix;
}

std::string name_of(const Json& object) { return meta(object, "name"); }
std::string uid_of(const Json& object) { return meta(object, "uid"); }
std::string ns_of(const Json& object) { return meta(object, "namespace"); }

bool is_deleting(const Json& object) { return !text(object, {"metadata", "deletionTimestamp"}).empty(); }

Json owner_reference(const Json& owner) {
  return {{"apiVersion", text(owner, {"apiVersion"})},
          {"kind", text(owner, {"kind"})},
          {"name", meta(owner, "name")},
          {"uid", meta(owner, "uid")},
          {"controller", true},
          {"blockOwnerDeletion", true}};
}

void set_condition(Json& status, std::string_view type, std::string_view value, std::string_view reason,
                   const std::string& timestamp, std::string_view message) {
  Json& conditions = status["conditions"];
  Json next = {
      {"type", type}, {"status", value}, {"lastProbeTime", nullptr}, {"lastTransitionTime", timestamp}};
  if (!reason.empty()) next["reason"] = reason;
  if (!message.empty()) next["message"] = message;
  for (Json& each : conditions) {
    if (text(each, {"type"}) != type) continue;
    if (text(each, {"status"}) == value) next["lastTransitionTime"] = each["lastTransitionTime"];
    each = std::move(next);
    return;
  }
  conditions.push_back(std::move(next));
}

}  // namespace wukong::sandbox
