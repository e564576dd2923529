#include "kube/certificate.h"

#include <doctest/doctest.h>

#include "kube/kubeconfig.h"
#include "support/golden.h"

using namespace wukong;
using namespace wukong::kube;

namespace {

CertificateFacts facts_of(const std::string& name) {
  return read_certificate(read_file(testing::tests_dir() / "data/kubeconfigs/pki" / name).value()).value();
}

}  // namespace

TEST_CASE("certificate: from when to when") {
  const CertificateFacts facts = facts_of("client.crt");
  CHECK(facts.not_before < facts.not_after);
  CHECK(facts.not_after < WallTime::max());
}

TEST_CASE("certificate: times that the clock cannot hold are its ends") {
  const CertificateFacts facts = facts_of("without-end.crt");
  CHECK(facts.subject == "CN=jo, O=dev");
  CHECK(facts.not_before == WallTime::min());
  CHECK(facts.not_after == WallTime::max());
}
