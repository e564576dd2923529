#include "render/safe_json.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace wukong;
using namespace wukong::render;

TEST_CASE("safe_json: what a terminal obeys is escaped, and reads as before") {
  const std::string evil = "a\x7f\u0080\u009b2J\u202egnp\u2066\u200f\u061c\u2028";
  const std::string written = nlohmann::json(evil).dump();
  const std::string safe = safe_json(written);
  CHECK(safe == R"("a\u007f\u0080\u009b2J\u202egnp\u2066\u200f\u061c\u2028")");
  CHECK(nlohmann::json::parse(safe) == evil);
}

TEST_CASE("safe_json: all else stays, cut UTF-8 too") {
  for (const std::string text : {"{\"a\": \"b\\u001b\"}\n", "\u00a0\u00e9\u2027\u202f\u2065\u206a",
                                 "\U0001F600\U000E0001", "\xc2", "\xe2\x80", "\xff\xfe", ""})
    CHECK(safe_json(text) == text);
}
