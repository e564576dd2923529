#include "commands/object_argument.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/text.h"

namespace wukong::commands {

namespace {

Gvr no_gvr() { return {}; }

/// `words`: what users type for it besides its plural and singular; the first is the short one that we print.
struct KindWords {
  ObjectKind kind{};
  Gvr (*gvr)(){};
  std::array<std::string_view, 3> words{};
};

constexpr std::array kKinds{
    KindWords{ObjectKind::vm, gvr::vm, {"vm", "vms"}},
    KindWords{ObjectKind::clone, gvr::vm_clone, {"vmclone", "vmclones", "clone"}},
    KindWords{ObjectKind::snapshot, gvr::vm_snapshot, {"vmsnapshot", "vmsnapshots", "snapshot"}},
    KindWords{ObjectKind::restore, gvr::vm_restore, {"vmrestore", "vmrestores", "restore"}},
    KindWords{ObjectKind::vm_export, gvr::vm_export, {"vmexport", "vmexports", "export"}},
    KindWords{ObjectKind::data_volume, gvr::data_volume, {"dv", "dvs"}},
    KindWords{ObjectKind::claim, gvr::pvc, {"pvc"}},
    KindWords{ObjectKind::volume_snapshot, gvr::volume_snapshot, {"volumesnapshot", "vs"}},
    KindWords{ObjectKind::operation, no_gvr, {"operation"}}};

const KindWords& words_for(ObjectKind kind) {
  return *std::find_if(kKinds.begin(), kKinds.end(),
                       [&](const KindWords& each) { return each.kind == kind; });
}

bool is_version(std::string_view word) {
  return word.size() > 1 && word[0] == 'v' && word[1] >= '0' && word[1] <= '9';
}

/// "virtualmachines.v1.kubevirt.io" -> "virtualmachines" and "kubevirt.io".
std::pair<std::string, std::string> resource_and_group(const std::string& word) {
  const auto dot = word.find('.');
  if (dot == std::string::npos) return {word, ""};
  std::string group = word.substr(dot + 1);
  const std::string first = group.substr(0, group.find('.'));
  if (is_version(first)) group.erase(0, std::min(group.size(), first.size() + 1));
  return {word.substr(0, dot), group};
}

Error no_kind(const std::string& typed) {
  std::vector<std::string> shorts;
  std::vector<std::string> known;
  for (const KindWords& each : kKinds) {
    shorts.emplace_back(each.words.front());
    for (const std::string_view word : each.words) known.emplace_back(word);
    known.push_back(each.gvr().resource);
  }
  const std::string meant = closest(lower(typed), known);
  return usage(fmt::format("{:?} is no kind that this command knows", printable(typed)),
               meant.empty() ? fmt::format("it knows {}", fmt::join(shorts, ", "))
                             : fmt::format("did you mean {}?", meant));
}

Result<ObjectArgument> argument(const std::string& kind, const std::string& name) {
  const auto found = kind_called(kind);
  if (!found) return no_kind(kind);
  if (const std::string problem = subdomain_problem(name); !problem.empty())
    return usage(
        fmt::format("{:?} cannot be the name of a {}: {}", printable(name), word_of(*found), problem));
  return ObjectArgument{*found, name};
}

}  // namespace

Gvr gvr_of(ObjectKind kind) { return words_for(kind).gvr(); }

std::string word_of(ObjectKind kind) { return std::string(words_for(kind).words.front()); }

std::optional<ObjectKind> kind_called(std::string_view word) {
  const auto [resource, group] = resource_and_group(lower(word));
  if (resource.empty()) return std::nullopt;
  for (const KindWords& each : kKinds) {
    const Gvr gvr = each.gvr();
    const bool full = resource == gvr.resource || resource == lower(gvr.kind);
    const bool known = full || std::find(each.words.begin(), each.words.end(), resource) != each.words.end();
    if (known && (group.empty() || group == gvr.group)) return each.kind;
  }
  return std::nullopt;
}

Result<std::vector<ObjectArgument>> parse_objects(const std::vector<std::string>& typed) {
  std::vector<ObjectArgument> all;
  const bool apart =
      typed.size() > 1 && std::none_of(typed.begin(), typed.end(), [](const std::string& word) {
        return word.find('/') != std::string::npos;
      });
  for (std::size_t i = apart ? 1 : 0; i < typed.size(); ++i) {
    const auto slash = typed[i].find('/');
    if (!apart && slash == std::string::npos)
      return usage(fmt::format("{:?} does not say what kind of object it is", printable(typed[i])),
                   fmt::format("write KIND/NAME, for example vm/{}", printable(typed[i])));
    WUKONG_TRY(ObjectArgument made, apart ? argument(typed[0], typed[i])
                                          : argument(typed[i].substr(0, slash), typed[i].substr(slash + 1)));
    if (std::find(all.begin(), all.end(), made) == all.end()) all.push_back(std::move(made));
  }
  return all;
}

}  // namespace wukong::commands
