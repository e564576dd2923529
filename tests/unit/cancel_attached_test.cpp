#include "commands/cancel_attached.h"

#include <doctest/doctest.h>

#include "support/cancel_plans.h"
#include "support/fake_api.h"

using namespace wukong;
using namespace wukong::commands;
using namespace wukong::testing;

namespace {

const Gvr kSecret{"", "v1", "secrets", "Secret"};

Attached attached(const Gvr& gvr, const std::string& name, const std::string& needed_by = {}) {
  return {.operation = "o1",
          .ref = {gvr, "demo", name},
          .uid = name + "-uid",
          .copy = gvr == kSecret,
          .needed_by = needed_by};
}

Result<CancelPlan> planned(const Inventory& inventory, const std::string& word) {
  return plan_cancel(*parse_objects({word}), inventory, kScope, std::chrono::seconds{60});
}

}  // namespace

TEST_CASE("cancel: a clone goes with the Service and the Ingress of the VM that it makes") {
  InventoryMaker maker = running_clone();
  maker.put(Kind::clone, "c1", of_operation("o1", clone_of("web", "copy", "RestoreInProgress")));
  Inventory inventory = maker.make();
  inventory.attached = {attached(gvr::service(), "copy"), attached(gvr::ingress(), "copy"),
                        attached(gvr::service(), "other")};
  inventory.unseen_attached["o1"] = {"ingresses"};
  for (const char* word : {"vmclone/c1", "operation/o1"}) {
    CAPTURE(word);
    const auto plan = planned(inventory, word);
    REQUIRE(plan.has_value());
    CHECK(op::shape_problem(plan->operation).empty());
    check_permissions(*plan, "cancel:vmclone");
    CHECK(deletions(*plan) == std::vector<std::string>{"virtualmachineclone.clone.kubevirt.io/c1",
                                                       "service/copy", "ingress.networking.k8s.io/copy"});
    CHECK(std::get<op::Delete>(plan->operation.steps.back().action).uid == "copy-uid");
    CHECK(plan->operation.steps.back().needs == std::vector<std::string>{"0-unfinished"});
    CHECK(has(plan->names(), "service/copy"));
    CHECK(plan->operation.notes ==
          std::vector<std::string>{"you may not list ingresses: those that the operation has made are left"});
  }
  // A VM of that name that somebody else has made keeps it.
  maker.put(Kind::vm, "copy", vm_on({}));
  Inventory other = maker.make();
  other.attached = inventory.attached;
  CHECK_FALSE(has(deletions(*planned(other, "vmclone/c1")), "service/copy"));
}

TEST_CASE("cancel operation: copies of what a VM names go, unless a VM may need them") {
  InventoryMaker maker;
  maker.put(Kind::vm, "web2", of_operation("o1", vm_on({"web2-root"})))
      .put(Kind::claim, "web2-root", of_operation("o1", {{"status", {{"phase", "Pending"}}}}));
  Inventory inventory = maker.make();
  inventory.attached = {attached(kSecret, "user-data"), attached(kSecret, "ssh", "vm/other")};
  const auto plan = planned(inventory, "operation/o1");
  REQUIRE(plan.has_value());
  CHECK(op::shape_problem(plan->operation).empty());
  check_permissions(*plan, "cancel:operation", "cancel:copy-refs");
  CHECK(has(deletions(*plan), "secret/user-data"));
  CHECK_FALSE(has(deletions(*plan), "secret/ssh"));
  CHECK(plan->operation.notes == std::vector<std::string>{"secret/ssh is named by vm/other, and stays"});
  CHECK(second_look(*plan, maker).has_value());
  InventoryMaker more = maker;
  more.put(Kind::vm, "web3", of_operation("o1", vm_on({"web3-root"})));
  CHECK(second_look(*plan, more).error().message ==
        "vm/web3 has been made meanwhile, and may need what was copied for it");

  SUBCASE("one of its VMs stays") {
    maker.put(Kind::vm, "web1", of_operation("o1", vm_on({"web1-root"})))
        .put(Kind::claim, "web1-root", of_operation("o1", {{"status", {{"phase", "Bound"}}}}));
    Inventory with = maker.make();
    with.attached = inventory.attached;
    const auto kept = planned(with, "operation/o1");
    REQUIRE(kept.has_value());
    CHECK_FALSE(has(deletions(*kept), "secret/user-data"));
    CHECK(kept->operation.notes.back() == "secret/user-data, secret/ssh stay: VMs that stay may need them");
  }
  SUBCASE("nothing else is there") {
    Inventory alone = InventoryMaker().make();
    alone.attached = inventory.attached;
    const auto last = planned(alone, "operation/o1");
    REQUIRE(last.has_value());
    CHECK(deletions(*last) == std::vector<std::string>{"secret/user-data"});
    CHECK(is_guarded(*last));
    alone.attached = {attached(kSecret, "ssh", "vm/other")};
    CHECK(planned(alone, "operation/o1").error().code == Code::precondition);
  }
}

TEST_CASE("cancel operation: what it has made beside VMs and disks is found by its own labels only") {
  FakeApi api;
  std::vector<std::string> asked;
  const auto named = [](const std::string& name) {
    return Json{{"metadata", {{"name", name}, {"uid", name + "-uid"}}}};
  };
  api.handle([&](const kube::Request& request) -> std::optional<FakeApi::Answer> {
    const std::string resource = request.path.substr(request.path.rfind('/') + 1);
    std::string labels;
    for (const auto& [key, value] : request.query)
      if (key == "labelSelector") labels = value;
    asked.push_back(resource + " " + labels);
    Json list = {{"items", Json::array()}};
    if (resource == "secrets") list["items"] = {named("user-data"), named("ssh")};
    if (resource == "configmaps") return FakeApi::error(Code::forbidden, "no right");
    if (resource == "network-attachment-definitions") return FakeApi::error(Code::not_found, "not served");
    if (resource == "virtualmachines") {
      Json vm = named("other");
      vm["spec"]["template"]["spec"]["volumes"] = {
          {{"name", "init"}, {"cloudInitNoCloud", {{"secretRef", {{"name", "ssh"}}}}}}};
      list["items"] = {vm};
    }
    return FakeApi::ok(list);
  });
  Inventory inventory = InventoryMaker().make();
  REQUIRE(add_attached(inventory, {{Kind::operation, "o1"}}, api).has_value());
  CHECK(has(asked, "secrets vm.novasphere.dev/operation=o1,app.kubernetes.io/managed-by=kubectl-wukong"));
  REQUIRE(inventory.attached.size() == 2);
  CHECK(inventory.attached[0].ref.name == "user-data");
  CHECK(inventory.attached[0].uid == "user-data-uid");
  CHECK(inventory.attached[0].needed_by.empty());
  CHECK(inventory.attached[1].needed_by == "vm/other");
  CHECK(inventory.unseen_attached["o1"] == std::vector<std::string>{"configmaps"});

  // A clone within the namespace copies nothing: Secrets are nobody's business then.
  asked.clear();
  InventoryMaker maker = running_clone();
  maker.put(Kind::clone, "c1", of_operation("o1", clone_of("web", "copy", "RestoreInProgress")));
  for (const ObjectArgument& what :
       {ObjectArgument{Kind::operation, "o1"}, ObjectArgument{Kind::clone, "c1"}}) {
    Inventory here = maker.make();
    REQUIRE(add_attached(here, {what}, api).has_value());
  }
  CHECK(asked.size() == 4);
  for (const std::string& each : asked)
    CHECK((each.starts_with("services ") || each.starts_with("ingresses ")));
}
