// The kinds that the sandbox serves.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace wukong::sandbox {

/// One kind. Lists are texts with commas, so that a kind is one line of the table.
struct Kind {
  std::string_view group{};  // "" for the core API
  std::string_view version{};
  std::string_view resource{};  // plural, as in URLs; no two kinds share one
  std::string_view kind{};
  std::string_view short_names{};
  bool namespaced{true};
  bool has_status{true};       // has a status subresource
  std::string_view columns{};  // of `kubectl get`, after NAME; syntax in table.h
  std::string_view spec{};     // the fields that .spec may have; "" for any

  std::string qualified() const;    // "virtualmachines.kubevirt.io", "pods"
  std::string api_version() const;  // "kubevirt.io/v1", "v1"
  std::string type() const;         // "VirtualMachine.kubevirt.io", "Pod"
  /// Defined by a CustomResourceDefinition, which Kubernetes treats a little differently.
  bool is_custom() const { return group.ends_with("kubevirt.io") || group.starts_with("snapshot."); }
};

std::span<const Kind> all_kinds();
/// nullptr when there is none.
const Kind* find_kind(std::string_view group, std::string_view resource);
/// The kind called `resource`, which is one of the table.
const Kind& kind_named(std::string_view resource);

}  // namespace wukong::sandbox
