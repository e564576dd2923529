// Credential plugins (client.authentication.k8s.io): what they are told, what they answer.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "kube/cluster_access.h"
#include "kube/subprocess.h"

namespace wukong::kube {

/// What a plugin answered.
struct ExecCredential {
  std::string token{};
  std::string client_certificate{};  // PEM
  std::string client_key{};          // PEM
  std::optional<WallTime> expires{};
};

/// True when the plugin may use our stdin. Errors: `unauthenticated` when it must (`Always`) and stdin is no
/// terminal.
Result<bool> may_interact(const ExecSpec& spec, bool stdin_is_terminal);

/// The plugin's environment: `base` ("NAME=value"), the spec's variables over it, and KUBERNETES_EXEC_INFO:
/// an ExecCredential with spec.interactive and, with provideClusterInfo, spec.cluster. A spec's name may hold a "=", as
/// kubectl has it: "A=B" with the value "c" sets A to "B=c".
std::vector<std::string> exec_environment(const ExecSpec& spec, const ClusterAccess& access, bool interactive,
                                          const std::vector<std::string>& base);

/// Parses what a plugin printed, JSON or YAML; a certificate comes with a key that fits. Errors: `unauthenticated`, never
/// quoting the text. Source: client-go plugin/pkg/client/auth/exec/exec.go, refreshCredsLocked.
Result<ExecCredential> parse_exec_credential(std::string_view text, const std::string& api_version);

/// How to start the plugin of `access`. `on_stderr` empty: it writes to our stderr itself. Its command is looked up in the
/// PATH of `base`, in absolute folders only. Errors: `unauthenticated`.
Result<ChildSpec> exec_child(const ClusterAccess& access, bool stdin_is_terminal,
                             const std::vector<std::string>& base,
                             std::function<void(std::string_view)> on_stderr);

/// The error of a plugin that could not be started (`not_found`: with its installHint).
Error exec_start_error(const ExecSpec& spec, const Error& why);

/// The credential of a plugin that has ended. Errors: `unauthenticated`, with the exit code or signal.
Result<ExecCredential> exec_result(const ExecSpec& spec, const ChildEnd& end);

}  // namespace wukong::kube
