// URLs of API requests.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace wukong::kube {

/// Everything but letters, digits and `marks` as %XX. The default is for one path segment or one query value.
std::string percent_encode(std::string_view text, std::string_view marks = "-_.~");

/// "?a=b&c=d", escaped; "" for no query.
std::string query_string(const std::vector<std::pair<std::string, std::string>>& query);

/// A URL whose host is another name than the machine to connect to.
struct Detour {
  std::string url{};         // the URL with `name` for its host
  std::string connect_to{};  // "name:port:host:port", for CURLOPT_CONNECT_TO
  std::string host{};        // what the Host header says: the server's own host and port
};

/// `server` with `name` as the host: that name then is the SNI and the name the certificate is checked for;
/// connections and the Host header go to the host of `server`, as with kubectl. Errors: `usage` when `server` is no URL.
Result<Detour> detour(const std::string& server, const std::string& name);

/// "https", "10.0.0.1" or "::1" (no brackets, lower case), "6443" (the scheme's own when none is written).
struct UrlParts {
  std::string scheme{};
  std::string host{};
  std::string port{};
};
/// Nothing when `url` is none.
std::optional<UrlParts> url_parts(const std::string& url);

}  // namespace wukong::kube
