#include "kube/api_error.h"

#include <curl/curl.h>
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace wukong;
using namespace wukong::kube;
using namespace std::chrono_literals;

namespace {

const Peer kPeer{.server = "https://h:6443", .user = "jo", .context = "lab"};

std::string status_body(int code, const std::string& reason, const std::string& message) {
  Json body = Json::object();
  body["kind"] = "Status";
  body["code"] = code;
  body["reason"] = reason;
  body["message"] = message;
  return dump(body);
}

Error error_of(int code, const std::string& reason = "", const std::string& message = "m") {
  return failed_status(code, status_body(code, reason, message), std::nullopt, "/api/v1/pods", kPeer).error;
}

}  // namespace

TEST_CASE("failed_status: codes") {
  CHECK(error_of(400, "BadRequest").code == Code::invalid);
  CHECK(error_of(401, "Unauthorized").code == Code::unauthenticated);
  CHECK(error_of(403, "Forbidden").code == Code::forbidden);
  CHECK(error_of(404, "NotFound").code == Code::not_found);
  CHECK(error_of(409, "AlreadyExists").code == Code::already_exists);
  CHECK(error_of(409, "Conflict").code == Code::conflict);
  CHECK(error_of(410, "Expired").code == Code::expired);
  CHECK(error_of(413).code == Code::invalid);
  CHECK(error_of(422, "Invalid").code == Code::invalid);
  CHECK(error_of(429).code == Code::overloaded);
  CHECK(error_of(500, "InternalError").code == Code::failed);
  CHECK(error_of(503, "ServiceUnavailable").code == Code::unreachable);
}

TEST_CASE("failed_status: the server's message stays") {
  const std::string message =
      "pods is forbidden: User \"jo\" cannot list resource \"pods\" in API group \"\"";
  CHECK(error_of(403, "Forbidden", message).message == message);
}

TEST_CASE("failed_status: a used up quota is no missing permission") {
  const Error error = error_of(403, "Forbidden",
                               "persistentvolumeclaims \"d\" is forbidden: exceeded quota: q, requested: …");
  CHECK(error.code == Code::failed);
  CHECK(error.hint == "the namespace's ResourceQuota is used up: see `kubectl describe resourcequota`");
}

TEST_CASE("failed_status: a 401 says whose credentials") {
  const Error error = error_of(401, "Unauthorized", "Unauthorized");
  CHECK(error.message == "not logged in to https://h:6443: Unauthorized");
  CHECK(error.hint.find("of user \"jo\" (context \"lab\")") != std::string::npos);
}

TEST_CASE("failed_status: a kind that is not served is not an object that is absent") {
  const Error kind = failed_status(404, "404 page not found\n", std::nullopt, "/apis/x/v1/ys", kPeer).error;
  CHECK(kind.code == Code::not_found);
  CHECK(is_not_served(kind));
  CHECK(kind.message == "the server does not serve /apis/x/v1/ys (404 page not found)");
  CHECK_FALSE(is_not_served(error_of(404, "NotFound", "pods \"a\" not found")));
}

TEST_CASE("failed_status: a 404 in other words than the API's is no absent object") {
  for (const char* body :
       {"", "default backend - 404", "<html>…</html>", R"({"message":"no Route matched"})"}) {
    CAPTURE(body);
    const Failure failure = failed_status(404, body, std::nullopt, "/api/v1/namespaces/d/pods/a", kPeer);
    CHECK(failure.error.code == Code::unreachable);
    CHECK(failure.retryable);
    CHECK(failure.brief);
    CHECK(failure.foreign);
  }
  const Failure absent = failed_status(404, status_body(404, "NotFound", "m"), std::nullopt, "/x", kPeer);
  CHECK_FALSE(absent.retryable);
  CHECK_FALSE(absent.foreign);
  CHECK(failed_status(404, "404 page not found\n", std::nullopt, "/x", kPeer).foreign);
  const Failure bad = failed_status(400, "<html>400 Bad Request</html>", std::nullopt, "/x", kPeer);
  CHECK(bad.foreign);
  CHECK(bad.error.code == Code::invalid);
  CHECK_FALSE(bad.retryable);
}

