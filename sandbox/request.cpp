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
    if (words[i] == '%' && i + 2 < words.size() &&
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
  std::vector<std::string> rest(parts.begin() + static_cast<std::ptrdiff_t>(first), parts.end());
  Place place;
  // /namespaces/NS is itself an object; /namespaces/NS/KIND... lies in it.
  const bool status_of_namespace = rest.size() == 3 && rest[2] == "status";
  if (rest.size() > 2 && rest[0] == "namespaces" && !status_of_namespace) {
    place.ns = rest[1];
    rest.erase(rest.begin(), rest.begin() + 2);
  }
  const Kind* kind = find_kind(core ? "" : parts[1], rest[0]);
  if (kind == nullptr || kind->version != parts[first - 1] || rest.size() > 3) return {};
  const bool scope_fits = kind->namespaced ? !place.ns.empty() || rest.size() == 1 : place.ns.empty();
  if (!scope_fits) return {};
  place.kind = kind;
  if (rest.size() > 1) place.name = rest[1];
  if (rest.size() > 2) place.subresource = rest[2];
  return place;
}

}  // namespace wukong::sandbox
