#include <doctest/doctest.h>

#include "sandbox.h"

using namespace wukong;
using namespace wukong::testing;

namespace {

std::string message(const Json& status) { return std::string(text(status, {"message"})); }

}  // namespace

TEST_CASE("api: create, get, list in pages, delete") {
  Sandbox box;
  const Json made = box.ask(201, "POST", kDemoClaims, claim_body("new"));
  CHECK(text(made, {"spec", "storageClassName"}) == "fast");
  CHECK(text(made, {"status", "phase"}) == "Pending");
  CHECK(message(box.ask(409, "POST", kDemoClaims, claim_body("new"))) ==
        "persistentvolumeclaims \"new\" already exists");
  box.settle();
  CHECK(text(box.ask(200, "GET", std::string(kDemoClaims) + "/new"), {"status", "phase"}) == "Bound");

  const Json first = box.ask(200, "GET", std::string(kDemoClaims) + "?limit=4");
  CHECK(first["items"].size() == 4);
  CHECK_FALSE(first["items"][0].contains("kind"));
  CHECK(first["metadata"]["remainingItemCount"] == 2);
  std::string token(text(first, {"metadata", "continue"}));
  token.replace(token.find(' '), 1, "%20");
  CHECK(box.ask(200, "GET", std::string(kDemoClaims) + "?limit=4&continue=" + token)["items"].size() == 2);

  box.ask(200, "DELETE", std::string(kDemoClaims) + "/new");
  box.settle();
  CHECK(message(box.ask(404, "GET", std::string(kDemoClaims) + "/new")) ==
        "persistentvolumeclaims \"new\" not found");
}

TEST_CASE("api: a dry run leaves nothing behind and says what it would have made") {
  Sandbox box;
  const auto before = box.cluster.store().version();
  const Json made =
      box.ask(201, "POST", std::string(kDemoClones) + "?dryRun=All", clone_body("c", "web", "web2"));
  CHECK(text(made, {"metadata", "uid"}).size() == 36);
  CHECK(find(made, {"metadata", "resourceVersion"}) == nullptr);
  CHECK_FALSE(text(box.ask(200, "DELETE", std::string(kDemoVms) + "/web?dryRun=All"),
                   {"metadata", "deletionTimestamp"})
                  .empty());
  CHECK(box.cluster.store().version() == before);
}

TEST_CASE("api: updates meet conflicts, and status is a part of its own") {
  Sandbox box;
  const std::string path = std::string(kDemoVms) + "/web";
  Json vm = box.ask(200, "GET", path);
  const auto generation = vm["metadata"]["generation"];
  vm["metadata"]["labels"]["a"] = "b";
  vm["status"]["printableStatus"] = "Nonsense";
  const Json stored = box.ask(200, "PUT", path, vm);
  CHECK(stored["metadata"]["labels"]["a"] == "b");
  CHECK(stored["metadata"]["generation"] == generation);
  CHECK(stored["status"]["printableStatus"] == "Stopped");
  CHECK(message(box.ask(409, "PUT", path, vm)) ==
        "Operation cannot be fulfilled on virtualmachines.kubevirt.io \"web\": the object has been modified; "
        "please "
        "apply your changes to the latest version and try again");
  const Json patched = box.ask(200, "PATCH", path + "/status", {{"status", {{"printableStatus", "Odd"}}}},
                               "application/merge-patch+json");
  CHECK(patched["status"]["printableStatus"] == "Odd");
}

TEST_CASE("api: custom resources and Kubernetes' own differ where the real ones do") {
  Sandbox box;
  const std::string vm = std::string(kDemoVms) + "/web";
  const std::string claim = std::string(kDemoClaims) + "/web-root";
  const Json label = {{"metadata", {{"labels", {{"a", "b"}}}}}};
  CHECK(find(box.ask(200, "PATCH", claim, label, "application/strategic-merge-patch+json"),
             {"metadata", "generation"}) == nullptr);
  box.ask(415, "PATCH", vm, label, "application/strategic-merge-patch+json");
  Json stored = box.ask(200, "GET", vm);
  stored["metadata"].erase("resourceVersion");
  CHECK(message(box.ask(422, "PUT", vm, stored)) ==
        "virtualmachines.kubevirt.io \"web\" is invalid: metadata.resourceVersion: Invalid value: 0: must be "
        "specified for an update");
  const Json other = {{"preconditions", {{"resourceVersion", "1"}}}};
  CHECK(message(box.ask(409, "DELETE", vm, other))
            .starts_with("Operation cannot be fulfilled on VirtualMachine.kubevirt.io"));
  CHECK(message(box.ask(409, "DELETE", claim, other))
            .starts_with("Operation cannot be fulfilled on persistentvolumeclaims"));
}

