#include "kube/kubeconfig_edit.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "kube/kubeconfig.h"

using namespace wukong;
using namespace wukong::kube;

namespace {

const std::map<std::string, std::string> kNew{{"id-token", "new.\"i\""}, {"refresh-token", "new-r"}};

std::string setting(const std::string& text, const std::string& user, const std::string& name) {
  return parse_kubeconfig(text, "/k")->users.at(user).auth_provider->settings.at(name);
}

/// A folder that goes with the test.
struct Folder {
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "wukong-test-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path); }
  std::string path{};
};

}  // namespace

TEST_CASE("kubeconfig edit: two values change, nothing else") {
  const std::string text = R"(# größe: not ours
users:
- name: other   # stays
  user: {auth-provider: {name: oidc, config: {id-token: theirs}}}
- name: "u"
  user:
    auth-provider:
      name: oidc
      config:
        client-id: me # why
        id-token: old
        refresh-token: |
          old
        idp-issuer-url: https://i
)";
  const auto got = with_settings(text, "u", kNew);
  REQUIRE(got.has_value());
  CHECK(*got == R"(# größe: not ours
users:
- name: other   # stays
  user: {auth-provider: {name: oidc, config: {id-token: theirs}}}
- name: "u"
  user:
    auth-provider:
      name: oidc
      config:
        client-id: me # why
        id-token: "new.\"i\""
        refresh-token: "new-r"
        idp-issuer-url: https://i
)");
  CHECK(with_settings(*got, "u", kNew).value() == *got);
}

TEST_CASE("kubeconfig edit: new entries, in blocks and in braces") {
  const auto block = with_settings(
      "users:\n- user:\n    auth-provider:\n      config:\n        a: b\n  name: u\n", "u", kNew);
  REQUIRE(block.has_value());
  CHECK(*block ==
        "users:\n- user:\n    auth-provider:\n      config:\n        refresh-token: \"new-r\"\n        "
        "id-token: \"new.\\\"i\\\"\"\n"
        "        a: b\n  name: u\n");
  const auto braces =
      with_settings("{users: [{name: u, user: {auth-provider: {config: {a: b}}}}]}", "u", kNew);
  REQUIRE(braces.has_value());
  CHECK(braces->starts_with("{users: [{name: u, user: {auth-provider: {config: {"));
  CHECK(setting(*braces, "u", "id-token") == "new.\"i\"");
}

TEST_CASE("kubeconfig edit: what cannot be edited in place is written anew, whole") {
  for (const char* text : {"t: &t {id-token: old}\nusers: [{name: u, user: {auth-provider: {config: *t}}}]\n",
                           "users: [{name: u, user: {auth-provider: {config: {}}}}]\n",
                           "\xef\xbb\xbfusers: [{name: u, user: {auth-provider: {config: {id-token: o, "
                           "refresh-token: o}}}}]\n"}) {
    const auto got = with_settings(text, "u", kNew);
    REQUIRE(got.has_value());
    CHECK(setting(*got, "u", "id-token") == "new.\"i\"");
    CHECK(setting(*got, "u", "refresh-token") == "new-r");
  }
  CHECK(with_settings("users: [{name: v}]", "u", kNew).error().code == Code::not_found);
  CHECK(with_settings("users: [", "u", kNew).error().code == Code::usage);
}

TEST_CASE("kubeconfig edit: the file behind a link, its mode, and the lock") {
  const Folder folder{};
  const std::string file = folder.path + "/real";
  const std::string link = folder.path + "/config";
  std::ofstream(file) << "old";
  std::filesystem::create_symlink("real", link);
  std::filesystem::permissions(file, std::filesystem::perms{0640});
  CHECK(check_writable(link).has_value());
  const auto done =
      rewrite_file(link, [](const std::string& old) -> Result<std::string> { return old + "+new"; });
  REQUIRE(done.has_value());
  CHECK(read_file(file).value() == "old+new");
  CHECK(std::filesystem::is_symlink(link));
  CHECK(std::filesystem::status(file).permissions() == std::filesystem::perms{0640});
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path), {}) == 2);

  CHECK_FALSE(
      rewrite_file(link, [](const std::string&) -> Result<std::string> { return Error{}; }).has_value());
  CHECK(read_file(file).value() == "old+new");
  std::ofstream(link + ".lock") << "";
  const auto locked = rewrite_file(link, [](const std::string& old) -> Result<std::string> { return old; });
  REQUIRE_FALSE(locked.has_value());
  CHECK(locked.error().message.find("config.lock") != std::string::npos);
  CHECK(std::filesystem::exists(link + ".lock"));
  CHECK_FALSE(check_writable(folder.path + "/none").has_value());
}
