#include "support/fault_proxy/upstream.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <yaml-cpp/yaml.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "base/text.h"

namespace wukong::faults {
namespace {

/// Raised and caught in this file only, next to yaml-cpp's own.
struct Unusable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

std::string read_text(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Unusable("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string base64_encoded(const std::string& bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
  auto* const to =
      reinterpret_cast<unsigned char*>(out.data());  // NOLINT(cppcoreguidelines-pro-type-reinterpret-cast)
  const auto* from = reinterpret_cast<const unsigned char*>(
      bytes.data());  // NOLINT(cppcoreguidelines-pro-type-reinterpret-cast)
  out.resize(static_cast<std::size_t>(EVP_EncodeBlock(to, from, static_cast<int>(bytes.size()))));
  return out;
}

std::string base64_decoded(const std::string& given) {
  const std::string words(trim(given));
  std::string out(words.size() / 4 * 3 + 3, '\0');
  auto* const to =
      reinterpret_cast<unsigned char*>(out.data());  // NOLINT(cppcoreguidelines-pro-type-reinterpret-cast)
  const auto* from = reinterpret_cast<const unsigned char*>(
      words.data());  // NOLINT(cppcoreguidelines-pro-type-reinterpret-cast)
  const int size = EVP_DecodeBlock(to, from, static_cast<int>(words.size()));
  if (size < 0) throw Unusable("not base64");
  // EVP_DecodeBlock counts the padding as bytes.
  const auto padding = words.size() - std::min(words.find('='), words.size());
  out.resize(static_cast<std::size_t>(size) - padding);
  return out;
}

std::string string_at(const YAML::Node& map, const char* key) {
  const YAML::Node value = map[key];
  return value && value.IsScalar() ? value.Scalar() : std::string();
}

/// The entry `name` of the list `lists`, as a handle into `config`.
YAML::Node entry(const YAML::Node& config, const char* list, const char* inner, const std::string& name) {
  for (const YAML::Node& each : config[list])
    if (string_at(each, "name") == name) return each[inner];
  throw Unusable(fmt::format("no entry {:?} in {}", name, list));
}

struct Chosen {
  YAML::Node config{};
  YAML::Node cluster{};
  YAML::Node user{};
};

Chosen choose(const KubeconfigFile& file) {
  Chosen out{.config = YAML::Load(file.text)};
  const YAML::Node context =
      entry(out.config, "contexts", "context", string_at(out.config, "current-context"));
  out.cluster.reset(entry(out.config, "clusters", "cluster", string_at(context, "cluster")));
  out.user.reset(entry(out.config, "users", "user", string_at(context, "user")));
  return out;
}

std::string pem_of(const KubeconfigFile& file, const YAML::Node& map, const std::string& field) {
  if (const std::string data = string_at(map, (field + "-data").c_str()); !data.empty())
    return base64_decoded(data);
  const std::string name = string_at(map, field.c_str());
  return name.empty() ? std::string() : read_text(std::filesystem::path(file.folder) / name);
}

Upstream parse_server(const std::string& server) {
  Upstream out{};
  std::string_view rest = server;
  out.plain = rest.starts_with("http://");
  if (!out.plain && !rest.starts_with("https://")) throw Unusable(fmt::format("{:?} is no URL", server));
  rest.remove_prefix(out.plain ? 7 : 8);
  rest = rest.substr(0, rest.find('/'));
  const auto colon = rest.rfind(':');
  const bool has_port = colon != std::string_view::npos && rest.find(']', colon) == std::string_view::npos;
  out.port = out.plain ? 80 : 443;
  if (has_port) std::from_chars(rest.data() + colon + 1, rest.data() + rest.size(), out.port);
  out.host = rest.substr(0, has_port ? colon : rest.size());
  if (out.host.starts_with('[')) out.host = out.host.substr(1, out.host.size() - 2);
  return out;
}

/// The files that are named relative to the kubeconfig, wherever the new one will be.
void make_absolute(const KubeconfigFile& file, YAML::Node map, std::initializer_list<const char*> fields) {
  for (const char* field : fields)
    if (const std::string name = string_at(map, field); !name.empty())
      map[field] = (std::filesystem::path(file.folder) / name).string();
}

template <class T>
Result<T> guarded(const std::function<T()>& work) {
  try {
    return work();
  } catch (const std::exception& e) {
    return Error{.code = Code::usage, .message = fmt::format("cannot use the kubeconfig: {}", e.what())};
  }
}

}  // namespace

Result<KubeconfigFile> read_kubeconfig(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return Error{.code = Code::not_found, .message = "cannot read " + path};
  KubeconfigFile out{.folder = std::filesystem::absolute(path).parent_path().string()};
  out.text.assign(std::istreambuf_iterator<char>(in), {});
  return out;
}

Result<Upstream> upstream_of(const KubeconfigFile& file) {
  return guarded<Upstream>([&] {
    const Chosen chosen = choose(file);
    Upstream out = parse_server(string_at(chosen.cluster, "server"));
    out.name = string_at(chosen.cluster, "tls-server-name");
    if (out.name.empty()) out.name = out.host;
    out.authority = pem_of(file, chosen.cluster, "certificate-authority");
    out.certificate = pem_of(file, chosen.user, "client-certificate");
    out.key = pem_of(file, chosen.user, "client-key");
    out.insecure = string_at(chosen.cluster, "insecure-skip-tls-verify") == "true";
    return out;
  });
}

Result<std::string> through_proxy(const KubeconfigFile& file, Mode mode, std::uint16_t port,
                                  const std::string& authority) {
  return guarded<std::string>([&] {
    Chosen chosen = choose(file);
    const Upstream upstream = parse_server(string_at(chosen.cluster, "server"));
    YAML::Node& cluster = chosen.cluster;
    const bool plain = upstream.plain && mode == Mode::tcp;
    cluster["server"] = fmt::format("{}://127.0.0.1:{}", plain ? "http" : "https", port);
    cluster.remove("proxy-url");
    if (mode == Mode::tls) {
      for (const char* field : {"certificate-authority", "tls-server-name", "insecure-skip-tls-verify"})
        cluster.remove(field);
      cluster["certificate-authority-data"] = base64_encoded(authority);
    } else if (!plain && string_at(cluster, "tls-server-name").empty()) {
      cluster["tls-server-name"] = upstream.host;
    }
    make_absolute(file, cluster, {"certificate-authority"});
    make_absolute(file, chosen.user, {"client-certificate", "client-key", "tokenFile"});
    std::ostringstream out;
    out << chosen.config << "\n";
    return out.str();
  });
}

}  // namespace wukong::faults
