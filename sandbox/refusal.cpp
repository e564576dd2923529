#include "sandbox/refusal.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace wukong::sandbox {
namespace {

Json details_of(const Kind& kind, std::string_view called, std::string_view name) {
  Json details = {{"kind", called}};
  if (!name.empty()) details["name"] = name;
  if (!kind.group.empty()) details["group"] = kind.group;
  return details;
}

Refusal about(int code, const char* reason, const Kind& kind, std::string_view name, std::string message) {
  return {code, reason, std::move(message), details_of(kind, kind.resource, name)};
}

std::string_view reason_of(std::string_view message) {
  if (message.starts_with("Required value")) return "FieldValueRequired";
  if (message.starts_with("Forbidden")) return "FieldValueForbidden";
  if (message.starts_with("Unsupported value")) return "FieldValueNotSupported";
  return message.starts_with("missing") ? "FieldValueNotFound" : "FieldValueInvalid";
}

Json to_json(const std::vector<Cause>& causes) {
  Json all = Json::array();
  for (const auto& [field, message] : causes) {
    Json cause = {{"reason", reason_of(message)}, {"message", message}};
    if (!field.empty()) cause["field"] = field;
    all.push_back(std::move(cause));
  }
  return all;
}

}  // namespace

Refusal not_found(const Kind& kind, std::string_view name) {
  return about(404, "NotFound", kind, name, fmt::format("{} \"{}\" not found", kind.qualified(), name));
}

Refusal already_exists(const Kind& kind, std::string_view name) {
  return about(409, "AlreadyExists", kind, name,
               fmt::format("{} \"{}\" already exists", kind.qualified(), name));
}

Refusal conflict(const Kind& kind, std::string_view name, std::string_view why) {
  return about(409, "Conflict", kind, name,
               fmt::format("Operation cannot be fulfilled on {} \"{}\": {}", kind.qualified(), name, why));
}

Refusal forbidden(const Kind& kind, std::string_view name, std::string_view why) {
  const std::string object = name.empty() ? "" : fmt::format(" \"{}\"", name);
  return about(403, "Forbidden", kind, name,
               fmt::format("{}{} is forbidden: {}", kind.qualified(), object, why));
}

Refusal invalid(const Kind& kind, std::string_view name, const std::vector<Cause>& causes) {
  std::vector<std::string> words;
  for (const auto& [field, message] : causes) words.push_back(fmt::format("{}: {}", field, message));
  const std::string all = fmt::format("{}", fmt::join(words, ", "));
  Json details = details_of(kind, kind.kind, name);
  details["causes"] = to_json(causes);
  return {422, "Invalid",
          fmt::format("{} \"{}\" is invalid: {}", kind.type(), name,
                      words.size() == 1 ? all : fmt::format("[{}]", all)),
          std::move(details)};
}

Refusal denied(std::string_view webhook, const std::vector<Cause>& causes) {
  std::vector<std::string> words;
  for (const Cause& cause : causes) words.push_back(cause.message);
  return {422,
          "Invalid",
          fmt::format("admission webhook \"{}\" denied the request: {}", webhook, fmt::join(words, ", ")),
          {{"causes", to_json(causes)}}};
}

Refusal bad_request(std::string_view message) { return {400, "BadRequest", std::string(message)}; }

Refusal unsupported_media(std::string_view accepted) {
  return {415, "UnsupportedMediaType",
          fmt::format("the body of the request was in an unknown format - accepted media types include: {}",
                      accepted)};
}

Refusal too_old(std::string_view message) { return {410, "Expired", std::string(message)}; }

Json status_of(const Refusal& refusal) {
  Json status = {{"kind", "Status"},    {"apiVersion", "v1"},         {"metadata", Json::object()},
                 {"status", "Failure"}, {"message", refusal.message}, {"code", refusal.code}};
  if (!refusal.reason.empty()) status["reason"] = refusal.reason;
  if (!refusal.details.is_null()) status["details"] = refusal.details;
  return status;
}

}  // namespace wukong::sandbox
