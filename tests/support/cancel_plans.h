// Plans of `cancel` from inventories made by hand, and what tests ask of them.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "commands/cancel.h"
#include "commands/permission_table.h"
#include "op/dry_run.h"
#include "support/inventories.h"

namespace wukong::testing {

using namespace commands;
using Kind = ObjectKind;

inline const Scope kScope{.ns = "demo", .utc_stamp = "20260101-000000", .operation_id = "opid1"};

inline Result<CancelPlan> planned(const InventoryMaker& maker, const std::string& word,
                                  std::chrono::seconds limit = std::chrono::seconds{60}) {
  const auto objects = parse_objects({word});
  REQUIRE(objects.has_value());
  return plan_cancel(*objects, maker.make(), kScope, limit);
}

inline Error refused(const InventoryMaker& maker, const std::string& word) {
  const auto plan = planned(maker, word);
  REQUIRE_FALSE(plan.has_value());
  CHECK(exit_code(plan.error().code) == 3);
  return plan.error();
}

inline bool has(const std::vector<std::string>& all, const std::string& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

/// A plan needs no more than `doctor --permissions` says of its use, and of `more`.
inline void check_permissions(const CancelPlan& plan, const std::string& use, const std::string& more = {}) {
  std::vector<kube::Permission> printed;
  for (const std::string& each : {use, more})
    for (const PermissionRule& rule : rules_of(each))
      for (kube::Permission& permission : permissions_of(rule, "demo"))
        printed.push_back(std::move(permission));
  op::Permissions needed = op::permissions(plan.operation);
  needed.required.insert(needed.required.end(), needed.optional.begin(), needed.optional.end());
  for (kube::Permission permission : needed.required) {
    permission.name.clear();
    CAPTURE(use + ": " + permission.verb + " " + permission.resource);
    CHECK(std::find(printed.begin(), printed.end(), permission) != printed.end());
  }
}

/// In which order things are deleted.
inline std::vector<std::string> deletions(const CancelPlan& plan) {
  std::vector<std::string> names;
  for (const op::Step& step : plan.operation.steps)
    if (const auto* gone = std::get_if<op::Delete>(&step.action)) names.push_back(resource_name(gone->ref));
  return names;
}

inline InventoryMaker running_clone() {
  InventoryMaker maker;
  maker.put(Kind::clone, "c1", clone_of("web", "copy", "RestoreInProgress"))
      .put(Kind::claim, "restore-r-root", restored_claim("tmp-restore-c1-uid", "r", "Pending"))
      .put(Kind::vm, "web", vm_on({"web-root"}))
      .put(Kind::claim, "web-root", {{"status", {{"phase", "Bound"}}}});
  return maker;
}

/// The first guard of a plan, asked with lists of what `now` holds.
inline Result<void> second_look(const CancelPlan& plan, const InventoryMaker& now) {
  for (const op::Step& step : plan.operation.steps)
    if (const auto* guard = std::get_if<op::Guard>(&step.action)) {
      std::vector<kube::Fact> facts;
      const Inventory inventory = now.make();
      for (const kube::Read& read : guard->reads) {
        Json list = {{"items", Json::array()}};
        for (const auto& [name, object] : inventory.shelves.at(read.gvr.resource)->objects)
          if (read.fields.empty() || read.fields == "metadata.name=" + name) list["items"].push_back(object);
        facts.push_back(kube::Fact::known(list));
      }
      return guard->check(facts, {});
    }
  return Error{.message = "no guard"};
}

/// True when what deletes first comes after a guard.
inline bool is_guarded(const CancelPlan& plan) {
  for (const op::Step& step : plan.operation.steps) {
    if (std::holds_alternative<op::Guard>(step.action)) return true;
    if (std::holds_alternative<op::Delete>(step.action) || std::holds_alternative<op::Sweep>(step.action))
      return false;
  }
  return false;
}

}  // namespace wukong::testing
