#include "commands/completion.h"

#include <doctest/doctest.h>

#include "commands/registry.h"
#include "support/golden.h"

using namespace wukong;
using namespace wukong::commands;

namespace {

/// The candidates without their descriptions, one per word.
std::vector<std::string> candidates(const std::vector<std::string>& words) {
  Registry registry;
  std::vector<std::string> found;
  std::istringstream lines(complete(registry.app(), words));
  for (std::string line; std::getline(lines, line);) found.push_back(line.substr(0, line.find('\t')));
  return found;
}

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("complete: commands, but not the hidden one") {
  CHECK(candidates({""}) == Words{"clone", "version", "completion", ":4"});
  CHECK(candidates({"cl"}) == Words{"clone", ":4"});
}

TEST_CASE("complete: words reach it through the whole program") {
  for (const Words& words :
       {Words{"__complete", "cl"}, Words{"__complete", "clone", "--wa"}, Words{"__complete", "-"}}) {
    CAPTURE(words.back());
    Registry registry;
    const auto asked = registry.parse(words);
    REQUIRE(asked.has_value());
    std::string out;
    Io io;
    io.out = [&](std::string_view text) { out += text; };
    Context context(io, {});
    REQUIRE(asked->run(context).has_value());
    CHECK(out.find(words.back()) != std::string::npos);
  }
}

TEST_CASE("complete: flags of the command and the global ones") {
  CHECK(candidates({"clone", "--wa"}) == Words{"--wait", ":4"});
  CHECK(candidates({"clone", "--kubec"}) == Words{"--kubeconfig", ":4"});
  CHECK(candidates({"clone", "--http"}) == Words{":4"});
}

TEST_CASE("complete: values of an option, behind a space and behind =") {
  CHECK(candidates({"clone", "a", "b", "-o", "y"}) == Words{"yaml", ":4"});
  CHECK(candidates({"clone", "--progress", ""}) == Words{"auto", "bar", "plain", "json", "none", ":4"});
  CHECK(candidates({"clone", "--dry-run=s"}) == Words{"--dry-run=server", ":4"});
}

TEST_CASE("complete: a file where an option takes one") {
  CHECK(candidates({"--kubeconfig", ""}) == Words{":0"});
}

TEST_CASE("complete: the shells") { CHECK(candidates({"completion", "f"}) == Words{"fish", ":4"}); }

TEST_CASE("complete: nothing behind -- but nouns, and none are known") {
  CHECK(candidates({"clone", "--", "--w"}) == Words{":4"});
}

TEST_CASE("completion scripts: as checked in") {
  for (const auto& [shell, file] : {std::pair{"bash", "kubectl-wukong.bash"},
                                    {"zsh", "_kubectl-wukong"},
                                    {"fish", "kubectl-wukong.fish"},
                                    {"powershell", "kubectl-wukong.ps1"}}) {
    CAPTURE(shell);
    const auto script = completion_script(shell);
    REQUIRE(script.has_value());
    CHECK(testing::golden(std::string("../completions/") + file, *script) == *script);
  }
  CHECK_FALSE(completion_script("tcsh").has_value());
}
