#include "render/printer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "support/golden.h"

namespace wukong::render {
namespace {

Json expectations() {
  const auto read = parse_json(testing::read_file(testing::tests_dir() / "data/output/expected.json"));
  REQUIRE(read.has_value());
  return *read;
}

Result<std::string> printed(const Json& the_case, const Json& all_objects) {
  WUKONG_TRY(const Printer printer, parse_printer(text(the_case, {"output"}), text(the_case, {"file"})));
  const Json& objects = all_objects[std::string(text(the_case, {"objects"}))];
  return print(printer, objects.is_array() ? objects.get<std::vector<Json>>() : std::vector<Json>{objects});
}

/// Words in an order of their own, for what kubectl prints in no order.
std::string sorted_words(std::string_view said) {
  std::vector<std::string> words = split(said, ' ');
  std::sort(words.begin(), words.end());
  std::string out;
  for (const std::string& word : words) out += word + " ";
  return out;
}

}  // namespace

TEST_CASE("printer: as kubectl") {
  const Json all = expectations();
  REQUIRE(items(all, {"cases"}).size() > 150);
  for (const Json& each : items(all, {"cases"})) {
    CAPTURE(text(each, {"objects"}));
    CAPTURE(text(each, {"output"}));
    const auto out = printed(each, all["objects"]);
    if (each.contains("error")) {
      const std::string_view wanted = text(each, {"error"});
      REQUIRE_MESSAGE(!out.has_value(), (out ? *out : ""));
      if (!flag(each, {"anyOrder"}))
        CHECK_MESSAGE(out.error().message.find(wanted) != std::string::npos, out.error().message,
                      " instead of ", wanted);
      continue;
    }
    REQUIRE_MESSAGE(out.has_value(), out.error().message);
    if (flag(each, {"anyOrder"}))
      CHECK(sorted_words(*out) == sorted_words(text(each, {"stdout"})));
    else
      CHECK(*out == text(each, {"stdout"}));
  }
}

TEST_CASE("printer: tables are laid out as kubectl's, without its spaces at the end of a line") {
  const Json all = expectations();
  REQUIRE(!items(all, {"tableCases"}).empty());
  for (const Json& each : items(all, {"tableCases"})) {
    const Json& the_table = all["tables"][std::string(text(each, {"table"}))];
    const auto words = each["words"].get<std::vector<std::string>>();
    CAPTURE(text(each, {"table"}));
    const bool wide = words == std::vector<std::string>{"-o", "wide"};
    std::vector<std::string> headers;
    auto rows = the_table[1].get<std::vector<std::vector<std::string>>>();
    for (const Json& column : the_table[0]) {
      if (column[1] != 0 && !wide) continue;
      std::string header = column[0].get<std::string>();
      std::transform(header.begin(), header.end(), header.begin(),
                     [](unsigned char c) { return std::toupper(c); });
      headers.push_back(header);
    }
    for (auto& row : rows) row.resize(headers.size());
    std::string wanted;
    for (const std::string& line : split(text(each, {"stdout"}), '\n'))
      wanted += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
    wanted.pop_back();
    CHECK(table(headers, rows, words != std::vector<std::string>{"--no-headers"}) == wanted);
  }
}

TEST_CASE("printer: no such format") {
  for (const char* word : {"jsn", "YAML", "go-template={{.metadata.name}}", "jsonpathx={.a}", "=x"}) {
    const auto printer = parse_printer(word);
    REQUIRE_FALSE(printer.has_value());
    CHECK(printer.error().code == Code::usage);
    CHECK(printer.error().hint.find("jsonpath=TEMPLATE") != std::string::npos);
  }
}

TEST_CASE("printer: columns without their headers") {
  auto printer = parse_printer("custom-columns=NAME:.name,SIZE:.size");
  REQUIRE(printer.has_value());
  printer->headers = false;
  CHECK(print(*printer, {Json{{"name", "a"}, {"size", 5}}, Json{{"name", "long-name"}}}).value() ==
        "a           5\nlong-name   <none>\n");
}

TEST_CASE("printer: files of templates") {
  CHECK(template_file("jsonpath-file=a=b") == "a=b");
  CHECK(template_file("custom-columns-file=x") == "x");
  CHECK(template_file("custom-columns=x").empty());
  CHECK(template_file("jsonpath-file").empty());
}

TEST_CASE("printer: a terminal is not steered by what a server says, and keeps the template's tabs") {
  auto printer = parse_printer("jsonpath={.a}{\"\\t\"}{.b}{\"\\n\"}");
  REQUIRE(printer.has_value());
  const Json object = {{"a", "red\x1b[31m"}, {"b", "two\nlines"}};
  CHECK(print(*printer, {object}).value() == "red\x1b[31m\ttwo\nlines\n");
  printer->terminal = true;
  CHECK(print(*printer, {object}).value() == "red[31m\ttwo\nlines\n");
}

}  // namespace wukong::render
