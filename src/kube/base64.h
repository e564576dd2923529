// Base64, as in kubeconfig files and Basic authorization.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace wukong::kube {

std::string encode_base64(std::string_view bytes);
/// Nothing when `text` is not base64. Line breaks are skipped, as Go does it; other white space is not.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace wukong::kube
