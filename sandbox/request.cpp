#include "sandbox/request.h"

#include <charconv>

#include "base/text.h"

namespace wukong::sandbox {
namespace {

std::string decode(std::string_view words, bool plus_is_space) {
  std::string decoded;
  for (std::size_t i = 0; i < words.size(); ++i) {
    unsigned code = 0;
    const char* digits = words.data() + i + 1;
    if (words[i] == '%' && i + 2 < words.size() + 0 &&
        std::from_chars(digits, digits + 2, code, 16).ptr == digits + 2) {
      decoded += static_cast<char>(code);
      i += 2;
    } else {
      decoded += plus_is_space && words[i] == '+' ? ' ' : words[i];
    }
  }
  return decoded;
}

}  // namespace

bool Url::flag(const std::string& name) const { return value(name) == "true" || value(name) == "1"; }

std::string Url::value(const std::string& name) const {
  const auto found = query.find(name);
  return found == query.end() ? "" : found->second;
}

Url parse_url(std::string_view target) {
  Url url;
  const auto mark = target.find('?');
  url.path = target.substr(0, mark);
  for (const std::string& part : split(url.path, '/'))
    if (!part.empty()) url.parts.push_back(decode(part, false));
  if (mark == std::string_view::npos) return url;
  for (const std::string& pair : split(target.substr(mark + 1), '&')) {
    const auto at = pair.find('=');
    const std::string value = at == std::string::npos ? "" : pair.substr(at + 1);
    url.query[decode(pair.substr(0, at), true)] = decode(value, true);
  }
  return url;
}

Place place_of(const Url& url) {
  const auto& parts = url.parts;
  const bool core = !parts.empty() && parts[0] == "api";
  const std::size_t first = core ? 2 : 3;  // after api/v1, or apis/GROUP/VERSION
  if (parts.size() <= first || (!core && parts[0] != "apis")) return {};
  Place place;
  const std::string group = core ? "" : parts[1];
  place.version = parts[first - 1];
  std::vector<std::string> rest(parts.begin() + static_cast<std::ptrdiff_t>(first), parts.end());
  // /namespaces/NS is itself an object; /namespaces/NS/KIND... lies in it.
  const bool status_of_namespace = rest.size() == 3 && rest[2] == "status";
  if (rest.size() > 2 && rest[0] == "namespaces" && !status_of_namespace) {
    place.ns = rest[1];
    rest.erase(rest.begin(), rest.begin() + 2);
  }
  place.kind = find_kind(group, rest[0]);
  if (place.kind == nullptr) return {};
  const bool scope_fits = place.kind->namespaced ? !place.ns.empty() || rest.size() == 1 : place.ns.empty();
  if (!place.kind->serves(place.version) || !scope_fits || rest.size() > 3) return {};
  if (rest.size() > 1) place.name = rest[1];
  if (rest.size() > 2) place.subresource = rest[2];
  return place;
}

}  // namespace wukong::sandbox
