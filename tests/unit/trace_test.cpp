#include "kube/trace.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "base/object.h"

using namespace wukong;
using namespace wukong::kube;
using namespace std::chrono_literals;

namespace {

Traced exchange() {
  return {.method = "POST",
          .url = "https://h:6443/api/v1/namespaces/demo/secrets?dryRun=All",
          .request_headers = {{"Authorization", "Bearer t0ps3cret"}, {"Accept", "application/json"}},
          .request_body = R"({"kind":"Secret","data":{"a":"dDBwczNjcmV0"},"stringData":{"b":"t0ps3cret"}})",
          .status = 201,
          .response_headers = {{"Content-Type", "application/json"}},
          .response_body = R"({"kind":"Status","message":"fine"})",
          .dial = 2ms,
          .total = 12ms};
}

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += line + "\n";
  return out;
}

std::string all_lines(const Traced& traced, int level) {
  return joined(request_lines(traced, level)) + joined(response_lines(traced, level));
}

}  // namespace

TEST_CASE("trace: kubectl's lines, level by level") {
  CHECK(all_lines(exchange(), 5).empty());
  CHECK(all_lines(exchange(), 6) ==
        "\"Response\" verb=\"POST\" url=\"https://h:6443/api/v1/namespaces/demo/secrets?dryRun=All\" "
        "status=\"201 Created\" milliseconds=12\n");
  CHECK(
      all_lines(exchange(), 7) ==
      "\"Request\" verb=\"POST\" url=\"https://h:6443/api/v1/namespaces/demo/secrets?dryRun=All\" headers=<\n"
      "\tAccept: application/json\n\tAuthorization: Bearer <masked>\n >\n"
      "\"Response\" status=\"201 Created\" milliseconds=12\n");
  const std::string eight = all_lines(exchange(), 8);
  CHECK(eight.find(R"("Request Body" body="{\"data\":\"<masked>\",\"kind\":\"Secret\")") !=
        std::string::npos);
  CHECK(eight.find("headers=<\n\tContent-Type: application/json\n > milliseconds=12\n") != std::string::npos);
  CHECK(eight.find(R"("Response Body" body="{\"kind\":\"Status\",\"message\":\"fine\"}")") !=
        std::string::npos);
  const std::string nine = all_lines(exchange(), 9);
  CHECK(nine.find("curlCommand=<\n\tcurl -v -XPOST  -H \"Authorization: Bearer <masked>\"") !=
        std::string::npos);
  CHECK(nine.find("milliseconds=12 dnsLookupMilliseconds=0 dialMilliseconds=2") != std::string::npos);
}

TEST_CASE("trace: no level shows a secret") {
  for (int level = 0; level <= 10; ++level) {
    const std::string lines = all_lines(exchange(), level);
    CHECK(lines.find("t0ps3cret") == std::string::npos);
    CHECK(lines.find("dDBwczNjcmV0") == std::string::npos);
  }
}

TEST_CASE("trace: where secrets stand in bodies") {
  for (
      const char* body :
      {R"({"kind":"Secret","data":{"x":"HIDE"}})",
       R"({"kind":"SecretList","items":[{"data":{"x":"HIDE"}}]})",
       R"({"kind":"List","items":[{"kind":"Secret","data":{"x":"HIDE"}}]})",
       R"({"status":{"token":"HIDE"}})",
       R"({"spec":{"volumes":[{"cloudInitNoCloud":{"userData":"HIDE"}}]}})",
       R"({"cloudInitConfigDrive":{"userDataBase64":"HIDE"}})",
       R"({"user":{"passWord":"HIDE"}})",
       R"({"metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"HIDE"}}})",
       R"({"kind":"Secret","stringData":{"x":"HIDE"}})",
       R"({"kind":"SecretList","items":["HIDE",["HIDE"],7]})",
       R"({"kind":"SecretList","items":[{"metadata":{"annotations":{"a":"x://u:HIDE@h"}}}]})",
       R"({"metadata":{"annotations":{"kubevirt.io/ignitiondata":"HIDE"}}})",
       R"({"spec":{"source":{"http":{"extraHeaders":["X-Auth: HIDE"]}}}})",
       R"({"metadata":{"annotations":{"cdi.kubevirt.io/storage.import.extraHeaders.0":"Authorization: HIDE"}}})",
       R"({"metadata":{"annotations":{"cdi.kubevirt.io/storage.clone.token":"HIDE"}}})",
       R"({"metadata":{"annotations":{"cdi.kubevirt.io/storage.extended.clone.token":"HIDE"}}})",
       R"({"spec":{"source":{"http":{"url":"https://user:HIDE@host/disk.img"}}}})",
       R"({"message":"Get \"https://HIDE@host/a@b\": refused, then http://u:p@HIDE@host"})",
       "HIDE, which is no JSON",
       "{\"kind\":\"Secret\",\"data\":{\"x\":\"HIDE"})
    CHECK(masked_body(body).find("HIDE") == std::string::npos);
  CHECK(masked_body(R"({"a":"https://u:p@h/x@y and oci://h:5000/x"})") ==
        R"({"a":"https://<masked>@h/x@y and oci://h:5000/x"})");
  const std::string plain = R"({"data":{"x":"shown"},"kind":"ConfigMap"})";
  CHECK(masked_body(plain) == plain);
  CHECK(masked_body("").empty());
}

TEST_CASE("trace: a header keeps its scheme only") {
  CHECK(masked_header("authorization", "Basic abc") == "Basic <masked>");
  CHECK(masked_header("Authorization", "abc") == "<masked>");
  CHECK(masked_header("Proxy-Authorization", "Basic abc") == "Basic <masked>");
  CHECK(masked_header("Accept", "a b") == "a b");
  CHECK(masked_header("Set-Cookie", "session=1; Path=/") == "<masked>");
  CHECK(masked_header("Location", "https://u:p@h/x") == "https://<masked>@h/x");
}

TEST_CASE("trace: bodies are cut as kubectl cuts them; a watch's is not kept") {
  Traced long_one = exchange();
  long_one.response_body = dump(Json{{"kind", std::string(20000, 'x')}});
  CHECK(joined(response_lines(long_one, 8)).find("[truncated 18987 chars]") != std::string::npos);
  CHECK(joined(response_lines(long_one, 9)).find("[truncated 9771 chars]") != std::string::npos);
  CHECK(joined(response_lines(long_one, 10)).find("truncated") == std::string::npos);
  long_one.streamed = true;
  CHECK(joined(response_lines(long_one, 9)).find("Response Body") == std::string::npos);
}

TEST_CASE("trace: no answer says why; control characters stay out") {
  const Traced lost{.method = "GET", .url = "https://h/\x1b[31m", .problem = "connection\x07 refused"};
  CHECK(all_lines(lost, 6) ==
        "\"Response\" verb=\"GET\" url=\"https://h/[31m\" status=\"\" milliseconds=0 err=\"connection "
        "refused\"\n");
}

TEST_CASE("trace: klog's head") {
  setenv("TZ", "UTC", 1);
  tzset();
  const WallTime at = *parse_rfc3339("2026-11-20T13:19:02Z") + 438905us;
  CHECK(log_line("x", at, 18979) == "I1120 13:19:02.438905   18979 http] x\n");
}
