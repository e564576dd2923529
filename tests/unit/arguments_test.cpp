#include "commands/arguments.h"

#include <doctest/doctest.h>

#include "commands/registry.h"

using namespace wukong;
using namespace wukong::commands;
using Words = std::vector<std::string>;

namespace {

const CommandShape& shape() {
  static const CommandShape all = [] {  // immutable
    CommandShape clone{.flags = {{"wait", {"wait", false}},
                                 {"w", {"wait", false}},
                                 {"timeout", {"timeout", true}},
                                 {"dry-run", {"dry-run", false}}}};
    return CommandShape{.flags = {{"namespace", {"namespace", true}},
                                  {"n", {"namespace", true}},
                                  {"output", {"output", true}},
                                  {"o", {"output", true}},
                                  {"v", {"v", false}}},
                        .commands = {{"clone", clone}}};
  }();
  return all;
}

Words normal(const Words& words) {
  auto result = normalise(words, shape());
  REQUIRE(result.has_value());
  return *result;
}

}  // namespace

TEST_CASE("normalise: every way in which pflag takes a value") {
  const Words expected{"clone", "--output=yaml", "a", "b"};
  CHECK(normal({"clone", "a", "b", "-o", "yaml"}) == expected);
  CHECK(normal({"clone", "a", "b", "-oyaml"}) == expected);
  CHECK(normal({"clone", "a", "b", "-o=yaml"}) == expected);
  CHECK(normal({"clone", "a", "b", "--output", "yaml"}) == expected);
  CHECK(normal({"clone", "a", "b", "--output=yaml"}) == expected);
}

TEST_CASE("normalise: flags stand anywhere, also before the command") {
  CHECK(normal({"-n", "demo", "--timeout", "5m", "clone", "a"}) ==
        Words{"clone", "--namespace=demo", "--timeout=5m", "a"});
  CHECK(normal({"-ndemo", "clone", "a", "-w"}) == Words{"clone", "--namespace=demo", "--wait", "a"});
}

TEST_CASE("normalise: a flag without a value never eats the next word") {
  CHECK(normal({"clone", "--dry-run", "a", "b"}) == Words{"clone", "--dry-run", "a", "b"});
  CHECK(normal({"clone", "--dry-run=server", "a"}) == Words{"clone", "--dry-run=server", "a"});
  CHECK(normal({"clone", "--wait=false", "a"}) == Words{"clone", "--wait=false", "a"});
}

TEST_CASE("normalise: short flags written together") {
  CHECK(normal({"clone", "-wn", "demo", "a"}) == Words{"clone", "--wait", "--namespace=demo", "a"});
  CHECK(normal({"clone", "-wndemo", "a"}) == Words{"clone", "--wait", "--namespace=demo", "a"});
}

TEST_CASE("normalise: a value may begin with a dash, as pflag allows") {
  CHECK(normal({"clone", "-n", "-x"}) == Words{"clone", "--namespace=-x"});
}

TEST_CASE("normalise: behind -- all are nouns") {
  CHECK(normal({"clone", "--", "-a", "--wait"}) == Words{"clone", "--", "-a", "--wait"});
  CHECK(normal({"clone", "--", "a"}) == Words{"clone", "a"});
}

TEST_CASE("normalise: a noun called like a command stays a noun") {
  CHECK(normal({"clone", "clone", "b"}) == Words{"clone", "clone", "b"});
}

TEST_CASE("normalise: an empty value is the default; a missing one is an error") {
  CHECK(normal({"clone", "a", "-n", ""}) == Words{"clone", "a"});
  CHECK(normal({"clone", "a", "--namespace="}) == Words{"clone", "a"});
  const auto missing = normalise({"clone", "a", "-n"}, shape());
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().code == Code::usage);
  CHECK(missing.error().message == "flag needs an argument: -n");
}

TEST_CASE("normalise: what is not known stays for the parser to report") {
  CHECK(normal({"clone", "--nope=1", "-z", "a"}) == Words{"clone", "--nope=1", "-z", "a"});
  CHECK(normal({"clnoe", "a"}) == Words{"clnoe", "a"});
  CHECK(normal({"-"}) == Words{"-"});
}

// ---- the real commands

namespace {

Error refused(const Words& words) {
  Registry registry;
  auto asked = registry.parse(words);
  REQUIRE_FALSE(asked.has_value());
  CHECK(asked.error().code == Code::usage);
  return asked.error();
}

}  // namespace

TEST_CASE("registry: unknown words name what was probably meant") {
  CHECK(refused({"clnoe", "a", "b"}).message == "unknown command \"clnoe\"");
  CHECK(refused({"clnoe", "a", "b"}).hint == "did you mean \"clone\"?");
  CHECK(refused({"clone", "a", "--wiat"}).message == "unknown flag: --wiat");
  CHECK(refused({"clone", "a", "--wiat"}).hint == "did you mean --wait?");
  CHECK(refused({"clone", "a", "b", "c"}).message == "clone: unexpected word \"c\"");
}

TEST_CASE("registry: a missing noun is a usage error") {
  CHECK(refused({"clone"}).message.find("SOURCE") != std::string::npos);
}

TEST_CASE("registry: help is text, wherever it is asked for") {
  for (const Words& words : {Words{}, Words{"--help"}, Words{"clone", "--help"}, Words{"clone", "a", "-h"}}) {
    Registry registry;
    auto asked = registry.parse(words);
    REQUIRE(asked.has_value());
    CHECK_FALSE(asked->run);
    CHECK(asked->text.find("kubectl wukong") != std::string::npos);
  }
}

TEST_CASE("registry: global flags reach the command from both sides") {
  for (const Words& words : {Words{"-n", "demo", "clone", "a", "b"}, Words{"clone", "a", "-ndemo", "b"}}) {
    Registry registry;
    auto asked = registry.parse(words);
    REQUIRE(asked.has_value());
    CHECK(asked->run);
    CHECK(asked->global.cluster.ns == "demo");
  }
}

TEST_CASE("registry: of a flag that stands twice the last one counts") {
  Registry registry;
  auto asked = registry.parse({"clone", "a", "-n", "one", "b", "--wait", "--wait", "--namespace=two"});
  REQUIRE(asked.has_value());
  CHECK(asked->global.cluster.ns == "two");
}

TEST_CASE("registry: groups to impersonate add up") {
  Registry registry;
  auto asked = registry.parse({"clone", "--as-group", "one", "a", "--as-group", "two", "b"});
  REQUIRE(asked.has_value());
  CHECK(asked->global.cluster.as_group.size() == 2);
}

TEST_CASE("registry: --color takes three words") {
  CHECK(refused({"--color=foo", "version", "--client"}).message == "--color does not take \"foo\"");
}
