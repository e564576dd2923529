#include "kube/yaml_json.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>

namespace wukong::kube {
namespace {

constexpr std::size_t kMaxDepth = 100;
constexpr std::size_t kMaxValues = 200'000;

Error malformed(const YAML::Mark& mark, std::string_view why) {
  return {.code = Code::usage,
          .message = mark.is_null() ? std::string(why) : fmt::format("line {}: {}", mark.line + 1, why)};
}

std::optional<Json> number(const std::string& plain) {
  const char* const end = plain.data() + plain.size();
  std::int64_t whole{};
  if (const auto got = std::from_chars(plain.data(), end, whole); got.ec == std::errc{} && got.ptr == end)
    return Json(whole);
  // from_chars also takes "inf" and "nan", which JSON has no words for.
  if (plain.find_first_not_of("+-.0123456789eE") != std::string::npos) return std::nullopt;
  double real{};
  if (const auto got = std::from_chars(plain.data(), end, real); got.ec == std::errc{} && got.ptr == end)
    return Json(real);
  return std::nullopt;
}

Json scalar(const YAML::Node& node) {
  const std::string& text = node.Scalar();
  const auto is_one_of = [&text](const auto& words) {
    return std::find(words.begin(), words.end(), text) != words.end();
  };
  if (node.Tag() != "?") return text;  // quoted, or tagged: text in all that a kubeconfig can hold
  constexpr std::array kYes{"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"};
  constexpr std::array kNo{"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"};
  constexpr std::array kNull{"", "~", "null", "Null", "NULL"};
  if (is_one_of(kYes)) return true;
  if (is_one_of(kNo)) return false;
  if (is_one_of(kNull)) return nullptr;
  if (auto value = number(text)) return std::move(*value);
  return text;
}

/// Walks a document. The count is of visits, not of nodes: an alias costs as much as what it stands for, so a
/// few hundred bytes of aliases to aliases cannot become gigabytes.
class Converter {
 public:
  Result<Json> convert(const YAML::Node& node, std::size_t depth = 0) {
    if (depth > kMaxDepth) return malformed(node.Mark(), "nested too deeply");
    if (++visited_ > kMaxValues) return malformed(node.Mark(), "too many values");
    switch (node.Type()) {
      case YAML::NodeType::Scalar:
        return scalar(node);
      case YAML::NodeType::Sequence:
        return sequence(node, depth);
      case YAML::NodeType::Map:
        return mapping(node, depth);
      default:
        return Json(nullptr);
    }
  }

 private:
  Result<Json> sequence(const YAML::Node& node, std::size_t depth) {
    Json out = Json::array();
    for (const auto& item : node) {
      WUKONG_TRY(Json value, convert(item, depth + 1));
      out.push_back(std::move(value));
    }
    return out;
  }

  Result<Json> mapping(const YAML::Node& node, std::size_t depth) {
    Json out = Json::object();
    Json merged = Json::object();
    for (const auto& entry : node) {
      const YAML::Node& key = entry.first;
      if (!key.IsScalar()) return malformed(key.Mark(), "a key is not text");
      WUKONG_TRY(Json value, convert(entry.second, depth + 1));
      if (key.Scalar() == "<<" && value.is_object())
        merged.update(value);
      else
        out[key.Scalar()] = std::move(value);
    }
    for (auto& [key, value] : merged.items()) out.emplace(key, std::move(value));
    return out;
  }

  std::size_t visited_{};
};

}  // namespace

Result<Json> yaml_to_json(std::string_view text) {
  // yaml-cpp gets the escapes of JSON wrong (surrogate pairs), so what is JSON is not left to it.
  if (const auto first = text.find_first_not_of(" \t\r\n");
      first != std::string_view::npos && text[first] == '{')
    if (auto json = parse_json(text)) return std::move(*json);
  try {
    return Converter{}.convert(YAML::Load(std::string(text)));
  } catch (const YAML::Exception& e) {
    return malformed(e.mark, "not YAML");
  } catch (const std::exception&) {
    return malformed(YAML::Mark::null_mark(), "not YAML");
  }
}

}  // namespace wukong::kube
