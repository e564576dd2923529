#include "op/dry_run.h"

#include <fmt/format.h>

#include <memory>

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
  kube::Request request;
  request.query = {{"dryRun", "All"}, {"fieldManager", field_manager}, {"fieldValidation", "Strict"}};
  const Body* body = nullptr;
  if (const Create* create = std::get_if<Create>(&step.action)) {
    request.method = kube::Method::post;
    request.path = kube::collection_path(create->ref.gvr, create->ref.ns);
    body = &create->body;
  } else if (const Patch* patch = std::get_if<Patch>(&step.action)) {
    request.method = kube::Method::patch;
    request.path = kube::object_path(patch->ref);
    request.content_type = "application/merge-patch+json";
    body = &patch->body;
  }
  if (body == nullptr || !std::holds_alternative<Json>(*body)) return std::nullopt;
  request.body = dump(std::get<Json>(*body));
  return request;
}

Result<Json> send(kube::Api& api, kube::Request request) {
  const auto answer = std::make_shared<std::optional<Result<kube::Response>>>();
  api.request(std::move(request), [answer](Result<kube::Response> got) { *answer = std::move(got); });
  WUKONG_CHECK(kube::turn_until(api, [&] { return answer->has_value(); }));
  if (!**answer) return std::move((*answer)->error());
  return std::move((**answer)->body);
}

bool is_write(const Action& action) {
  return !std::holds_alternative<Await>(action) && !std::holds_alternative<Guard>(action);
}

}  // namespace

Result<DryRun> dry_run(kube::Api& api, const Operation& operation, const std::string& field_manager) {
  DryRun result;
  for (const Step& step : operation.steps) {
    if (auto request = request_for(step, field_manager)) {
      WUKONG_TRY(Json object, with_context(send(api, std::move(*request)),
                                           fmt::format("while trying to {}", plan_words(step.action))));
      result.objects.push_back(std::move(object));
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
