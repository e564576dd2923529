#include "commands/completion.h"

#include <doctest/doctest.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "commands/completion_names.h"
#include "commands/registry.h"
#include "support/fake_api.h"
#include "support/golden.h"

using namespace wukong;
using namespace wukong::commands;

namespace {

/// The candidates without their descriptions, one per word.
std::vector<std::string> candidates(const std::vector<std::string>& words) {
  Registry registry;
  std::vector<std::string> found;
  std::istringstream lines(answer(complete(registry.app(), words)));
  for (std::string line; std::getline(lines, line);) found.push_back(line.substr(0, line.find('\t')));
  return found;
}

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("complete: commands, but not the hidden one") {
  CHECK(candidates({""}) ==
        Words{"clone", "status", "wait", "cancel", "doctor", "version", "completion", ":4"});
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

TEST_CASE("complete: formats, those with a template ready to be gone on with") {
  CHECK(candidates({"clone", "-o", "jsonpath"}) ==
        Words{"jsonpath=", "jsonpath-file=", "jsonpath-as-json=", ":6"});
  CHECK(candidates({"clone", "-o", "n"}) == Words{"name", ":4"});
}

namespace {

/// "vm", or "snapshot behind snapshot/".
Words live(const std::vector<std::string>& words) {
  Registry registry;
  Words found;
  for (const Completion::Live& each : complete(registry.app(), words).live)
    found.push_back(each.lead.empty() ? each.source : each.source + " behind " + each.lead);
  return found;
}

}  // namespace

TEST_CASE("complete: which live names fit") {
  CHECK(live({"clone", ""}) == Words{"vm"});
  CHECK(live({"clone", "we"}) == Words{"vm"});
  CHECK(live({"clone", "snapshot/we"}) == Words{"snapshot behind snapshot/"});
  CHECK(live({"clone", "vm/"}) == Words{"vm behind vm/"});
  CHECK(live({"clone", "nope/"}).empty());
  CHECK(live({"clone", "--wait", "--", "we"}) == Words{"vm"});
  CHECK(live({"clone", "web", ""}).empty());  // a new name
  CHECK(live({"clone", "--", "web", ""}).empty());
  CHECK(live({"-n", ""}) == Words{"namespace"});
  CHECK(live({"clone", "--namespace=de"}) == Words{"namespace"});
  CHECK(live({"--context", ""}) == Words{"context"});
  CHECK(candidates({"clone", "s"}) == Words{"snapshot/", ":6"});
  CHECK(candidates({"clone", ""}) == Words{"vm/", "snapshot/", "pvc/", ":6"});
}

TEST_CASE("complete: every KIND/NAME that a command's help speaks of has live names") {
  const Registry registry;
  for (const CLI::App* command : registry.app().get_subcommands({})) {
    std::size_t at = 0;
    for (const CLI::Option* option : command->get_options()) {
      if (!option->get_positional()) continue;
      const NounNames* rule = noun_names(command->get_name(), at++);
      for (const std::string& word : split(option->get_description(), ' ')) {
        const std::size_t slash = word.find("/NAME");
        if (slash == std::string::npos || slash == 0) continue;
        CAPTURE(word);
        REQUIRE(rule != nullptr);
        const std::vector<std::string> kinds = split(rule->kinds, ',');
        CHECK(std::find(kinds.begin(), kinds.end(), word.substr(0, slash)) != kinds.end());
      }
    }
  }
}

TEST_CASE("complete: the words say which cluster is asked") {
  Registry registry;
  const auto globals = [&](const Words& words) { return complete(registry.app(), words).globals; };
  CHECK(globals({"-n", "demo", "clone", "--context=prod", "-v6", ""}) ==
        Words{"--namespace=demo", "--context=prod", "--v=6"});
  CHECK(globals({"clone", "-ndemo", "--insecure-skip-tls-verify", "--method", "native", ""}) ==
        Words{"--namespace=demo", "--insecure-skip-tls-verify=true"});
  CHECK(globals({"clone", "--", "-n", "demo"}).empty());
}

TEST_CASE("complete: names from the cluster") {
  testing::FakeApi api;
  for (const char* name : {"web", "web-2"})
    api.put(gvr::vm(), {{"metadata", {{"name", name}, {"namespace", "demo"}}}});
  api.put(gvr::vm(), {{"metadata", {{"name", "other"}, {"namespace", "else"}}}});
  Completion completion{.prefix = "we", .live = {{.source = "vm", .lead = ""}}};
  add_names_of(completion, api, "demo");
  CHECK(answer(completion) == "web\t\nweb-2\t\n:4\n");
  CHECK(api.sent.at(0).accept.starts_with("application/json;as=PartialObjectMetadataList"));

  Completion behind{.prefix = "vm/web-", .live = {{.source = "vm", .lead = "vm/"}}};
  add_names_of(behind, api, "demo");
  CHECK(answer(behind) == "vm/web-2\t\n:4\n");
}

TEST_CASE("complete: a server that is silent, or refuses, adds nothing and takes little time") {
  testing::FakeApi api;
  api.handle([](const kube::Request&) -> std::optional<testing::FakeApi::Answer> {
    return testing::FakeApi::Answer(std::nullopt);  // never
  });
  Completion completion{.live = {{.source = "vm", .lead = ""}}};
  add_names_of(completion, api, "demo");
  CHECK(answer(completion) == ":4\n");
  CHECK(api.elapsed() <= std::chrono::seconds{2});

  testing::FakeApi refusing;
  refusing.handle([](const kube::Request&) -> std::optional<testing::FakeApi::Answer> {
    return testing::FakeApi::Answer(testing::FakeApi::error(Code::forbidden, "no"));
  });
  add_names_of(completion, refusing, "demo");
  CHECK(answer(completion) == ":4\n");
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
