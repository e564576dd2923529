#include "commands/expose.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace wukong;
using namespace wukong::commands;

namespace {

std::string problem(const ExposeOptions& options, const std::vector<std::string>& vms = {"web"}) {
  const auto exposures = settle(options, vms);
  REQUIRE_FALSE(exposures.has_value());
  CHECK(exposures.error().code == Code::usage);
  return exposures.error().message;
}

kube::Fact list(const std::vector<std::string>& names) {
  Json all = {{"items", Json::array()}};
  for (const std::string& name : names) all["items"].push_back({{"metadata", {{"name", name}}}});
  return kube::Fact::known(all);
}

kube::Fact kubevirt(const char* version) {
  return kube::Fact::known({{"items", Json::array({{{"status", {{"observedKubeVirtVersion", version}}}}})}});
}

const Scope kAt{.ns = "demo", .operation_id = "abcde"};

Result<op::Operation> exposed(const ExposeOptions& options, const ExposeFacts& facts) {
  op::Operation operation{.id = "abcde", .title = "clone"};
  operation.steps.push_back({.id = "usable-web", .action = op::Guard{}, .group = "web"});
  WUKONG_TRY(const auto exposures, settle(options, {"web"}));
  WUKONG_CHECK(
      add_exposures(operation, exposures, facts, [](const std::string& vm) { return "usable-" + vm; }, kAt));
  CHECK(op::shape_problem(operation).empty());
  return operation;
}

Json body_of(const op::Operation& operation, std::size_t step) {
  return std::get<Json>(std::get<op::Create>(operation.steps.at(step).action).body);
}

}  // namespace

TEST_CASE("expose: ports as they are typed") {
  const auto got =
      settle(ExposeOptions{.ports = {"22", "web:80:8080", "53:5353/udp", "9000/SCTP"}}, {"a", "b"});
  REQUIRE(got.has_value());
  REQUIRE(got->size() == 2);
  CHECK(got->back().vm == "b");
  const auto& ports = got->front().ports;
  REQUIRE(ports.size() == 4);
  CHECK(ports[0].name == "tcp-22");
  CHECK(ports[0].target == 22);
  CHECK(ports[1].name == "web");
  CHECK(ports[1].port == 80);
  CHECK(ports[1].target == 8080);
  CHECK(ports[2].name == "udp-53");
  CHECK(ports[2].target == 5353);
  CHECK(ports[2].protocol == "UDP");
  CHECK(ports[3].protocol == "SCTP");
  CHECK(settle(ExposeOptions{}, {"a.b"})->empty());
}

TEST_CASE("expose: what cannot be right") {
  for (const char* typed :
       {"", "0", "65536", "a:b", "22:", "22:x", "22:1:2", "a:22:1:2", "22/", "22/icmp", "-1", "A_:22"}) {
    CAPTURE(typed);
    CHECK(problem({.ports = {typed}}).starts_with("--expose"));
  }
  CHECK(problem({.ports = {"22", "x:22:23"}}).find("port 22 is exposed twice") != std::string::npos);
  CHECK(problem({.ports = {"x:22", "x:23"}}).find("x is named twice") != std::string::npos);
  CHECK(problem({.ports = {"22"}}, {"9web"}).find("a Service cannot be called \"9web\"") !=
        std::string::npos);
  CHECK(problem({.ports = {"22"}}, {"we.b"}).find("a Service cannot be called") != std::string::npos);
  CHECK(problem({.ingress = "h"}) == "--ingress needs a TCP port to lead to");
  CHECK(problem({.ports = {"53/udp"}, .ingress = "h"}) == "--ingress needs a TCP port to lead to");
  CHECK(problem({.ports = {"80"}, .ingress = "h"}, {"a", "b"}).find("the same for 2 VMs") !=
        std::string::npos);
  CHECK(problem({.ports = {"80"}, .ingress = "h_"}).find("cannot be a host") != std::string::npos);
}

TEST_CASE("expose: a Service and an Ingress after the VM, apart from it") {
  const auto operation = exposed({.ports = {"53/udp", "80:8080"}, .ingress = "WEB.example.com"},
                                 {list({"other"}), list({}), kubevirt("v1.8.4")});
  REQUIRE(operation.has_value());
  REQUIRE(operation->steps.size() == 3);
  CHECK(operation->steps[1].needs == std::vector<std::string>{"usable-web"});
  CHECK(operation->steps[1].group != "web");  // what fails here undoes no VM
  const Json service = body_of(*operation, 1);
  CHECK(service["spec"]["selector"] == Json{{"vmi.kubevirt.io/id", "web"}});
  CHECK(service["spec"]["ports"][1] ==
        Json{{"name", "tcp-80"}, {"port", 80}, {"targetPort", 8080}, {"protocol", "TCP"}});
  CHECK(service["metadata"]["labels"][mark::kOperation] == "abcde");
  const Json rule = body_of(*operation, 2)["spec"]["rules"][0];
  CHECK(rule["host"] == "web.example.com");
  CHECK(rule["http"]["paths"][0]["backend"]["service"] == Json{{"name", "web"}, {"port", {{"number", 80}}}});
}

TEST_CASE("expose: an older KubeVirt labels pods otherwise; an unreadable one is taken for a new one") {
  const auto selector = [](const kube::Fact& version) {
    const auto operation = exposed({.ports = {"22"}}, {list({}), list({}), version});
    REQUIRE(operation.has_value());
    return body_of(*operation, 1)["spec"]["selector"].begin().key();
  };
  CHECK(selector(kubevirt("v1.6.3")) == "vm.kubevirt.io/name");
  CHECK(selector(kubevirt("v1.7.0")) == "vmi.kubevirt.io/id");
  CHECK(selector(kubevirt("devel")) == "vmi.kubevirt.io/id");
  CHECK(selector(kube::Fact::unreadable({})) == "vmi.kubevirt.io/id");
}

TEST_CASE("expose: what could not be checked is said, with the permission that would tell") {
  const ExposeFacts blind{kube::Fact::unreadable({}), kube::Fact::unreadable({}), kube::Fact::unreadable({})};
  const auto plain = exposed({.ports = {"80"}}, blind);
  REQUIRE(plain.has_value());
  REQUIRE(plain->notes.size() == 2);
  CHECK(plain->notes[0].ends_with("(needs: list services)"));
  CHECK(plain->notes[1].find("vmi.kubevirt.io/id, which KubeVirt sets from 1.7 on") != std::string::npos);
  CHECK(exposed({.ports = {"80"}, .ingress = "h"}, blind)->notes.size() == 3);
  CHECK(exposed({.ports = {"80"}}, {list({}), list({}), kubevirt("v1.8.4")})->notes.empty());
}

TEST_CASE("expose: what exists is left alone") {
  const ExposeOptions options{.ports = {"80"}, .ingress = "h"};
  const auto service = exposed(options, {list({"web"}), list({}), kubevirt("v1.8.4")});
  REQUIRE_FALSE(service.has_value());
  CHECK(service.error().code == Code::precondition);
  CHECK(service.error().message == "Service demo/web exists already");
  const auto ingress = exposed(options, {kube::Fact::unreadable({}), list({"web"}), kubevirt("v1.8.4")});
  REQUIRE_FALSE(ingress.has_value());
  CHECK(ingress.error().message == "Ingress demo/web exists already");
}
