// Judges PersistentVolumeClaims.
#pragma once

#include <string>
#include <vector>

#include "base/view.h"

namespace wukong::status {

struct ClaimWait {
  std::string ns{};
  std::string name{};
  /// A pod or a starting VM uses the claim: then "waits for its first consumer" is a state on the way, else an end.
  bool consumer_expected{};
};

std::vector<Watched> watches_claim(const ClaimWait& wait);
/// Done when the claim is Bound and no longer being filled (fill_of), or (no consumer expected) waits for its first one: then the message says it and memory
/// "unbound" holds its name. Nothing that keeps a claim from being provisioned is ever final; it is told by events only.
Judge claim_judge(ClaimWait wait);

}  // namespace wukong::status
