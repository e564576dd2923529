// Which labels and annotations of a source a copy gets: KubeVirt's filters of VirtualMachineClone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/object.h"
#include "base/result.h"

namespace wukong::manifest {

/// What is wrong with a filter ("" = fine). "*" alone is everything, a leading "!" negates, anything else is an
/// unanchored regular expression of Go's (RE2): "app" also matches "my-app/x".
/// Source: kubevirt pkg/virt-controller/watch/clone/vm-target.go and vmclone-admitter.go.
std::string filter_problem(std::string_view filter);

/// True when `key` is kept: some positive filter matches and no negative one does. No filters at all keep everything.
bool keeps_key(const std::vector<std::string>& filters, std::string_view key);

/// The members of `map` (labels or annotations) that the filters keep.
Json kept_keys(const Json& map, const std::vector<std::string>& filters);

}  // namespace wukong::manifest
