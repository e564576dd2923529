// What -v tells of each HTTP exchange, in kubectl's lines, without secrets. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "base/view.h"

namespace wukong::kube {

/// One exchange as it went over the wire, secrets included: never print it but by request_lines() and response_lines().
struct Traced {
  std::string method{};
  std::string url{};
  std::vector<std::pair<std::string, std::string>> request_headers{};
  std::string request_body{};
  // Empty until the answer is there.
  int status{};  // 0: none came
  std::vector<std::pair<std::string, std::string>> response_headers{};
  std::string response_body{};
  bool streamed{};             // a watch: its events are not kept
  std::string problem{};       // why no answer came
  std::string http_version{};  // "2", "1.1"
  std::string remote{};        // "10.0.0.1:6443": the peer that was connected to, a proxy where there is one
  // Since the request was begun; zero for what did not happen, such as a handshake on a connection that stood.
  Duration dns{};
  Duration dial{};
  Duration tls{};
  Duration server{};  // from the request sent to the first byte of the answer
  Duration total{};
};

/// `text` (JSON) without secrets: the data of Secrets, tokens, passwords (in URLs, too), keys, headers for an import,
/// cloud-init user data and Ignition become "<masked>". What is no JSON is not shown at all, only its length.
std::string masked_body(std::string_view text);
/// A header's value as it may be shown: "Bearer <masked>".
std::string masked_header(std::string_view name, std::string_view value);

/// The lines before a request is sent and after its answer came, at verbosity `level` (6 to 10), as kubectl
/// prints them, but masked. Without the time stamp. Empty below 6 and where kubectl says nothing.
/// Source: client-go transport/round_trippers.go and rest/request.go.
std::vector<std::string> request_lines(const Traced& exchange, int level);
std::vector<std::string> response_lines(const Traced& exchange, int level);

/// `line` behind klog's head: "I1120 13:19:02.438905   18979 http] ", local time.
std::string log_line(std::string_view line, WallTime now, int process);

}  // namespace wukong::kube
