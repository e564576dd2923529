#include "commands/wait.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "commands/permission_table.h"
#include "support/fake_api.h"

using namespace wukong;
using namespace wukong::commands;
using kube::Fact;

namespace {

const Scope kScope{.ns = "demo", .utc_stamp = "20260101-000000", .operation_id = "opid1"};

std::vector<ObjectArgument> objects(const std::vector<std::string>& words) {
  const auto parsed = parse_objects(words);
  REQUIRE(parsed.has_value());
  return *parsed;
}

Error refused(const std::vector<std::string>& words) {
  const auto parsed = parse_objects(words);
  REQUIRE_FALSE(parsed.has_value());
  CHECK(parsed.error().code == Code::usage);
  return parsed.error();
}

Result<op::Operation> planned(const std::vector<std::string>& words, const std::string& until,
                              WaitFacts facts) {
  WUKONG_TRY(const WaitGoal goal, parse_goal(until));
  return plan_wait({.objects = words, .until = until}, goal, objects(words), facts, kScope);
}

WaitFacts with(std::vector<Fact> facts) { return {.objects = std::move(facts)}; }

}  // namespace

TEST_CASE("objects: the words of kubectl, each object once") {
  for (const char* kind : {"vm", "VMs", "virtualmachine", "virtualmachines", "virtualmachine.kubevirt.io",
                           "virtualmachines.kubevirt.io", "virtualmachines.v1.kubevirt.io"})
    CHECK(objects({std::string(kind) + "/web"}).front() == ObjectArgument{ObjectKind::vm, "web"});
  CHECK(objects({"vm", "web", "vm"}).size() == 2);
  CHECK(objects({"vm", "web", "vm"}).back().words() == "vm/vm");
  CHECK(objects({"dv/a", "datavolumes.v1beta1.cdi.kubevirt.io/a", "pvc/a"}).size() == 2);
  CHECK(objects({"virtualmachineclones.clone.kubevirt.io/c"}).front().kind == ObjectKind::clone);
  CHECK(objects({"volumesnapshots.snapshot.storage.k8s.io/s"}).front().kind == ObjectKind::volume_snapshot);
}

TEST_CASE("objects: what cannot be an object is refused with a word that would be right") {
  CHECK(refused({"web"}).hint == "write KIND/NAME, for example vm/web");
  CHECK(refused({"vmclne/web"}).hint == "did you mean vmclone?");
  CHECK(refused({"vm/Web_1"}).message.starts_with("\"Web_1\" cannot be the name of a vm: "));
  CHECK(refused({"vm/"}).message.starts_with("\"\" cannot be the name"));
  CHECK(refused({"/web"}).message == "\"\" is no kind that this command knows");
  CHECK(refused({"virtualmachines.example.com/web"}).code == Code::usage);
}

TEST_CASE("wait goal: kubectl's words and ours") {
  CHECK(parse_goal("delete")->kind == WaitGoal::Kind::gone);
  CHECK(parse_goal("condition=Ready")->value == "True");
  CHECK(parse_goal("condition=Ready=False")->value == "False");
  const auto wrong = parse_goal("runing");
  REQUIRE_FALSE(wrong.has_value());
  CHECK(wrong.error().hint.find("did you mean running") != std::string::npos);
  CHECK_FALSE(parse_goal("condition=").has_value());
  CHECK_FALSE(parse_goal("usable=yes").has_value());
  CHECK(parse_goal("jsonpath={.status.phase}=Bound")->value == "Bound");
  CHECK(parse_goal("jsonpath={.status.phase}")->kind == WaitGoal::Kind::value);
  CHECK(parse_goal("jsonpath=.status.phase='Bound'")->value == "Bound");
  CHECK(parse_goal("jsonpath={.status.conditions[?(@.type==\"Ready\")].status}=True")->value == "True");
  CHECK_FALSE(parse_goal("jsonpath={.status.phase}=").has_value());
  CHECK_FALSE(parse_goal("jsonpath={.status[}").has_value());
  CHECK_FALSE(parse_goal("jsonpath={.a}=b=c").has_value());
}

TEST_CASE("wait plan: one row per object, and the command that goes on waiting") {
  const auto plan = planned({"vm/web", "pvc/data"}, "bound", with({Fact::known({}), Fact::known({})}));
  REQUIRE(plan.has_value());
  CHECK(plan->steps.size() == 2);
  CHECK(plan->steps[1].group == "pvc/data");
  CHECK(plan->wait_command == "kubectl wukong wait vm/web pvc/data -n demo --for bound");
  const auto quoted = planned({"vm/web"}, "jsonpath={.status.phase}='Bound'", with({Fact::known({})}));
  REQUIRE(quoted.has_value());
  CHECK(quoted->wait_command ==
        R"(kubectl wukong wait vm/web -n demo --for 'jsonpath={.status.phase}='\''Bound'\''')");
  CHECK(op::shape_problem(*plan).empty());
}

TEST_CASE("wait plan: needs no more than doctor --permissions says") {
  for (const char* kind :
       {"vm", "vmclone", "vmsnapshot", "vmrestore", "vmexport", "dv", "pvc", "volumesnapshot"}) {
    const auto plan = planned({std::string(kind) + "/x"}, "usable", with({Fact::known({})}));
    REQUIRE(plan.has_value());
    std::vector<kube::Permission> printed;
    for (const PermissionRule& rule : rules_of(std::string("wait:") + kind))
      for (const kube::Permission& permission : permissions_of(rule, "demo")) printed.push_back(permission);
    op::Permissions needed = op::permissions(*plan);
    needed.required.insert(needed.required.end(), needed.optional.begin(), needed.optional.end());
    for (kube::Permission permission : needed.required) {
      permission.name.clear();
      CAPTURE(std::string(kind) + ": " + permission.verb + " " + permission.resource);
      CHECK(std::find(printed.begin(), printed.end(), permission) != printed.end());
    }
  }
}

