#include "sandbox/protobuf.h"

#include <cstdint>
#include <nlohmann/json.hpp>

namespace wukong::sandbox {
namespace {

/// Message -> field number -> name and, but for strings, message. Numbers are those of k8s.io/api and
/// k8s.io/apimachinery (generated.proto); other fields are skipped.
constexpr const char* kSchema = R"({
  "Unknown": {"1": ["type", "TypeMeta"], "2": ["raw"]},
  "TypeMeta": {"1": ["apiVersion"], "2": ["kind"]},
  "ObjectMeta": {"1": ["name"], "2": ["generateName"], "3": ["namespace"], "11": ["labels", "Entry"],
                 "12": ["annotations", "Entry"]},
  "Entry": {"1": ["key"], "2": ["value"]},
  "Namespace": {"1": ["metadata", "ObjectMeta"]},
  "ConfigMap": {"1": ["metadata", "ObjectMeta"], "2": ["data", "Entry"]},
  "ResourceQuota": {"1": ["metadata", "ObjectMeta"], "2": ["spec", "ResourceQuotaSpec"]},
  "ResourceQuotaSpec": {"1": ["hard", "QuantityEntry"]},
  "QuantityEntry": {"1": ["key"], "2": ["value", "Quantity"]},
  "Quantity": {"1": ["string"]},
  "SelfSubjectAccessReview": {"1": ["metadata", "ObjectMeta"], "2": ["spec", "ReviewSpec"]},
  "ReviewSpec": {"1": ["resourceAttributes", "ResourceAttributes"], "2": ["nonResourceAttributes", "PathAttributes"]},
  "ResourceAttributes": {"1": ["namespace"], "2": ["verb"], "3": ["group"], "4": ["version"], "5": ["resource"],
                         "6": ["subresource"], "7": ["name"]},
  "PathAttributes": {"1": ["path"], "2": ["verb"]}
})";

/// Takes a number off the front.
std::optional<std::uint64_t> take_number(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

std::optional<Json> parse_message(const Json& schema, std::string_view message, std::string_view bytes) {
  Json object = Json::object();
  while (!bytes.empty()) {
    const auto tag = take_number(bytes);
    const auto size = take_number(bytes);  // or, for wire type 0, a number of no interest
    if (!tag || !size) return std::nullopt;
    if ((*tag & 7U) == 0) continue;
    if ((*tag & 7U) != 2 || *size > bytes.size()) return std::nullopt;
    const std::string_view value = bytes.substr(0, *size);
    bytes.remove_prefix(*size);
    const Json& field = items(schema, {message, std::to_string(*tag >> 3U)});
    if (field.empty()) continue;
    const std::string name = field[0];
    if (field.size() == 1) {
      if (!value.empty()) object[name] = value;
      continue;
    }
    const std::string type = field[1];
    auto inner = parse_message(schema, type, value);
    if (!inner) return std::nullopt;
    if (!type.ends_with("Entry"))
      object[name] = *std::move(inner);
    else
      object[name][std::string(text(*inner, {"key"}))] =
          type == "Entry" ? text(*inner, {"value"}) : text(*inner, {"value", "string"});
  }
  return object;
}

}  // namespace

std::optional<Json> parse_protobuf(std::string_view bytes) {
  constexpr std::string_view kMagic("k8s\0", 4);
  if (!bytes.starts_with(kMagic)) return std::nullopt;
  const Json schema = Json::parse(kSchema);
  const auto envelope = parse_message(schema, "Unknown", bytes.substr(kMagic.size()));
  if (!envelope) return std::nullopt;
  const std::string_view kind = text(*envelope, {"type", "kind"});
  auto object = schema.contains(kind) ? parse_message(schema, kind, text(*envelope, {"raw"})) : std::nullopt;
  if (!object) return std::nullopt;
  (*object)["kind"] = kind;
  (*object)["apiVersion"] = text(*envelope, {"type", "apiVersion"});
  return object;
}

}  // namespace wukong::sandbox
