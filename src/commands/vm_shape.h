// Options that say how a new VM differs from the one it is made from.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "manifest/vm_copy.h"

namespace CLI {
class App;
}

namespace wukong::commands {

/// What was typed. Values may hold a run of "#", which the number of the target replaces.
struct ShapeOptions {
  std::vector<std::string> label_filters{};
  std::vector<std::string> annotation_filters{};
  std::vector<std::string> template_label_filters{};
  std::vector<std::string> template_annotation_filters{};
  std::vector<std::string> new_macs{};  // IFACE=MAC
  bool keep_mac{};
  std::string new_serial{};
  std::string hostname{};
  std::optional<std::uint32_t> cpu{};
  std::string memory{};
  std::vector<std::string> set_labels{};  // KEY=VALUE

  /// True when the VM differs from what KubeVirt's own clone makes.
  bool any() const;
};

/// `pattern` with its runs of "#" replaced by `number`, filled with zeros to the length of the run.
std::string numbered(const std::string& pattern, std::size_t number);

/// The shape of target `number` (from 1) of `count` (--count; 0 where it is not given): MACs count upwards from the one that was typed, hostname and serial
/// have the number in place of their "#". Errors: `usage`, naming the flag: a bad MAC, size, label or filter; with several
/// targets a hostname or serial without "#", a range of MACs that ends too early.
Result<manifest::VmShape> settle(const ShapeOptions& options, std::size_t number, std::size_t count);

void add_shape_options(CLI::App& app, ShapeOptions& options);

}  // namespace wukong::commands