TEST_CASE("wait plan: an absent object is refused, unless its absence is waited for") {
  WaitFacts facts = with({Fact::absent()});
  facts.names[ObjectKind::vm] = {"web", "db"};
  const auto plan = planned({"vm/wbe"}, "usable", facts);
  REQUIRE_FALSE(plan.has_value());
  CHECK(plan.error().code == Code::precondition);
  CHECK(plan.error().message == "VirtualMachine demo/wbe does not exist");
  CHECK(plan.error().hint == "did you mean vm/web?");
  CHECK(planned({"vm/wbe"}, "delete", facts).has_value());
}

TEST_CASE("wait plan: a value is compared as kubectl does it") {
  const auto judged = [](const std::string& goal, const Json& object) {
    const auto plan = planned({"vm/web"}, goal, with({Fact::known(object)}));
    REQUIRE(plan.has_value());
    Shelf shelf{.sight = Shelf::Sight::known, .objects = {{"web", object}}};
    View view;
    view.add("virtualmachines", &shelf);
    return std::get<op::Await>(plan->steps.front().action).judge(view, {}, std::chrono::seconds{1}).state;
  };
  const Json object = {{"metadata", {{"uid", "u1"}}},
                       {"status", {{"ready", true}, {"count", 3}, {"list", {1, 2}}, {"none", nullptr}}}};
  using State = Verdict::State;
  CHECK(judged("jsonpath={.status.ready}=true", object) == State::done);
  CHECK(judged("jsonpath={.status.count}=3", object) == State::done);
  CHECK(judged("jsonpath={.status.count}=4", object) == State::working);
  CHECK(judged("jsonpath={.status.count}", object) == State::done);
  CHECK(judged("jsonpath={.status.none}", object) == State::working);
  CHECK(judged("jsonpath={.status.list[*]}=1", object) == State::working);
  CHECK(judged("jsonpath={.status.missing}", object) == State::working);
}

TEST_CASE("wait plan: what a kind cannot become, and kinds that the server does not have") {
  const auto running = planned({"pvc/data"}, "running", with({Fact::known({})}));
  REQUIRE_FALSE(running.has_value());
  CHECK(running.error().code == Code::usage);
  WaitFacts facts = with({Fact::absent()});
  facts.served = kube::ServedApis{{{"kubevirt.io", {{"v1", {}}}}}};
  const auto unserved = planned({"dv/image"}, "usable", facts);
  REQUIRE_FALSE(unserved.has_value());
  CHECK(unserved.error().message == "the cluster does not serve DataVolume (cdi.kubevirt.io)");
}

TEST_CASE("wait plan: a clone is followed by its target and the VM that its snapshot is of") {
  Json clone = {{"spec",
                 {{"source", {{"kind", "VirtualMachineSnapshot"}, {"name", "monday"}}},
                  {"target", {{"name", "copy"}}}}}};
  WaitFacts facts = with({Fact::known(clone)});
  facts.snapshots.emplace("monday", Fact::known({{"spec", {{"source", {{"name", "web"}}}}}}));
  facts.served = kube::ServedApis{{{"clone.kubevirt.io", {{"v1alpha1", {}}}}}};
  const auto plan = planned({"vmclone/c"}, "usable", facts);
  REQUIRE(plan.has_value());
  const auto& await = std::get<op::Await>(plan->steps.front().action);
  CHECK(await.ref.gvr.version == "v1alpha1");
  bool target = false;
  bool claims = false;
  for (const Watched& watched : await.watches) {
    target |= watched.gvr == gvr::vm() && watched.name == "copy";
    claims |= watched.labels == "restore.kubevirt.io/source-vm-name=web";
  }
  CHECK(target);
  CHECK(claims);
}

TEST_CASE("wait: what has come to it is read by who may list, and not get") {
  testing::FakeApi api;
  const ObjectRef web{gvr::vm(), "demo", "web"};
  const ObjectRef gone{gvr::vm(), "demo", "gone"};
  api.put(gvr::vm(),
          Json{{"metadata", {{"namespace", "demo"}, {"name", "web"}}}, {"spec", {{"running", true}}}});
  api.handle([](const kube::Request& request) -> std::optional<testing::FakeApi::Answer> {
    if (request.path.ends_with("/virtualmachines")) return testing::FakeApi::pass();
    return testing::FakeApi::error(Code::forbidden, "no get");
  });
  const auto objects = read_again({web, gone}, api);
  REQUIRE(objects.has_value());
  REQUIRE(objects->size() == 1);
  CHECK(text(objects->front(), {"kind"}) == "VirtualMachine");
  CHECK(text(objects->front(), {"apiVersion"}) == "kubevirt.io/v1");
  CHECK(flag(objects->front(), {"spec", "running"}));
  const auto forbidden = read_again({{gvr::pvc(), "demo", "data"}}, api);
  REQUIRE_FALSE(forbidden.has_value());
  CHECK(forbidden.error().code == Code::forbidden);
}