TEST_CASE("failed_status: other text than a Status") {
  CHECK(failed_status(503, "upstream down", std::nullopt, "/x", kPeer).error.message ==
        "upstream down (HTTP 503)");
  CHECK(failed_status(502, "<html>…</html>", std::nullopt, "/x", kPeer).error.message ==
        "the server answered /x with HTTP 502");
  CHECK(failed_status(504, "", std::nullopt, "/x", kPeer).retryable);
}

TEST_CASE("failed_status: a Status that is cut off is asked for again, unless it is about who asks") {
  const std::string whole = status_body(409, "AlreadyExists", "pods \"web\" already exists");
  const std::string half = whole.substr(0, whole.size() / 2);
  const Failure failure = failed_status(409, half, 2s, "/api/v1/pods", kPeer);
  CHECK(failure.retryable);
  CHECK(failure.retry_after == 2s);
  CHECK(failure.error.message == "the answer to /api/v1/pods is cut off or no JSON");
  CHECK(failed_status(401, half, std::nullopt, "/x", kPeer).error.code == Code::unauthenticated);
  CHECK_FALSE(failed_status(500, half, std::nullopt, "/x", kPeer).retryable);
}

TEST_CASE("failed_status: causes are told unless the message says them") {
  Json body = Json::object();
  body["kind"] = "Status";
  body["message"] = "Restore source VM is running, second problem";
  Json said = Json::object();
  said["message"] = "Restore source VM is running";
  Json field = Json::object();
  field["field"] = "spec.target";
  field["message"] = "second problem";
  body["details"]["causes"] = Json::array({said, field});
  const Error error = failed_status(422, dump(body), std::nullopt, "/x", kPeer).error;
  CHECK(error.causes == std::vector<std::string>{"spec.target: second problem"});
}

TEST_CASE("failed_status: Retry-After of a 429") {
  const Failure failure = failed_status(429, "", 2s, "/x", kPeer);
  CHECK(failure.retryable);
  CHECK(failure.retry_after == std::optional<Duration>(2s));
}

TEST_CASE("status_error: the Status inside of a watch event") {
  Json status = Json::object();
  status["reason"] = "Expired";
  status["message"] = "too old resource version: 5 (900)";
  CHECK(status_error(status).code == Code::expired);
  status["code"] = 410;
  CHECK(status_error(status).code == Code::expired);
  CHECK(status_error(Json("text")).code == Code::failed);
}

TEST_CASE("failed_transfer: what a person can do") {
  const Failure refused = failed_transfer(CURLE_COULDNT_CONNECT, "Failed to connect to h port 6443", kPeer);
  CHECK(refused.retryable);
  CHECK(refused.error.code == Code::unreachable);
  CHECK(refused.error.message == "cannot reach https://h:6443: Failed to connect to h port 6443");
  const Failure untrusted =
      failed_transfer(CURLE_PEER_FAILED_VERIFICATION,
                      "SSL certificate problem: unable to get local issuer certificate", kPeer);
  CHECK_FALSE(untrusted.retryable);
  CHECK(untrusted.error.message.starts_with("cannot verify the certificate of https://h:6443: "));
  CHECK(untrusted.error.hint.find("certificate-authority-data") != std::string::npos);
  const Failure other_name =
      failed_transfer(CURLE_PEER_FAILED_VERIFICATION,
                      "SSL: no alternative certificate subject name matches target host name 'h'", kPeer);
  CHECK(other_name.error.hint.find("--tls-server-name") != std::string::npos);
}

TEST_CASE("final_error: how long it was tried") {
  const Failure refused = failed_transfer(CURLE_COULDNT_CONNECT, "refused", kPeer);
  CHECK(final_error(refused, 30s, 8, kPeer).message == "cannot reach https://h:6443: refused; tried for 30s");
  CHECK(final_error(refused, 0s, 1, kPeer).message == "cannot reach https://h:6443: refused");
}
