#include "kube/credentials.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "base/text.h"
#include "kube/base64.h"
#include "kube/pem.h"
#include "kube/url.h"

namespace wukong::kube {
namespace {

/// A minute, half of the time between the kubelet's renewal of a service account's token and the old one's end, less ten
/// seconds of margin. Source: client-go transport/token_source.go, NewCachedFileTokenSource.
constexpr auto kFilePeriod = std::chrono::seconds{50};
/// How long a plugin's answer counts at least, whatever it says of its end, and a failure for all that ask: plugins are
/// slow and may ask the user. Without it, clocks that differ would run the plugin for ever and send nothing.
constexpr auto kAnswerStands = std::chrono::seconds{10};

/// client-go looks at the files at each handshake and every five minutes; so often, a connection that must be made anew
/// finds what was renewed.
constexpr auto kCertificatePeriod = std::chrono::seconds{10};

bool fits_header(std::string_view value) {
  return std::none_of(value.begin(), value.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < ' ' && byte != '\t') || byte == 0x7f;
  });
}

/// What may stand in a header's name. Source: client-go transport/round_trippers.go, headerKeyEscape.
constexpr std::string_view kHeaderMarks = "!#$&'*+-.^_`|~";

Headers impersonation_headers(const Impersonation& as) {
  Headers out{};
  if (as.user.empty()) return out;
  out.emplace_back("Impersonate-User", as.user);
  if (!as.uid.empty()) out.emplace_back("Impersonate-Uid", as.uid);
  for (const std::string& group : as.groups) out.emplace_back("Impersonate-Group", group);
  for (const auto& [key, values] : as.extra)
    for (const std::string& value : values)
      out.emplace_back("Impersonate-Extra-" + percent_encode(key, kHeaderMarks), value);
  return out;
}

}  // namespace

Result<Headers> auth_headers(const Credential& credential, const Impersonation& impersonation, bool tls) {
  Headers out = impersonation_headers(impersonation);
  if (tls && !credential.token.empty())
    out.emplace_back("Authorization", "Bearer " + credential.token);
  else if (tls && !credential.username.empty())
    out.emplace_back("Authorization", "Basic " + encode_base64(fmt::format("{}:{}", credential.username,
                                                                           credential.password)));
  for (auto& [name, value] : out) {
    if (!fits_header(value))
      return Error{.code = Code::unauthenticated,
                   .message = fmt::format("the value for {} holds a control character", printable(name)),
                   .hint = "look for a line break in the token, or in --as and --as-group"};
    value = trim(value);  // spaces around it are no part of it, and Go does not send them
  }
  return out;
}

CredentialSource::CredentialSource(ClusterAccess access, CredentialIo io)
    : access_(std::move(access)), io_(std::move(io)) {
  const CredentialSpec& spec = access_.credentials;
  credential_ = {.token = spec.token,
                 .username = spec.username,
                 .password = spec.password,
                 .client_certificate = spec.client_certificate,
                 .client_key = spec.client_key,
                 .generation = 1};
  certificate_read_ = io_.now();
}

Result<std::optional<Credential>> CredentialSource::current() {
  if (io_.now() - certificate_read_ >= kCertificatePeriod) renew_certificate();
  if (access_.credentials.exec) return from_plugin();
  if (access_.credentials.oidc) return from_issuer();
  if (!access_.credentials.token_file.empty()) return from_file();
  return credential_;
}

/// A pair that cannot be read, or does not fit because only half of it is written yet, leaves the one that was read before.
void CredentialSource::renew_certificate() {
  const CredentialSpec& spec = access_.credentials;
  if (spec.certificate_file.empty()) return;
  certificate_read_ = io_.now();
  auto certificate = io_.read(spec.certificate_file);
  auto key = io_.read(spec.key_file);
  if (!certificate || !key || *certificate == credential_.client_certificate) return;
  if (!pair_problem(*certificate, *key).empty()) return;
  credential_.client_certificate = std::move(*certificate);
  credential_.client_key = std::move(*key);
  ++credential_.generation;
}

/// As client-go's cached file token source: a file that cannot be read leaves the token that was read before, or the one
/// that stands beside it in the kubeconfig.
Result<std::optional<Credential>> CredentialSource::from_file() {
  const Time now = io_.now();
  if (have_ && now - obtained_ < kFilePeriod) return credential_;
  const std::string& path = access_.credentials.token_file;
  auto text = io_.read(path);
  const std::string token(text ? trim(*text) : std::string_view());
  if (token.empty() && credential_.token.empty())
    return Error{.code = Code::unauthenticated,
                 .message = text ? fmt::format("token file {} is empty", path) : text.error().message};
  if (!token.empty() && token != credential_.token) {
    credential_.token = token;
    ++credential_.generation;
  }
  obtained_ = now;
  have_ = true;
  return credential_;
}

