#include "kube/trace.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/object.h"
#include "base/text.h"

namespace wukong::kube {
namespace {

constexpr const char* kMasked = "<masked>";
constexpr const char* kLastApplied = "kubectl.kubernetes.io/last-applied-configuration";

/// Fields that hold a secret wherever they stand, in lower case.
constexpr std::array<std::string_view, 16> kSecretFields{
    "token",         "password",    "userdata",      "userdatabase64",
    "secretkey",     "accesskeyid", "clientkeydata", "client-secret",
    "sshprivatekey", "id-token",    "refresh-token", "access-token",
    "passphrase",    "stringdata",  "extraheaders",  "kubevirt.io/ignitiondata"};

/// CDI's annotations: headers of an import, numbered, and what allows to clone out of another namespace.
bool is_secret_annotation(std::string_view key) {
  return key.find(".extraheaders") != std::string_view::npos || key.ends_with("clone.token");
}

bool is_secret_field(std::string_view key) {
  const std::string known = lower(key);
  return std::find(kSecretFields.begin(), kSecretFields.end(), known) != kSecretFields.end() ||
         is_secret_annotation(known);
}

/// "https://<masked>@host/" for a URL with a user or a password in it, wherever URLs stand in `text`.
std::string without_userinfo(std::string_view text) {
  std::string out;
  for (auto at = text.find("://"); at != std::string_view::npos; at = text.find("://")) {
    at += 3;
    out += text.substr(0, at);
    text.remove_prefix(at);
    const auto sign = text.substr(0, text.find_first_of("/?# \t\r\n\"'<>")).rfind('@');
    if (sign == std::string_view::npos) continue;
    out += kMasked;
    text.remove_prefix(sign);
  }
  return out += text;
}

void mask(Json& value);

/// One of a SecretList, which names no kind.
void mask_secret(Json& item) {
  if (!item.is_object()) {
    item = kMasked;
    return;
  }
  mask(item);
  item["data"] = kMasked;
}

/// Walks without recursion limits of its own: `parse_json` refuses deep texts.
void mask(Json& value) {
  if (value.is_string()) value = without_userinfo(value.get_ref<const std::string&>());
  if (value.is_array())
    for (Json& item : value) mask(item);
  if (!value.is_object()) return;
  const bool secret = text(value, {"kind"}) == "Secret" || text(value, {"kind"}) == "SecretList";
  for (auto& [key, inner] : value.items()) {
    if (key == kLastApplied || (is_secret_field(key) && !inner.is_null()) || (secret && key == "data"))
      inner = kMasked;
    else if (secret && key == "items" && inner.is_array())
      for (Json& item : inner) mask_secret(item);
    else
      mask(inner);
  }
}

/// Kubernetes' answer to how much of a body is shown. Source: client-go rest/request.go, truncateBody.
std::string cut(std::string text, int level) {
  const std::size_t most = level >= 10 ? std::string::npos : level == 9 ? 10240 : 1024;
  if (text.size() <= most) return text;
  const std::size_t left_out = text.size() - most;
  return fmt::format("{} [truncated {} chars]", text.substr(0, most), left_out);
}

/// A value as klog prints it: quoted, or indented over lines of its own where it has several.
std::string value_of(const std::string& text) {
  const std::string clean = printable_lines(text);
  if (clean.find('\n') == std::string::npos) return fmt::format("{:?}", clean);
  std::string out = "<\n";
  for (const std::string& line : split(trim(clean), '\n')) out += "\t" + line + "\n";
  return out + " >";
}

std::string headers_of(const std::vector<std::pair<std::string, std::string>>& headers) {
  std::vector<std::string> lines;
  for (const auto& [name, value] : headers)
    lines.push_back(fmt::format("{}: {}", name, masked_header(name, value)));
  if (lines.empty()) return R"("")";
  std::sort(lines.begin(), lines.end());
  std::string out = "<\n";
  for (const std::string& line : lines) out += "\t" + printable(line) + "\n";
  return out + " >";
}

std::string curl_command(const Traced& exchange) {
  std::string out = fmt::format("curl -v -X{} ", exchange.method);
  for (const auto& [name, value] : exchange.request_headers)
    out += fmt::format(" -H \"{}: {}\"", name, masked_header(name, value));
  return printable(fmt::format("{} '{}'", out, without_userinfo(exchange.url)));
}

std::string status_words(const Traced& exchange) {
  if (exchange.status == 0) return {};
  // HTTP/2 has no reason phrase; Go adds its own table's.
  constexpr std::array<std::pair<int, std::string_view>, 19> kWords{{{200, "OK"},
                                                                     {201, "Created"},
                                                                     {202, "Accepted"},
                                                                     {400, "Bad Request"},
                                                                     {401, "Unauthorized"},
                                                                     {403, "Forbidden"},
                                                                     {404, "Not Found"},
                                                                     {405, "Method Not Allowed"},
                                                                     {406, "Not Acceptable"},
                                                                     {409, "Conflict"},
                                                                     {410, "Gone"},
                                                                     {413, "Request Entity Too Large"},
                                                                     {415, "Unsupported Media Type"},
                                                                     {422, "Unprocessable Entity"},
                                                                     {429, "Too Many Requests"},
                                                                     {500, "Internal Server Error"},
                                                                     {502, "Bad Gateway"},
                                                                     {503, "Service Unavailable"},
                                                                     {504, "Gateway Timeout"}}};
  const auto* const known =
      std::find_if(kWords.begin(), kWords.end(), [&](const auto& w) { return w.first == exchange.status; });
  return known == kWords.end() ? fmt::format("{}", exchange.status)
                               : fmt::format("{} {}", exchange.status, known->second);
}

std::int64_t milliseconds(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

}  // namespace

std::string masked_body(std::string_view text) {
  if (text.empty()) return {};
  auto json = parse_json(text);
  if (!json) return fmt::format("<{} bytes that are no JSON>", text.size());
  mask(*json);
  return dump(*json);
}

std::string masked_header(std::string_view name, std::string_view value) {
  const std::string known = lower(name);
  if (known == "cookie" || known == "set-cookie") return kMasked;
  if (known != "authorization" && known != "proxy-authorization") return without_userinfo(value);
  // The scheme is no secret.
  const auto space = value.find(' ');
  return space == std::string_view::npos ? kMasked : fmt::format("{} {}", value.substr(0, space), kMasked);
}

std::vector<std::string> request_lines(const Traced& exchange, int level) {
  if (level < 7) return {};
  std::vector<std::string> out;
  if (level >= 8)
    out.push_back(
        fmt::format("\"Request Body\" body={}", value_of(cut(masked_body(exchange.request_body), level))));
  if (level >= 9)
    out.push_back(fmt::format("\"Request\" curlCommand=<\n\t{}\n >", curl_command(exchange)));
  else
    out.push_back(fmt::format("\"Request\" verb={:?} url={:?} headers={}", exchange.method,
                              printable(without_userinfo(exchange.url)),
                              headers_of(exchange.request_headers)));
  return out;
}

std::vector<std::string> response_lines(const Traced& exchange, int level) {
  if (level < 6) return {};
  std::string line = "\"Response\"";
  if (level != 7 && level != 8)
    line += fmt::format(" verb={:?} url={:?}", exchange.method, printable(without_userinfo(exchange.url)));
  line += fmt::format(" status={:?}", status_words(exchange));
  if (level >= 8) line += fmt::format(" headers={}", headers_of(exchange.response_headers));
  line += fmt::format(" milliseconds={}", milliseconds(exchange.total));
  if (level >= 9)
    line += fmt::format(
        " dnsLookupMilliseconds={} dialMilliseconds={} tlsHandshakeMilliseconds={} "
        "serverProcessingMilliseconds={}",
        milliseconds(exchange.dns), milliseconds(exchange.dial), milliseconds(exchange.tls),
        milliseconds(exchange.server));
  if (!exchange.problem.empty())
    line += fmt::format(" err={:?}", printable(without_userinfo(exchange.problem)));
  std::vector<std::string> out{std::move(line)};
  if (level >= 8 && !exchange.streamed && exchange.status != 0)
    out.push_back(
        fmt::format("\"Response Body\" body={}", value_of(cut(masked_body(exchange.response_body), level))));
  return out;
}

std::string log_line(std::string_view line, WallTime now, int process) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(now);
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(now - whole).count();
  const std::tm local = fmt::localtime(std::chrono::system_clock::to_time_t(whole));
  return fmt::format("I{:%m%d %H:%M:%S}.{:06} {:7} http] {}\n", local, micros, process, line);
}

}  // namespace wukong::kube
