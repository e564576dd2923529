// HTTPS on the loopback: requests to the API, watches to whoever waits, time to the controllers.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "sandbox/api.h"
#include "sandbox/certificates.h"

namespace wukong::sandbox {

using Tokens = std::map<std::string, User>;  // bearer token -> user

/// Serves on a free port of 127.0.0.1, which `ready` is told, until SIGTERM or SIGINT. Its threads go on until the
/// process ends. Errors: `failed`; those of `ready`.
Result<void> serve(Cluster cluster, const Certificates& certificates, Tokens tokens,
                   const std::function<Result<void>(std::uint16_t port)>& ready);

}  // namespace wukong::sandbox
