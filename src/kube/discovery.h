// What the server serves: groups, versions, resources. Asked for at once (aggregated discovery), kept on disk.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/object.h"
#include "base/time.h"
#include "kube/api.h"

namespace wukong::kube {

/// group -> version -> resources (plural names), without the core API. A server without aggregated discovery
/// tells no resources: then those lists are empty.
struct ServedApis {
  std::map<std::string, std::map<std::string, std::vector<std::string>>, std::less<>> groups{};
  bool operator==(const ServedApis&) const = default;
};

/// The versions of `group` that this program can speak, best first. Empty for groups without a choice.
/// clone.kubevirt.io, snapshot.kubevirt.io: v1beta1, v1alpha1. export.kubevirt.io: v1, v1beta1, v1alpha1.
std::vector<std::string> version_preference(std::string_view group);

/// `gvr` in the version that both sides speak. Nothing when the server does not serve its group, or in no version
/// that the program speaks.
std::optional<Gvr> spoken(const Gvr& gvr, const ServedApis& served);

/// The same; as it is when there is none, or it is not known what the server serves.
Gvr speaking(const Gvr& gvr, const std::optional<ServedApis>& served);
std::vector<Watched> speaking(std::vector<Watched> watches, const std::optional<ServedApis>& served);

/// Reads an answer of GET /apis: an APIGroupDiscoveryList {items[] {metadata.name, versions[] {version, resources[]
/// {resource}}}} or, from servers older than 1.26 and some proxies, an APIGroupList {groups[] {name, versions[]
/// {version}}}. Nothing when it is neither.
std::optional<ServedApis> served_apis(const Json& answer);

/// Where the answer of a server is kept: "<dir>/wukong/discovery/<server>.json", <dir> being $KUBECACHEDIR or
/// ~/.kube/cache, as kubectl's. Empty when there is neither. kubectl's own files are left alone: they are many,
/// and one that is missing makes it ask for each group again.
std::string discovery_cache_file(std::string_view server, std::string_view kube_cache_dir,
                                 std::string_view home);

/// The text of a cache file and back. Errors: `failed` for what was not written by this program.
std::string cache_text(const ServedApis& served);
Result<ServedApis> parse_cache(std::string_view text);

/// What one server serves, asked at most once per run.
class Discovery {
 public:
  /// `file` may be empty: nothing is kept. As for kubectl, what it holds counts for six hours.
  Discovery(Api& api, std::string file, WallTime now) : api_(&api), file_(std::move(file)), now_(now) {}

  /// From the disk when it is there and young, else from the server. Who may not ask is told nothing: an empty
  /// optional. Errors: unreachable, unauthenticated, interrupted.
  Result<std::optional<ServedApis>> served();
  /// True when served() came from the disk: before refusing because of it, renew().
  bool from_disk() const { return from_disk_; }
  /// Asks the server.
  Result<std::optional<ServedApis>> renew();

 private:
  Api* api_;
  std::string file_;
  WallTime now_;
  std::optional<ServedApis> known_{};
  bool from_disk_{};
};

}  // namespace wukong::kube
