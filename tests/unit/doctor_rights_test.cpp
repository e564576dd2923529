#include "commands/doctor_rights.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace wukong;
using namespace wukong::commands;

namespace {

const Places kPlaces{.here = "demo", .there = "test"};

/// All rights of a use, none, or those but for one resource.
UseRights without(const std::string& use, const std::string& resource) {
  std::vector<kube::Permission> missing;
  for (const PermissionRule& rule : rules_of(use))
    for (const kube::Permission& p : permissions_of(rule, kPlaces.here, kPlaces.there))
      if (resource == "*" || p.resource == resource) missing.push_back(p);
  return rights_for(use, rules_of(use), missing, kPlaces);
}

Finding brief(const std::vector<UseRights>& rights) {
  const std::vector<Finding> all = rights_by_command(rights);
  REQUIRE(all.size() == 1);
  return all.front();
}

}  // namespace

TEST_CASE("doctor: one short line for all uses of a command") {
  const UseRights native = without("clone:native", "");
  CHECK(brief({native, without("clone:cdi", "")}).words.empty());
  const Finding one = brief({native, without("clone:cdi", "datavolumes")});
  CHECK(one.about == "your rights for clone");
  CHECK(one.state == Finding::State::good);
  CHECK(one.words == "but not cdi: you may not create datavolumes …");
  CHECK(brief({native, without("clone:cdi", "*"), without("clone:pvc", "*")}).words == "but not cdi, pvc");
  CHECK(brief({without("clone:native", "events"), without("clone:pvc", "*")}).words ==
        "but not pvc: you may not get datavolumes …; unseen: events");
}

TEST_CASE("doctor: a command is impossible when only what goes with it is allowed") {
  const Finding none = brief({without("clone:native", "virtualmachineclones"), without("clone:start", "")});
  CHECK(none.state == Finding::State::lacking);
  CHECK(none.words == "you may not create virtualmachineclones …");
}

TEST_CASE("doctor: a command that only reads needs something to read") {
  CHECK(without("status", "events").needed.empty());
  CHECK(brief({without("status", "events")}).words == "unseen: events");
  const UseRights nothing = without("status", "*");
  CHECK(nothing.spare.empty());
  CHECK(brief({nothing}).state == Finding::State::lacking);
}

TEST_CASE("doctor: programs get all that is missing, use by use") {
  const auto all =
      rights_by_use({without("wait:pvc", "events"), without("wait:pvc", "persistentvolumeclaims")}, kPlaces);
  REQUIRE(all.size() == 2);
  CHECK(all[0].state == Finding::State::good);
  CHECK(all[0].words == "but you may not list, watch events");
  CHECK(all[1].state == Finding::State::lacking);
  CHECK(all[1].words == "you may not list, watch persistentvolumeclaims");
}

TEST_CASE("doctor: clones to another namespace need rights in both") {
  const auto rules = rules_of("clone:to-namespace");
  const auto roles = roles_of("clone:to-namespace", rules, "demo", "test");
  REQUIRE(roles.size() == 3);
  CHECK(roles[0]["metadata"]["namespace"] == "demo");
  CHECK(roles[0]["rules"][2] == Json{{"apiGroups", {"cdi.kubevirt.io"}},
                                     {"resources", {"datavolumes/source"}},
                                     {"verbs", {"create"}}});
  CHECK(roles[1]["metadata"]["namespace"] == "test");
  CHECK(roles[1]["rules"][0]["verbs"] == Json{"create", "list", "watch", "delete"});
  CHECK(roles[2]["kind"] == "ClusterRole");
  const auto source = std::find_if(rules.begin(), rules.end(),
                                   [](const auto& rule) { return rule.resource == "datavolumes/source"; });
  REQUIRE(source != rules.end());
  CHECK(permissions_of(*source, "demo", "test").front() == kube::Permission{.verb = "create",
                                                                            .group = "cdi.kubevirt.io",
                                                                            .resource = "datavolumes",
                                                                            .subresource = "source",
                                                                            .ns = "demo"});
  const auto one = rights_by_use({without("clone:to-namespace", "datavolumes")}, kPlaces);
  CHECK(one.front().words ==
        "you may not create datavolumes.cdi.kubevirt.io/source; create, list, watch "
        "datavolumes.cdi.kubevirt.io in namespace test");
  const std::string commands = binding_commands("clone:to-namespace", roles, kPlaces);
  CHECK(
      commands ==
      "as an administrator:\n"
      "  kubectl wukong doctor --permissions clone:to-namespace -n demo --to-namespace test | kubectl apply "
      "-f -\n"
      "  kubectl create rolebinding kubectl-wukong-clone-to-namespace -n demo "
      "--role=kubectl-wukong-clone-to-namespace --user=USER\n"
      "  kubectl create rolebinding kubectl-wukong-clone-to-namespace -n test "
      "--role=kubectl-wukong-clone-to-namespace --user=USER\n"
      "  kubectl create clusterrolebinding kubectl-wukong-clone-to-namespace "
      "--clusterrole=kubectl-wukong-clone-to-namespace --user=USER");
  CHECK(binding_commands("clone:pvc", roles, {.here = "demo", .flags = " --context prod"})
            .starts_with("as an administrator:\n"
                         "  kubectl wukong doctor --permissions clone:pvc -n demo --context prod | "
                         "kubectl apply -f - --context prod\n"
                         "  kubectl create rolebinding kubectl-wukong-clone-to-namespace -n demo "
                         "--role=kubectl-wukong-clone-to-namespace --user=USER --context prod\n"));
}

TEST_CASE("doctor: what is about two namespaces is in the sum of a command only with both") {
  const auto is_there = [](const PermissionRule& rule) { return rule.reach == Reach::there; };
  const auto one = rules_of("clone");
  const auto both = rules_of("clone", true);
  CHECK(std::none_of(one.begin(), one.end(), is_there));
  CHECK(std::any_of(both.begin(), both.end(), is_there));
  CHECK(is_elsewhere("clone:copy-refs"));
  CHECK_FALSE(is_elsewhere("clone:cdi"));
}

TEST_CASE("permissions: what is spare for a kind is kept apart from what is needed") {
  const auto rules = rules_of("clone:restores");
  const auto of_vms = [&](bool spare) {
    return std::find_if(rules.begin(), rules.end(),
                        [&](const PermissionRule& rule) {
                          return rule.resource == "virtualmachines" && rule.spare == spare;
                        })
        ->verbs;
  };
  CHECK(of_vms(false) == std::vector<std::string>{"get", "list", "watch"});
  CHECK(of_vms(true) == std::vector<std::string>{"delete"});
  const auto roles = roles_of("clone:restores", rules, "demo");
  CHECK(roles[0]["rules"][0]["verbs"] == Json{"get", "list", "watch", "delete"});
}
