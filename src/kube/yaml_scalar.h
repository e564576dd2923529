// What a YAML scalar is: null, a boolean, a number or text, by the rules of gopkg.in/yaml.v2.
#pragma once

#include <string>

#include "base/object.h"
#include "base/result.h"
#include "kube/yaml_tree.h"

namespace wukong::kube {

/// Errors: `usage`: a tag that does not fit, and numbers that JSON has no words for (.inf, .nan).
/// Source: gopkg.in/yaml.v2 resolve.go, decode.go (scalar); sigs.k8s.io/yaml.
Result<Json> yaml_scalar(const YamlNode& node);

/// The scalar as the key of a mapping: numbers and booleans as kubectl writes them ("16" for 0x10, "true" for yes).
/// Errors: `usage`: null.
Result<std::string> yaml_key(const YamlNode& node);

}  // namespace wukong::kube