TEST_CASE("api: refusals, word for word") {
  Sandbox box;
  const Json no_modes = {
      {"kind", "PersistentVolumeClaim"}, {"metadata", {{"name", "x"}}}, {"spec", Json::object()}};
  const Json refused = box.ask(422, "POST", kDemoClaims, no_modes);
  CHECK(
      message(refused) ==
      "PersistentVolumeClaim \"x\" is invalid: [spec.accessModes: Required value: at least 1 access mode is "
      "required, spec.resources[storage]: Required value]");
  CHECK(refused["details"]["causes"][1]["reason"] == "FieldValueRequired");
  const Json smaller = {{"spec", {{"resources", {{"requests", {{"storage", "1Mi"}}}}}}}};
  CHECK(message(box.ask(422, "PATCH", std::string(kDemoClaims) + "/web-root", smaller,
                        "application/merge-patch+json")) ==
        "PersistentVolumeClaim \"web-root\" is invalid: spec.resources.requests.storage: Forbidden: field "
        "can not be "
        "less than status.capacity");
  Json clone = clone_body("c", "web", "web2");
  clone["spec"]["newMacAddresses"] = {{"default", "nonsense"}};
  const Json mac = box.ask(422, "POST", kDemoClones, clone);
  CHECK(message(mac) ==
        "admission webhook \"vm-clone-validator.kubevirt.io\" denied the request: interface default has "
        "malformed "
        "MAC address (nonsense).");
  CHECK(mac["details"]["causes"][0]["field"] == "spec.newMacAddresses.default");
  clone = clone_body("c", "web", "web2");
  clone["spec"]["nonsense"] = 1;
  CHECK(message(box.ask(400, "POST", std::string(kDemoClones) + "?fieldValidation=Strict", clone)) ==
        "VirtualMachineClone in version \"v1beta1\" cannot be handled as a VirtualMachineClone: strict "
        "decoding "
        "error: unknown field \"spec.nonsense\"");
  const auto warned = box.send("POST", kDemoClones, clone);
  CHECK(warned.status == 201);
  CHECK(warned.warning == "unknown field \"spec.nonsense\"");
  CHECK(warned.body.find("nonsense") == std::string::npos);
  CHECK(message(box.ask(422, "POST", std::string(kDemoClones) + "?dryRun=Some", clone)) ==
        "CreateOptions.meta.k8s.io \"\" is invalid: dryRun: Unsupported value: [\"Some\"]: supported values: "
        "\"All\"");
}

TEST_CASE("api: patches") {
  Sandbox box;
  const std::string path = std::string(kDemoVms) + "/web";
  const Json merged =
      box.ask(200, "PATCH", path, {{"metadata", {{"labels", {{"app", nullptr}, {"x", "y"}}}}}},
              "application/merge-patch+json");
  CHECK(merged["metadata"]["labels"] == Json{{"x", "y"}});
  const Json steps = Json::array({{{"op", "replace"}, {"path", "/spec/runStrategy"}, {"value", "Manual"}}});
  CHECK(box.ask(200, "PATCH", path, steps, "application/json-patch+json")["metadata"]["generation"] == 2);
  const Json missing = Json::array({{{"op", "remove"}, {"path", "/spec/none"}}});
  box.ask(422, "PATCH", path, missing, "application/json-patch+json");
  CHECK(message(box.ask(415, "PATCH", path, missing, "application/apply-patch+yaml"))
            .starts_with("the body of the request"));
}

TEST_CASE("api: deletions keep preconditions, finalizers and owners") {
  Sandbox box;
  const std::string path = std::string(kDemoVms) + "/web";
  const Json other = {{"preconditions", {{"uid", "other"}}}};
  CHECK(message(box.ask(409, "DELETE", path, other)).find("the UID in the precondition (other)") !=
        std::string::npos);
  Json owned = claim_body("owned");
  const Json web = box.get("virtualmachines", "web");
  owned["metadata"]["ownerReferences"] = Json::array({sandbox::owner_reference(web)});
  box.ask(201, "POST", kDemoClaims, owned);
  const Json deleting = box.ask(200, "DELETE", path);
  CHECK_FALSE(text(deleting, {"metadata", "deletionTimestamp"}).empty());
  box.settle();
  CHECK(box.get("virtualmachines", "web").is_null());
  CHECK(box.get("persistentvolumeclaims", "owned").is_null());
  CHECK_FALSE(box.get("persistentvolumeclaims", "web-root").is_null());
}

