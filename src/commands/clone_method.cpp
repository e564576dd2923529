#include "commands/clone_method.h"

#include <fmt/format.h>

#include <algorithm>

#include "commands/vm_argument.h"
#include "status/vm_disks.h"

namespace wukong::commands {

namespace {

/// What only CDI can do, in words; "" when nothing of it is asked for.
std::string only_cdi(const CloneNames& names) {
  const DiskChoice& disks = names.disks;
  if (names.elsewhere) return "the new VM shall be in another namespace";
  if (disks.type == CloneType::full) return "a full copy is asked for";
  if (!disks.storage_class.empty()) return "another StorageClass is asked for";
  if (disks.bind) return "the disks shall be filled at once";
  return {};
}

/// What KubeVirt's own clone cannot do, in words; "" when it can do all that is asked.
std::string beyond_native(const CloneNames& names, const CloneOptions& o) {
  if (o.count > 0)
    return "all targets come from one snapshot; clones of the VM itself would wait in one queue";
  if (std::string cdi = only_cdi(names); !cdi.empty()) return cdi;
  if (const std::string flag = flag_for_disks(names.disks); !flag.empty())
    return flag + " chooses or changes disks";
  return {};
}

/// Why a snapshot of the source would lack a chosen disk, or "". A disk of which KubeVirt has not said anything yet is none.
std::string unsnapped(const CloneNames& names, const CloneFacts& facts) {
  if (!facts.source.is_known()) return {};
  for (const status::LeftOut& disk : status::disks_without_snapshot(facts.source.object))
    if (!disk.reason.empty() && is_chosen(names.disks, disk.volume))
      return fmt::format("disk {} cannot be snapshotted: {}", disk.volume, disk.reason);
  return {};
}

bool serves(const CloneFacts& facts, const Gvr& gvr) {
  return facts.served && kube::spoken(gvr, *facts.served);
}

/// The right to make claims like the source's.
bool has_claims(const CloneFacts& facts) {
  return facts.may_make_claims && std::none_of(facts.claims.begin(), facts.claims.end(),
                                               [](const kube::Fact& f) { return f.is_unreadable(); });
}

CloneMethod method_of(const std::string& word) {
  if (word == "cdi") return CloneMethod::cdi;
  return word == "snapshot" ? CloneMethod::snapshot : CloneMethod::native;
}

}  // namespace

Result<void> check_method_words(const CloneNames& names, const CloneOptions& o) {
  const std::string beyond = beyond_native(names, o);
  const std::string cdi = only_cdi(names);
  if (o.method == "native" && !beyond.empty())
    return usage(fmt::format("--method native cannot do this: {}", beyond), "use --method auto");
  if (o.method == "snapshot" && !cdi.empty())
    return usage(fmt::format("--method snapshot cannot do this: {}", cdi), "use --method auto or cdi");
  if (names.from_snapshot && o.keep_snapshot)
    return usage("--keep-snapshot: the snapshot that is cloned always stays", "leave it out");
  const bool may_be_native = o.method == "native" || (o.method == "auto" && beyond.empty());
  if (may_be_native && o.keep_snapshot)
    return usage("--keep-snapshot: method native has no snapshot to keep", "use --method snapshot with it");
  if (!may_be_native && o.keep)
    return usage("--keep: only method native makes a VirtualMachineClone", "leave it out");
  if (o.copy_refs && !names.elsewhere)
    return usage("--copy-refs copies to another namespace", "say which: --to-namespace NS");
  return {};
}

ChosenMethod choose_method(const CloneNames& names, const CloneOptions& o, const CloneFacts& facts) {
  using enum CloneMethod;
  if (o.method != "auto") return {.method = method_of(o.method)};
  if (std::string why = only_cdi(names); !why.empty()) return {cdi, std::move(why)};
  const bool can_cdi = !facts.served || serves(facts, gvr::data_volume());
  if (can_cdi && !names.from_snapshot)
    if (std::string why = unsnapped(names, facts); !why.empty()) return {cdi, std::move(why)};
  std::string beyond = beyond_native(names, o);
  if (beyond.empty() && (!facts.served || serves(facts, gvr::vm_clone())))
    return {native, "KubeVirt's own clone can do all that is asked"};
  if (beyond.empty()) {
    // Without all of them native says best what is missing.
    const CloneMethod other = names.from_snapshot ? snapshot : can_cdi ? cdi : native;
    return {other, "this cluster does not serve clone.kubevirt.io"};
  }
  if (o.count == 0) return {names.from_snapshot ? snapshot : cdi, std::move(beyond)};
  if (!has_claims(facts)) return {restores, "you may not make claims, or not read those of the source"};
  return {snapshot, std::move(beyond)};
}

}  // namespace wukong::commands
