// Which KubeVirt runs, and with which gates, as its own resource says. All take a list of KubeVirt resources.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "kube/api.h"

namespace wukong::commands {

/// {1, 8} of "v1.8.4"; nothing when it is unreadable, or says nothing that looks so.
std::optional<std::pair<int, int>> kubevirt_version(const kube::Fact& kubevirts);

/// Whether a feature gate is on, of those that are on by themselves since KubeVirt 1.9. Nothing: it cannot be told.
std::optional<bool> gate_is_on(const kube::Fact& kubevirts, std::string_view gate);

/// Where gates are added: ".spec.configuration.developerConfiguration.featureGates of KubeVirt kubevirt/kubevirt".
std::string list_of_gates(const kube::Fact& kubevirts);

}  // namespace wukong::commands
