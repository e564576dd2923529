#include "commands/clone_room.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/quantity.h"
#include "commands/clone_stop.h"
#include "commands/vm_argument.h"
#include "manifest/mac.h"

namespace wukong::commands {

namespace {

/// MAC address -> who wants it: "--new-mac" or "--keep-mac". Errors: `precondition`: two interfaces would have the same.
Result<std::map<std::uint64_t, std::string>> wanted_macs(const CloneNames& names, const CloneOptions& options,
                                                         const Json& source) {
  std::map<std::uint64_t, std::string> wanted;
  for (std::size_t number = 1; number <= names.targets.size(); ++number) {
    WUKONG_TRY(const manifest::VmShape shape, settle(options.shape, number, names.count));
    for (const auto& [name, mac] : shape.macs)
      if (!wanted.emplace(mac, "--new-mac").second)
        return refuse(
            fmt::format("--new-mac: two interfaces would have the MAC address {}", manifest::format_mac(mac)),
            "with --count each interface needs a range of its own");
  }
  if (!options.shape.keep_mac) return wanted;
  for (const Json& interface : items(source, {"spec", "template", "spec", "domain", "devices", "interfaces"}))
    if (const auto mac = manifest::parse_mac(text(interface, {"macAddress"})))
      wanted.emplace(*mac, "--keep-mac");
  return wanted;
}

}  // namespace

op::Charge charge_of(const CloneNames& names, const CopySource& source) {
  op::Charge charge{.ns = names.target_ns,
                    .objects = {{gvr::vm(), static_cast<std::int64_t>(names.targets.size())}}};
  for (const std::string& target : names.targets)
    for (const CopySource::Disk& disk : source.disks)
      charge.claims.push_back({.name = copied_claim(target, disk.volume),
                               .storage_class = std::string(text(disk.claim_spec, {"storageClassName"})),
                               .bytes = disk.bytes});
  return charge;
}

void charge_claims(op::Charge& charge, const CloneFacts& facts, std::size_t times) {
  for (std::size_t i = 0; i < facts.claims.size(); ++i) {
    const Json& spec = fields(facts.claims[i].object, {"spec"});
    const op::Charge::Claim like{.name = "copied from " + facts.claim_names[i],
                                 .storage_class = std::string(text(spec, {"storageClassName"})),
                                 .bytes = bytes_at(spec, {"resources", "requests", "storage"})};
    charge.claims.insert(charge.claims.end(), times, like);
  }
}

void charge_snapshot(op::Charge& charge, const Gvr& snapshot, std::size_t disks) {
  charge.objects.emplace_back(snapshot, 1);
  if (disks > 0) charge.objects.emplace_back(gvr::volume_snapshot(), static_cast<std::int64_t>(disks));
}

Result<void> check_macs(const CloneNames& names, const CloneOptions& options, const Json& source,
                        const kube::Fact& vms, const Scope& at) {
  WUKONG_TRY(const auto wanted, wanted_macs(names, options, source));
  if (wanted.empty()) return {};
  const auto check = [&](const Json& vm, const std::string& ns) -> Result<void> {
    if (!is_running(vm)) return {};
    for (const Json& interface : items(vm, {"spec", "template", "spec", "domain", "devices", "interfaces"})) {
      const auto mac = manifest::parse_mac(text(interface, {"macAddress"}));
      const auto found = mac ? wanted.find(*mac) : wanted.end();
      if (found == wanted.end() || (found->second == "--keep-mac" && !options.start)) continue;
      return refuse(fmt::format("{}: VirtualMachine {}/{}, which runs, has the MAC address {}", found->second,
                                ns, text(vm, {"metadata", "name"}), manifest::format_mac(*mac)),
                    "two VMs with one address disturb each other: choose another one, or stop that VM");
    }
    return {};
  };
  if (names.elsewhere && !names.from_snapshot) WUKONG_CHECK(check(source, at.ns));
  for (const Json& vm : items(vms.object, {"items"})) {
    const bool target = std::find(names.targets.begin(), names.targets.end(),
                                  text(vm, {"metadata", "name"})) != names.targets.end();
    if (!target) WUKONG_CHECK(check(vm, names.target_ns));
  }
  return {};
}

}  // namespace wukong::commands
