// Which version of an API group to speak.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/object.h"

namespace wukong::kube {

/// The versions of `group` that this program can speak, best first. Empty for groups without a choice.
/// clone.kubevirt.io, snapshot.kubevirt.io: v1beta1, v1alpha1. export.kubevirt.io: v1, v1beta1, v1alpha1.
std::vector<std::string> version_preference(std::string_view group);

/// The first of `preferred` that the server serves. `group`: an APIGroup object, the answer of GET
/// /apis/<group>: .versions[] {groupVersion, version}. Nothing when it serves none of them (or the answer is
/// something else).
std::optional<std::string> served_version(const Json& group, std::span<const std::string> preferred);

/// `gvr` with the served version of its group; unchanged when the program knows one version only.
/// Nothing when the server serves none that the program can speak.
std::optional<Gvr> with_served_version(const Gvr& gvr, const Json& group);

}  // namespace wukong::kube
