// Checksums.
#pragma once

#include <string>
#include <string_view>

namespace wukong {

/// SHA-256 of `bytes` in lower-case hex (64 characters).
std::string sha256_hex(std::string_view bytes);

}  // namespace wukong
