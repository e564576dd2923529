#include "commands/kubevirt_version.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace wukong::commands {

namespace {

std::optional<int> number(const std::string& digits) {
  int value = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  return error == std::errc{} && stop == end ? std::optional(value) : std::nullopt;
}

/// The one that runs, or nullptr.
const Json* running(const kube::Fact& kubevirts) {
  const Json& all = items(kubevirts.object, {"items"});
  return kubevirts.is_known() && !all.empty() ? &all.front() : nullptr;
}

bool lists(const Json& kubevirt, const char* field, std::string_view gate) {
  const Json& gates = items(kubevirt, {"spec", "configuration", "developerConfiguration", field});
  return std::any_of(gates.begin(), gates.end(), [&](const Json& each) { return text(each, {}) == gate; });
}

}  // namespace

std::optional<std::pair<int, int>> kubevirt_version(const kube::Fact& kubevirts) {
  const Json* kubevirt = running(kubevirts);
  if (kubevirt == nullptr) return std::nullopt;
  std::string_view words = text(*kubevirt, {"status", "observedKubeVirtVersion"});
  if (words.starts_with('v')) words.remove_prefix(1);
  const std::vector<std::string> parts = split(words, '.');
  if (parts.size() < 2) return std::nullopt;
  const auto major = number(parts[0]);
  const auto minor = number(parts[1]);
  if (!major || !minor) return std::nullopt;
  return std::pair{*major, *minor};
}

std::optional<bool> gate_is_on(const kube::Fact& kubevirts, std::string_view gate) {
  const auto version = kubevirt_version(kubevirts);
  if (!version) return std::nullopt;
  const Json& kubevirt = *running(kubevirts);
  if (lists(kubevirt, "featureGates", gate)) return true;
  // GA: nothing looks at it any more.
  if (gate == "VMExport" && *version >= std::pair{1, 9}) return true;
  return *version >= std::pair{1, 9} && !lists(kubevirt, "disabledFeatureGates", gate);
}

std::string list_of_gates(const kube::Fact& kubevirts) {
  const Json* kubevirt = running(kubevirts);
  const std::string where = kubevirt == nullptr
                                ? "the KubeVirt resource"
                                : fmt::format("KubeVirt {}/{}", text(*kubevirt, {"metadata", "namespace"}),
                                              text(*kubevirt, {"metadata", "name"}));
  return ".spec.configuration.developerConfiguration.featureGates of " + where;
}

}  // namespace wukong::commands
