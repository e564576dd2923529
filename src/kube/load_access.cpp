// Which kubeconfig files are read. Source: client-go tools/clientcmd/loader.go, ClientConfigLoadingRules.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/text.h"
#include "kube/kubeconfig.h"

namespace wukong::kube {
namespace {

struct Source {
  std::string path{};
  std::string elder{};  // read instead where there is no such file
};

/// Without HOME the path is relative to the working folder, as kubectl's is.
std::vector<Source> sources(const Overrides& flags, const Environment& environment) {
  if (!flags.kubeconfig.empty()) return {{.path = flags.kubeconfig}};
  if (environment.kubeconfig.empty()) {
    const std::string folder = environment.home.empty() ? ".kube" : environment.home + "/.kube";
    // kubectl moves the file of the elder name to the new one.
    return {{.path = folder + "/config", .elder = folder + "/.kubeconfig"}};
  }
  std::vector<Source> out{};
  for (std::string& path : split(environment.kubeconfig, ':')) {
    const bool known = std::any_of(out.begin(), out.end(), [&](const Source& s) { return s.path == path; });
    if (!path.empty() && !known) out.push_back({.path = std::move(path)});
  }
  return out;
}

Error not_configured(const std::vector<Source>& looked_at) {
  std::vector<std::string> paths{};
  for (const Source& source : looked_at) paths.push_back(source.path);
  return {.code = Code::unreachable,
          .message = looked_at.empty()
                         ? "no cluster is configured: KUBECONFIG names no file"
                         : fmt::format("no cluster is configured: nothing in {}", fmt::join(paths, ", ")),
          .hint = "set KUBECONFIG to a kubeconfig file, or give --kubeconfig FILE or --server URL"};
}

Result<Kubeconfig> load(const std::vector<Source>& from, const Overrides& flags, const FileReader& read) {
  Kubeconfig config{};
  for (const Source& source : from) {
    std::string path = source.path;
    auto text = read(path);
    if (!text && text.error().code == Code::not_found && !source.elder.empty())
      text = read(path = source.elder);
    if (!text && text.error().code == Code::not_found && flags.kubeconfig.empty()) continue;
    if (!text) return usage(text.error().message, "check --kubeconfig and KUBECONFIG");
    WUKONG_TRY(Kubeconfig next, parse_kubeconfig(*text, path));
    merge(config, std::move(next));
  }
  return config;
}

}  // namespace

Result<Kubeconfig> load_kubeconfig(const Overrides& flags, const Environment& environment) {
  return load(sources(flags, environment), flags, environment.read);
}

Result<ClusterAccess> load_access(const Overrides& flags, const Environment& environment) {
  const std::vector<Source> from = sources(flags, environment);
  WUKONG_TRY(const Kubeconfig config, load(from, flags, environment.read));
  const bool empty = config.clusters.empty() && config.users.empty() && config.contexts.empty() &&
                     config.current_context.empty();
  auto access = choose_access(config, flags, environment);
  if (!access && empty && access.error().code == Code::unreachable) return not_configured(from);
  return access;
}

}  // namespace wukong::kube
