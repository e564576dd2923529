// The reads of `clone` by method cdi, and what it refuses because of them.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/text.h"
#include "commands/clone_cdi.h"
#include "commands/clone_parts.h"
#include "commands/vm_argument.h"

namespace wukong::commands {

namespace {

constexpr double kMebibyte = 1024 * 1024;

/// Each class has a profile, and everybody may read those.
Result<void> check_class(const std::string& name, const CdiFacts& facts) {
  const kube::Fact& known = facts.classes.is_known() ? facts.classes : facts.profiles;
  if (!known.is_known() || has_name(known, name)) return {};
  std::vector<std::string> names;
  for (const Json& each : items(known.object, {"items"}))
    names.emplace_back(text(each, {"metadata", "name"}));
  const std::string meant = closest(name, names);
  return refuse(fmt::format("StorageClass {} does not exist", name),
                !meant.empty() ? fmt::format("did you mean {}?", meant)
                               : fmt::format("there are: {}", fmt::join(names, ", ")));
}

Result<void> check_linked(const CopySource::Disk& disk, const std::string& name, const CdiFacts& facts) {
  const std::string hint = "leave out --type linked, or choose a class that can: kubectl get storageprofiles";
  const Json* mine = named(facts.profiles, name);
  const Json* source = named(facts.profiles, disk.from_class);
  if (mine == nullptr) return {};
  const std::string_view strategy = text(*mine, {"status", "cloneStrategy"});
  if (strategy == "copy")
    return refuse(fmt::format("--type linked: disks of StorageClass {} can only be copied in full", name),
                  hint, {fmt::format("StorageProfile {}: cloneStrategy copy", name)});
  if (source != nullptr && text(*source, {"status", "provisioner"}) != text(*mine, {"status", "provisioner"}))
    return refuse(fmt::format("--type linked: disk {} is of StorageClass {}, whose driver is not that of {}",
                              disk.volume, disk.from_class, name),
                  hint);
  return {};
}

/// Part of a volume of this class that CDI keeps for the file system, 0.06 for six percent.
double overhead(const CdiFacts& facts, std::string_view storage_class) {
  const Json& told = fields(facts.config.object, {"status", "filesystemOverhead"});
  std::string_view word = text(told, {"storageClass", storage_class});
  if (word.empty()) word = text(told, {"global"});
  double part = 0;
  std::from_chars(word.data(), word.data() + word.size(), part);
  return part > 0 && part < 1 ? part : 0;
}

}  // namespace

Result<CdiFacts> gather_cdi(const CloneNames& names, CloneFacts base, kube::Api& api, const Scope& scope) {
  WUKONG_TRY(CopyFacts copies, gather_copies(names, std::move(base), api, scope));
  CdiFacts facts{.copies = std::move(copies)};
  std::vector<kube::Read> reads{
      {.gvr = gvr::data_volume(), .ns = names.target_ns, .keep = {{"metadata.labels"}}},
      {.gvr = gvr::storage_class(), .keep = {{"provisioner", "volumeBindingMode", "allowVolumeExpansion"}}},
      {.gvr = gvr::storage_profile(),
       .keep = {{"status.provisioner", "status.cloneStrategy", "status.snapshotClass"}}},
      {.gvr = {"cdi.kubevirt.io", "v1beta1", "cdiconfigs", "CDIConfig"},
       .name = "config",
       .keep = {{"status.filesystemOverhead"}}}};
  if (names.target_ns != scope.ns)
    reads.push_back(
        {.gvr = {"", "v1", "namespaces", "Namespace"}, .name = names.target_ns, .keep = {{"status"}}});
  WUKONG_TRY(std::vector<kube::Fact> got, kube::fetch(api, std::move(reads)));
  facts.volumes = std::move(got[0]);
  facts.classes = std::move(got[1]);
  facts.profiles = std::move(got[2]);
  facts.config = std::move(got[3]);
  facts.target_namespace = got.size() > 4 ? std::move(got[4]) : kube::Fact::known(Json::object());
  return facts;
}

Result<void> check_cdi(const CloneNames& names, const CopySource& source, const CdiFacts& facts,
                       const Scope& at) {
  const auto& served = facts.copies.base.served;
  if (served && !kube::spoken(gvr::data_volume(), *served))
    return refuse(
        "this cluster does not serve CDI (cdi.kubevirt.io), which method cdi needs",
        "install CDI, or give the disks' StorageClass a VolumeSnapshotClass and use another method");
  if (facts.target_namespace.is_absent())
    return refuse(fmt::format("namespace {} does not exist", names.target_ns),
                  fmt::format("kubectl create namespace {}{}", names.target_ns, at.flags));
  for (const CopySource::Disk& disk : source.disks) {
    const std::string name(text(disk.claim_spec, {"storageClassName"}));
    if (name.empty())
      return refuse(fmt::format("disk {} of {} has no StorageClass, and CDI needs one to copy to",
                                disk.volume, names.source),
                    "say which: --storage-class NAME");
    WUKONG_CHECK(check_class(name, facts));
    if (names.disks.type == CloneType::linked) WUKONG_CHECK(check_linked(disk, name, facts));
  }
  return {};
}

std::int64_t disk_bytes(const CopySource::Disk& disk, const CdiFacts& facts, std::string_view old_class) {
  const std::string_view now = text(disk.claim_spec, {"storageClassName"});
  const bool blocks = text(disk.claim_spec, {"volumeMode"}) == "Block";
  const double before = 1 + overhead(facts, old_class);
  const double after = 1 + overhead(facts, now);
  if (blocks || now == old_class || after <= before) return disk.bytes;
  const double mebibytes = static_cast<double>(disk.bytes) / kMebibyte * after / before;
  return static_cast<std::int64_t>(std::ceil(mebibytes) * kMebibyte);
}

void charge_filling(op::Charge& charge, const CdiFacts& facts, bool at_once) {
  const op::Charge::Claim* largest = nullptr;
  for (const op::Charge::Claim& claim : charge.claims) {
    const Json* storage_class = named(facts.classes, claim.storage_class);
    if (storage_class == nullptr) continue;
    if (!at_once && text(*storage_class, {"volumeBindingMode"}) == "WaitForFirstConsumer") continue;
    if (largest == nullptr || claim.bytes > largest->bytes) largest = &claim;
  }
  if (largest == nullptr) return;
  charge.why_more =
      fmt::format("CDI fills {} through a temporary claim, which counts meanwhile", largest->name);
  charge.claims.push_back(op::Charge::Claim(*largest));
}

std::vector<std::string> fill_words(const std::vector<status::Fill>& fills, CloneType asked) {
  std::vector<std::string> copied;
  std::vector<std::string> snapshots;
  std::vector<std::string> clones;
  for (const status::Fill& fill : fills) {
    const std::string why = fill.reason.empty() ? "" : fmt::format(" ({})", fill.reason);
    if (fill.type == "copy") copied.push_back(fill.name + why);
    if (fill.type == "snapshot") snapshots.push_back(fill.name);
    if (fill.type == "csi-clone") clones.push_back(fill.name);
  }
  const char* sharing = "whether blocks are shared with the source is its driver's matter";
  std::vector<std::string> lines;
  if (!copied.empty())
    lines.push_back(fmt::format("{}copied in full: {}",
                                asked == CloneType::linked ? "not linked, as asked, but " : "",
                                fmt::join(copied, ", ")));
  const char* despite = asked == CloneType::full ? "not copied in full, as asked, but " : "";
  if (!snapshots.empty())
    lines.push_back(fmt::format("{}made from a snapshot by the storage: {}; {}", despite,
                                fmt::join(snapshots, ", "), sharing));
  if (!clones.empty())
    lines.push_back(
        fmt::format("{}cloned by the storage: {}; {}", despite, fmt::join(clones, ", "), sharing));
  return lines;
}

}  // namespace wukong::commands
