#include "sandbox/protobuf.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>

namespace wukong::sandbox {
namespace {

/// Field numbers from k8s.io/api and k8s.io/apimachinery (generated.proto). Fields that are not listed are skipped.
struct Field {
  std::string_view message{};
  std::uint64_t number{};
  const char* name{};
  std::string_view
      type{};  // a message, "string", or "map" of strings to strings or to messages with one string
};

constexpr std::array kFields{
    Field{"Unknown", 1, "type", "TypeMeta"},
    Field{"Unknown", 2, "raw", "string"},
    Field{"TypeMeta", 1, "apiVersion", "string"},
    Field{"TypeMeta", 2, "kind", "string"},
    Field{"ObjectMeta", 1, "name", "string"},
    Field{"ObjectMeta", 2, "generateName", "string"},
    Field{"ObjectMeta", 3, "namespace", "string"},
    Field{"ObjectMeta", 11, "labels", "map"},
    Field{"ObjectMeta", 12, "annotations", "map"},
    Field{"Namespace", 1, "metadata", "ObjectMeta"},
    Field{"ConfigMap", 1, "metadata", "ObjectMeta"},
    Field{"ConfigMap", 2, "data", "map"},
    Field{"ResourceQuota", 1, "metadata", "ObjectMeta"},
    Field{"ResourceQuota", 2, "spec", "ResourceQuotaSpec"},
    Field{"ResourceQuotaSpec", 1, "hard", "map"},
    Field{"Quantity", 1, "string", "string"},
    Field{"SelfSubjectAccessReview", 1, "metadata", "ObjectMeta"},
    Field{"SelfSubjectAccessReview", 2, "spec", "ReviewSpec"},
    Field{"ReviewSpec", 1, "resourceAttributes", "ResourceAttributes"},
    Field{"ReviewSpec", 2, "nonResourceAttributes", "NonResourceAttributes"},
    Field{"ResourceAttributes", 1, "namespace", "string"},
    Field{"ResourceAttributes", 2, "verb", "string"},
    Field{"ResourceAttributes", 3, "group", "string"},
    Field{"ResourceAttributes", 4, "version", "string"},
    Field{"ResourceAttributes", 5, "resource", "string"},
    Field{"ResourceAttributes", 6, "subresource", "string"},
    Field{"ResourceAttributes", 7, "name", "string"},
    Field{"NonResourceAttributes", 1, "path", "string"},
    Field{"NonResourceAttributes", 2, "verb", "string"},
    Field{"MapEntry", 1, "key", "string"},
    Field{"MapEntry", 2, "value", "string"},
};

/// Takes values off the front. Once something is cut short, `ok` is false and the rest is empty.
struct Reader {
  std::string_view rest{};
  bool ok{true};

  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !rest.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest.front());
      rest.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
      if (byte < 0x80) return value;
    }
    ok = false;
    return 0;
  }
  std::string_view bytes(std::uint64_t size) {
    if (size > rest.size()) ok = false;
    const std::string_view taken = ok ? rest.substr(0, size) : "";
    rest.remove_prefix(taken.size());
    return taken;
  }
};

std::optional<Json> parse_message(std::string_view message, std::string_view bytes);

bool add_field(Json& object, const Field& field, std::string_view bytes) {
  if (field.type == "string") {
    if (!bytes.empty()) object[field.name] = bytes;
    return true;
  }
  if (field.type != "map") {
    auto inner = parse_message(field.type, bytes);
    if (!inner) return false;
    object[field.name] = *std::move(inner);
    return true;
  }
  const auto entry = parse_message("MapEntry", bytes);
  if (!entry) return false;
  std::string value(text(*entry, {"value"}));
  if (field.message == "ResourceQuotaSpec")
    if (const auto quantity = parse_message("Quantity", value)) value = text(*quantity, {"string"});
  object[field.name][std::string(text(*entry, {"key"}))] = value;
  return true;
}

std::optional<Json> parse_message(std::string_view message, std::string_view bytes) {
  Json object = Json::object();
  Reader reader{bytes};
  while (reader.ok && !reader.rest.empty()) {
    const std::uint64_t tag = reader.number();
    const std::uint64_t wire_type = tag & 7U;
    if (wire_type == 0) {
      (void)reader.number();
      continue;
    }
    if (wire_type != 2) return std::nullopt;
    const std::string_view value = reader.bytes(reader.number());
    const auto field = std::find_if(kFields.begin(), kFields.end(), [&](const Field& each) {
      return each.message == message && each.number == tag >> 3U;
    });
    if (reader.ok && field != kFields.end() && !add_field(object, *field, value)) return std::nullopt;
  }
  if (!reader.ok) return std::nullopt;
  return object;
}

}  // namespace

std::optional<Json> parse_protobuf(std::string_view bytes) {
  constexpr std::string_view kMagic("k8s\0", 4);
  if (!bytes.starts_with(kMagic)) return std::nullopt;
  const auto envelope = parse_message("Unknown", bytes.substr(kMagic.size()));
  if (!envelope) return std::nullopt;
  const std::string_view kind = text(*envelope, {"type", "kind"});
  const bool known =
      std::any_of(kFields.begin(), kFields.end(), [&](const Field& each) { return each.message == kind; });
  auto object = known ? parse_message(kind, text(*envelope, {"raw"})) : std::nullopt;
  if (!object) return std::nullopt;
  (*object)["kind"] = kind;
  (*object)["apiVersion"] = text(*envelope, {"type", "apiVersion"});
  return object;
}

}  // namespace wukong::sandbox
