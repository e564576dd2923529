#include "kube/base64.h"

#include <openssl/evp.h>

#include <algorithm>

namespace wukong::kube {
namespace {

constexpr std::size_t kMaxBytes = 64UL * 1024UL * 1024UL;  // OpenSSL counts in int

unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
const unsigned char* bytes_of(const std::string_view& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

std::string encode_base64(std::string_view bytes) {
  if (bytes.size() > kMaxBytes) return {};
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');  // OpenSSL ends it with a NUL
  const int length = EVP_EncodeBlock(bytes_of(out), bytes_of(bytes), static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(std::max(0, length)));
  return out;
}

std::optional<std::string> decode_base64(std::string_view text) {
  std::string packed{};
  for (const char c : text)
    if (c != '\r' && c != '\n') packed += c;
  if (packed.empty()) return std::string{};
  if (packed.size() % 4 != 0 || packed.size() > kMaxBytes) return std::nullopt;
  const auto padding = static_cast<std::size_t>(std::count(packed.end() - 2, packed.end(), '='));
  // OpenSSL reads a '=' anywhere as zero bits.
  if (packed.find('=') < packed.size() - padding || (padding == 1 && packed.back() != '='))
    return std::nullopt;
  std::string out(packed.size() / 4 * 3, '\0');
  const int length =
      EVP_DecodeBlock(bytes_of(out), bytes_of(std::string_view(packed)), static_cast<int>(packed.size()));
  if (length < 0) return std::nullopt;
  out.resize(static_cast<std::size_t>(length) - padding);
  return out;
}

}  // namespace wukong::kube
