#include "op/step_words.h"

#include <fmt/format.h>

namespace wukong::op {
namespace {

/// So many causes are listed; the rest only counts.
constexpr std::size_t kMostCauses = 10;

struct StageWord {
  std::string operator()(const Create& a) const { return "Creating " + a.ref.gvr.kind; }
  std::string operator()(const Patch& a) const { return "Changing " + a.ref.gvr.kind; }
  std::string operator()(const Delete& a) const { return "Deleting " + a.ref.gvr.kind; }
  std::string operator()(const Sweep&) const { return "Removing"; }
  std::string operator()(const Call& a) const {
    if (a.subresource == "start") return "Starting";
    return a.subresource == "stop" ? "Stopping" : "Calling " + a.subresource;
  }
  std::string operator()(const Guard&) const { return "Checking"; }
  std::string operator()(const Await&) const { return "Waiting"; }
};

struct PlanWords {
  std::string operator()(const Create& a) const { return "create " + describe(a.ref); }
  std::string operator()(const Patch& a) const { return "change " + describe(a.ref); }
  std::string operator()(const Delete& a) const { return "delete " + describe(a.ref); }
  std::string operator()(const Sweep& a) const { return "delete " + a.what; }
  std::string operator()(const Call& a) const { return fmt::format("{} {}", a.subresource, describe(a.ref)); }
  std::string operator()(const Guard& a) const { return "check " + a.what; }
  std::string operator()(const Await& a) const { return "wait for " + describe(a.ref); }
};

struct TargetName {
  std::string operator()(const Sweep& a) const { return a.what; }
  std::string operator()(const Guard& a) const { return a.about.name.empty() ? a.what : describe(a.about); }
  template <class A>
  std::string operator()(const A& a) const {
    return describe(a.ref);
  }
};

Error sum_of_errors(const Outcome& outcome, std::size_t rows) {
  Error error = outcome.errors.front();
  if (rows == 1) return error;
  if (outcome.succeeded > 0) error.code = Code::partly;
  if (outcome.errors.size() > 1 || outcome.succeeded > 0) {
    error.causes.insert(error.causes.begin(), error.message);
    error.message = fmt::format("{} of {} failed", outcome.failed, outcome.failed + outcome.succeeded);
    for (std::size_t i = 1; i < outcome.errors.size() && i < kMostCauses; ++i)
      error.causes.push_back(outcome.errors[i].message);
  }
  return error;
}

}  // namespace

std::string stage_word(const Action& action) { return std::visit(StageWord{}, action); }

std::string plan_words(const Action& action) { return std::visit(PlanWords{}, action); }

std::string target_name(const Action& action) { return std::visit(TargetName{}, action); }

std::string phase_word(Phase phase) {
  switch (phase) {
    case Phase::undo:
      return "undoing";
    case Phase::put_back:
      return "putting back";
    case Phase::tidy:
      return "tidying up";
    case Phase::main:
      break;
  }
  return "";
}

std::string left_line(const Step& step, const Error& error) {
  if (std::holds_alternative<Guard>(step.action)) return error.message;
  return fmt::format("{}: {}", target_name(step.action), error.message);
}

std::optional<Error> ending(const Outcome& outcome, const std::string& title, std::size_t rows) {
  if (outcome.signal == 0 && outcome.errors.empty()) {
    if (outcome.not_put_back.empty()) return std::nullopt;
    Error error{.code = Code::partly,
                .message = fmt::format("{}: done, but not all is as it was before", title)};
    for (const Error& each : outcome.not_put_back) error.causes.push_back(each.message);
    error.hint = outcome.not_put_back.front().hint;
    return error;
  }
  if (outcome.signal == 0) return sum_of_errors(outcome, rows);
  const char* when = outcome.failed == 0 ? "done, but interrupted while tidying up" : "interrupted";
  Error error{.code = ended_by(outcome.signal), .message = fmt::format("{}: {}", title, when)};
  for (const Error& each : outcome.errors) error.causes.push_back(each.message);
  return error;
}

}  // namespace wukong::op