Result<std::optional<Credential>> CredentialSource::from_plugin() {
  if (plugin_) return std::optional<Credential>{};
  const bool recent = io_.now() - obtained_ < kAnswerStands;
  if (failed_ && recent) return *failed_;
  const bool expired = expires_ && io_.wall_now() > *expires_;
  if (have_ && (recent || !expired)) return credential_;
  failed_.reset();
  WUKONG_TRY(ChildSpec spec, exec_child(access_, io_.stdin_is_terminal, io_.environment, io_.on_stderr));
  spec.signal_mask = io_.signal_mask;
  auto started = Child::start(std::move(spec));
  if (!started) {
    fail(exec_start_error(*access_.credentials.exec, started.error()), false);
    return *failed_;
  }
  plugin_.emplace(std::move(*started));
  return std::optional<Credential>{};
}

/// The id-token and what stands beside it are kept in `access_`, as renewed.
Result<std::optional<Credential>> CredentialSource::from_issuer() {
  if (renewal_) return std::optional<Credential>{};
  if (failed_ && io_.now() - obtained_ < kAnswerStands) return *failed_;
  const bool recent = have_ && io_.now() - obtained_ < kAnswerStands;
  if (recent) return credential_;
  failed_.reset();
  OidcSpec& spec = *access_.credentials.oidc;
  WUKONG_TRY(std::optional<std::string> token, usable_token(spec, io_.wall_now()));
  if (token) {
    if (*token != credential_.token) ++credential_.generation;
    credential_.token = std::move(*token);
    had_ = true;
    return credential_;
  }
  spec.proxies = proxy_environment(io_.environment);
  spec.roots = system_authorities(io_.environment, io_.read);
  WUKONG_TRY(renewal_, OidcRenewal::start(spec, io_.renew));
  return std::optional<Credential>{};
}

void CredentialSource::finish_renewal(Result<OidcTokens> got) {
  renewal_.reset();
  if (!got) {
    const bool passing = had_ && got.error().code == Code::unreachable;
    return fail(std::move(got.error()), passing);
  }
  auto& settings = access_.credentials.oidc->settings;
  settings["id-token"] = got->id_token;
  settings["refresh-token"] = got->refresh_token;
  credential_.token = std::move(got->id_token);
  ++credential_.generation;
  obtained_ = io_.now();
  have_ = had_ = true;
}

void CredentialSource::fail(Error why, bool passing) {
  failed_ = std::move(why);
  passing_ = passing;
  obtained_ = io_.now();
  have_ = false;
}

void CredentialSource::finish_plugin() {
  auto got = exec_result(*access_.credentials.exec, plugin_->end());
  plugin_.reset();
  // One that has never answered may need a person. client-go runs it again for the next request; ours are waiting.
  if (!got) return fail(std::move(got.error()), had_);
  credential_.token = std::move(got->token);
  credential_.client_certificate = std::move(got->client_certificate);
  credential_.client_key = std::move(got->client_key);
  ++credential_.generation;
  expires_ = got->expires;
  obtained_ = io_.now();
  have_ = had_ = true;
}

Result<Credential> CredentialSource::wait() {
  while (true) {
    WUKONG_TRY(auto now, current());
    if (now) return std::move(*now);
    std::vector<pollfd> fds = waits();
    if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR)
      return Error{.code = Code::unauthenticated, .message = "cannot wait for the credential plugin"};
    pump();
  }
}

bool CredentialSource::refresh(std::uint64_t generation) {
  if (generation == credential_.generation) renew_certificate();
  if (generation != credential_.generation || plugin_) return true;
  if (!access_.credentials.exec && access_.credentials.token_file.empty()) return false;
  have_ = false;
  failed_.reset();
  return true;
}

std::vector<pollfd> CredentialSource::waits() const {
  if (renewal_) return {renewal_->wait()};
  return plugin_ ? plugin_->waits() : std::vector<pollfd>{};
}

void CredentialSource::pump() {
  if (renewal_)
    if (auto got = renewal_->result()) finish_renewal(std::move(*got));
  if (!plugin_) return;
  plugin_->pump();
  if (plugin_->ended()) finish_plugin();
}

}  // namespace wukong::kube
