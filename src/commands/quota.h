// Whether ResourceQuotas and LimitRanges leave room for what an operation will make. Pure.
#pragma once

#include <string>
#include <vector>

#include "commands/context.h"
#include "kube/api.h"
#include "op/operation.h"

namespace wukong::commands {

/// Lists of a namespace; each known, absent or unreadable.
struct QuotaFacts {
  kube::Fact quotas{};  // ResourceQuotas
  kube::Fact limits{};  // LimitRanges
};

Gvr quota_kind();
Gvr limit_range_kind();

/// Errors: `precondition`, naming quota, limit, what is used and what would come: a cluster would take the objects that
/// a user makes, and let those that controllers make for them fail later, often without a word.
Result<void> check_quotas(const op::Charge& charge, const QuotaFacts& facts, const Scope& at);

/// The reads that check_quotas() needs.
std::vector<kube::Permission> quota_reads(const std::string& ns);

}  // namespace wukong::commands
