// Label and field selectors.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sandbox/refusal.h"

namespace wukong::sandbox {

/// What an object must have; all parts must hold.
struct Selector {
  enum class Test { one_of, none_of, exists, absent };
  struct Part {
    std::string key{};  // a label, or a field as "metadata.name"
    Test test{};
    std::vector<std::string> values{};
  };
  std::vector<Part> labels{};
  std::vector<Part> fields{};
  bool empty() const { return labels.empty() && fields.empty(); }
};

/// Labels: `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a`, `!a`. Fields: `=`, `==`, `!=`; metadata.name and
/// .namespace everywhere, more for events, pods, secrets and namespaces. Errors: 400, with Kubernetes' text.
Reply<Selector> parse_selector(const Kind& kind, std::string_view labels, std::string_view fields);

bool matches(const Selector& selector, const Json& object);

}  // namespace wukong::sandbox
