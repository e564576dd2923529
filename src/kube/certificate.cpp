#include "kube/certificate.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <ctime>
#include <memory>

namespace wukong::kube {
namespace {

using Bio = std::unique_ptr<BIO, decltype(&BIO_free_all)>;
using X509Ptr = std::unique_ptr<X509, decltype(&X509_free)>;

std::string one_line(const X509_NAME* name) {
  const Bio out(BIO_new(BIO_s_mem()), &BIO_free_all);
  if (!out || X509_NAME_print_ex(out.get(), name, 0,
                                 ASN1_STRFLGS_RFC2253 | XN_FLAG_SEP_CPLUS_SPC | XN_FLAG_FN_SN) < 0)
    return {};
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string{};
}

WallTime time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return wall_time(std::chrono::seconds{::timegm(&parts)});
}

}  // namespace

Result<CertificateFacts> read_certificate(std::string_view pem) {
  const Bio in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free_all);
  const X509Ptr certificate(in ? PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr) : nullptr,
                            &X509_free);
  if (!certificate) return Error{.message = "no certificate"};
  return CertificateFacts{.subject = one_line(X509_get_subject_name(certificate.get())),
                          .not_before = time_of(X509_get0_notBefore(certificate.get())),
                          .not_after = time_of(X509_get0_notAfter(certificate.get()))};
}

}  // namespace wukong::kube
