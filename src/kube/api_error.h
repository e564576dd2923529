// Answers of the API server and codes of libcurl as errors for a person. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/object.h"
#include "base/result.h"
#include "kube/retry.h"

namespace wukong::kube {

/// Whom we talk to, for messages.
struct Peer {
  std::string server{};  // "https://host:6443"
  std::string user{};    // names in the kubeconfig; may be empty
  std::string context{};
};

/// Error of a Status object: {code, reason, message, details: {causes[]: {field, message}}}.
Error status_error(const Json& status);

/// Failure of an answer that is no 2xx. `body`: a Status object, or plain text such as "404 page not found".
Failure failed_status(int status, std::string_view body, std::optional<Duration> retry_after,
                      const std::string& path, const Peer& peer);

/// Failure of a transfer that libcurl gave up (`curl_code`, with its own `text`).
Failure failed_transfer(int curl_code, std::string_view text, const Peer& peer);

/// Failure of a 2xx whose body is no JSON: cut off on the way.
Failure broken_answer(const Error& why, const std::string& path);

/// `failure.error` as it is told when no further try is made; `spent` since the first try began.
Error final_error(Failure failure, Duration spent, unsigned attempts, const Peer& peer);

/// True for a 404 that means "no such kind or path here", not "no such object".
bool is_not_served(const Error& error);

}  // namespace wukong::kube
