#include "support/fault_proxy/certificates.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <cstdint>
#include <memory>

namespace wukong::faults {
namespace {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* each) const {
    Free(each);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<&EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<&X509_free>>;
using Memory = std::unique_ptr<BIO, Freed<&BIO_free_all>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freed<&X509_EXTENSION_free>>;

constexpr long kDay = 24L * 60 * 60;
constexpr long kClockSkew = 60L * 60;

std::string text_of(BIO* memory) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(memory, &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

bool name_it(X509* certificate, const char* name) {
  const auto* bytes =
      reinterpret_cast<const unsigned char*>(name);  // NOLINT(cppcoreguidelines-pro-type-reinterpret-cast)
  return X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC, bytes, -1, -1,
                                    0) == 1;
}

bool add_extension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context{};
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

Certificate blank(EVP_PKEY* key, const char* name) {
  Certificate out(X509_new());
  std::uint32_t serial = 0;
  auto* const bytes =
      reinterpret_cast<unsigned char*>(&serial);  // NOLINT(cppcoreguidelines-pro-type-reinterpret-cast)
  const bool fine = out && RAND_bytes(bytes, sizeof serial) == 1 && X509_set_version(out.get(), 2) == 1 &&
                    ASN1_INTEGER_set_uint64(X509_get_serialNumber(out.get()), serial) == 1 &&
                    X509_gmtime_adj(X509_getm_notBefore(out.get()), -kClockSkew) != nullptr &&
                    X509_gmtime_adj(X509_getm_notAfter(out.get()), kDay) != nullptr &&
                    X509_set_pubkey(out.get(), key) == 1 && name_it(out.get(), name);
  return fine ? std::move(out) : nullptr;
}

bool sign(X509* certificate, X509* issuer, EVP_PKEY* key) {
  return X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1 &&
         X509_sign(certificate, key, EVP_sha256()) > 0;
}

std::string pem(X509* certificate) {
  const Memory out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(out.get(), certificate);
  return text_of(out.get());
}

std::string pem(EVP_PKEY* key) {
  const Memory out(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return text_of(out.get());
}

/// Empty when OpenSSL cannot.
Signed sign_leaf(X509* authority, EVP_PKEY* authority_key) {
  const Key key(EVP_EC_gen("P-256"));
  const Certificate leaf = key ? blank(key.get(), "wukong-fault-proxy") : nullptr;
  const bool fine =
      leaf && add_extension(leaf.get(), authority, NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost") &&
      add_extension(leaf.get(), authority, NID_ext_key_usage, "serverAuth") &&
      sign(leaf.get(), authority, authority_key);
  return fine ? Signed{pem(leaf.get()), pem(key.get())} : Signed{};
}

}  // namespace

Result<Certificates> make_certificates() {
  const Error failed{.message = "OpenSSL cannot make the proxy's certificates"};
  const Key key(EVP_EC_gen("P-256"));
  const Certificate authority = key ? blank(key.get(), "wukong-fault-proxy authority") : nullptr;
  const bool fine =
      authority &&
      add_extension(authority.get(), authority.get(), NID_basic_constraints, "critical,CA:TRUE") &&
      add_extension(authority.get(), authority.get(), NID_key_usage, "critical,keyCertSign") &&
      sign(authority.get(), authority.get(), key.get());
  if (!fine) return failed;
  Signed first = sign_leaf(authority.get(), key.get());
  Signed next = sign_leaf(authority.get(), key.get());
  if (first.certificate.empty() || next.certificate.empty()) return failed;
  return Certificates{.authority = pem(authority.get()),
                      .certificate = std::move(first.certificate),
                      .key = std::move(first.key),
                      .next = std::move(next)};
}

}  // namespace wukong::faults
