// JSON as YAML, laid out and quoted as kubectl does it.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/object.h"

namespace wukong::render {

/// `value` as one YAML document with a line break at its end: block style, keys in kubectl's natural order,
/// sequences not indented under their key, long lines folded after column 80. Bytes that are not UTF-8 become
/// U+FFFD. Source: go.yaml.in/yaml/v2 (through sigs.k8s.io/yaml), which kubectl prints with; the bytes are
/// the same, except that U+2028, U+2029, the key "<<" and some impossible dates and numbers are quoted here,
/// where go-yaml leaves them open to misreading.
std::string to_yaml(const Json& value);

/// True when a YAML 1.1 reader would take the plain word `text` for something else than a string: null, a
/// boolean ("n", "on"), a number ("012", "1_000", "0x1f", ".inf"), a time ("2001-01-01") or base 60 ("1:30").
bool reads_as_other_type(std::string_view text);

}  // namespace wukong::render
