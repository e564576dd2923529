// An operation: what a command wants done, as a flat list of steps. Built by a pure plan(), carried out by
// the runner.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/object.h"
#include "base/view.h"
#include "kube/api.h"

namespace wukong::op {

/// What the steps of this operation have seen so far, by step id.
class Seen {
 public:
  /// The answer to a Create, Patch or Call (projected), or nullptr while there is none. Of a Guard: an array of what
  /// its reads found, null for what was absent or unreadable.
  const Json* object(std::string_view step) const;
  /// The last verdict of an Await, or nullptr.
  const Verdict* verdict(std::string_view step) const;
  /// `.metadata.uid` of object(step), or "".
  std::string_view uid(std::string_view step) const;
  void keep(const std::string& step, Json object) { objects_.insert_or_assign(step, std::move(object)); }
  void keep(const std::string& step, Verdict verdict) {
    verdicts_.insert_or_assign(step, std::move(verdict));
  }

 private:
  std::map<std::string, Json, std::less<>> objects_{};
  std::map<std::string, Verdict, std::less<>> verdicts_{};
};

/// A body that is fixed, or made from what earlier steps saw when the step becomes ready. Verb, kind,
/// namespace and name never depend on that: so dry runs, permission checks and undo know every write.
using Body = std::variant<Json, std::function<Result<Json>(const Seen&)>>;

struct Create {
  ObjectRef ref{};
  Body body{};
  Projection keep{{"metadata.labels"}};  // what Seen keeps of the answer
  Json preview = Json();  // what a plan shows of a body made later: "<from …>" for what is not known yet
};
struct Patch {
  ObjectRef ref{};
  Body body{};      // a merge patch; {"metadata": {"resourceVersion": …}} in it makes it conditional
  bool optional{};  // who may not do it does without, and what is gone (undone, perhaps) needs it no more
};
struct Delete {
  ObjectRef ref{};
  std::string uid_of{};  // id of the step that made the object: only that very object is deleted
  std::string uid{};     // the object's own, where the plan knows it; instead of `uid_of`
};
/// Deletes the objects of one kind that `pick` chooses from a fresh list. For children whose names only a
/// controller knows (a clone's claims); everything but the names is fixed in the plan.
struct Sweep {
  Gvr gvr{};
  std::string ns{};
  std::string labels{};
  std::function<bool(const Json& object, const Seen&)> pick{};
  std::string what{};  // for people: "the claims that this clone made"
};
/// A PUT to a subresource (start, stop). `settled` are words of a 409 that mean "already so".
struct Call {
  ObjectRef ref{};  // group subresources.kubevirt.io
  std::string subresource{};
  Json body = Json::object();
  std::vector<std::string> settled{};
};
/// Fresh reads and a pure predicate right before a destructive write; an error stops what needs this step.
struct Guard {
  std::vector<kube::Read> reads{};
  std::function<Result<void>(const std::vector<kube::Fact>&, const Seen&)> check{};
  std::string what{};  // for people: "that the VM is off"
  ObjectRef about{};   // whose row of progress it belongs to, when the step has no group
};
/// Waits until `judge` is content. Timeout zero: no limit of its own.
struct Await {
  ObjectRef ref{};
  std::vector<Watched> watches{};
  Judge judge{};
  std::chrono::nanoseconds timeout{};
};

using Action = std::variant<Create, Patch, Delete, Sweep, Call, Guard, Await>;

/// When a step has its turn. Main steps first; what follows depends on how they ended:
///
///   |                | success | failure        | first Ctrl-C     |
///   | undo           |         | its group's    | with cancel only |
///   | put_back       | yes     | yes            | yes              |
///   | tidy           | yes     | yes, but of what is left in place | with cancel only |
///
/// tidy removes temporary objects: after an interrupt they stay, for what still runs on needs them.
/// In undo a step runs although what it needs has failed, in put_back although a wait that it needs has: they do what they can,
/// in their order. A put_back that fails is an error of the whole.
enum class Phase { main, undo, put_back, tidy };

struct Step {
  std::string id{};
  std::vector<std::string> needs{};  // ids; of the same phase or an earlier one
  Action action{};
  std::string
      group{};  // the target this step serves: one row of progress, one unit of undo; "" = all of them
  Phase phase{Phase::main};
  std::string
      after{};  // undo, put_back, tidy: only when this main step was begun (its write may have happened)
  std::string reason{};  // why this step is there, for the printed plan
};

/// What an operation will have made when it is done, and for its time: what quotas count.
struct Charge {
  struct Claim {
    std::string name{};           // for people: "web2-root"
    std::string storage_class{};  // empty: the default one, or not to be known
    std::int64_t bytes{};
  };
  std::string ns{};
  std::vector<Claim> claims{};
  std::vector<std::pair<Gvr, std::int64_t>> objects{};  // but for claims: kind, how many
  std::string why_more{};                               // why there are more claims than the user asked for
};

struct Operation {
  std::string id{};       // on every object made, as label vm.novasphere.dev/operation
  std::string request{};  // hash of what the user asked, likewise: annotation vm.novasphere.dev/request-hash
  std::string title{};    // "clone demo/web -> demo/web2"
  std::vector<Step> steps{};
  std::vector<std::string> notes{};       // what the user must know before it starts
  std::string usual_note{};               // that all is done in the ordinary way, for those who look on
  std::string wait_command{};             // the exact command that waits for what was submitted
  std::string resume_command{};           // the exact command that goes on with it when it was cut off
  std::string cancel_command{};           // the exact command that gives it up
  std::string put_back_command{};         // the exact command that puts back what this operation may fail to
  std::vector<kube::Permission> reads{};  // what the plan was made from; optional
  std::vector<ObjectRef> results{};       // what the user asked for, in order
  Charge charge{};
};

/// Every permission that the operation's writes need, once each, undo and tidy included in `optional`.
struct Permissions {
  std::vector<kube::Permission> required{};  // main and put_back writes, required watches
  std::vector<kube::Permission> optional{};  // undo and tidy writes, other watches
};
Permissions permissions(const Operation& operation);

/// What is wrong with the shape of an operation ("" = fine): unknown or duplicate ids, cycles, a need on a
/// later phase.
std::string shape_problem(const Operation& operation);

}  // namespace wukong::op
