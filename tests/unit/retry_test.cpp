#include "kube/retry.h"

#include <curl/curl.h>
#include <doctest/doctest.h>

using namespace wukong;
using namespace wukong::kube;
using namespace std::chrono_literals;

namespace {

Failure retryable(std::optional<Duration> retry_after = std::nullopt) {
  return Failure{.error = {.code = Code::unreachable}, .retryable = true, .retry_after = retry_after};
}

}  // namespace

TEST_CASE("backoff: doubles from 0.25 s to 10 s, with jitter of half") {
  Random random(7);
  const std::vector<std::pair<unsigned, Duration>> table{
      {1, 250ms}, {2, 500ms}, {3, 1s}, {4, 2s}, {5, 4s}, {6, 8s}, {7, 10s}, {8, 10s}, {1000, 10s}};
  for (const auto& [attempt, full] : table) {
    CAPTURE(attempt);
    for (int i = 0; i < 50; ++i) {
      const Duration pause = backoff(attempt, std::nullopt, random);
      CHECK(pause >= full / 2);
      CHECK(pause <= full);
    }
  }
}

TEST_CASE("backoff: Retry-After is the least, but no server makes us sleep for an hour") {
  Random random(7);
  CHECK(backoff(1, 3s, random) == 3s);
  CHECK(backoff(1, 3600s, random) == 60s);
  CHECK(backoff(8, 1s, random) >= 5s);
}

TEST_CASE("retry_delay: within patience, and only for what may mend itself") {
  Random random(7);
  CHECK(retry_delay(retryable(), 1, 0s, 30s, random).has_value());
  CHECK(retry_delay(retryable(), 9, 19s, 30s, random).has_value());
  CHECK(retry_delay(retryable(), 9, 29s, 30s, random) == 1s);
  CHECK_FALSE(retry_delay(retryable(), 9, 29900ms, 30s, random).has_value());
  CHECK_FALSE(retry_delay(retryable(31s), 1, 0s, 30s, random).has_value());
  CHECK_FALSE(retry_delay(retryable(), 1, 0s, 0s, random).has_value());
  CHECK_FALSE(retry_delay(Failure{.error = {.code = Code::forbidden}}, 1, 0s, 30s, random).has_value());
}

TEST_CASE("is_retryable_status") {
  for (const int status : {429, 502, 503, 504}) CHECK(is_retryable_status(status, "", false));
  for (const int status : {400, 401, 403, 404, 405, 409, 410, 413, 422, 501})
    CHECK_FALSE(is_retryable_status(status, "", true));
  CHECK_FALSE(is_retryable_status(500, "Internal error occurred: something", false));
  CHECK(is_retryable_status(500, "Internal error occurred: something", true));
  CHECK(is_retryable_status(500, "etcdserver: leader changed", false));
}

TEST_CASE("is_retryable_status: a webhook that was not reached decided nothing") {
  const std::string prefix =
      "Internal error occurred: failed calling webhook \"vm-clone-validator.kubevirt.io\": failed to call "
      "webhook: ";
  CHECK(is_retryable_status(
      500,
      prefix +
          "Post \"https://virt-api.kubevirt.svc:443/x\": dial tcp 10.9.0.2:8443: connect: connection refused",
      false));
  CHECK(is_retryable_status(500, prefix + "no endpoints available for service \"virt-api\"", false));
  CHECK(is_retryable_status(500, prefix + "Post \"https://x\": EOF", false));
  CHECK(is_retryable_status(500, prefix + "Post \"https://x\": context deadline exceeded", false));
  CHECK_FALSE(is_retryable_status(
      500, prefix + "Post \"https://x\": x509: certificate signed by unknown authority", false));
}

TEST_CASE("is_retryable_transport: the network mends itself, certificates do not") {
  for (const int code : {CURLE_COULDNT_CONNECT, CURLE_COULDNT_RESOLVE_HOST, CURLE_RECV_ERROR,
                         CURLE_SEND_ERROR, CURLE_PARTIAL_FILE, CURLE_SEND_FAIL_REWIND, CURLE_GOT_NOTHING,
                         CURLE_HTTP2, CURLE_HTTP2_STREAM, CURLE_OPERATION_TIMEDOUT, CURLE_SSL_CONNECT_ERROR})
    CHECK(is_retryable_transport(code, ""));
  for (const int code :
       {CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CACERT_BADFILE, CURLE_URL_MALFORMAT})
    CHECK_FALSE(is_retryable_transport(code, ""));
  CHECK_FALSE(
      is_retryable_transport(CURLE_SSL_CONNECT_ERROR, "error:0A00010B:SSL routines::wrong version number"));
}
