#include "base/jsonpath.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "base/go_values.h"

namespace wukong {

namespace {

std::string printed(const std::string& text, const Json& data) {
  const auto path = JsonPath::parse(text);
  if (!path) return "usage: " + path.error().message;
  const auto out = path->print(data);
  return out ? *out : "error: " + out.error().message;
}

Json data() {
  return {{"name", "web"},
          {"disks", {{{"name", "root"}, {"size", 5}}, {{"name", "data"}, {"size", 7}}}},
          {"a.b", "dotted"},
          {"none", nullptr}};
}

}  // namespace

// What kubectl makes of hundreds of templates: printer_test.cpp.
TEST_CASE("jsonpath: fields, indices, slices, filters, ranges") {
  CHECK(printed("{.name}", data()) == "web");
  CHECK(printed("{.disks[-1].name} {.disks[*].size}", data()) == "data 5 7");
  CHECK(printed("{.disks[?(@.size>5)].name}", data()) == "data");
  CHECK(printed("{range .disks[*]}{.name}={.size}{\"\\n\"}{end}", data()) == "root=5\ndata=7\n");
  CHECK(printed("{.a\\.b}{.nope}", data()) == "dotted");
  CHECK(printed("{.none}", data()) == "null");
  CHECK(printed("{..size}", data()) == "5 7");
}

TEST_CASE("jsonpath: templates that can never work are usage errors") {
  for (const char* text :
       {"{.a[}", "{.a", "{name}", "{end}", "{.a[::0]}", "{.a[?(@.b===1)]}", "{.a[?(@.b==c)]}", "{\"x}"}) {
    CAPTURE(text);
    const auto path = JsonPath::parse(text);
    REQUIRE_FALSE(path.has_value());
    CHECK(path.error().code == Code::usage);
    CHECK_FALSE(path.error().message.empty());
  }
  CHECK(printed("{name}", data()) == "usage: unrecognized identifier name");
}

TEST_CASE("jsonpath: what only the object shows is a failure") {
  CHECK(printed("{.disks[2]}", data()) == "error: array index out of bounds: index 2, length 2");
  CHECK(printed("{.name[0]}", data()) == "error: string is not array or slice");
  CHECK(printed("{.disks[?(@.size==\"5\")]}", data()) == "error: incompatible types for comparison");
}

TEST_CASE("jsonpath: a range is walked anew by every print") {
  const auto path = JsonPath::parse("{range .disks[*]}{.name} {end}{.name}");
  REQUIRE(path.has_value());
  const Json object = data();
  for (int i = 0; i < 3; ++i) CHECK(path->print(object).value() == "root data web");
}

TEST_CASE("jsonpath: templates inside of templates have a limit") {
  std::string text = "{.x";
  for (int i = 0; i < 1000; ++i) text += "[?(@";
  for (int i = 0; i < 1000; ++i) text += ")]";
  CHECK_FALSE(JsonPath::parse(text + "}").has_value());
  CHECK_FALSE(JsonPath::parse("{" + std::string(100'000, '[')).has_value());
  CHECK(JsonPath::parse("{" + std::string(100'000, ' ') + "}").has_value());
}

TEST_CASE("jsonpath: forms of a path that need no braces") {
  for (const char* path : {".a.b", "a.b", "{.a.b}", "{a.b}"})
    CHECK(relaxed_jsonpath(path).value() == "{.a.b}");
  CHECK(relaxed_jsonpath("").value().empty());
  for (const char* path : {"{}", "{.a}{.b}", ".a{.b}", "{a"}) CHECK_FALSE(relaxed_jsonpath(path).has_value());
}

TEST_CASE("go values: numbers in Go's shortest form") {
  CHECK(go_text(1e21) == "1e+21");
  CHECK(go_text(123456789.0) == "1.23456789e+08");
  CHECK(go_json(Json::parse("[1.0, 0.5, 1e20, 1e21, 0.0000001, -0.0, 12345678901234567890]")) ==
        "[1,0.5,100000000000000000000,1e+21,1e-7,-0,12345678901234567000]");
  CHECK(go_text(Json::parse("0.00001")) == "1e-05");
  CHECK(go_text(Json{{"b", {1, nullptr, "x"}}, {"a", true}}) == "map[a:true b:[1 <nil> x]]");
  CHECK(go_json(Json{{"a", "<\u2028>"}}, 2) == "{\n  \"a\": \"\\u003c\\u2028\\u003e\"\n}");
}

}  // namespace wukong
