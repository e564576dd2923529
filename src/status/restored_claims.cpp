#include "status/restored_claims.h"

#include <fmt/format.h>

#include "status/watched.h"

namespace wukong::status {

ClaimTally tally_claims(const View& view, const std::vector<std::string>& claims,
                        std::string_view last_restore) {
  ClaimTally tally;
  for (const std::string& name : claims) {
    const Json* claim = view.find(kClaims, name);
    if (claim == nullptr) {
      tally.absent.push_back(name);
      continue;
    }
    const std::string_view phase = text(*claim, {"status", "phase"});
    if (text(*claim, {"metadata", "annotations", kLastRestore}) != last_restore)
      tally.foreign.push_back(name);
    else if (phase == "Bound")
      tally.bound.push_back(name);
    else
      (phase == "Lost" ? tally.lost : tally.pending).push_back(name);
  }
  return tally;
}

std::string describe_bound(const ClaimTally& tally) {
  if (tally.all() == 0) return {};
  return fmt::format("{} of {} {} bound", tally.bound.size(), tally.all(), plural(tally.all(), "volume"));
}

std::string tally_problem(const View& view, const ClaimTally& tally) {
  if (!tally.lost.empty()) return fmt::format("claim {} has lost its volume", tally.lost.front());
  for (const std::vector<std::string>* names : {&tally.pending, &tally.absent})
    for (const std::string& name : *names)
      if (std::string problem = claim_problem(view, name); !problem.empty()) return problem;
  return {};
}

std::string describe_unbound(const ClaimTally& tally, const std::string& vm, const std::string& keeper) {
  const bool one = tally.pending.size() == 1;
  return fmt::format(
      "{} of {} {} {} for {} first consumer: {} data is copied when {} starts for the first time; until then "
      "{} "
      "must stay",
      tally.pending.size(), tally.all(), plural(tally.all(), "disk"), one ? "waits" : "wait",
      one ? "its" : "their", one ? "its" : "their", vm, keeper);
}

std::string describe_not_restored(const ClaimTally& tally) {
  const std::vector<std::string>& claims = tally.foreign.empty() ? tally.absent : tally.foreign;
  const bool one = claims.size() == 1;
  return fmt::format("{} {} {} there before: nothing was restored into {}{}", plural(claims.size(), "claim"),
                     fmt::join(claims, ", "), one ? "was" : "were", one ? "it" : "them",
                     !tally.foreign.empty() ? ""
                     : one                  ? " (or it has been deleted since)"
                                            : " (or they have been deleted since)");
}

}  // namespace wukong::status
