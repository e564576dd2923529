// What the server would make of an operation's writes: each sent once with dryRun=All.
#pragma once

#include <string>
#include <vector>

#include "kube/api.h"
#include "op/operation.h"

namespace wukong::op {

/// What the server made of it.
struct DryRun {
  std::vector<Json> objects{};  // its answers
  std::vector<std::string>
      accepted{};  // one for each, in kubectl's words: "virtualmachine.kubevirt.io/x created"
  std::vector<std::string> not_tried{};  // "change VirtualMachine demo/x: it is not there yet"
};
/// Sends the creates and patches of the main part with dryRun=All, in order. Not tried are bodies that only a later answer can
/// fill in, changes of what the operation itself is to make, deletions and calls. Errors: the first refusal.
Result<DryRun> dry_run(kube::Api& api, const Operation& operation, const std::string& field_manager);

/// The fixed bodies of the main part's creates, in order: what `--dry-run=client -o yaml` prints.
std::vector<Json> manifests(const Operation& operation);

/// The operation in words, one line per step: numbers, what is written or awaited, and why.
std::vector<std::string> plan_lines(const Operation& operation);

}  // namespace wukong::op
