// The table that `doctor --permissions` prints from, held to what the plans ask for: every use, sources that run and that do not.
#include "commands/permission_table.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>

#include "commands/clone_cdi.h"
#include "commands/clone_claim.h"
#include "commands/clone_native.h"
#include "commands/clone_restores.h"
#include "commands/wait.h"

using namespace wukong;
using namespace wukong::commands;
using kube::Fact;

namespace {

const Scope kScope{.ns = "demo", .utc_stamp = "20260101-000000", .operation_id = "opid1"};

Json parsed(std::string_view text) {
  auto value = parse_json(text);
  REQUIRE(value.has_value());
  return *value;
}

Fact list(std::vector<Json> objects) { return Fact::known({{"items", std::move(objects)}}); }

/// A VM with a stand-alone disk, one of its dataVolumeTemplates, and a Secret.
Json web(const std::string& run_strategy) {
  Json vm = parsed(R"({"metadata": {"name": "web", "namespace": "demo", "uid": "u1"},
    "spec": {"dataVolumeTemplates": [{"metadata": {"name": "web-data"}, "spec": {"pvc": {}}}],
      "template": {"spec": {"domain": {"devices": {"interfaces": [{"name": "default"}]}},
        "volumes": [{"name": "root", "persistentVolumeClaim": {"claimName": "web-root"}},
                    {"name": "data", "dataVolume": {"name": "web-data"}},
                    {"name": "init", "cloudInitNoCloud": {"secretRef": {"name": "user-data"}}}]}}},
    "status": {"volumeSnapshotStatuses": [{"name": "root", "enabled": true}, {"name": "data", "enabled": true}]}})");
  vm["spec"]["runStrategy"] = run_strategy;
  if (run_strategy != "Halted") vm["status"]["created"] = true;
  return vm;
}

Json claim() {
  return parsed(R"({"spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "dir",
      "resources": {"requests": {"storage": "1Gi"}}}, "status": {"phase": "Bound"}})");
}

/// Everything that any method wants to know, of a VM and of a snapshot of it.
CdiFacts facts_of(const Json& vm) {
  CdiFacts facts;
  CopyFacts& copies = facts.copies;
  copies.base.served = kube::ServedApis{{{"clone.kubevirt.io", {{"v1beta1", {}}}},
                                         {"snapshot.kubevirt.io", {{"v1beta1", {}}}},
                                         {"cdi.kubevirt.io", {{"v1beta1", {}}}}}};
  copies.base.source = Fact::known(vm);
  copies.base.claims = {Fact::known(claim()), Fact::known(claim())};
  copies.base.claim_names = {"web-root", "web-data"};
  copies.base.clones = copies.base.kubevirts = list({});
  copies.vms = copies.claims = copies.volume_snapshots = facts.volumes = facts.profiles = list({});
  facts.classes = list({{{"metadata", {{"name", "dir"}}}}});
  facts.target_namespace = facts.config = Fact::known(Json::object());
  copies.snapshot =
      Fact::known(parsed(R"({"status": {"readyToUse": true, "virtualMachineSnapshotContentName": "c"}})"));
  Json content = parsed(R"({"metadata": {"name": "c"}, "spec": {"volumeBackups": [
      {"volumeName": "root", "volumeSnapshotName": "vs1"}, {"volumeName": "data", "volumeSnapshotName": "vs2"}]}})");
  for (Json& backup : content["spec"]["volumeBackups"]) backup["persistentVolumeClaim"] = claim();
  content["spec"]["source"]["virtualMachine"] = vm;
  copies.contents = list({content});
  return facts;
}

/// What the VM names, and another namespace lacks.
std::vector<ReferenceFact> references() {
  const ObjectRef secret{{"", "v1", "secrets", "Secret"}, "demo", "user-data"};
  return {{.here = secret, .source = Fact::known({{"type", "Opaque"}}), .there = Fact::absent()}};
}

/// A command whose plan needs what `use` needs, and what of its flags has uses of its own.
struct Command {
  std::string use{};
  std::string source{"web"};
  CloneMethod method{};
  std::size_t count{};
  bool elsewhere{};
  bool runs{};  // its source may
};

Result<op::Operation> planned(const Command& command, const CloneOptions& o, const CdiFacts& facts) {
  if (command.source.starts_with("pvc/")) {
    WUKONG_TRY(const CloneNames names, claim_names(o, kScope));
    return plan_claim(o, names, {.cdi = facts, .claim = Fact::known(claim()), .pods = list({})}, kScope);
  }
  WUKONG_TRY(CloneNames names, clone_names(o, kScope));
  names.method = command.method;
  switch (command.method) {
    case CloneMethod::native:
      return plan_native(o, names, facts.copies, kScope);
    case CloneMethod::snapshot:
      return plan_copies(o, names, facts.copies, kScope);
    case CloneMethod::restores:
      return plan_restores(o, names, facts.copies, kScope);
    case CloneMethod::cdi:
      break;
  }
  return plan_cdi(o, names, facts, kScope);
}

/// What the printed Roles of these uses allow: all of it, or (`sure`) what doctor says "no" without.
std::vector<kube::Permission> allowed(const std::vector<std::string>& uses, bool sure) {
  std::vector<kube::Permission> out;
  for (const std::string& use : uses)
    for (const PermissionRule& rule : rules_of(use, true))
      if (!sure || !rule.spare)
        for (kube::Permission& p : permissions_of(rule, "demo", "other")) out.push_back(std::move(p));
  return out;
}

std::string words(const kube::Permission& p) {
  return fmt::format("{} {}.{}/{} in {:?}", p.verb, p.resource, p.group, p.subresource, p.ns);
}

