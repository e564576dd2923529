#include "op/dry_run.h"

#include <fmt/format.h>

#include <algorithm>

#include "op/actions.h"
#include "op/step_words.h"

namespace wukong::op {

namespace {

const char* when(Phase phase) {
  switch (phase) {
    case Phase::undo:
      return "if it fails: ";
    case Phase::put_back:
      return "in any case: ";
    case Phase::tidy:
      return "at the end: ";
    case Phase::main:
      break;
  }
  return "";
}

struct Write {
  kube::Request request{};
  ObjectRef ref{};
  const char* done{};  // kubectl's word for it
  bool optional{};
};

/// A step's create or patch, if its body is fixed.
std::optional<Write> fixed_write(const Step& step, const std::string& field_manager) {
  std::optional<Write> write;
  const auto take = [&](const auto* action, const char* done) {
    const Json* fixed = action == nullptr ? nullptr : std::get_if<Json>(&action->body);
    if (fixed != nullptr)
      write = Write{.request = request_of(*action, *fixed, field_manager), .ref = action->ref, .done = done};
  };
  take(std::get_if<Create>(&step.action), "created");
  const Patch* patch = std::get_if<Patch>(&step.action);
  take(patch, "patched");
  if (!write) return write;
  write->optional = patch != nullptr && patch->optional;
  write->request.query.insert(write->request.query.begin(), {"dryRun", "All"});
  return write;
}

bool is_write(const Action& action) {
  return !std::holds_alternative<Await>(action) && !std::holds_alternative<Guard>(action);
}

/// What a patch or a call changes, or nullptr. A create changes nothing.
const ObjectRef* changed_by(const Action& action) {
  if (const Patch* patch = std::get_if<Patch>(&action)) return &patch->ref;
  if (const Call* call = std::get_if<Call>(&action)) return &call->ref;
  return nullptr;
}

/// What the operation is to make: nothing was written, so it is not there for later steps.
class Unmade {
 public:
  explicit Unmade(const Operation& operation) : refs_(operation.results) {
    for (const Step& step : operation.steps)
      if (const Create* create = std::get_if<Create>(&step.action)) refs_.push_back(create->ref);
  }
  /// Subresources are of a group of their own.
  bool has(const ObjectRef& ref) const {
    return std::ranges::any_of(refs_, [&](const ObjectRef& unmade) {
      return unmade.gvr.resource == ref.gvr.resource && unmade.ns == ref.ns && unmade.name == ref.name;
    });
  }

 private:
  std::vector<ObjectRef> refs_{};
};

/// Why a write is not tried; "" when it is.
std::string_view why_not(const Action& action, bool is_fixed, const Unmade& unmade) {
  const ObjectRef* changed = changed_by(action);
  if (changed != nullptr && unmade.has(*changed)) return "it is not there yet";
  if (is_fixed) return "";
  if (std::holds_alternative<Create>(action) || std::holds_alternative<Patch>(action))
    return "what it holds is known only after the steps before it";
  return "only creates and changes of objects are tried";
}

}  // namespace

Result<DryRun> dry_run(kube::Api& api, const Operation& operation, const std::string& field_manager) {
  DryRun result;
  const Unmade unmade(operation);
  const auto leave_out = [&](const Step& step, std::string_view why) {
    result.not_tried.push_back(fmt::format("{}: {}", plan_words(step.action), why));
  };
  for (const Step& step : operation.steps) {
    if (step.phase != Phase::main || !is_write(step.action)) continue;
    std::optional<Write> write = fixed_write(step, field_manager);
    if (const auto why = why_not(step.action, write.has_value(), unmade); !why.empty()) {
      leave_out(step, why);
      continue;
    }
    Result<kube::Response> answer = kube::ask(api, std::move(write->request));
    if (!answer && write->optional && answer.error().code == Code::forbidden) {
      leave_out(step, answer.error().message);
      continue;
    }
    if (!answer) {
      answer.error().context.push_back(fmt::format("while trying to {}", plan_words(step.action)));
      return std::move(answer.error());
    }
    result.accepted.push_back(fmt::format("{} {}", resource_name(write->ref), write->done));
    result.objects.push_back(std::move(answer->body));
  }
  return result;
}

std::vector<Json> manifests(const Operation& operation) {
  std::vector<Json> all;
  for (const Step& step : operation.steps) {
    const Create* create = std::get_if<Create>(&step.action);
    if (create == nullptr || step.phase != Phase::main) continue;
    const Json* body = std::get_if<Json>(&create->body);
    if (body == nullptr) body = &create->preview;
    if (!body->is_null()) all.push_back(*body);
  }
  return all;
}

std::vector<std::string> plan_lines(const Operation& operation) {
  std::vector<std::string> lines;
  for (const Step& step : operation.steps) {
    std::string line = fmt::format("{}. {}{}", lines.size() + 1, when(step.phase), plan_words(step.action));
    if (!step.reason.empty()) line += fmt::format(" ({})", step.reason);
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace wukong::op
