// What the server would make of an operation's writes: each sent once with dryRun=All.
#pragma once

#include <string>
#include <vector>

#include "kube/api.h"
#include "op/operation.h"

namespace wukong::op {

/// Sends the creates and patches of the main part with dryRun=All, in order, and returns what the server
/// answered. Bodies that only a later answer can fill in, deletions and calls are left out: `left_out` names
/// them. Errors: the first refusal.
struct DryRun {
  std::vector<Json> objects{};
  std::vector<std::string> left_out{};
};
Result<DryRun> dry_run(kube::Api& api, const Operation& operation, const std::string& field_manager);

/// The fixed bodies of the main part's creates, in order: what `--dry-run=client -o yaml` prints.
std::vector<Json> manifests(const Operation& operation);

/// The operation in words, one line per step: numbers, what is written or awaited, and why.
std::vector<std::string> plan_lines(const Operation& operation);

}  // namespace wukong::op
