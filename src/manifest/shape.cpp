#include "manifest/shape.h"

#include <initializer_list>
#include <nlohmann/json.hpp>

#include "manifest/key_filter.h"

namespace wukong::manifest {
namespace {

using Path = std::initializer_list<std::string_view>;

Json& at(Json& object, Path path) {
  Json* here = &object;
  for (const std::string_view key : path) here = &(*here)[std::string(key)];
  return *here;
}

/// null takes a member away; one that is not there would leave empty objects in its place.
void take_away(Json& patch, const Json& vm, Path path) {
  if (vm.is_null() || find(vm, path) != nullptr) at(patch, path) = nullptr;
}

void drop(Json& patch, const Json& vm, Path path, const std::vector<std::string>& filters) {
  const Json& all = fields(vm, path);
  for (const auto& [key, value] : all.items())
    if (!keeps_key(filters, key)) at(patch, path)[key] = nullptr;
}

}  // namespace

Json shape_patch(const Json& vm, const VmShape& shape) {
  Json patch = Json::object();
  const auto take = [&](Path path) { take_away(patch, vm, path); };
  for (const auto& [key, value] : shape.labels) at(patch, {"metadata", "labels"})[key] = value;
  if (!shape.hostname.empty()) at(patch, {"spec", "template", "spec", "hostname"}) = shape.hostname;
  if (!shape.serial.empty())
    at(patch, {"spec", "template", "spec", "domain", "firmware", "serial"}) = shape.serial;
  if (shape.cores) {
    // One socket with so many cores: a topology that names sockets and threads would multiply them.
    for (const char* key : {"sockets", "threads", "maxSockets"})
      take({"spec", "template", "spec", "domain", "cpu", key});
    at(patch, {"spec", "template", "spec", "domain", "cpu", "cores"}) = *shape.cores;
    for (const char* kind : {"requests", "limits"})
      take({"spec", "template", "spec", "domain", "resources", kind, "cpu"});
  }
  if (!shape.memory.empty()) {
    take({"spec", "template", "spec", "domain", "memory", "maxGuest"});
    at(patch, {"spec", "template", "spec", "domain", "memory", "guest"}) = shape.memory;
    for (const char* kind : {"requests", "limits"})
      take({"spec", "template", "spec", "domain", "resources", kind, "memory"});
  }
  return patch;
}

Json dropped_keys_patch(const Json& vm, const VmShape& shape) {
  Json patch = Json::object();
  drop(patch, vm, {"metadata", "labels"}, shape.label_filters);
  drop(patch, vm, {"metadata", "annotations"}, shape.annotation_filters);
  drop(patch, vm, {"spec", "template", "metadata", "labels"}, shape.template_label_filters);
  drop(patch, vm, {"spec", "template", "metadata", "annotations"}, shape.template_annotation_filters);
  return patch;
}

}  // namespace wukong::manifest
