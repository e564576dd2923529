#include "commands/clone_room.h"

#include <doctest/doctest.h>

#include "commands/clone_parts.h"

using namespace wukong;
using namespace wukong::commands;
using kube::Fact;

namespace {

const Scope kAt{.ns = "demo"};

Json list(std::vector<Json> objects) { return {{"items", std::move(objects)}}; }

Json vm(const std::string& name, const std::string& mac, bool runs) {
  return {{"metadata", {{"name", name}}},
          {"spec",
           {{"template",
             {{"spec",
               {{"domain",
                 {{"devices",
                   {{"interfaces", Json::array({{{"name", "default"}, {"macAddress", mac}}})}}}}}}}}}}},
          {"status", {{"created", runs}}}};
}

}  // namespace

TEST_CASE("MAC addresses: a clash with a VM that runs") {
  const CloneNames names{.target = "web-1", .targets = {"web-1", "web-2"}, .count = 2, .target_ns = "demo"};
  CloneOptions options;
  options.shape.new_macs = {"default=02:00:00:00:00:01"};
  const auto refused = [&](const Json& there) {
    const auto checked =
        check_macs(names, options, vm("web", "02:00:00:00:00:09", true), Fact::known(list({there})), kAt);
    return checked ? std::string() : checked.error().message;
  };
  CHECK(refused(vm("other", "02-00-00-00-00-02", true)) ==
        "--new-mac: VirtualMachine demo/other, which runs, has the MAC address 02:00:00:00:00:02");
  CHECK(refused(vm("other", "02-00-00-00-00-02", false)).empty());
  CHECK(refused(vm("other", "02-00-00-00-00-03", true)).empty());
  options.shape = {.keep_mac = true};
  const CloneNames one{.target = "web-1", .targets = {"web-1"}, .target_ns = "demo"};
  const Json source = vm("web", "02:00:00:00:00:09", true);
  CHECK(check_macs(one, options, source, Fact::known(list({source})), kAt)
            .has_value());  // it will not run beside it
  options.start = true;
  CHECK_FALSE(check_macs(one, options, source, Fact::known(list({source})), kAt).has_value());
  options.shape = {.new_macs = {"a=02:00:00:00:00:01", "b=02:00:00:00:00:02"}};
  const auto overlapping = check_macs(names, options, source, Fact::known(list({})), kAt);
  REQUIRE_FALSE(overlapping.has_value());
  CHECK(overlapping.error().message ==
        "--new-mac: two interfaces would have the MAC address 02:00:00:00:00:02");
}

TEST_CASE("MAC addresses: in another namespace the source may be the one that runs") {
  CloneNames names{.target = "web", .targets = {"web"}, .target_ns = "there", .elsewhere = true};
  CloneOptions options{.start = true};
  options.shape = {.keep_mac = true};
  const Json source = vm("web", "02:00:00:00:00:09", true);
  const auto checked = check_macs(names, options, source, Fact::known(list({})), kAt);
  REQUIRE_FALSE(checked.has_value());
  CHECK(checked.error().message ==
        "--keep-mac: VirtualMachine demo/web, which runs, has the MAC address 02:00:00:00:00:09");
  CHECK(check_macs(names, options, vm("web", "02:00:00:00:00:09", false), Fact::known(list({})), kAt)
            .has_value());
}
