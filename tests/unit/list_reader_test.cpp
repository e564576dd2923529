#include "kube/list_reader.h"

#include <doctest/doctest.h>

using namespace wukong;
using namespace wukong::kube;

namespace {

const Projection kKept{{"status.phase"}};

Result<Json> read(const std::string& text, std::size_t piece, const Projection& keep = kKept) {
  ListReader reader(keep);
  for (std::size_t at = 0; at < text.size(); at += piece)
    reader.feed(std::string_view(text).substr(at, piece));
  return reader.finish();
}

}  // namespace

TEST_CASE("list reader: as parse_json reads it, wherever the bytes are cut") {
  const std::vector<std::string> texts{
      R"({"kind":"PodList","metadata":{"resourceVersion":"7","continue":"x"},"items":[]})",
      R"({"metadata":{"items":[1,2]},"items":[{"metadata":{"name":"a"},"spec":{"x":"]},{"},"status":{"phase":"P"}},
          {"metadata":{"name":"b \"\\"},"status":{"phase":["[","{"]}} ] , "kind":"PodList"})",
      R"({"kind":"items","items":[1,"a,]",null,[{"metadata":{"name":"c"}}],{}]})",
      R"({"items":null})",
      R"({"items":{"a":[1]}})",
      R"({"kind":"Status","message":"m","items":[]})",
      R"([1,{"items":[2]}])",
      R"("items")",
      R"(  {"items" : [ {"kind":"Pod"} ]}  )",
      R"({"it\u0065ms":[{"metadata":{"name":"d"},"spec":1}]})"};
  for (const std::string& text : texts) {
    CAPTURE(text);
    for (const Projection& keep : {kKept, Projection{}})
      for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{7}, text.size()}) {
        const auto got = read(text, piece, keep);
        REQUIRE(got.has_value());
        CHECK(*got == *parse_json(text, keep, Envelope::list));
      }
  }
}

TEST_CASE("list reader: every text that is cut short, or wrong, is an error") {
  const std::string text =
      R"({"kind":"L","items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}],"metadata":{"x":1}})";
  for (std::size_t size = 1; size < text.size(); ++size) {
    CAPTURE(text.substr(0, size));
    CHECK_FALSE(read(text.substr(0, size), 5).has_value());
  }
  for (const char* wrong :
       {R"({"items":[,]})", R"({"items":[1,]})", R"({"items":[1,,2]})", R"({"items":[1 2]})",
        R"({"items":[1,2]]})", R"({"items":[}]})", R"({"items":[{"a":1]}]})", R"({"items":[1])",
        "{\"items\":[\"\x01\"]}", R"({"items":[1]}})", "<html>"}) {
    CAPTURE(wrong);
    CHECK_FALSE(read(wrong, 3).has_value());
  }
  CHECK(read("", 1)->is_null());
}
