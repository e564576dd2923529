// Keys and certificates, made anew at each start.
#pragma once

#include <string>

#include "base/result.h"

namespace wukong::sandbox {

struct KeyPair {
  std::string certificate{};  // PEM
  std::string key{};          // PEM
};

struct Certificates {
  KeyPair authority{};
  KeyPair server{};  // for 127.0.0.1 and localhost
  KeyPair admin{};   // a client in the group system:masters
};

Result<Certificates> make_certificates();

/// 32 random bytes in hex.
std::string make_token();
std::string base64(const std::string& bytes);

}  // namespace wukong::sandbox
