#include "commands/kubevirt_version.h"

#include <doctest/doctest.h>

namespace wukong::commands {
namespace {

kube::Fact kubevirts(const char* version, const Json& developer) {
  const Json kubevirt = {{"metadata", {{"namespace", "kv"}, {"name", "main"}}},
                         {"spec", {{"configuration", {{"developerConfiguration", developer}}}}},
                         {"status", {{"observedKubeVirtVersion", version}}}};
  return kube::Fact::known({{"items", Json::array({kubevirt})}});
}

}  // namespace

TEST_CASE("kubevirt_version: two numbers, or nothing") {
  CHECK(kubevirt_version(kubevirts("v1.8.4", {})) == std::pair{1, 8});
  CHECK(kubevirt_version(kubevirts("1.10.0-rc.1", {})) == std::pair{1, 10});
  CHECK_FALSE(kubevirt_version(kubevirts("", {})));
  CHECK_FALSE(kubevirt_version(kubevirts("devel", {})));
  CHECK_FALSE(kubevirt_version(kube::Fact{}));
}

TEST_CASE("gate_is_on: listed, or by itself from 1.9 unless disabled") {
  const Json listed = {{"featureGates", {"CPUManager", "Snapshot"}}};
  const Json disabled = {{"featureGates", Json::array({7})},
                         {"disabledFeatureGates", {"Snapshot", "VMExport"}}};
  CHECK(gate_is_on(kubevirts("v1.8.4", listed), "Snapshot") == true);
  CHECK(gate_is_on(kubevirts("v1.8.4", listed), "VMExport") == false);
  CHECK(gate_is_on(kubevirts("v1.8.4", disabled), "Snapshot") == false);
  CHECK(gate_is_on(kubevirts("v1.9.0", {}), "Snapshot") == true);
  CHECK(gate_is_on(kubevirts("v1.9.0", disabled), "Snapshot") == false);
  CHECK(gate_is_on(kubevirts("v1.9.0", disabled), "VMExport") == true);  // GA
  CHECK(gate_is_on(kubevirts("v1.8.4", disabled), "VMExport") == false);
  CHECK(gate_is_on(kubevirts("devel", listed), "Snapshot") == std::nullopt);
  CHECK(gate_is_on(kube::Fact{}, "Snapshot") == std::nullopt);
}

TEST_CASE("list_of_gates: names the resource to change") {
  CHECK(list_of_gates(kubevirts("v1.8.4", {})) ==
        ".spec.configuration.developerConfiguration.featureGates of KubeVirt kv/main");
}

}  // namespace wukong::commands
