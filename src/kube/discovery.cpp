#include "kube/discovery.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

namespace wukong::kube {
namespace {

struct Preference {
  std::string_view group{};
  std::array<std::string_view, 3> versions{};  // best first; empty ones do not count
};

constexpr std::array kPreferences{
    Preference{"clone.kubevirt.io", {"v1beta1", "v1alpha1"}},
    Preference{"snapshot.kubevirt.io", {"v1beta1", "v1alpha1"}},
    Preference{"export.kubevirt.io", {"v1", "v1beta1", "v1alpha1"}},
};

}  // namespace

std::vector<std::string> version_preference(std::string_view group) {
  std::vector<std::string> out{};
  for (const Preference& known : kPreferences)
    if (known.group == group)
      for (const std::string_view version : known.versions)
        if (!version.empty()) out.emplace_back(version);
  return out;
}

std::optional<std::string> served_version(const Json& group, std::span<const std::string> preferred) {
  const Json& served = items(group, {"versions"});
  for (const std::string& wanted : preferred)
    if (std::any_of(served.begin(), served.end(),
                    [&](const Json& v) { return text(v, {"version"}) == wanted; }))
      return wanted;
  return std::nullopt;
}

std::optional<Gvr> with_served_version(const Gvr& gvr, const Json& group) {
  const std::vector<std::string> preferred = version_preference(gvr.group);
  if (preferred.empty()) return gvr;
  const auto version = served_version(group, preferred);
  if (!version) return std::nullopt;
  Gvr out = gvr;
  out.version = *version;
  return out;
}

}  // namespace wukong::kube
