// `doctor`: what works, and what does not: the connection step by step, the cluster, its storage, permissions.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "commands/context.h"
#include "commands/options.h"
#include "kube/certificate.h"

namespace CLI {
class App;
}

namespace wukong::commands {

/// Exactly what the user typed.
struct DoctorOptions {
  bool connection{};
  std::string storage_class{};
  std::string permissions{};   // a command, or one use of it
  std::string to_namespace{};  // of the new VM, with `permissions`
  OutputOptions output{};
};

/// What was seen of a connection.
struct ConnectionFacts {
  kube::ClusterAccess access{};
  std::string proxy{};                                  // in use; empty: none
  bool proxy_of_environment{};                          // not the kubeconfig's
  std::optional<kube::CertificateFacts> certificate{};  // the client's
  std::optional<Duration> credential{};                 // until the credential was there; for plugins
  std::optional<kube::Traced> exchange{};               // the first with the server, answered or not
  Json version = Json();                                // GET /version; null when it failed
  Json review = Json();                                 // SelfSubjectReview; null when it may not be asked
  WallTime now{};
};

/// One line of the report.
struct Check {
  std::string name{};
  std::string result{};
  std::optional<Duration> took{};
};

/// The steps of a connection as far as they came. Pure; no secret is in them.
std::vector<Check> connection_checks(const ConnectionFacts& facts);

/// What works, but not for long or not as it seems: a certificate about to expire, clocks that differ, credentials
/// that are not sent, a server that is not checked.
std::vector<std::string> connection_doubts(const ConnectionFacts& facts);

/// How long the server is given: longer than any healthy answer takes, for a person waits.
inline constexpr std::chrono::seconds kPatience{10};

/// Connects, and prints each step as far as it came. The error is what is wrong.
Result<void> check_connection(const DoctorOptions& options, const render::Printer& printer, Context& cx);

void add_doctor(CLI::App& app, std::function<Result<void>(Context&)>& chosen);

}  // namespace wukong::commands
