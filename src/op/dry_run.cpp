#include "op/dry_run.h"

#include <fmt/format.h>

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

/// The request for a main step's write, if it is a create or patch whose body is fixed.
std::optional<kube::Request> request_for(const Step& step, const std::string& field_manager) {
  if (step.phase != Phase::main) return std::nullopt;
  std::optional<kube::Request> request;
  const auto take = [&](const auto* write) {
    const Json* fixed = write == nullptr ? nullptr : std::get_if<Json>(&write->body);
    if (fixed != nullptr) request = request_of(*write, *fixed, field_manager);
  };
  take(std::get_if<Create>(&step.action));
  take(std::get_if<Patch>(&step.action));
  if (request) request->query.insert(request->query.begin(), {"dryRun", "All"});
  return request;
}

bool is_write(const Action& action) {
  return !std::holds_alternative<Await>(action) && !std::holds_alternative<Guard>(action);
}

}  // namespace

Result<DryRun> dry_run(kube::Api& api, const Operation& operation, const std::string& field_manager) {
  DryRun result;
  for (const Step& step : operation.steps) {
    if (auto request = request_for(step, field_manager)) {
      WUKONG_TRY(kube::Response answer,
                 with_context(kube::ask(api, std::move(*request)),
                              fmt::format("while trying to {}", plan_words(step.action))));
      result.objects.push_back(std::move(answer.body));
    } else if (step.phase == Phase::main && is_write(step.action)) {
      result.left_out.push_back(plan_words(step.action));
    }
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
