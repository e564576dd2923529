// The credential of the moment: fixed, from a file that changes, from a plugin, or from an OIDC issuer.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "base/view.h"
#include "kube/cluster_access.h"
#include "kube/exec_plugin.h"
#include "kube/kubeconfig.h"
#include "kube/oidc_renewal.h"
#include "kube/subprocess.h"

namespace wukong::kube {

/// What is sent to prove who we are. A request remembers the `generation` it was sent with, for refresh();
/// the client certificate belongs to a connection: a new generation with another one needs a new connection.
struct Credential {
  std::string token{};
  std::string username{};
  std::string password{};
  std::string client_certificate{};  // PEM
  std::string client_key{};          // PEM
  std::uint64_t generation{};
};

using Headers = std::vector<std::pair<std::string, std::string>>;

/// Authorization and Impersonate-* headers. Without `tls` there is no Authorization: secrets never go over
/// plain http. Errors: `unauthenticated` for values that cannot stand in a header (the value itself is not
/// shown).
Result<Headers> auth_headers(const Credential& credential, const Impersonation& impersonation, bool tls);

/// What a credential source takes from the process. Times are injected.
struct CredentialIo {
  FileReader read{read_file};
  std::function<Time()> now{std::chrono::steady_clock::now};
  std::function<WallTime()> wall_now{std::chrono::system_clock::now};
  std::vector<std::string> environment{};  // "NAME=value", for plugins
  bool stdin_is_terminal{};                // a plugin may ask the user
  std::function<void(std::string_view)>
      on_stderr{};                        // what a plugin says; empty: it writes to our stderr itself
  std::optional<sigset_t> signal_mask{};  // for plugins: the mask from before signalfd
  Renew renew{renew_tokens};
};

/// Gives the credential for the next request. In a loop: ask current(); while it has none, poll waits() and
/// pump(). Before the loop: wait(). A plugin that may ask the user has the terminal meanwhile; its settings are put back
/// when it ends, however it ends.
class CredentialSource {
 public:
  CredentialSource(ClusterAccess access, CredentialIo io);

  /// The credential to send now; nothing while a plugin is running for it (it is started here when needed).
  /// Errors: `unauthenticated`, `unreachable` (an issuer). A plugin's failure stands for 10 s or until refresh(); then it is
  /// run again.
  Result<std::optional<Credential>> current();
  /// Waits for the plugin if there is one. Blocks.
  Result<Credential> wait();
  /// After a 401 to a request sent with `generation`: forgets that credential. True when another try may do
  /// better: then ask current() again. False for fixed credentials. Late answers for an older generation
  /// return true, too.
  bool refresh(std::uint64_t generation);

  /// After an error of current(): true when a later try may do better, with nobody's help. Only where it went well before in
  /// this run: a plugin is run again, an issuer that was not reached is asked again.
  bool may_recover() const { return failed_ && passing_; }

  std::vector<pollfd> waits() const;
  void pump();

 private:
  Result<std::optional<Credential>> from_file();
  Result<std::optional<Credential>> from_plugin();
  Result<std::optional<Credential>> from_issuer();
  void renew_certificate();
  void finish_plugin();
  void finish_renewal(Result<OidcTokens> got);
  void fail(Error why, bool passing);

  ClusterAccess access_;
  CredentialIo io_;
  Credential credential_{};
  bool have_{};      // what the file or the plugin gave may be sent
  bool had_{};       // the plugin or the issuer gave something in this run
  bool passing_{};   // `failed_` may be undone by another try
  Time obtained_{};  // when the file was read, or the plugin answered or failed
  Time certificate_read_{};
  std::optional<WallTime> expires_{};  // plugin
  std::optional<Child> plugin_{};
  std::optional<OidcRenewal> renewal_{};
  std::optional<Error> failed_{};
};

}  // namespace wukong::kube
