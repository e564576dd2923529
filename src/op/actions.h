// Carries out one write, call or guard: requests, own objects recognised, deletions limited to one uid.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kube/api.h"
#include "op/operation.h"

namespace wukong::op {

/// What carrying out an action told.
struct Done {
  Json object = Json();                 // Create, Patch, Call: the projected answer
  std::vector<std::string> removed{};   // Delete, Sweep: resource names of what was deleted
  std::vector<std::string> warnings{};  // `Warning` headers of the answer
};

/// What every action of an operation shares.
struct ActionContext {
  kube::Api& api;
  std::shared_ptr<const Seen> seen{};  // shared with answers that come after an abandoned run
  std::string operation_id{};
  std::string request{};  // its hash
  std::string field_manager{};
};

using ActionDone = std::function<void(Result<Done>)>;

/// Starts `action` (all but Await, which op/waits does); `done` is called once, from within a turn of the api
/// or at once when the body cannot be built.
///
/// Create: an object that exists already counts as made when it carries this operation's label, and the hash of the same
/// request: the answer to an earlier try was lost, or an earlier run was cut off. Delete: only the object whose uid the step `uid_of` saw; if that answer was never
/// heard, the one with this operation's label and hash. Gone already counts as deleted.
void carry_out(const Action& action, const ActionContext& context, ActionDone done);

/// What is sent for a write with this body.
kube::Request request_of(const Create& create, const Json& body, const std::string& field_manager);
kube::Request request_of(const Patch& patch, const Json& body, const std::string& field_manager);

/// Body for `seen`: the fixed one, or the built one.
Result<Json> build(const Body& body, const Seen& seen);

}  // namespace wukong::op
