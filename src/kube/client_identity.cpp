#include "kube/client_identity.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "kube/base64.h"
#include "kube/pem.h"

namespace wukong::kube {
namespace {

Error both(const std::string& owner, std::string_view field) {
  return usage(
      fmt::format("{}: both {} and {}-data are set", owner, field, field),
      fmt::format("keep one of them; a flag does not replace {}-data either, no more than kubectl's does",
                  field));
}

Result<void> check_certificate(const Kubeconfig::User& user, const std::string& owner,
                               const FileReader& read) {
  if (user.certificate_file.empty() && user.certificate_data.empty()) return {};
  if (!user.certificate_file.empty() && !user.certificate_data.empty())
    return both(owner, "client-certificate");
  if (!user.key_file.empty() && !user.key_data.empty()) return both(owner, "client-key");
  if (user.key_file.empty() && user.key_data.empty())
    return usage(fmt::format("{}: a client certificate without a key", owner),
                 "set client-key or client-key-data, or give --client-key");
  WUKONG_CHECK(data_or_file("client-certificate", owner, {}, user.certificate_file, read));
  WUKONG_CHECK(data_or_file("client-key", owner, {}, user.key_file, read));
  return {};
}

Result<void> check_exec(const Kubeconfig::User& user, const std::string& owner) {
  if (!user.exec) return {};
  constexpr std::array kModes{"Never", "IfAvailable", "Always"};
  const ExecSpec& exec = *user.exec;
  if (user.auth_provider)
    return usage(fmt::format("{}: both exec and auth-provider are set", owner), "remove one of them");
  if (exec.command.empty()) return usage(fmt::format("{}: exec names no command", owner));
  if (exec.api_version.empty()) return usage(fmt::format("{}: exec names no apiVersion", owner));
  if (std::find(kModes.begin(), kModes.end(), exec.interactive_mode) == kModes.end())
    return usage(fmt::format("{}: exec interactiveMode is \"{}\"", owner, exec.interactive_mode),
                 fmt::format("set it to one of {}", fmt::join(kModes, ", ")));
  for (const auto& [name, value] : exec.env)
    if (name.empty()) return usage(fmt::format("{}: exec has an environment variable without a name", owner));
  return {};
}

/// Only when it would be run: kubectl looks at the version then, and over TLS only.
Result<void> check_exec_version(const ExecSpec& exec, const std::string& owner) {
  constexpr std::array kVersions{"client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"};
  if (std::find(kVersions.begin(), kVersions.end(), exec.api_version) != kVersions.end()) return {};
  return usage(fmt::format("{}: exec apiVersion \"{}\" is not known", owner, exec.api_version),
               fmt::format("known are {}", fmt::join(kVersions, " and ")));
}

std::string setting(const Kubeconfig::AuthProvider& provider, const std::string& key) {
  const auto found = provider.settings.find(key);
  return found == provider.settings.end() ? std::string() : found->second;
}

Error no_such_provider(const std::string& name, const std::string& owner) {
  if (name == "gcp")
    return usage(
        fmt::format("{}: the auth-provider gcp was removed from kubectl, and is not here either", owner),
        "install gke-gcloud-auth-plugin, then `gcloud container clusters get-credentials …` writes the entry "
        "anew");
  if (name == "azure")
    return usage(
        fmt::format("{}: the auth-provider azure was removed from kubectl, and is not here either", owner),
        "install kubelogin, then `kubelogin convert-kubeconfig` changes the entry");
  return usage(fmt::format("{}: there is no auth-provider \"{}\", only oidc", owner, name),
               "use a credential plugin (users[].user.exec) for it, or remove the auth-provider");
}

Result<OidcSpec> oidc(const Kubeconfig::AuthProvider& provider, const std::string& owner,
                      const FileReader& read) {
  if (provider.name != "oidc") return no_such_provider(provider.name, owner);
  for (const char* needed : {"idp-issuer-url", "client-id"})
    if (setting(provider, needed).empty())
      return usage(fmt::format("{}: auth-provider oidc has no {}", owner, needed),
                   "add it to auth-provider.config");
  constexpr std::string_view kField = "idp-certificate-authority";
  const auto data = decode_base64(setting(provider, "idp-certificate-authority-data"));
  if (!data) return usage(fmt::format("{}: {}-data is not base64", owner, kField));
  WUKONG_TRY(const std::string text,
             data_or_file(kField, owner, *data, setting(provider, std::string(kField)), read));
  OidcSpec out{.settings = provider.settings};
  WUKONG_TRY(out.ca_pem, authorities(kField, owner, text));
  return out;
}

Result<void> add_certificate(CredentialSpec& out, const Kubeconfig::User& user, const std::string& owner,
                             const FileReader& read) {
  if (user.certificate_file.empty() && user.certificate_data.empty()) return {};
  WUKONG_TRY(out.client_certificate,
             data_or_file("client-certificate", owner, user.certificate_data, user.certificate_file, read));
  WUKONG_TRY(out.client_key, data_or_file("client-key", owner, user.key_data, user.key_file, read));
  if (const std::string problem = pair_problem(out.client_certificate, out.client_key); !problem.empty())
    return usage(
        fmt::format("{}: {}", owner, problem),
        "certificate and key are PEM texts that were made together; `openssl x509 -noout -text` shows one");
  if (!user.certificate_data.empty() || !user.key_data.empty()) return {};
  out.certificate_file = user.certificate_file;
  out.key_file = user.key_file;
  return {};
}

/// The file counts, the token is what is sent while the file cannot be read.
Result<void> add_token(CredentialSpec& out, const Kubeconfig::User& user, const std::string& owner,
                       const FileReader& read) {
  out.token = user.token;
  out.token_file = user.token_file;
  if (!out.token.empty() || out.token_file.empty()) return {};
  auto text = read(out.token_file);
  if (!text) return usage(fmt::format("{}: tokenFile: {}", owner, text.error().message));
  if (trim(*text).empty()) return usage(fmt::format("{}: token file {} is empty", owner, out.token_file));
  out.token = std::move(*text);
  return {};
}

}  // namespace

Result<std::string> data_or_file(std::string_view what, const std::string& owner, const std::string& data,
                                 const std::string& file, const FileReader& read) {
  if (!data.empty() || file.empty()) return data;
  auto text = read(file);
  if (!text) return usage(fmt::format("{}: {}: {}", owner, what, text.error().message));
  return std::move(*text);
}

Result<std::string> authorities(std::string_view what, const std::string& owner, const std::string& text) {
  if (text.empty()) return text;
  std::string out = certificates_in(text);
  if (!out.empty()) return out;
  return usage(
      fmt::format("{}: {} holds no certificate", owner, what),
      "expected are lines between \"-----BEGIN CERTIFICATE-----\" and \"-----END CERTIFICATE-----\"");
}

Result<void> check_user(const Kubeconfig::User& user, const std::string& owner, const FileReader& read) {
  if (!user.token.empty() && (!user.username.empty() || !user.password.empty()))
    return usage(fmt::format("{}: both a token and a user name or password are set", owner),
                 "remove one of them");
  WUKONG_CHECK(check_certificate(user, owner, read));
  WUKONG_CHECK(check_exec(user, owner));
  const Impersonation& as = user.impersonation;
  if (as.user.empty() && (!as.uid.empty() || !as.groups.empty() || !as.extra.empty()))
    return usage(fmt::format("{}: a group, uid or extra to act as, but no user", owner), "give --as, too");
  return {};
}

Result<CredentialSpec> identify(const Kubeconfig::User& user, const std::string& name,
                                const std::string& owner, const Json& exec_config, const FileReader& read) {
  CredentialSpec out{.username = user.username, .password = user.password};
  WUKONG_CHECK(add_token(out, user, owner, read));
  WUKONG_CHECK(add_certificate(out, user, owner, read));
  const bool has_token = !out.token.empty() || !out.token_file.empty();
  if (has_token && !out.username.empty())
    return usage(fmt::format("{}: both a token file and a user name are set", owner), "remove one of them");
  if (!has_token && out.username.empty() && out.client_certificate.empty() && !user.exec &&
      !user.auth_provider)
    return usage(fmt::format("{}: says nothing to authenticate with", owner),
                 "give --token or --client-certificate and --client-key, or another user with --user");
  if (user.exec) WUKONG_CHECK(check_exec_version(*user.exec, owner));
  if (user.exec && !has_token && out.username.empty() && out.client_certificate.empty()) {
    out.exec = user.exec;
    out.exec->cluster_config = exec_config;
  }
  if (user.auth_provider) {
    WUKONG_TRY(OidcSpec provider, oidc(*user.auth_provider, owner, read));
    provider.user = name;
    provider.file = user.from;
    if (!has_token && out.username.empty()) out.oidc = std::move(provider);
  }
  return out;
}

}  // namespace wukong::kube
