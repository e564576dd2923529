// What the words of `clone` mean: which source, which targets, which disks.
#include <fmt/format.h>

#include "base/text.h"
#include "commands/clone.h"
#include "commands/clone_method.h"
#include "commands/vm_argument.h"

namespace wukong::commands {

namespace {

constexpr std::size_t kMostTargets = 10'000;
/// KubeVirt writes a VM's name into labels, where 63 is the end.
constexpr std::size_t kLongestName = 63;

/// The name in snapshot/NAME, or nothing when `typed` is no snapshot.
std::optional<std::string> snapshot_name(const std::string& typed) {
  const auto slash = typed.find('/');
  if (slash == std::string::npos) return std::nullopt;
  const std::string kind = lower(typed.substr(0, slash));
  for (const char* known :
       {"snapshot", "vmsnapshot", "vmsnapshots", "virtualmachinesnapshot", "virtualmachinesnapshots",
        "virtualmachinesnapshot.snapshot.kubevirt.io", "virtualmachinesnapshots.snapshot.kubevirt.io"})
    if (kind == known) return typed.substr(slash + 1);
  return std::nullopt;
}

Result<void> name_source(CloneNames& names, const std::string& typed) {
  if (auto snapshot = snapshot_name(typed)) {
    names.from_snapshot = true;
    names.source = std::move(*snapshot);
    if (const std::string problem = subdomain_problem(names.source); !problem.empty())
      return usage(
          fmt::format("{:?} cannot be the name of a snapshot: {}", printable(names.source), problem));
    return {};
  }
  WUKONG_TRY(names.source, vm_name(typed));
  return check_vm_name(names.source);
}

Result<void> name_targets(CloneNames& names, const CloneOptions& o, const Scope& scope) {
  std::string source = names.source.substr(0, 51);
  while (source.ends_with('.') || source.ends_with('-')) source.pop_back();
  const std::string made_up = fmt::format("clone-{}-{}", source, scope.operation_id);
  if (o.count == 0) {
    if (o.target.find('#') != std::string::npos)
      return usage(fmt::format("{:?} is a pattern for several VMs", printable(o.target)),
                   "say how many: --count N");
    names.targets.push_back(o.target.empty() ? made_up : o.target);
  } else {
    const std::string pattern = o.target.empty() ? made_up.substr(0, kLongestName - 4) + "-#" : o.target;
    if (pattern.find('#') == std::string::npos)
      return usage(fmt::format("TARGET {:?} has no # for the number of each VM", printable(pattern)),
                   fmt::format("write it like {}-#", printable(pattern)));
    if (o.count > kMostTargets)
      return usage(fmt::format("--count {}: more than {} are not made at once", o.count, kMostTargets));
    names.count = o.count;
    for (std::size_t i = 1; i <= o.count; ++i) names.targets.push_back(numbered(pattern, i));
  }
  for (const std::string& target : names.targets) {
    WUKONG_CHECK(check_vm_name(target));
    if (!names.from_snapshot && target == names.source && !names.elsewhere)
      return usage(fmt::format("{} cannot be cloned onto itself", names.source));
  }
  names.target = names.targets.front();
  return {};
}

Result<Running> running_of(const std::string& word) {
  if (word == "allow") return Running::allow;
  if (word == "stop") return Running::stop;
  if (word == "refuse") return Running::refuse;
  return usage(fmt::format("--running does not take {:?}", printable(word)),
               "use one of: allow, stop, refuse");
}

Result<void> name_namespace(CloneNames& names, const CloneOptions& o, const Scope& scope) {
  names.target_ns = o.to_namespace.empty() ? scope.ns : o.to_namespace;
  names.elsewhere = names.target_ns != scope.ns;
  if (const std::string problem = label_problem(names.target_ns); !problem.empty())
    return usage(fmt::format("--to-namespace {:?}: {}", printable(o.to_namespace), problem));
  return {};
}

Result<void> choose(CloneNames& names, const CloneOptions& o) {
  WUKONG_TRY(names.disks, settle(o.disks));
  if (names.disks.sizes.contains(""))
    return usage("--disk-size does not say which disk", "write it like --disk-size root=20Gi");
  WUKONG_TRY(names.running, running_of(o.running));
  if (names.from_snapshot && names.running != Running::allow)
    return usage("--running: a snapshot does not run", "leave it out");
  return {};
}

}  // namespace

Result<CloneNames> clone_names(const CloneOptions& options, const Scope& scope) {
  CloneNames names;
  WUKONG_CHECK(name_source(names, options.source));
  WUKONG_CHECK(name_namespace(names, options, scope));
  WUKONG_CHECK(name_targets(names, options, scope));
  WUKONG_CHECK(choose(names, options));
  WUKONG_CHECK(check_method_words(names, options));
  for (std::size_t i = 1; i <= names.targets.size(); ++i) {
    const auto shape = settle(options.shape, i, names.count);
    if (!shape) return shape.error();
  }
  names.clone = fmt::format("{}-{}", names.target, scope.operation_id);
  names.snapshot =
      names.from_snapshot ? names.source : fmt::format("{}-{}", names.source, scope.operation_id);
  return names;
}

}  // namespace wukong::commands
