#include "commands/vm_shape.h"

#include <doctest/doctest.h>

#include "manifest/mac.h"

using namespace wukong;
using namespace wukong::commands;

namespace {

std::string problem(const ShapeOptions& options, std::size_t count = 1) {
  const auto shape = settle(options, count, count);
  REQUIRE_FALSE(shape.has_value());
  CHECK(shape.error().code == Code::usage);
  return shape.error().message;
}

}  // namespace

TEST_CASE("numbers in patterns") {
  CHECK(numbered("web-##", 7) == "web-07");
  CHECK(numbered("web-##", 107) == "web-107");
  CHECK(numbered("#-web-###", 3) == "3-web-003");
  CHECK(numbered("web", 3) == "web");
}

TEST_CASE("vm shape: each target of many has its own identity") {
  const ShapeOptions options{
      .new_macs = {"default=02-00-00-00-00-FE"}, .new_serial = "s-#", .hostname = "web-##"};
  const auto third = settle(options, 3, 30);
  REQUIRE(third.has_value());
  CHECK(manifest::format_mac(third->macs.at("default")) == "02:00:00:00:01:00");
  CHECK(third->serial == "s-3");
  CHECK(third->hostname == "web-03");
  const ShapeOptions named{.new_serial = "s-##", .hostname = "web-##"};
  CHECK(settle(named, 1, 1)->hostname == "web-01");  // --count 1
  CHECK(settle({.new_serial = "s-##"}, 1, 0)->serial == "s-##");
}

TEST_CASE("vm shape: what cannot be right") {
  CHECK(problem({.new_macs = {"default"}}) == "--new-mac \"default\" has no name and value");
  CHECK(problem({.new_macs = {"default=02:00"}}).find("no MAC address") != std::string::npos);
  CHECK(problem({.new_macs = {"d=fe:ff:ff:ff:ff:ff"}}, 2).find("ends too early") != std::string::npos);
  CHECK(problem({.new_serial = "same"}, 2) == "--new-serial \"same\" would be the same for 2 VMs");
  CHECK(problem({.hostname = "same"}, 2) == "--hostname \"same\" would be the same for 2 VMs");
  CHECK(problem({.hostname = "Bad_Name"}).starts_with("--hostname \"Bad_Name\": "));
  CHECK(problem({.keep_mac = true}, 2) == "--keep-mac would give 2 VMs the same MAC addresses");
  CHECK(problem({.cpu = 0}) == "--cpu 0: a VM needs a core");
  CHECK(problem({.memory = "lots"}).starts_with("--memory \"lots\""));
  CHECK(problem({.memory = "1"}).starts_with("--memory \"1\""));
  CHECK(problem({.set_labels = {"=x"}}).starts_with("--set-label"));
  CHECK(problem({.set_labels = {"a b=x"}}).find("cannot be a label") != std::string::npos);
  CHECK(problem({.set_labels = {"Bad_/x=y"}}).find("cannot be a label") != std::string::npos);
  CHECK(problem({.set_labels = {"a=-x"}}).find("cannot be a label's value") != std::string::npos);
  CHECK(problem({.label_filters = {"a("}}).find("--label-filter \"a(\"") != std::string::npos);
}

TEST_CASE("vm shape: nothing typed shapes nothing") {
  CHECK_FALSE(ShapeOptions{}.any());
  CHECK(ShapeOptions{.cpu = 2}.any());
  CHECK(settle(ShapeOptions{}, 1, 1).has_value());
}
