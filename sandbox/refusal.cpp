#include "sandbox/refusal.h"

#include <fmt/format.h>

namespace wukong::sandbox {
namespace {

Json details_of(const Kind& kind, std::string_view name) {
  Json details = {{"kind", kind.resource}};
  if (!name.empty()) details["name"] = name;
  if (!kind.group.empty()) details["group"] = kind.group;
  return details;
}

}  // namespace

Refusal not_found(const Kind& kind, std::string_view name) {
  return {404, "NotFound", fmt::format("{} \"{}\" not found", kind.qualified(), name),
          details_of(kind, name)};
}

Refusal already_exists(const Kind& kind, std::string_view name) {
  return {409, "AlreadyExists", fmt::format("{} \"{}\" already exists", kind.qualified(), name),
          details_of(kind, name)};
}

Refusal conflict(const Kind& kind, std::string_view name, std::string_view why) {
  if (why.empty())
    why = "the object has been modified; please apply your changes to the latest version and try again";
  return {409, "Conflict",
          fmt::format("Operation cannot be fulfilled on {} \"{}\": {}", kind.qualified(), name, why),
          details_of(kind, name)};
}

Refusal forbidden(const Kind& kind, std::string_view name, std::string_view why) {
  const std::string object = name.empty() ? std::string{} : fmt::format(" \"{}\"", name);
  return {403, "Forbidden", fmt::format("{}{} is forbidden: {}", kind.qualified(), object, why),
          details_of(kind, name)};
}

Refusal invalid(const Kind& kind, std::string_view name, std::string_view field, std::string_view message) {
  const std::string type =
      kind.group.empty() ? std::string(kind.kind) : fmt::format("{}.{}", kind.kind, kind.group);
  Json details = details_of(kind, name);
  details["kind"] = kind.kind;
  details["causes"] = {{{"reason", "FieldValueInvalid"}, {"message", message}, {"field", field}}};
  return {422, "Invalid", fmt::format("{} \"{}\" is invalid: {}: {}", type, name, field, message), details};
}

Refusal denied(std::string_view webhook, std::string_view message, std::string_view field, int code) {
  Refusal refusal{code, code == 422 ? "Invalid" : "",
                  fmt::format("admission webhook \"{}\" denied the request: {}", webhook, message)};
  if (!field.empty())
    refusal.details = {
        {"causes", {{{"reason", "FieldValueInvalid"}, {"message", message}, {"field", field}}}}};
  return refusal;
}

Refusal bad_request(std::string_view message) { return {400, "BadRequest", std::string(message)}; }

Refusal too_old(std::string_view message) { return {410, "Expired", std::string(message)}; }

Json status_of(const Refusal& refusal) {
  Json status = {{"kind", "Status"},    {"apiVersion", "v1"},         {"metadata", Json::object()},
                 {"status", "Failure"}, {"message", refusal.message}, {"code", refusal.code}};
  if (!refusal.reason.empty()) status["reason"] = refusal.reason;
  if (!refusal.details.is_null()) status["details"] = refusal.details;
  return status;
}

}  // namespace wukong::sandbox
