#include "base/quantity.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace wukong {
namespace {

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

TEST_CASE("parse_quantity: apimachinery's forms") {
  const std::vector<std::pair<std::string, std::int64_t>> table{
      {"0", 0},
      {"0.0Gi", 0},
      {"0e99", 0},
      {"+5", 5},
      {"5.", 5},
      {".5k", 500},
      {"20Gi", 20LL << 30},
      {"1.5G", 1'500'000'000},
      {"500M", 500'000'000},
      {"1e9", 1'000'000'000},
      {"1E3", 1'000},
      {"1E+3", 1'000},
      {"1E", 1'000'000'000'000'000'000},
      {"1Ei", 1LL << 60},
      {"12e-1", 2},
      {"128974848", 128'974'848},
      {"007", 7},
      {"100m", 1},
      {"1000m", 1},
      {"1001m", 2},
      {"1n", 1},
      {"1000000000n", 1},
      {"0.000000000000000000000000000001", 1},
      {"1e-1000", 1},
      {"1e-99999999999999999999", 1},
      {"7999999999999999999900e-20", 80},
      {"9223372036854775807", kMax},
      {"9223372036854775806.1", kMax},
      {"7.9999999999999999991326Ei", kMax},
      {"1k", 1'000},
      {"1Ki", 1'024},
      {"1Mi", 1 << 20},
      {"1Ti", 1LL << 40},
      {"1P", 1'000'000'000'000'000},
      {"1Pi", 1LL << 50},
  };
  for (const auto& [written, bytes] : table) {
    CAPTURE(written);
    const auto parsed = parse_quantity(written);
    REQUIRE(parsed.has_value());
    CHECK(parsed->count == bytes);
  }
}

TEST_CASE("parse_quantity: exact, and rounded up") {
  CHECK(parse_quantity("0.1Gi")->count == 107'374'183);  // 107374182.4
  CHECK(parse_quantity("0.5Ki")->count == 512);
  CHECK(parse_quantity("9007199254740993")->count == 9'007'199'254'740'993);  // a double cannot hold it
  CHECK(parse_quantity("8388607.9999999Ti").has_value());
  CHECK(parse_quantity("0." + std::string(200, '0') + "1Ei")->count == 1);
}

TEST_CASE("parse_quantity: refusals") {
  for (const std::string_view bad : {"",
                                     " ",
                                     ".",
                                     "+",
                                     "-",
                                     "-1",
                                     "-0",
                                     "Gi",
                                     "1 Gi",
                                     " 1",
                                     "1GB",
                                     "1gi",
                                     "1K",
                                     "1kI",
                                     "1e",
                                     "1e+",
                                     "1e1.5",
                                     "1ee3",
                                     "1.2.3",
                                     "0x10",
                                     "1_000",
                                     "1,5G",
                                     "inf",
                                     "nan",
                                     "9223372036854775808",
                                     "9223372036854775807.5",
                                     "8Ei",
                                     "10E",
                                     "1e19",
                                     "1e1000",
                                     "1e99999999999999999999",
                                     "1Gi\n",
                                     "1m m",
                                     "++1",
                                     "１Gi"}) {
    CAPTURE(bad);
    const auto parsed = parse_quantity(bad);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().code == Code::usage);
    CHECK_FALSE(parsed.error().hint.empty());
  }
  CHECK_FALSE(parse_quantity(std::string_view("1\0Gi", 4)).has_value());
  CHECK_FALSE(parse_quantity(std::string(100'000, '9')).has_value());
  CHECK(parse_quantity(std::string(100'000, 'x')).error().message.size() < 400);
}

TEST_CASE("format_quantity: shortest exact form, and back") {
  CHECK(format_quantity({20LL << 30}) == "20Gi");
  CHECK(format_quantity({1536LL << 20}) == "1536Mi");
  CHECK(format_quantity({1000}) == "1000");
  CHECK(format_quantity({0}) == "0");
  CHECK(format_quantity({1LL << 60}) == "1Ei");
  std::vector<std::int64_t> counts{0, 1, 1023, 1024, 1025, kMax, kMax - 1, 1LL << 62};
  for (int shift = 0; shift < 62; ++shift) counts.push_back((1LL << shift) + (1LL << (shift / 2)));
  for (const std::int64_t count : counts) CHECK(parse_quantity(format_quantity({count}))->count == count);
}

TEST_CASE("format_bytes: one decimal, never 1024.0") {
  CHECK(format_bytes({0}) == "0 B");
  CHECK(format_bytes({512}) == "512 B");
  CHECK(format_bytes({1023}) == "1023 B");
  CHECK(format_bytes({1024}) == "1.0 KiB");
  CHECK(format_bytes({20LL << 30}) == "20.0 GiB");
  CHECK(format_bytes({1536}) == "1.5 KiB");
  CHECK(format_bytes({(1 << 20) - 1}) == "1.0 MiB");
  CHECK(format_bytes({1023 * 1024}) == "1023.0 KiB");
  CHECK(format_bytes({kMax}) == "8.0 EiB");
  CHECK(format_bytes({-2048}) == "-2.0 KiB");
  CHECK(format_bytes({std::numeric_limits<std::int64_t>::min()}) == "-8.0 EiB");
}

}  // namespace
}  // namespace wukong
