// The tree of `status` as text and as JSON. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/time.h"
#include "commands/status_tree.h"

namespace wukong::commands {

struct StatusLook {
  bool namespaces{};  // a column for them
  bool headers{true};
  bool unicode{true};
  std::size_t width{};  // of the terminal; zero: lines are as long as they are
};

/// A line per node, with lines for what stands in its way below it.
std::vector<std::string> status_lines(const std::vector<StatusNode>& roots, const StatusLook& look,
                                      WallTime now);

/// {kind: StatusList, items: [...], unreadable: [...]}.
Json status_json(const std::vector<StatusNode>& roots, const std::vector<std::string>& unreadable);
/// One node without its children.
Json node_json(const StatusNode& node);

/// "demo vmclone/copy: Restoring, 1 of 2 volumes bound: no space left on device"
std::string change_line(const StatusNode& node, bool with_namespace);

/// Every node once, by namespace and name.
std::map<std::string, StatusNode> flattened(const std::vector<StatusNode>& roots);

}  // namespace wukong::commands
