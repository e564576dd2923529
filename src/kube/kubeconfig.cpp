#include "kube/kubeconfig.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <iterator>
#include <set>
#include <system_error>

#include "base/text.h"
#include "kube/base64.h"
#include "kube/subprocess.h"
#include "kube/yaml_json.h"

namespace wukong::kube {
namespace {

constexpr std::size_t kMaxFile = 16UL * 1024UL * 1024UL;
constexpr std::string_view kExecExtension = "client.authentication.k8s.io/exec";

/// Typed reads of one mapping. The first field of a wrong type becomes the problem of the whole file: to read
/// on as if it were absent could mean another cluster or another user.
class Fields {
 public:
  Fields(const Json& object, std::string where, std::optional<Error>& problem)
      : object_(object), where_(std::move(where)), problem_(problem) {
    if (!object.is_object() && !object.is_null()) complain("must be a mapping");
  }

  std::string text(std::string_view key) const {
    const Json* value = find(object_, {key});
    if (value == nullptr) return {};
    if (!value->is_string()) complain(fmt::format("{} must be text; put it in quotes", key));
    return std::string(wukong::text(object_, {key}));
  }

  /// Base64, decoded.
  std::string bytes(std::string_view key) const {
    auto decoded = decode_base64(text(key));
    if (decoded) return std::move(*decoded);
    complain(fmt::format("{} is not base64", key));
    return {};
  }

  std::optional<bool> flag(std::string_view key) const {
    const Json* value = find(object_, {key});
    if (value == nullptr) return std::nullopt;
    if (!value->is_boolean()) complain(fmt::format("{} must be true or false", key));
    return wukong::flag(object_, {key});
  }

  const Json& list(std::string_view key) const {
    const Json* value = find(object_, {key});
    if (value != nullptr && !value->is_array()) complain(fmt::format("{} must be a list", key));
    return wukong::items(object_, {key});
  }

  std::vector<std::string> texts(std::string_view key) const {
    std::vector<std::string> out{};
    for (const Json& item : list(key)) {
      if (!item.is_string() && !item.is_null())
        complain(fmt::format("{} must be a list of text; put its items in quotes", key));
      out.emplace_back(wukong::text(item, {}));
    }
    return out;
  }

  bool has(std::string_view key) const { return find(object_, {key}) != nullptr; }

  /// The mapping under `key`; an empty one when it is absent.
  Fields at(std::string_view key, std::string where) const {
    const Json* value = find(object_, {key});
    return {value == nullptr ? wukong::fields(object_, {key}) : *value, std::move(where), problem_};
  }

  Fields item(const Json& value, std::string where) const { return {value, std::move(where), problem_}; }

  const Json& json() const { return object_; }
  const std::string& where() const { return where_; }
  void complain(std::string_view what) const {
    if (!problem_) problem_ = usage(fmt::format("{}: {}", where_, what));
  }

