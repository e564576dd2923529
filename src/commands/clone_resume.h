// `clone --resume`: what a run that was cut off has left, and how another one goes on with it.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "commands/clone.h"
#include "manifest/marks.h"

namespace wukong::commands {

struct AfterMade;  // commands/clone_parts.h

/// Errors: `usage` for what cannot be the id of an operation.
Result<void> check_operation_id(const std::string& id);

/// Marks of all that a clone makes. The hash is of everything that decides what it makes, the method included: so another
/// request never goes on with what this one has begun.
manifest::Marks clone_marks(const CloneOptions& options, const CloneNames& names, const Scope& at);

/// Errors: as kube::fetch.
Result<Earlier> gather_earlier(const CloneNames& names, const std::optional<kube::ServedApis>& served,
                               kube::Api& api, const Scope& at);

/// True when one of `list` is called as `ref`, and was made by this operation. Errors: `precondition`: it is being deleted, or
/// was made for another request.
Result<bool> was_made(const kube::Fact& list, const ObjectRef& ref, const manifest::Marks& marks);

/// Targets whose VM this operation has made. Errors: as was_made().
Result<std::set<std::string>> made_targets(const CloneNames& names, const Earlier& earlier,
                                           const manifest::Marks& marks);

/// " (made by operation x7k2p; if that was cut off: --resume x7k2p)" for an object in the way; "" without a mark.
std::string resume_words(const Json& object);

/// Steps for a target that an earlier run has made, and needs nothing but a look at its disks ("usable…"), and `more`.
void add_made_target(op::Operation& operation, const CloneNames& names, const std::string& target,
                     const AfterMade& more);

/// True when an earlier run has made all targets, and removed the snapshot that they are from: it was cut off at its very end.
bool only_looks(const CloneNames& names, const Earlier& earlier, const std::set<std::string>& made);

/// What must be said when the others will be of another moment than those that are made; else "".
std::string lost_snapshot_note(const CloneNames& names, const Earlier& earlier,
                               const std::set<std::string>& made);

/// The refusal to make more disks beside those that are there: `what` says what is so, `cancel` gives the operation up.
Error of_another_moment(std::string what, const std::string& cancel);
/// Because the snapshot that `of` was made from is gone.
Error lost_snapshot(const std::string& of, const std::string& cancel);

/// Says whether anything of the operation was there.
std::string resume_note(const Earlier& earlier, const Scope& at);

}  // namespace wukong::commands
