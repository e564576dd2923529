// A certificate authority of the proxy's own, and what it signs for the loopback.
#pragma once

#include <string>

#include "base/result.h"

namespace wukong::faults {

/// PEM texts.
struct Signed {
  std::string certificate{};  // for 127.0.0.1 and localhost
  std::string key{};
};

/// The authority's key is thrown away after it has signed.
struct Certificates {
  std::string authority{};
  std::string certificate{};
  std::string key{};
  Signed next{};  // for the time after a rotation
};

/// Made anew at each call, valid for a day. Errors: `failed` when OpenSSL cannot.
Result<Certificates> make_certificates();

}  // namespace wukong::faults