 private:
  const Json& object_;
  std::string where_;
  std::optional<Error>& problem_;
};

/// `file`, when relative, as seen from the folder of the kubeconfig file `from`: ".." goes back by name, as Go does it,
/// whatever links there are.
std::string beside(const std::string& from, const std::string& file) {
  if (file.empty() || file.starts_with('/')) return file;
  const auto path = (std::filesystem::path(from).parent_path() / file).lexically_normal();
  return path.has_parent_path() ? path.string()
                                : "./" + path.string();  // without a slash it would be sought in PATH
}

/// The extension for credential plugins in a list of extensions; null without one.
Json parse_extensions(const Fields& owner) {
  std::set<std::string> names{};
  Json found = Json();
  for (const Json& item : owner.list("extensions")) {
    const Fields named = owner.item(item, owner.where() + ": extensions");
    const std::string name = named.text("name");
    if (!names.insert(name).second) owner.complain(fmt::format("extension \"{}\" stands there twice", name));
    if (const Json* extension = find(item, {"extension"}); extension != nullptr && name == kExecExtension)
      found = *extension;
  }
  return found;
}

Kubeconfig::Cluster parse_cluster(const Fields& cluster, const std::string& from) {
  Kubeconfig::Cluster out{.from = from};
  out.server = cluster.text("server");
  out.ca_file = beside(from, cluster.text("certificate-authority"));
  out.ca_data = cluster.bytes("certificate-authority-data");
  out.insecure = cluster.flag("insecure-skip-tls-verify").value_or(false);
  out.tls_server_name = cluster.text("tls-server-name");
  out.proxy_url = cluster.text("proxy-url");
  out.disable_compression = cluster.flag("disable-compression").value_or(false);
  out.exec_config = parse_extensions(cluster);
  return out;
}

ExecSpec parse_exec(const Fields& exec, const std::string& from) {
  ExecSpec out{};
  out.api_version = exec.text("apiVersion");
  out.command = exec.text("command");
  if (out.command.find('/') != std::string::npos) out.command = beside(from, out.command);
  out.args = exec.texts("args");
  for (const Json& item : exec.list("env")) {
    const Fields variable = exec.item(item, exec.where() + ": env");
    out.env.emplace_back(variable.text("name"), variable.text("value"));
  }
  out.install_hint = exec.text("installHint");
  out.interactive_mode = exec.text("interactiveMode");
  // v1beta1 was there before the field; v1 requires it.
  if (out.interactive_mode.empty() && out.api_version == "client.authentication.k8s.io/v1beta1")
    out.interactive_mode = "IfAvailable";
  out.provide_cluster_info = exec.flag("provideClusterInfo").value_or(false);
  return out;
}

Impersonation parse_impersonation(const Fields& user) {
  Impersonation out{.user = user.text("as"), .uid = user.text("as-uid"), .groups = user.texts("as-groups")};
  const Fields extra = user.at("as-user-extra", user.where() + ": as-user-extra");
  if (extra.json().is_object())
    for (const auto& [key, values] : extra.json().items()) out.extra.emplace(key, extra.texts(key));
  return out;
}

Kubeconfig::AuthProvider parse_auth_provider(const Fields& provider) {
  Kubeconfig::AuthProvider out{.name = provider.text("name")};
  const Fields settings = provider.at("config", provider.where() + ": config");
  if (settings.json().is_object())
    for (const auto& [key, value] : settings.json().items()) out.settings.emplace(key, settings.text(key));
  return out;
}

Kubeconfig::User parse_user(const Fields& user, const std::string& from) {
  Kubeconfig::User out{.from = from};
  out.certificate_file = beside(from, user.text("client-certificate"));
  out.certificate_data = user.bytes("client-certificate-data");
  out.key_file = beside(from, user.text("client-key"));
  out.key_data = user.bytes("client-key-data");
  out.token = user.text("token");
  out.token_file = beside(from, user.text("tokenFile"));
  out.username = user.text("username");
  out.password = user.text("password");
  if (user.has("auth-provider"))
    out.auth_provider = parse_auth_provider(user.at("auth-provider", user.where() + ": auth-provider"));
  if (user.has("exec")) out.exec = parse_exec(user.at("exec", user.where() + ": exec"), from);
  out.impersonation = parse_impersonation(user);
  parse_extensions(user);
  return out;
}

Kubeconfig::Context parse_context(const Fields& context, const std::string& from) {
  parse_extensions(context);
  return {.from = from,
          .cluster = context.text("cluster"),
          .user = context.text("user"),
          .ns = context.text("namespace")};
}

/// Reads a list such as `clusters: [{name, cluster: {…}}]`.
template <class Entry, class Parse>
void parse_named(const Fields& top, std::string_view list, std::string_view inner,
                 std::map<std::string, Entry>& into, Parse parse) {
  const std::string& path = top.where();
  for (const Json& item : top.list(list)) {
    const Fields named = top.item(item, fmt::format("{}: {}", path, list));
    const std::string name = named.text("name");
    const std::string where = fmt::format("{}: {} \"{}\"", path, inner, name);
    if (!into.emplace(name, parse(named.at(inner, where), path)).second)
      top.complain(fmt::format("{} \"{}\" stands there twice", inner, name));
  }
}

Error file_error(const std::string& path, int error) {
  return {.code = error == ENOENT ? Code::not_found : Code::failed,
          .message = fmt::format("cannot read {}: {}", path, std::generic_category().message(error))};
}

}  // namespace

Result<std::string> read_file(const std::string& path) {
  if (path.find('\0') != std::string::npos) return file_error(path.substr(0, path.find('\0')), EINVAL);
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return file_error(path, errno);
  std::string out{};
  std::string piece(64UL * 1024UL, '\0');
  while (true) {
    const ssize_t got = ::read(file.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_error(path, errno);
    if (got == 0) return out;
    out.append(piece, 0, static_cast<std::size_t>(got));
    if (out.size() > kMaxFile)
      return Error{.message = fmt::format("cannot read {}: larger than 16 MiB", path)};
  }
}

Result<Kubeconfig> parse_kubeconfig(std::string_view text, const std::string& path) {
  auto parsed = yaml_to_json(text);
  if (!parsed) return usage(fmt::format("{} is not a kubeconfig: {}", path, parsed.error().message));
  const Json& json = *parsed;
  std::optional<Error> problem{};
  const Fields top(json, path, problem);
  if (const std::string kind = top.text("kind"); !kind.empty() && kind != "Config")
    top.complain(fmt::format("holds an object of kind {}, not a kubeconfig", printable(kind)));
  if (const std::string version = top.text("apiVersion"); !version.empty() && version != "v1")
    top.complain(fmt::format("apiVersion \"{}\" is not v1", printable(version)));
  const Fields preferences = top.at("preferences", path + ": preferences");
  preferences.flag("colors");
  parse_extensions(preferences);
  parse_extensions(top);
  Kubeconfig out{.files = {path}, .current_context = top.text("current-context")};
  parse_named(top, "clusters", "cluster", out.clusters, parse_cluster);
  parse_named(top, "users", "user", out.users, parse_user);
  parse_named(top, "contexts", "context", out.contexts, parse_context);
  if (problem) return std::move(*problem);
  return out;
}

void merge(Kubeconfig& first, Kubeconfig next) {
  first.files.insert(first.files.end(), std::make_move_iterator(next.files.begin()),
                     std::make_move_iterator(next.files.end()));
  if (first.current_context.empty()) first.current_context = std::move(next.current_context);
  first.clusters.merge(next.clusters);
  first.users.merge(next.users);
  first.contexts.merge(next.contexts);
}

}  // namespace wukong::kube
