// URLs of API requests.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace wukong::kube {

/// Everything but letters, digits, "-", "_", "." and "~" as %XX: for one path segment or one query value.
std::string percent_encode(std::string_view text);

/// "?a=b&c=d", escaped; "" for no query.
std::string query_string(const std::vector<std::pair<std::string, std::string>>& query);

/// A URL whose host is another name than the machine to connect to.
struct Detour {
  std::string url{};         // the URL with `name` for its host
  std::string connect_to{};  // "name:port:host:port", for CURLOPT_CONNECT_TO
};

/// `server` with `name` as the host: that name then is the SNI, the name the certificate is checked for, and
/// the Host header; connections go to the host of `server`. Errors: `usage` when `server` is no URL.
Result<Detour> detour(const std::string& server, const std::string& name);

/// True when the URL's host is "localhost" or a loopback address: those never go through a proxy of the
/// environment.
bool is_loopback(const std::string& server);

}  // namespace wukong::kube
