#include "commands/disk_options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/quantity.h"
#include "base/text.h"
#include "commands/options.h"

namespace wukong::commands {

namespace {

/// CDI makes no smaller volume.
constexpr std::int64_t kSmallest = 1024LL * 1024;

/// Names from "a,b" and from flags that were given several times.
Result<std::vector<std::string>> names_of(const char* flag, const std::vector<std::string>& typed) {
  std::vector<std::string> names;
  for (const std::string& words : typed)
    for (const std::string& name : split(words, ',')) {
      if (const std::string problem = label_problem(name); !problem.empty())
        return usage(fmt::format("{} {:?} names no disk: {}", flag, printable(words), problem),
                     fmt::format("write it like {} root,data", flag));
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  return names;
}

Result<void> add_size(DiskChoice& choice, const std::string& typed) {
  const auto equals = typed.find('=');
  const std::string name = equals == std::string::npos ? "" : typed.substr(0, equals);
  const std::string size = equals == std::string::npos ? typed : typed.substr(equals + 1);
  const auto bytes = parse_quantity(size);
  if (!bytes || bytes->count < kSmallest || equals == 0)
    return usage(fmt::format("--disk-size {:?} is no size of a disk", printable(typed)),
                 "write it like --disk-size root=20Gi");
  choice.sizes[name] = bytes->count;
  return {};
}

Result<CloneType> type_of(const std::string& word) {
  if (word.empty()) return CloneType::any;
  if (word == "full") return CloneType::full;
  if (word == "linked") return CloneType::linked;
  return usage(fmt::format("--type does not take {:?}", printable(word)), "use one of: full, linked");
}

Result<std::optional<bool>> own_of(const std::string& word) {
  if (word.empty()) return std::optional<bool>{};
  if (word == "true") return std::optional(true);
  if (word == "false") return std::optional(false);
  return usage(fmt::format("--own-disks does not take {:?}", printable(word)), "use one of: true, false");
}

}  // namespace

Result<DiskChoice> settle(const DiskOptions& o) {
  DiskChoice choice{.storage_class = o.storage_class, .bind = o.bind};
  WUKONG_TRY(choice.type, type_of(o.type));
  WUKONG_TRY(choice.only, names_of("--disks", o.only));
  WUKONG_TRY(choice.without, names_of("--skip-disks", o.without));
  for (const std::string& name : choice.without)
    if (std::find(choice.only.begin(), choice.only.end(), name) != choice.only.end())
      return usage(fmt::format("--disks and --skip-disks both name {}", name));
  for (const std::string& typed : o.sizes) WUKONG_CHECK(add_size(choice, typed));
  if (const std::string problem = o.storage_class.empty() ? "" : subdomain_problem(o.storage_class);
      !problem.empty())
    return usage(fmt::format("--storage-class {:?}: {}", printable(o.storage_class), problem));
  WUKONG_TRY(choice.owned, own_of(o.owned));
  return choice;
}

bool is_chosen(const DiskChoice& choice, const std::string& name) {
  const auto in = [&](const std::vector<std::string>& names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  return choice.only.empty() ? !in(choice.without) : in(choice.only);
}

std::string flag_for_disks(const DiskChoice& choice) {
  if (!choice.only.empty()) return "--disks";
  if (!choice.without.empty()) return "--skip-disks";
  if (!choice.sizes.empty()) return "--disk-size";
  if (!choice.storage_class.empty()) return "--storage-class";
  if (choice.owned) return "--own-disks";
  if (choice.bind) return "--bind";
  return {};
}

void add_disk_options(CLI::App& app, DiskOptions& o) {
  const char* group = "Options for the new disks";
  app.add_option("--type", o.type,
                 "full: copy every block; linked: let the storage clone (default: as the method does)")
      ->type_name("full|linked")
      ->group(group);
  add_list(app, group, "--disks", o.only, "NAME,...", "Clone these disks only");
  add_list(app, group, "--skip-disks", o.without, "NAME,...", "Clone all disks but these");
  add_list(app, group, "--disk-size", o.sizes, "NAME=SIZE",
           "Size of a new disk, such as root=20Gi (repeatable)");
  app.add_option("--storage-class", o.storage_class, "StorageClass of the new disks")
      ->type_name("NAME")
      ->group(group);
  app.add_option("--own-disks", o.owned, "Whether the disks go with the new VM (default: as the source's)")
      ->type_name("true|false")
      ->group(group);
  app.add_flag("--bind", o.bind, "Fill the disks at once, where their class waits for a first consumer")
      ->group(group);
}

}  // namespace wukong::commands
