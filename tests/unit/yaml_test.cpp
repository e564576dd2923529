#include "render/yaml.h"

#include <doctest/doctest.h>
#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/golden.h"

namespace wukong::render {
namespace {

std::string yaml_of(const std::string& text) { return to_yaml(Json{{"k", text}}); }

/// What yaml-cpp reads from `text`, scalars as strings.
Json parsed(const YAML::Node& node) {
  if (node.IsMap()) {
    Json object = Json::object();
    for (const auto& entry : node) object[entry.first.Scalar()] = parsed(entry.second);
    return object;
  }
  if (node.IsSequence()) {
    Json array = Json::array();
    for (const auto& item : node) array.push_back(parsed(item));
    return array;
  }
  return node.IsNull() ? Json() : Json(node.Scalar());
}

Json nasty() {
  return Json::parse(testing::read_file(testing::tests_dir() / "data" / "yaml" / "nasty.json"));
}

}  // namespace

// The golden is what `kubectl label --local -f nasty.json a=b --overwrite -o yaml` printed (1.32 and 1.34).
TEST_CASE("yaml: byte for byte as kubectl prints it") {
  CHECK(testing::golden("golden/yaml/nasty.yaml", to_yaml(nasty())) == to_yaml(nasty()));
}

TEST_CASE("yaml: another parser reads the same strings") {
  const Json before = nasty();
  const Json after = parsed(YAML::Load(to_yaml(before)));
  const Json& strings = before["spec"]["strings"];
  REQUIRE(after["spec"]["strings"].size() == strings.size());
  for (std::size_t i = 0; i < strings.size(); ++i) CHECK(after["spec"]["strings"][i] == strings[i]);
  CHECK(after["spec"]["keys"] == before["spec"]["keys"]);
}

TEST_CASE("yaml: words that YAML 1.1 reads as something else are quoted") {
  const std::vector<std::string> others{"",
                                        "~",
                                        "null",
                                        "n",
                                        "on",
                                        "NO",
                                        "yes",
                                        "y",
                                        "0x1f",
                                        "012",
                                        "1e3",
                                        "1_000",
                                        ".inf",
                                        "-.INF",
                                        "+.inf",
                                        ".nan",
                                        "1:30",
                                        "2001-01-01",
                                        "1.5",
                                        "-1",
                                        "+.5",
                                        "0b101",
                                        "0o17",
                                        "12:30:45",
                                        "<<",
                                        "=",
                                        "2001-1-1T1:02:03Z",
                                        "1__0",
                                        "true",
                                        "OFF",
                                        "2001-02-30",
                                        "0xffffffffffffffffffff"};
  for (const std::string& word : others) {
    CAPTURE(word);
    CHECK(reads_as_other_type(word));
    CHECK(yaml_of(word) == "k: \"" + word + "\"\n");
  }
  for (const std::string word :
       {"nO", "oN", "web", "1.2.3.4", "10m", "20Gi", "0xg", "-", "+", "e1", "1:60", "v1", "_1", "."}) {
    CAPTURE(word);
    CHECK_FALSE(reads_as_other_type(word));
  }
}

TEST_CASE("yaml: a VM called n keeps its name as value and as key") {
  CHECK(to_yaml({{"metadata", {{"name", "n"}}}}) == "metadata:\n  name: \"n\"\n");
  CHECK(to_yaml({{"on", 1}}) == "\"on\": 1\n");
}

TEST_CASE("yaml: control characters never come out raw") {
  CHECK(yaml_of("\x1b[31m") == "k: \"\\e[31m\"\n");
  CHECK(yaml_of("\x7f") == "k: \"\\x7F\"\n");
  CHECK(yaml_of("a\u0085b") == "k: \"a\\Nb\"\n");
  CHECK(yaml_of("a\u009bb") == "k: \"a\\x9Bb\"\n");
  CHECK(yaml_of("\ufeff") == "k: \"\\uFEFF\"\n");
  CHECK(yaml_of("a\u2028b") == "k: \"a\\Lb\"\n");
  CHECK(yaml_of("a\u2029b") == "k: \"a\\Pb\"\n");
  CHECK(yaml_of(std::string("a\0b", 3)) == "k: \"a\\0b\"\n");
  CHECK(yaml_of("a\x1b\nb") == "k: \"a\\e\\nb\"\n");
  CHECK(yaml_of("bad \xff\xc0\xaf \xed\xa0\x80 \xe2\x82") ==
        "k: bad \ufffd\ufffd\ufffd \ufffd\ufffd\ufffd \ufffd\ufffd\n");
}

TEST_CASE("yaml: texts of several lines are literal blocks where they can be") {
  CHECK(yaml_of("a\nb") == "k: |-\n  a\n  b\n");
  CHECK(yaml_of("a\nb\n") == "k: |\n  a\n  b\n");
  CHECK(yaml_of("a\n\n") == "k: |+\n  a\n\n");
  CHECK(yaml_of("  a\nb") == "k: |2-\n    a\n  b\n");
  CHECK(yaml_of("a \nb") == "k: \"a \\nb\"\n");
}

TEST_CASE("yaml: layout of nested and empty values") {
  const Json value = {{"b", Json::array({1, Json::array({2, 3}), {{"x", 1}, {"y", Json::array({true})}}})},
                      {"a", {{"c", Json::object()}, {"d", Json::array()}, {"e", nullptr}}}};
  CHECK(to_yaml(value) ==
        "a:\n  c: {}\n  d: []\n  e: null\nb:\n- 1\n- - 2\n  - 3\n- x: 1\n  \"y\":\n  - true\n");
  CHECK(to_yaml(Json::array({"a"})) == "- a\n");
  CHECK(to_yaml(Json::object()) == "{}\n");
  CHECK(to_yaml("x") == "x\n");
  CHECK(to_yaml(18446744073709551615U) == "1.8446744073709552e+19\n");  // as kubectl: no int64
  CHECK(to_yaml(1.0) == "1\n");
  CHECK(to_yaml(0.1) == "0.1\n");
}

}  // namespace wukong::render
