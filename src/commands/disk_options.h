// Options that say which disks a new VM gets, and how they are made.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace CLI {
class App;
}

namespace wukong::commands {

/// What was typed.
struct DiskOptions {
  std::string type{};  // full or linked; empty: what the method gives
  std::vector<std::string> only{};
  std::vector<std::string> without{};
  std::vector<std::string> sizes{};  // NAME=SIZE
  std::string storage_class{};
  std::string owned{};  // true or false; empty: as the source's
  bool bind{};
};

enum class CloneType {
  any,
  linked,  // the storage clones; its copies may share blocks with their source
  full     // every block is copied
};

/// DiskOptions as values.
struct DiskChoice {
  CloneType type{CloneType::any};
  std::vector<std::string> only{};              // volumes of the VM; empty: all but `without`
  std::vector<std::string> without{};           // volumes of the VM
  std::map<std::string, std::int64_t> sizes{};  // volume -> bytes; "" for a source that is a claim
  std::string storage_class{};
  std::optional<bool> owned{};
  bool bind{};  // fill disks at once, where their class waits for a first consumer
};

/// Errors: `usage`, naming the flag and the word.
Result<DiskChoice> settle(const DiskOptions& options);

/// True when the volume `name` is one of those to clone.
bool is_chosen(const DiskChoice& choice, const std::string& name);

/// The first of the flags that ask for more than a copy of all disks as they are, or "".
std::string flag_for_disks(const DiskChoice& choice);

void add_disk_options(CLI::App& app, DiskOptions& options);

}  // namespace wukong::commands
