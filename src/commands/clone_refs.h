// For clones to another namespace: what the VM names must be there, or be copied.
#pragma once

#include <string>
#include <vector>

#include "commands/clone.h"
#include "manifest/marks.h"

namespace wukong::commands {

struct ReferenceFact {
  ObjectRef here{};     // in the source's namespace
  kube::Fact source{};  // read only where it shall be copied
  kube::Fact there{};   // in the target namespace
};

/// Errors: as kube::fetch.
Result<std::vector<ReferenceFact>> gather_references(const CloneNames& names, const Json& vm, bool copy,
                                                     kube::Api& api, const Scope& at);

/// Refuses what is missing there, or (`copy`) adds steps that copy it, and undo that; returns the ids of the first. The contents of Secrets are
/// in no plan. Errors: `precondition`.
Result<std::vector<std::string>> add_references(op::Operation& operation, const CloneNames& names,
                                                const std::vector<ReferenceFact>& facts, bool copy,
                                                const manifest::Marks& marks);

}  // namespace wukong::commands
