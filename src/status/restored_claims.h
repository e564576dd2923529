// Claims that a restore (or the restore inside a clone) makes: are they its own, and is their data there?
#pragma once

#include <string>
#include <vector>

#include "base/view.h"
#include "status/draft.h"

namespace wukong::status {

/// The claims of one restore, sorted by what the shelf says of them. Names.
struct ClaimTally {
  std::vector<std::string> bound{};
  std::vector<std::string> pending{};
  std::vector<std::string> lost{};     // phase Lost: the volume behind it is gone
  std::vector<std::string> foreign{};  // not made by this restore: it was there before and holds other data
  std::vector<std::string> absent{};   // not on the shelf: not there, or there but made by no restore at all
  std::size_t all() const {
    return bound.size() + pending.size() + lost.size() + foreign.size() + absent.size();
  }
};

/// `last_restore`: "<restore name>-<restore uid>", which every claim made by it carries.
ClaimTally tally_claims(const View& view, const std::vector<std::string>& claims,
                        std::string_view last_restore);

/// "1 of 2 volumes bound", or "" when there is none.
std::string describe_bound(const ClaimTally& tally);

/// The problem of the first claim that is not bound and has one.
std::string tally_problem(const View& view, const ClaimTally& tally);

/// What the user must know of claims that only the first start of `vm` fills. `keeper`: what must stay until then.
std::string describe_unbound(const ClaimTally& tally, const std::string& vm, const std::string& keeper);

/// "claim x was there before: nothing was restored into it", of the foreign claims, else of the absent ones.
std::string describe_not_restored(const ClaimTally& tally);

}  // namespace wukong::status
