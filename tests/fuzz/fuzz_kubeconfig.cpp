// Any bytes as a kubeconfig: read, chosen from, its plugin prepared, its tokens renewed.
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "kube/credentials.h"
#include "kube/exec_plugin.h"
#include "kube/kubeconfig.h"
#include "kube/kubeconfig_edit.h"
#include "kube/yaml_json.h"

using namespace wukong;
using namespace wukong::kube;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

/// What was kept is read again, and nothing else has changed.
void renew(const std::string& text, const std::string& user) {
  const std::map<std::string, std::string> settings{{"id-token", "a.b.c"}, {"refresh-token", "x: \"y\"\n#"}};
  const auto edited = with_settings(text, user, settings);
  if (!edited) return;
  const auto config = parse_kubeconfig(*edited, "/k");
  require(config.has_value());
  require(config->users.at(user).auth_provider->settings.at("id-token") == "a.b.c");
  require(config->users.at(user).auth_provider->settings.at("refresh-token") == "x: \"y\"\n#");
  require(with_settings(*edited, user, settings).value() == *edited);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const Environment environment{.kubeconfig = "/k",
                                .service_host = size % 2 == 0 ? "" : "10.0.0.1",
                                .service_port = "443",
                                .read = [&](const std::string&) -> Result<std::string> { return text; }};
  if (const auto config = parse_kubeconfig(text, "/k"))
    for (const auto& [name, user] : config->users)
      if (user.auth_provider) renew(text, name);
  for (const Overrides& flags : {Overrides{}, Overrides{.server = "https://h", .token = "t"}}) {
    const auto access = load_access(flags, environment);
    if (!access) continue;
    require(access->tls() || access->credentials.token.empty());
    static_cast<void>(exec_child(*access, false, {"PATH=/bin"}, {}));
    const Credential credential{.token = access->credentials.token, .username = access->credentials.username};
    if (const auto headers = auth_headers(credential, access->impersonation, access->tls()))
      for (const auto& [name, value] : *headers) {
        require(name.find_first_of("\r\n: ") == std::string::npos);
        require(value.find_first_of("\r\n") == std::string::npos);
      }
  }
  return 0;
}
