#include "commands/quota.h"

#include <fmt/format.h>

#include <map>

#include "base/quantity.h"
#include "base/text.h"
#include "commands/vm_argument.h"

namespace wukong::commands {

namespace {

/// What comes on top, by the names that quotas use. Source: kubernetes pkg/quota/v1/evaluator/core/persistent_volume_claims.go
/// and object_count_evaluator: "count/<resource>.<group>".
std::map<std::string, std::int64_t> wanted_by(const op::Charge& charge) {
  std::map<std::string, std::int64_t> wanted;
  for (const op::Charge::Claim& claim : charge.claims) {
    ++wanted["persistentvolumeclaims"];
    ++wanted["count/persistentvolumeclaims"];
    wanted["requests.storage"] += claim.bytes;
    if (claim.storage_class.empty()) continue;
    const std::string of_class = claim.storage_class + ".storageclass.storage.k8s.io/";
    ++wanted[of_class + "persistentvolumeclaims"];
    wanted[of_class + "requests.storage"] += claim.bytes;
  }
  for (const auto& [kind, count] : charge.objects) {
    wanted["count/" + kind.qualified()] += count;
    if (kind.group.empty()) wanted[kind.resource] += count;
  }
  return wanted;
}

/// Bytes or a plain number, as the name of the resource wants it.
std::string amount(std::string_view resource, std::int64_t value) {
  return resource.ends_with("requests.storage") ? format_quantity({value}) : std::to_string(value);
}

Result<void> check_quota(const Json& quota, const std::map<std::string, std::int64_t>& wanted,
                         const op::Charge& charge, const std::string& where) {
  const std::string& ns = charge.ns;
  if (!items(quota, {"spec", "scopes"}).empty() || !fields(quota, {"spec", "scopeSelector"}).empty())
    return {};
  const std::string_view name = text(quota, {"metadata", "name"});
  for (const auto& [resource, limit] : fields(quota, {"status", "hard"}).items()) {
    const auto more = wanted.find(resource);
    if (more == wanted.end() || more->second == 0) continue;
    const std::int64_t hard = bytes_at(quota, {"status", "hard", resource});
    const std::int64_t used = bytes_at(quota, {"status", "used", resource});
    if (used + more->second <= hard) continue;
    return refuse(
        fmt::format(
            "quota {} of namespace {} leaves no room: {} is limited to {}, {} used, and {} more would come",
            printable(name), ns, printable(resource), amount(resource, hard), amount(resource, used),
            amount(resource, more->second)),
        fmt::format("make room or have it raised: kubectl describe resourcequota {} {}", printable(name),
                    where),
        charge.why_more.empty() ? std::vector<std::string>{} : std::vector<std::string>{charge.why_more});
  }
  return {};
}

Result<void> check_limit(const Json& range, const op::Charge::Claim& claim, const std::string& ns,
                         const std::string& where) {
  for (const Json& limit : items(range, {"spec", "limits"})) {
    if (text(limit, {"type"}) != "PersistentVolumeClaim") continue;
    const auto least = parse_quantity(text(limit, {"min", "storage"}));
    const auto most = parse_quantity(text(limit, {"max", "storage"}));
    const bool small = least && claim.bytes < least->count;
    if (!small && (!most || claim.bytes <= most->count)) continue;
    return refuse(
        fmt::format("LimitRange {} of namespace {} does not allow disk {}: it has {}, and a claim {} {}",
                    printable(text(range, {"metadata", "name"})), ns, claim.name,
                    format_quantity({claim.bytes}), small ? "has at least" : "has at most",
                    format_quantity(small ? *least : *most)),
        fmt::format("kubectl describe limitrange {} {}", printable(text(range, {"metadata", "name"})),
                    where));
  }
  return {};
}

}  // namespace

Gvr quota_kind() { return {"", "v1", "resourcequotas", "ResourceQuota"}; }
Gvr limit_range_kind() { return {"", "v1", "limitranges", "LimitRange"}; }

Result<void> check_quotas(const op::Charge& charge, const QuotaFacts& facts, const Scope& at) {
  const std::string where = at.in(charge.ns).where();
  const std::map<std::string, std::int64_t> wanted = wanted_by(charge);
  for (const Json& quota : items(facts.quotas.object, {"items"}))
    WUKONG_CHECK(check_quota(quota, wanted, charge, where));
  for (const Json& range : items(facts.limits.object, {"items"}))
    for (const op::Charge::Claim& claim : charge.claims)
      WUKONG_CHECK(check_limit(range, claim, charge.ns, where));
  return {};
}

std::vector<kube::Permission> quota_reads(const std::string& ns) {
  std::vector<kube::Permission> out;
  for (const Gvr& kind : {quota_kind(), limit_range_kind()})
    out.push_back({.verb = "list", .resource = kind.resource, .ns = ns});
  return out;
}

}  // namespace wukong::commands
