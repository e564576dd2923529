// Kubernetes objects as JSON: reads that cannot throw, names of kinds, references to objects.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace wukong {

using Json = nlohmann::json;
using Path = std::initializer_list<std::string_view>;

// Reads. `path` is a list of object keys. A missing key, a null and a value of another type all read as
// "absent": a server may send anything, and no read throws.

/// The value at `path`, or nullptr.
const Json* find(const Json& value, Path path);
/// The string at `path`, or "". The view lives as long as `value`.
std::string_view text(const Json& value, Path path);
/// The integer at `path`; also from a number written as "12".
std::optional<std::int64_t> integer(const Json& value, Path path);
/// The boolean at `path`, or `fallback`.
bool flag(const Json& value, Path path, bool fallback = false);
/// The array at `path`, or an empty array that lives for ever.
const Json& items(const Json& value, Path path);
/// The object at `path`, or an empty object that lives for ever.
const Json& fields(const Json& value, Path path);

/// The first of `.status.conditions[]` whose type is `type`, or nullptr.
const Json* condition(const Json& object, std::string_view type);

/// Which fields of an object are worth keeping: dotted paths such as "status.phase"; a kept path keeps all
/// below it; array elements do not count as a level. Empty keeps everything. "metadata.name", ".namespace",
/// ".uid", ".resourceVersion", ".generation", ".creationTimestamp", ".deletionTimestamp", "kind" and
/// "apiVersion" are always kept.
struct Projection {
  std::vector<std::string> keep{};
  bool operator==(const Projection&) const = default;
};

/// What surrounds the projected objects in a text.
enum class Envelope { object, list, watch_event };

/// Parses `text`; deeper than 200 levels is refused. Fields outside `projection` are dropped while parsing.
/// A Status object (kind "Status") is never projected. Errors: `failed`, saying where the text is wrong.
Result<Json> parse_json(std::string_view text, const Projection& projection = {},
                        Envelope envelope = Envelope::object);

/// `value` as one line of JSON; bytes that are not UTF-8 become U+FFFD instead of an exception.
std::string dump(const Json& value, int indent = -1);

/// Group, version and names of one kind. `group` is "" for the core API.
struct Gvr {
  std::string group{};
  std::string version{};
  std::string resource{};  // plural, as in URLs
  std::string kind{};
  bool operator==(const Gvr&) const = default;
  /// "v1" or "clone.kubevirt.io/v1beta1".
  std::string api_version() const { return group.empty() ? version : group + "/" + version; }
  /// "virtualmachines.kubevirt.io", "pods": what RBAC messages and kubectl print.
  std::string qualified() const { return group.empty() ? resource : resource + "." + group; }
};

/// One object. `ns` is "" for cluster-scoped kinds.
struct ObjectRef {
  Gvr gvr{};
  std::string ns{};
  std::string name{};
  bool operator==(const ObjectRef&) const = default;
};

/// "VirtualMachine demo/web".
std::string describe(const ObjectRef& ref);
/// "virtualmachine.kubevirt.io/web": the form of `kubectl -o name`.
std::string resource_name(const ObjectRef& ref);

/// A manifest with apiVersion, kind and metadata {name, namespace} of `ref`.
Json skeleton(const ObjectRef& ref);

// Marks on every object that an operation makes.
namespace mark {
inline constexpr const char* kOperation = "vm.novasphere.dev/operation";   // label: the operation's id
inline constexpr const char* kManagedBy = "app.kubernetes.io/managed-by";  // label: kManager
inline constexpr const char* kManager = "kubectl-wukong";
inline constexpr const char* kRequestHash =
    "vm.novasphere.dev/request-hash";  // annotation: what the user asked
inline constexpr const char* kKept =
    "vm.novasphere.dev/kept";  // annotation, "true": the user keeps it, it is no leftover of a run that was cut off
inline constexpr const char* kStoppedBy =
    "vm.novasphere.dev/stopped-by";  // annotation of a VM: the operation that stopped it, and will start it again
inline constexpr const char* kStoppedFrom =
    "vm.novasphere.dev/stopped-from";  // likewise: the run strategy that it had
inline constexpr const char* kTargetNamespace =
    "vm.novasphere.dev/target-namespace";  // annotation of a snapshot: where what is made from it is, when elsewhere
}  // namespace mark

/// True when two manifests' `.metadata.uid` agree and are not empty.
bool same_uid(const Json& a, const Json& b);

// Kinds, with the version preferred where several are served (kube/discovery finds the served one).
namespace gvr {
Gvr vm();
Gvr vmi();
Gvr vm_clone();
Gvr vm_snapshot();
Gvr vm_restore();
Gvr vm_export();
Gvr pvc();
Gvr data_volume();
Gvr event();
Gvr service();
Gvr ingress();
Gvr storage_class();
Gvr storage_profile();
Gvr volume_snapshot();
Gvr volume_snapshot_class();
Gvr kubevirt();
Gvr self_subject_access_review();
}  // namespace gvr

}  // namespace wukong
