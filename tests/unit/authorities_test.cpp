#include "kube/authorities.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "kube/kubeconfig.h"
#include "support/golden.h"

using namespace wukong;
using namespace wukong::kube;

namespace {

const std::filesystem::path kPki = testing::tests_dir() / "data/kubeconfigs/pki";

std::string pki(const std::string& name) { return read_file(kPki / name).value(); }

/// A folder of its own, removed at the end.
struct Folder {
  std::filesystem::path path{};
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "wukong-roots-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path); }
  void put(const std::string& name, const std::string& text) const { std::ofstream(path / name) << text; }
};

Authorities found(const std::vector<std::string>& environment) {
  return system_authorities(environment, read_file);
}

}  // namespace

TEST_CASE("authorities: without the variables, or with empty ones, libcurl's own") {
  for (const std::vector<std::string>& environment :
       {std::vector<std::string>{}, {"SSL_CERT_FILE=", "SSL_CERT_DIR=", "SSL_CERT_FILES=/x"}}) {
    CHECK_FALSE(found(environment).pem.has_value());
    CHECK(found(environment).folder);
  }
}

TEST_CASE("authorities: SSL_CERT_FILE stands for the system's bundle, not for its folder") {
  const Authorities authorities = found({"SSL_CERT_FILE=" + (kPki / "ca.crt").string()});
  CHECK(authorities.pem == pki("ca.crt"));
  CHECK(authorities.folder);
  CHECK(found({"SSL_CERT_FILE=/nowhere"}).pem == "");  // nor for anything when it cannot be read
}

TEST_CASE("authorities: SSL_CERT_DIR names folders, every file of which counts") {
  const Folder one;
  const Folder two;
  one.put("b.pem", pki("ca.crt"));
  one.put("a", "no certificate");
  two.put("c.crt", pki("other-ca.crt"));
  const Authorities authorities = found(
      {"SSL_CERT_FILE=/nowhere", "SSL_CERT_DIR=" + one.path.string() + ":/nowhere::" + two.path.string()});
  CHECK(authorities.pem == pki("ca.crt") + pki("other-ca.crt"));
  CHECK_FALSE(authorities.folder);
}