/// What of `wanted` is not in `granted`.
std::string beyond(const std::vector<kube::Permission>& wanted,
                   const std::vector<kube::Permission>& granted) {
  std::string out;
  for (kube::Permission p : wanted) {
    p.name.clear();
    if (std::find(granted.begin(), granted.end(), p) == granted.end()) out += words(p) + "; ";
  }
  return out;
}

}  // namespace

TEST_CASE(
    "permissions: no plan of clone needs more than the printed Roles allow, nor more than doctor asks for") {
  using enum CloneMethod;
  const std::vector<Command> commands{
      {.use = "clone:native", .method = native, .runs = true},
      {.use = "clone:snapshot", .method = snapshot, .runs = true},
      {.use = "clone:restores", .method = restores, .count = 2, .runs = true},
      {.use = "clone:cdi", .method = cdi, .runs = true},
      {.use = "clone:to-namespace", .method = cdi, .elsewhere = true, .runs = true},
      {.use = "clone:from-snapshot", .source = "snapshot/monday", .method = native},
      {.use = "clone:many-from-snapshot", .source = "snapshot/monday", .method = snapshot, .count = 2},
      {.use = "clone:pvc", .source = "pvc/web-root", .method = cdi}};
  for (const Command& command : commands)
    for (const std::string strategy : {"Halted", "Always", "Manual"})
      for (const std::string running : {"allow", "stop"})
        for (const bool more : {false, true}) {
          const bool vm = !command.source.starts_with("pvc/");
          const bool running_source = command.runs && strategy != "Halted";
          const bool stop = running_source && running == "stop";
          CloneOptions o{.source = command.source, .target = command.count > 0 ? "copy-#" : "copy"};
          o.count = command.count;
          if (command.runs) o.running = running;
          if (command.elsewhere) o.to_namespace = "other";
          o.copy_refs = command.elsewhere;
          o.write.wait = true;
          std::vector<std::string> uses{command.use};
          if (command.elsewhere) uses.emplace_back("clone:copy-refs");
          if (stop) uses.emplace_back("clone:running-stop");
          if (running_source && !stop && command.method == cdi) uses.emplace_back("clone:cdi-running");
          // To another namespace, these are asked for there: -n other.
          if (more && vm && !command.elsewhere) {
            o.start = true;
            o.shape.hostname = command.count > 0 ? "guest-#" : "guest";
            uses.insert(uses.end(), {"clone:start", "clone:shape"});
          }
          CAPTURE(command.use);
          CAPTURE(strategy);
          CAPTURE(running);
          CdiFacts facts = facts_of(web(strategy));
          if (command.elsewhere) facts.references = references();
          const auto plan = planned(command, o, facts);
          if (!plan) FAIL(plan.error().message);
          CHECK(stop == std::any_of(plan->steps.begin(), plan->steps.end(),
                                    [](const op::Step& step) { return step.id == "stop"; }));
          const op::Permissions needed = op::permissions(*plan);
          CHECK(beyond(needed.optional, allowed(uses, false)) == "");
          CHECK(beyond(needed.required, allowed(uses, false)) == "");
          // Only a VM that is started by hand needs the right to start VMs.
          std::vector<kube::Permission> sure = allowed(uses, true);
          sure.push_back({.verb = "update",
                          .group = "subresources.kubevirt.io",
                          .resource = "virtualmachines",
                          .subresource = "start",
                          .ns = "demo"});
          CHECK(beyond(needed.required, sure) == "");
        }
}

TEST_CASE("permissions: a Service and an Ingress for a new VM") {
  op::Operation operation{.id = "opid1"};
  const std::vector<Exposure> exposures{
      {.vm = "copy", .ports = {{.name = "http", .port = 80, .target = 8080}}, .host = "copy.example.com"}};
  const ExposeFacts facts{list({}), list({}), list({})};
  REQUIRE(add_exposures(operation, exposures, facts, [](const std::string&) { return ""; }, kScope));
  CHECK(beyond(op::permissions(operation).required, allowed({"clone:expose"}, true)) == "");
}

TEST_CASE("permissions: no wait needs more than the printed Role allows, whatever for") {
  for (const std::string& use : permission_uses()) {
    if (!use.starts_with("wait:")) continue;
    for (const std::string until : {"usable", "ready", "bound", "running", "delete", "condition=Ready"}) {
      const auto goal = parse_goal(until);
      const auto objects = parse_objects({use.substr(5) + "/x"});
      REQUIRE(goal.has_value());
      REQUIRE(objects.has_value());
      const WaitFacts facts{.objects = {Fact::known(Json::object())}};
      const auto plan = plan_wait({.until = until}, *goal, *objects, facts, kScope);
      if (!plan) continue;  // "running" is said of VMs only
      CAPTURE(use + " for " + until);
      const op::Permissions needed = op::permissions(*plan);
      CHECK(beyond(needed.required, allowed({use}, true)) == "");
      CHECK(beyond(needed.optional, allowed({use}, false)) == "");
    }
  }
}

TEST_CASE("permissions: what is only done with other uses is told with them") {
  for (const std::string& use : permission_uses())
    for (const Extra& extra : extras_of(use)) {
      CHECK(is_extra(extra.use));
      CHECK_FALSE(rules_of(extra.use).empty());
    }
  const auto names = [](std::string_view use) {
    std::string out;
    for (const Extra& extra : extras_of(use)) out += std::string(extra.use) + " ";
    return out;
  };
  CHECK(names("clone:cdi") == "clone:start clone:expose clone:running-stop clone:cdi-running ");
  CHECK(names("clone:from-snapshot") == "clone:start clone:shape clone:expose ");
  CHECK(names("clone:pvc").empty());
  CHECK(names("clone:start").empty());
  CHECK(names("clone").empty());
  CHECK(names("status").empty());
}
