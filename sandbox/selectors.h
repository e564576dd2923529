// Label and field selectors.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/refusal.h"

namespace wukong::sandbox {

/// What a label or a field must be: one of `values`, or, without them, there at all; `negated`: just not that.
struct Requirement {
  std::string key{};
  bool negated{};
  std::optional<std::vector<std::string>> values{};
};

/// All must hold.
struct Selector {
  std::vector<Requirement> labels{};
  std::vector<Requirement> fields{};
  bool empty() const { return labels.empty() && fields.empty(); }
};

/// Labels: `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a`, `!a`. Fields: `=`, `==`, `!=`; metadata.name and
/// .namespace everywhere, more for events, pods, secrets and namespaces. Errors: 400, with Kubernetes' text.
Reply<Selector> parse_selector(const Kind& kind, std::string_view labels, std::string_view fields);

bool matches(const Selector& selector, const Json& object);

/// The value at a path such as "status.interfaces.0.ipAddress", or nullptr.
const Json* find_dotted(const Json& object, std::string_view path);

}  // namespace wukong::sandbox
