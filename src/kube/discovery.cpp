#include "kube/discovery.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "kube/kubeconfig.h"
#include "kube/subprocess.h"

namespace wukong::kube {
namespace {

constexpr std::chrono::hours kCacheLasts{6};  // kubectl's, too
constexpr const char* kAccept =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";
constexpr int kCacheFormat = 1;

struct Preference {
  std::string_view group{};
  std::array<std::string_view, 3> versions{};  // best first; empty ones do not count
};

constexpr std::array kPreferences{
    Preference{"clone.kubevirt.io", {"v1beta1", "v1alpha1"}},
    Preference{"snapshot.kubevirt.io", {"v1beta1", "v1alpha1"}},
    Preference{"export.kubevirt.io", {"v1", "v1beta1", "v1alpha1"}},
};

void add_version(ServedApis& out, std::string_view group, const Json& version) {
  const std::string_view name = text(version, {"version"});
  if (name.empty()) return;
  std::vector<std::string>& resources = out.groups[std::string(group)][std::string(name)];
  for (const Json& resource : items(version, {"resources"}))
    if (const std::string_view plural = text(resource, {"resource"}); !plural.empty())
      resources.emplace_back(plural);
}

/// The text of a young file that is ours to trust; nothing otherwise.
std::optional<std::string> young_text(const std::string& file, WallTime now) {
  struct stat info{};
  if (file.empty() || ::stat(file.c_str(), &info) != 0 || info.st_uid != ::geteuid()) return std::nullopt;
  const auto written = std::chrono::system_clock::from_time_t(info.st_mtime);
  if (written > now || now - written > kCacheLasts) return std::nullopt;
  auto text = read_file(file);
  return text ? std::optional(std::move(*text)) : std::nullopt;
}

/// Whole or not at all, and without a word: the cache only saves time.
void keep(const std::string& file, const std::string& text) {
  if (file.empty()) return;
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(file).parent_path(), ignored);
  const std::string part = fmt::format("{}.{}", file, ::getpid());
  std::FILE* const out = std::fopen(part.c_str(), "wxe");
  if (out == nullptr) return;
  const bool written = std::fwrite(text.data(), 1, text.size(), out) == text.size();
  const bool closed = std::fclose(out) == 0;
  if (written && closed)
    std::filesystem::rename(part, file, ignored);
  else
    std::filesystem::remove(part, ignored);
}

}  // namespace

std::vector<std::string> version_preference(std::string_view group) {
  std::vector<std::string> out{};
  for (const Preference& known : kPreferences)
    if (known.group == group)
      for (const std::string_view version : known.versions)
        if (!version.empty()) out.emplace_back(version);
  return out;
}

std::optional<Gvr> spoken(const Gvr& gvr, const ServedApis& served) {
  if (gvr.group.empty()) return gvr;  // /apis does not tell of the core API, which every server has
  const auto group = served.groups.find(gvr.group);
  if (group == served.groups.end()) return std::nullopt;
  std::vector<std::string> wanted = version_preference(gvr.group);
  if (wanted.empty()) wanted.push_back(gvr.version);
  for (const std::string& version : wanted) {
    const auto found = group->second.find(version);
    if (found == group->second.end()) continue;
    const std::vector<std::string>& resources = found->second;
    if (!resources.empty() && std::find(resources.begin(), resources.end(), gvr.resource) == resources.end())
      continue;
    Gvr out = gvr;
    out.version = version;
    return out;
  }
  return std::nullopt;
}

Gvr speaking(const Gvr& gvr, const std::optional<ServedApis>& served) {
  return served ? spoken(gvr, *served).value_or(gvr) : gvr;
}

std::vector<Watched> speaking(std::vector<Watched> watches, const std::optional<ServedApis>& served) {
  for (Watched& watched : watches) watched.gvr = speaking(watched.gvr, served);
  return watches;
}

std::optional<ServedApis> served_apis(const Json& answer) {
  ServedApis out{};
  const std::string_view kind = text(answer, {"kind"});
  if (kind == "APIGroupDiscoveryList") {
    for (const Json& group : items(answer, {"items"}))
      for (const Json& version : items(group, {"versions"}))
        add_version(out, text(group, {"metadata", "name"}), version);
  } else if (kind == "APIGroupList") {
    for (const Json& group : items(answer, {"groups"}))
      for (const Json& version : items(group, {"versions"})) add_version(out, text(group, {"name"}), version);
  } else {
    return std::nullopt;
  }
  return out;
}

std::string discovery_cache_file(std::string_view server, std::string_view kube_cache_dir,
                                 std::string_view home) {
  if (kube_cache_dir.empty() && home.empty()) return {};
  std::string name(server.substr(server.find("://") == std::string_view::npos ? 0 : server.find("://") + 3));
  for (char& c : name) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.';
    if (!plain) c = '_';
  }
  const std::string dir =
      kube_cache_dir.empty() ? fmt::format("{}/.kube/cache", home) : std::string(kube_cache_dir);
  return fmt::format("{}/wukong/discovery/{}.json", dir, name);
}

std::string cache_text(const ServedApis& served) {
  Json groups = Json::object();
  for (const auto& [group, versions] : served.groups)
    for (const auto& [version, resources] : versions) groups[group][version] = resources;
  return dump(Json{{"format", kCacheFormat}, {"groups", std::move(groups)}}) + "\n";
}

Result<ServedApis> parse_cache(std::string_view text) {
  WUKONG_TRY(const Json json, parse_json(text));
  if (integer(json, {"format"}) != kCacheFormat) return Error{.message = "not a cache of this program"};
  ServedApis out{};
  for (const auto& [group, versions] : fields(json, {"groups"}).items()) {
    if (!versions.is_object()) return Error{.message = "a group without versions"};
    for (const auto& [version, resources] : versions.items()) {
      std::vector<std::string>& into = out.groups[group][version];
      for (const Json& resource : items(resources, {})) into.emplace_back(wukong::text(resource, {}));
    }
  }
  return out;
}

Result<std::optional<ServedApis>> Discovery::served() {
  if (known_) return known_;
  if (const auto text = young_text(file_, now_)) {
    if (auto kept = parse_cache(*text)) {
      from_disk_ = true;
      known_ = std::move(*kept);
      return known_;
    }
  }
  return renew();
}

Result<std::optional<ServedApis>> Discovery::renew() {
  Result<Response> answer =
      ask(*api_, {.path = "/apis",
                  .accept = kAccept,
                  .keep = {{"items.versions.version", "items.versions.resources.resource", "groups.name",
                            "groups.versions.version", "items.metadata.name"}}});
  if (!answer && is_by_signal(answer.error().code)) return std::move(answer.error());
  from_disk_ = false;
  known_.reset();
  if (!answer) {
    const Code code = answer.error().code;
    if (code == Code::forbidden || code == Code::not_found) return known_;
    return with_context<std::optional<ServedApis>>(std::move(answer.error()),
                                                   "while asking what the server serves");
  }
  known_ = served_apis(answer->body);
  if (known_) keep(file_, cache_text(*known_));
  return known_;
}

}  // namespace wukong::kube
