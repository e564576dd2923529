#include "manifest/mac.h"

#include <doctest/doctest.h>

using namespace wukong::manifest;

TEST_CASE("mac: every notation, one value") {
  for (const char* text : {"02:00:00:ab:cd:01", "02-00-00-AB-CD-01", "0200.00ab.cd01", "020000abCD01"}) {
    REQUIRE(parse_mac(text).has_value());
    CHECK(format_mac(*parse_mac(text)) == "02:00:00:ab:cd:01");
  }
  CHECK(format_mac(*parse_mac("02:00:00:ab:cd:01"), '-') == "02-00-00-ab-cd-01");
}

TEST_CASE("mac: anything else is none") {
  for (const char* text : {"", "02:00:00:00:00", "02:00:00:00:00:01:02", "02:00:00:00:00:0g",
                           "02:00:00-00:00:01", "0x0000000001", "-20000000001", "02000000000", "2:0:0:0:0:1",
                           "01:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff", "02.00.00.00.00.01"})
    CHECK_MESSAGE(!parse_mac(text).has_value(), text);
}
