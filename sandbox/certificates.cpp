#include "sandbox/certificates.h"

#include <fmt/format.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <array>
#include <memory>

#include "sandbox/access.h"

namespace wukong::sandbox {
namespace {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Bio = std::unique_ptr<BIO, Freed<BIO_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>>;

constexpr long kYear = 365L * 24 * 3600;

struct Subject {
  const char* name{};
  const char* group{};        // "" for none; Kubernetes reads the organisation as a group
  const char* constraints{};  // basicConstraints
  const char* usage{};        // extendedKeyUsage, "" for none
  const char* names{};        // subjectAltName, "" for none
};

std::string contents(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

bool add_extension(X509* certificate, int kind, const char* value) {
  if (*value == '\0') return true;
  const Extension extension(X509V3_EXT_nconf_nid(nullptr, nullptr, kind, value));
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

void add_name(X509_NAME* to, const char* field, const char* value) {
  if (*value == '\0') return;
  X509_NAME_add_entry_by_txt(to, field, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(value), -1, -1,
                             0);
}

Certificate make_certificate(EVP_PKEY* key, const Subject& subject, X509* issuer, EVP_PKEY* issuer_key) {
  Certificate made(X509_new());
  std::uint64_t serial = 0;
  if (made == nullptr || RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) != 1)
    return nullptr;
  X509_set_version(made.get(), 2);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(made.get()), serial >> 1U);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -300);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), kYear);
  X509_set_pubkey(made.get(), key);
  X509_NAME* name = X509_get_subject_name(made.get());
  add_name(name, "O", subject.group);
  add_name(name, "CN", subject.name);
  X509_set_issuer_name(made.get(), issuer == nullptr ? name : X509_get_subject_name(issuer));
  const bool extended = add_extension(made.get(), NID_basic_constraints, subject.constraints) &&
                        add_extension(made.get(), NID_ext_key_usage, subject.usage) &&
                        add_extension(made.get(), NID_subject_alt_name, subject.names);
  return extended && X509_sign(made.get(), issuer_key, EVP_sha256()) > 0 ? std::move(made) : nullptr;
}

KeyPair to_pem(X509* certificate, EVP_PKEY* key) {
  const Bio first(BIO_new(BIO_s_mem()));
  const Bio second(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(first.get(), certificate);
  PEM_write_bio_PrivateKey(second.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return {contents(first.get()), contents(second.get())};
}

}  // namespace

Result<Certificates> make_certificates() {
  const Key authority_key(EVP_EC_gen("P-256"));
  const Certificate authority =
      make_certificate(authority_key.get(), {"wukong-sandbox authority", "", "critical,CA:TRUE", "", ""},
                       nullptr, authority_key.get());
  if (authority == nullptr) return Error{.message = "OpenSSL cannot make a certificate"};
  Certificates made{.authority = to_pem(authority.get(), authority_key.get())};
  const auto sign = [&](KeyPair& pair, const Subject& subject) {
    const Key key(EVP_EC_gen("P-256"));
    const Certificate certificate =
        make_certificate(key.get(), subject, authority.get(), authority_key.get());
    if (certificate != nullptr) pair = to_pem(certificate.get(), key.get());
    return certificate != nullptr;
  };
  if (!sign(made.server, {"127.0.0.1", "", "CA:FALSE", "serverAuth", "IP:127.0.0.1,DNS:localhost"}) ||
      !sign(made.admin, {kAdmin, "system:masters", "CA:FALSE", "clientAuth", ""}))
    return Error{.message = "OpenSSL cannot make a certificate"};
  return made;
}

std::string make_token() {
  std::array<unsigned char, 32> bytes{};
  RAND_bytes(bytes.data(), static_cast<int>(bytes.size()));
  std::string token;
  for (const unsigned char byte : bytes) token += fmt::format("{:02x}", byte);
  return token;
}

std::string base64(const std::string& bytes) {
  std::string encoded(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  encoded.resize(static_cast<std::size_t>(size));
  return encoded;
}

}  // namespace wukong::sandbox
