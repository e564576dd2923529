#include "sandbox/cluster.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "sandbox/admission.h"

namespace wukong::sandbox {
namespace {

constexpr std::string_view kSubdomainRule =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

std::string meta(const Json& object, std::string_view field) {
  return std::string(text(object, {"metadata", field}));
}

bool has_finalizers(const Json& object) {
  return !items(object, {"metadata", "finalizers"}).empty() || !items(object, {"spec", "finalizers"}).empty();
}

/// Everything but metadata and status counts for the generation, which only custom resources have.
void count_generation(const Kind& kind, Json& next, const Json& old) {
  const auto desired = [](Json object) {
    object.erase("metadata");
    object.erase("status");
    return object;
  };
  if (kind.is_custom() && desired(next) != desired(old))
    next["metadata"]["generation"] = integer(old, {"metadata", "generation"}).value_or(1) + 1;
}

std::optional<Refusal> check_version(const Kind& kind, const Json& wanted, const Json& stored) {
  const std::string name = meta(stored, "name");
  const std::string version = meta(wanted, "resourceVersion");
  if (version.empty() && kind.is_custom()) {
    Refusal refusal = conflict(kind, name, "");
    refusal.code = 422;
    refusal.reason = "Invalid";
    refusal.message = fmt::format(
        "{} \"{}\" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update",
        kind.qualified(), name);
    return refusal;
  }
  if (!version.empty() && version != meta(stored, "resourceVersion"))
    return conflict(
        kind, name,
        "the object has been modified; please apply your changes to the latest version and try again");
  const std::string uid = meta(wanted, "uid");
  if (uid.empty() || uid == meta(stored, "uid")) return std::nullopt;
  return conflict(kind, name,
                  fmt::format("Precondition failed: UID in precondition: {}, UID in object meta: {}", uid,
                              meta(stored, "uid")));
}

std::optional<Refusal> check_preconditions(const Kind& kind, const Preconditions& wanted,
                                           const Json& stored) {
  const std::string uid = meta(stored, "uid");
  const std::string version = meta(stored, "resourceVersion");
  const Kind called{.group = kind.group, .resource = kind.is_custom() ? kind.kind : kind.resource};
  if (!wanted.uid.empty() && wanted.uid != uid)
    return conflict(called, meta(stored, "name"),
                    fmt::format("the UID in the precondition ({}) does not match the UID in record ({}). The "
                                "object might have been deleted and then recreated",
                                wanted.uid, uid));
  if (!wanted.resource_version.empty() && wanted.resource_version != version)
    return conflict(called, meta(stored, "name"),
                    fmt::format("the ResourceVersion in the precondition ({}) does not match the "
                                "ResourceVersion in record ({}). The object might have been modified",
                                wanted.resource_version, version));
  return std::nullopt;
}

/// Keeps what the API does not let users change.
void keep_own_fields(const Kind& kind, Json& next, const Json& old) {
  for (const char* field : {"uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds",
                            "generation", "resourceVersion", "managedFields"})
    if (const Json* kept = find(old, {"metadata", field}))
      next["metadata"][field] = *kept;
    else
      next["metadata"].erase(field);
  next["apiVersion"] = kind.api_version();
  next["kind"] = kind.kind;
  if (!kind.has_status) return;
  next.erase("status");
  if (const Json* status = find(old, {"status"})) next["status"] = *status;
}

}  // namespace

std::optional<Refusal> Cluster::check_new(const Kind& kind, const Json& object) const {
  const std::string name = meta(object, "name");
  if (name.empty())
    return invalid(kind, name, {{"metadata.name", "Required value: name or generateName is required"}});
  if (!subdomain_problem(name).empty())
    return invalid(kind, name,
                   {{"metadata.name", fmt::format("Invalid value: \"{}\": {}", name, kSubdomainRule)}});
  if (!kind.namespaced) return std::nullopt;
  const std::string ns = meta(object, "namespace");
  const Object found = find("namespaces", "", ns);
  if (found == nullptr) return not_found(kind_named("namespaces"), ns);
  if (!is_deleting(*found)) return std::nullopt;
  return forbidden(
      kind, name,
      fmt::format("unable to create new content in namespace {} because it is being terminated", ns));
}

Reply<Object> Cluster::create(const Kind& kind, Json object, bool dry_run) {
  Json& metadata = object["metadata"];
  if (meta(object, "name").empty() && !meta(object, "generateName").empty())
    metadata["name"] = meta(object, "generateName") + make_suffix();
  if (!kind.namespaced) metadata.erase("namespace");
  if (auto refusal = check_new(kind, object)) return tl::unexpected(*refusal);
  keep_own_fields(kind, object, Json::object());
  metadata["uid"] = make_uid();
  metadata["creationTimestamp"] = timestamp();
  if (kind.is_custom()) metadata["generation"] = 1;
  if (auto refusal = admit(*this, kind, object, nullptr)) return tl::unexpected(*refusal);
  const std::string name = meta(object, "name");
  if (store_.find(kind, meta(object, "namespace"), name) != nullptr)
    return tl::unexpected(already_exists(kind, name));
  if (dry_run) return std::make_shared<const Json>(std::move(object));
  return store_.put(kind, std::move(object));
}

Reply<Object> Cluster::update(const Kind& kind, Json object, bool dry_run) {
  const Object old = store_.find(kind, meta(object, "namespace"), meta(object, "name"));
  if (old == nullptr) return tl::unexpected(not_found(kind, meta(object, "name")));
  if (auto refusal = check_version(kind, object, *old)) return tl::unexpected(*refusal);
  keep_own_fields(kind, object, *old);
  if (auto refusal = admit(*this, kind, object, old.get())) return tl::unexpected(*refusal);
  count_generation(kind, object, *old);
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
  if (!is_deleting(next) || has_finalizers(next)) return store_.put(kind, std::move(next));
  forget(kind, next);  // what it waited for is done
  return std::make_shared<const Json>(std::move(next));
}

Reply<Object> Cluster::remove(const Kind& kind, const std::string& ns, const std::string& name,
                              const Preconditions& wanted, bool dry_run) {
  Object old = store_.find(kind, ns, name);
  if (old == nullptr) return tl::unexpected(not_found(kind, name));
  if (auto refusal = check_preconditions(kind, wanted, *old)) return tl::unexpected(*refusal);
  if (is_deleting(*old)) return old;
  Json next = *old;
  next["metadata"]["deletionTimestamp"] = timestamp();
  next["metadata"]["deletionGracePeriodSeconds"] = 0;
  if (kind.is_custom())
    next["metadata"]["generation"] = integer(*old, {"metadata", "generation"}).value_or(1) + 1;
  if (kind.resource == "namespaces") next["status"]["phase"] = "Terminating";
  if (!dry_run && has_finalizers(next)) return store_.put(kind, std::move(next));
  if (!dry_run) forget(kind, *old);
  return std::make_shared<const Json>(std::move(next));
}

void Cluster::forget(const Kind& kind, const Json& object) {
  store_.erase(kind, meta(object, "namespace"), meta(object, "name"));
  std::erase_if(waits_, [&](const auto& wait) { return wait.first.first == meta(object, "uid"); });
}

Object Cluster::find(std::string_view resource, std::string_view ns, std::string_view name) const {
  return store_.find(kind_named(resource), std::string(ns), std::string(name));
}

std::vector<Object> Cluster::list(std::string_view resource, std::string_view ns) const {
  return store_.list(kind_named(resource), std::string(ns));
}

void Cluster::merge(std::string_view resource, const Json& object, const Json& patch) {
  const Object stored = find(resource, meta(object, "namespace"), meta(object, "name"));
  if (stored == nullptr || !same_uid(*stored, object)) return;
  Json next = *stored;
  next.merge_patch(patch);
  count_generation(kind_named(resource), next, *stored);
  (void)replace(kind_named(resource), stored, std::move(next), false);
}

void Cluster::show(std::string_view resource, const Json& object, std::initializer_list<Condition> conditions,
                   Json status) {
  const Object stored = find(resource, meta(object, "namespace"), meta(object, "name"));
  if (stored == nullptr) return;
  Json all = items(*stored, {"status", "conditions"});
  for (const Condition& each : conditions) {
    const Json* before = condition(*stored, each.type);
    const bool same = before != nullptr && text(*before, {"status"}) == each.status;
    Json next = {{"type", each.type}, {"status", each.status}, {"lastTransitionTime", timestamp()}};
    next["lastProbeTime"] = each.message.empty() ? Json(nullptr) : next["lastTransitionTime"];
    if (same)
      for (const char* time : {"lastTransitionTime", "lastProbeTime"}) next[time] = before->at(time);
    if (!each.reason.empty()) next["reason"] = each.reason;
    if (!each.message.empty()) next["message"] = each.message;
    const auto slot = std::find_if(all.begin(), all.end(),
                                   [&](const Json& one) { return text(one, {"type"}) == each.type; });
    if (slot == all.end())
      all.push_back(std::move(next));
    else
      *slot = std::move(next);
  }
  status["conditions"] = std::move(all);
  merge(resource, object, {{"status", std::move(status)}});
}

void Cluster::remove(std::string_view resource, const Json& object) {
  (void)remove(kind_named(resource), meta(object, "namespace"), meta(object, "name"),
               {.uid = meta(object, "uid")});
}

void Cluster::add_finalizer(std::string_view resource, const Json& object, std::string_view finalizer) {
  const Object stored = find(resource, meta(object, "namespace"), meta(object, "name"));
  if (stored == nullptr) return;
  Json all = items(*stored, {"metadata", "finalizers"});
  if (std::find(all.begin(), all.end(), Json(finalizer)) != all.end()) return;
  all.push_back(finalizer);
  merge(resource, object, {{"metadata", {{"finalizers", std::move(all)}}}});
}

void Cluster::drop_finalizer(std::string_view resource, const Json& object, std::string_view finalizer) {
  const Object stored = find(resource, meta(object, "namespace"), meta(object, "name"));
  if (stored == nullptr) return;
  Json kept = Json::array();
  for (const Json& each : items(*stored, {"metadata", "finalizers"}))
    if (each != Json(finalizer)) kept.push_back(each);
  merge(resource, object, {{"metadata", {{"finalizers", kept.empty() ? Json(nullptr) : kept}}}});
}

void Cluster::tell(const Json& about, std::string_view type, std::string_view reason,
                   const std::string& message, std::string_view component) {
  const std::string ns = meta(about, "namespace").empty() ? "default" : meta(about, "namespace");
  std::string& name = told_[fmt::format("{}/{}/{}", meta(about, "uid"), reason, message)];
  if (const Object before = find("events", ns, name))
    return merge("events", *before,
                 {{"count", integer(*before, {"count"}).value_or(1) + 1}, {"lastTimestamp", timestamp()}});
  name = fmt::format("{}.{:016x}", meta(about, "name"), random_());
  const Json event = {{"metadata", {{"name", name}, {"namespace", ns}}},
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
                      {"lastTimestamp", timestamp()},
                      {"count", 1},
                      {"type", type},
                      {"eventTime", nullptr},
                      {"reportingComponent", component},
                      {"reportingInstance", ""}};
  (void)create(kind_named("events"), event);
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

std::string Cluster::make_suffix() {
  constexpr std::string_view kLetters = "bcdfghjklmnpqrstvwxz2456789";  // as Kubernetes' own
  std::string suffix;
  while (suffix.size() < 5) suffix += kLetters[random_() % kLetters.size()];
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

}  // namespace wukong::sandbox
