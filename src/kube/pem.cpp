#include "kube/pem.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>

namespace wukong::kube {
namespace {

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(unsigned char* bytes) const { OPENSSL_free(bytes); }
  void operator()(char* text) const { OPENSSL_free(text); }
};
using Bio = std::unique_ptr<BIO, Free>;
using Certificate = std::unique_ptr<X509, Free>;
using Key = std::unique_ptr<EVP_PKEY, Free>;

constexpr std::size_t kMaxText = 64UL * 1024UL * 1024UL;  // OpenSSL counts in int

Bio reader(const std::string& text) {
  return Bio(text.size() > kMaxText ? nullptr : BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

/// The next block; its certificate where it is one. False at the end.
bool next_certificate(BIO* bundle, Certificate& out) {
  char* name = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long size = 0;
  out.reset();
  const auto before = BIO_pending(bundle);
  const bool read = PEM_read_bio(bundle, &name, &header, &data, &size) == 1;
  const std::unique_ptr<char, Free> own_name(name);
  const std::unique_ptr<char, Free> own_header(header);
  const std::unique_ptr<unsigned char, Free> own_data(data);
  ERR_clear_error();
  if (!read) return BIO_pending(bundle) > 0 && BIO_pending(bundle) < before;
  if (std::string_view(name) != "CERTIFICATE" || *header != '\0') return true;
  const unsigned char* at = data;
  out.reset(d2i_X509(nullptr, &at, size));
  ERR_clear_error();
  if (at != data + size) out.reset();
  return true;
}

int no_password(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*user*/) { return -1; }

}  // namespace

std::string certificates_in(const std::string& bundle) {
  const Bio from = reader(bundle);
  const Bio to(BIO_new(BIO_s_mem()));
  if (!from || !to) return {};
  Certificate certificate{};
  while (next_certificate(from.get(), certificate))
    if (certificate) PEM_write_bio_X509(to.get(), certificate.get());
  char* text = nullptr;
  const long size = BIO_get_mem_data(to.get(), &text);
  return size <= 0 ? std::string() : std::string(text, static_cast<std::size_t>(size));
}

std::string pair_problem(const std::string& certificate, const std::string& key) {
  const Bio certificates = reader(certificate);
  Certificate first{};
  while (certificates && !first && next_certificate(certificates.get(), first)) {
  }
  if (!first) return "the client certificate is none in PEM form";
  const Bio keys = reader(key);
  const Key own(keys ? PEM_read_bio_PrivateKey(keys.get(), nullptr, &no_password, nullptr) : nullptr);
  ERR_clear_error();
  if (!own && key.find("ENCRYPTED") != std::string::npos)
    return "the client key is encrypted, and nobody is asked for its password";
  if (!own) return "the client key is none in PEM form";
  const bool fits = X509_check_private_key(first.get(), own.get()) == 1;
  ERR_clear_error();
  return fits ? std::string() : "the client key does not belong to the client certificate";
}

}  // namespace wukong::kube