TEST_CASE("api: a namespace takes all with it") {
  Sandbox box;
  box.ask(200, "DELETE", "/api/v1/namespaces/demo");
  CHECK(message(box.ask(403, "POST", kDemoClaims, claim_body("late"))) ==
        "persistentvolumeclaims \"late\" is forbidden: unable to create new content in namespace demo "
        "because it is "
        "being terminated");
  box.settle();
  box.ask(404, "GET", "/api/v1/namespaces/demo");
  CHECK(box.ask(200, "GET", "/apis/kubevirt.io/v1/virtualmachines")["items"].empty());
  CHECK(box.ask(200, "GET", "/api/v1/persistentvolumes")["items"].empty());
  CHECK(message(box.ask(404, "POST", kDemoClaims, claim_body("late"))) == "namespaces \"demo\" not found");
}

TEST_CASE("api: who may only look") {
  Sandbox box;
  box.user = {.name = sandbox::kViewer};
  CHECK(box.ask(200, "GET", kDemoVms)["items"].size() == 3);
  CHECK(message(box.ask(403, "DELETE", std::string(kDemoVms) + "/web")) ==
        "virtualmachines.kubevirt.io \"web\" is forbidden: User \"viewer\" cannot delete resource "
        "\"virtualmachines\" in "
        "API group \"kubevirt.io\" in the namespace \"demo\"");
  CHECK(message(box.ask(403, "GET", "/apis/storage.k8s.io/v1/storageclasses"))
            .ends_with("at the cluster scope"));
  const Json review = {{"spec",
                        {{"resourceAttributes",
                          {{"verb", "create"}, {"group", "kubevirt.io"}, {"resource", "virtualmachines"}}}}}};
  const Json told = box.ask(201, "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review);
  CHECK(told["status"]["allowed"] == false);
}

TEST_CASE("api: start and stop") {
  Sandbox box;
  const std::string base = "/apis/subresources.kubevirt.io/v1/namespaces/demo/virtualmachines/";
  const auto put = [&](const std::string& path, const std::string& accept) {
    return sandbox::handle(box.cluster,
                           {.method = "PUT", .target = base + path, .accept = accept, .user = box.user});
  };
  CHECK(put("web/start", "application/json").status == 406);
  const auto started = put("web/start", "application/json, */*");
  CHECK(started.status == 202);
  CHECK(started.body.empty());
  CHECK(put("web/start", "*/*").body.find("Always does not support manual start requests") !=
        std::string::npos);
  box.settle();
  CHECK(text(box.get("virtualmachines", "web"), {"status", "printableStatus"}) == "Running");
  CHECK(put("web/start", "*/*").body.find("VM is already running") != std::string::npos);
  CHECK(put("web/stop", "*/*").status == 202);
  box.settle();
  CHECK(box.get("virtualmachineinstances", "web").is_null());
  CHECK(put("web/stop", "*/*").body.find("VM is not running") != std::string::npos);
  CHECK(put("none/start", "*/*").status == 404);
  // The field that a VM has stays the one that says it.
  const Json older = {{"spec", {{"runStrategy", nullptr}, {"running", true}}}};
  box.ask(200, "PATCH", std::string(kDemoVms) + "/web", older, "application/merge-patch+json");
  box.settle();
  CHECK(put("web/stop", "*/*").status == 202);
  const Json spec = box.get("virtualmachines", "web")["spec"];
  CHECK(spec["running"] == false);
  CHECK_FALSE(spec.contains("runStrategy"));
}

TEST_CASE("api: whatever comes in, an answer goes out") {
  Sandbox box;
  box.ask(400, "POST", kDemoVms, Json::array());
  box.ask(400, "PATCH", std::string(kDemoVms) + "/web", Json::object(), "application/json-patch+json");
  box.ask(400, "POST", kDemoVms, {{"kind", "VirtualMachine"}, {"metadata", 3}});
  box.ask(400, "POST", kDemoClaims,
          {{"kind", "PersistentVolumeClaim"}, {"metadata", {{"name", "x"}}}, {"spec", "text"}});
  CHECK(box.send("GET", "/apis/none/v1").status == 404);
  CHECK(box.send("GET", "/%zz?%").status == 404);
  CHECK(box.send("GET", "").status == 404);
}
