#include "kube/pem.h"

#include <doctest/doctest.h>

#include "kube/kubeconfig.h"
#include "support/golden.h"

using namespace wukong;
using namespace wukong::kube;

namespace {

std::string pki(const std::string& name) {
  return kube::read_file(testing::tests_dir() / "data/kubeconfigs/pki" / name).value();
}

}  // namespace

TEST_CASE("pem: a bundle keeps its certificates, whatever stands between them") {
  const std::string one = pki("ca.crt");
  const std::string two = pki("other-ca.crt");
  const std::string broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  const std::string garbled = "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n";
  CHECK(certificates_in(one) == one);
  CHECK(certificates_in("# a\n" + broken + one + pki("server.key") + garbled + two + "end") == one + two);
  for (const std::string& nothing :
       {std::string(), std::string("text"), broken, garbled, pki("server.key"), one.substr(0, 200)})
    CHECK(certificates_in(nothing).empty());
}

TEST_CASE("pem: which certificate goes with which key") {
  CHECK(pair_problem(pki("client.crt"), pki("client.key")).empty());
  CHECK(pair_problem(pki("client.crt"), pki("client-pkcs1.key")).empty());
  CHECK(pair_problem(pki("ec.crt"), pki("ec.key")).empty());
  CHECK(pair_problem(pki("ec-with-parameters.crt"), pki("ec-with-parameters.key")).empty());
  CHECK(pair_problem(pki("ed25519.crt"), pki("ed25519.key")).empty());
  CHECK(pair_problem(pki("ec.crt"), pki("client.key")).find("does not belong") != std::string::npos);
  CHECK(pair_problem(pki("client.crt"), pki("client-encrypted.key")).find("encrypted") != std::string::npos);
  CHECK(pair_problem(pki("client.crt"), pki("client-encrypted-pkcs8.key")).find("encrypted") !=
        std::string::npos);
  CHECK(pair_problem(pki("client.key"), pki("client.crt")).find("certificate is none") != std::string::npos);
  CHECK(pair_problem(pki("client.crt"), "text").find("key is none") != std::string::npos);
}
