#include "commands/status_tree.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "commands/status_text.h"
#include "support/fake_api.h"
#include "support/golden.h"
#include "support/inventories.h"

using namespace wukong;
using namespace wukong::commands;
using namespace wukong::testing;
using Kind = ObjectKind;

namespace {

WallTime at(const char* text) { return parse_rfc3339(text).value(); }

Json failing(const std::string& name, const std::string& message) {
  return {{"involvedObject", {{"kind", "PersistentVolumeClaim"}, {"name", name}}},
          {"type", "Warning"},
          {"reason", "ProvisioningFailed"},
          {"message", message}};
}

Inventory busy() {
  InventoryMaker maker;
  Json late = clone_of("web", "copy", "RestoreInProgress");
  late["metadata"]["creationTimestamp"] = "2026-01-01T00:00:30Z";
  maker.put(Kind::clone, "c1", of_operation("o2", late))
      .put(Kind::restore, "tmp-restore-c1-uid",
           {{"spec", {{"target", {{"name", "copy"}}}, {"virtualMachineSnapshotName", "tmp-snapshot-c1-uid"}}},
            {"status",
             {{"complete", false},
              {"restores",
               {{{"persistentVolumeClaim", "restore-r-root"}},
                {{"persistentVolumeClaim", "restore-r-data"}}}}}}})
      .put(Kind::claim, "restore-r-root",
           restored_claim("tmp-restore-c1-uid", "tmp-restore-c1-uid-uid", "Bound"))
      .put(Kind::claim, "restore-r-data",
           restored_claim("tmp-restore-c1-uid", "tmp-restore-c1-uid-uid", "Pending"))
      .put(Kind::vm, "web", vm_on({"web-root"}))
      .put(Kind::claim, "web-root", {{"status", {{"phase", "Bound"}}}})
      .put(Kind::vm, "w-1", of_operation("o1", vm_on({"w-1-root"})))
      .put(Kind::vm, "w-2", of_operation("o1", vm_on({"w-2-root"})))
      .put(Kind::vm, "w-3", of_operation("o1", vm_on({"w-3-root"})))
      .put(Kind::claim, "w-1-root", of_operation("o1", {{"status", {{"phase", "Pending"}}}}))
      .put(Kind::claim, "w-2-root", of_operation("o1", {{"status", {{"phase", "Pending"}}}}))
      .put(Kind::claim, "w-3-root", of_operation("o1", {{"status", {{"phase", "Bound"}}}}))
      .put(Kind::snapshot, "monday",
           {{"spec", {{"source", {{"name", "web"}}}}},
            {"status", {{"phase", "Succeeded"}, {"readyToUse", true}}}})
      .put(Kind::data_volume, "image", {{"status", {{"phase", "ImportInProgress"}, {"progress", "42.50%"}}}})
      .put(Kind::claim, "stranger", {{"status", {{"phase", "Pending"}}}})
      .put(Kind::vm_export, "e1",
           {{"spec", {{"source", {{"kind", "VirtualMachine"}, {"name", "web"}}}}},
            {"status", {{"phase", "Ready"}, {"ttlExpirationTime", "2026-01-01T02:00:00Z"}}}});
  Inventory inventory = maker.make();
  auto events = std::make_shared<Shelf>(*inventory.shelves.at("events"));
  events->objects["x"] =
      failing("restore-r-data", "no space left on device: the pool of class fast is full to the last byte");
  inventory.shelves["events"] = events;
  return inventory;
}

std::string drawn(const Inventory& inventory, const StatusFilter& filter, const StatusLook& look) {
  std::string all;
  for (const std::string& line :
       status_lines(status_tree(inventory, filter), look, at("2026-01-01T00:01:05Z")))
    all += line + "\n";
  return all;
}

}  // namespace

TEST_CASE("status: the tree of a busy namespace") {
  std::string all;
  all +=
      drawn(busy(), {}, {}) + "--- 60 columns, ASCII\n" + drawn(busy(), {}, {.unicode = false, .width = 60});
  all += "--- of VM copy\n" + drawn(busy(), {.vm = "copy"}, {});
  all +=
      "--- ours, with namespaces\n" + drawn(busy(), {.mine = true}, {.namespaces = true, .headers = false});
  CHECK(golden("golden/status/tree.txt", all) == all);
}

TEST_CASE("status: as JSON, and as one line per change") {
  const auto roots = status_tree(busy(), {});
  const std::string json = dump(status_json(roots, {"events could not be read"}), 1) + "\n";
  CHECK(golden("golden/status/tree.json", json) == json);
  std::string lines;
  for (const auto& [key, node] : flattened(roots)) lines += change_line(node, true) + "\n";
  CHECK(golden("golden/status/changes.txt", lines) == lines);
}

TEST_CASE("status: nothing is told of what rests") {
  InventoryMaker maker;
  maker.put(Kind::vm, "web", vm_on({"web-root"}))
      .put(Kind::claim, "web-root", {{"status", {{"phase", "Bound"}}}});
  CHECK(status_tree(maker.make(), {}).empty());
  CHECK(status_of({Kind::vm, "web"}, maker.make()).state == StatusNode::State::done);
}

TEST_CASE("status: a snapshot that an operation has taken for itself is told of until that removes it") {
  const auto taken = [](const char* kept) {
    Json snapshot = of_operation("o1", {{"spec", {{"source", {{"name", "web"}}}}},
                                        {"status", {{"phase", "Succeeded"}, {"readyToUse", true}}}});
    snapshot["metadata"]["annotations"][mark::kKept] = kept;
    InventoryMaker maker;
    maker.put(Kind::snapshot, "web-o1", snapshot);
    return status_tree(maker.make(), {});
  };
  REQUIRE(taken("").size() == 1);
  CHECK(taken("").front().what.words() == "operation/o1");
  REQUIRE(taken("").front().children.size() == 1);
  CHECK(taken("").front().children.front().stage == "Ready");
  CHECK(taken("").front().children.front().detail == "temporary, of operation o1");
  CHECK(taken("true").empty());
}

TEST_CASE("status: what only its operation can give up stands below that, also when it is alone") {
  InventoryMaker maker;
  maker.put(Kind::vm, "web2", of_operation("o1", vm_on({"web2-root"})))
      .put(Kind::claim, "web2-root", of_operation("o1", {{"status", {{"phase", "Pending"}}}}))
      .put(Kind::clone, "c1", of_operation("o2", clone_of("web", "copy", "RestoreInProgress")))
      .put(Kind::vm, "lost", vm_on({"lost-root"}));
  const auto words = [](const std::vector<StatusNode>& roots) {
    std::string all;
    for (const StatusNode& root : roots) all += root.what.words() + " ";
    return all;
  };
  const std::vector<StatusNode> roots = status_tree(maker.make(), {});
  CHECK(words(roots) == "vmclone/c1 vm/lost operation/o1 ");
  CHECK(roots.back().stage == "Running");
  CHECK(roots.back().detail == "0 of 1 VM ready");
  CHECK(words(roots.back().children) == "vm/web2 ");
  // The other VM is counted, though not asked for.
  maker.put(Kind::vm, "web3", of_operation("o1", vm_on({"web3-root"})));
  const std::vector<StatusNode> one = status_tree(maker.make(), {.vm = "web2"});
  REQUIRE(words(one) == "operation/o1 ");
  CHECK(one.front().detail == "0 of 2 VMs ready");
  CHECK(words(one.front().children) == "vm/web2 ");
}

TEST_CASE("status: a DataVolume tells of its claim, and of what CDI makes on the way to that") {
  InventoryMaker maker;
  const Json source = {{"dataSourceRef", {{"kind", "VolumeCloneSource"}, {"name", "s"}}}};
  const Json pending = of_operation("o1", {{"spec", source}, {"status", {{"phase", "Pending"}}}});
  Json on_the_way = pending;
  on_the_way["metadata"]["labels"]["cdi.kubevirt.io/OwnedByUID"] = "u";
  maker.put(Kind::data_volume, "web-root", {{"status", {{"phase", "CloneInProgress"}}}})
      .put(Kind::claim, "web-root", pending)
      .put(Kind::claim, "tmp-pvc-u", on_the_way);
  const std::vector<StatusNode> roots = status_tree(maker.make(), {});
  REQUIRE(roots.size() == 1);
  CHECK(roots[0].what == ObjectArgument{Kind::data_volume, "web-root"});
  maker.close(Kind::data_volume);
  const std::vector<StatusNode> blind = status_tree(maker.make(), {});
  REQUIRE(blind.size() == 1);
  CHECK(blind[0].children.size() == 1);
  CHECK(blind[0].children[0].what == ObjectArgument{Kind::claim, "web-root"});
}

TEST_CASE("status: a source that an operation has stopped is told of until it runs again") {
  InventoryMaker maker;
  Json source = vm_on({"web-root"});
  source["metadata"]["annotations"] = {{mark::kStoppedBy, "o1"}, {mark::kStoppedFrom, "Always"}};
  maker.put(Kind::vm, "web", source).put(Kind::claim, "web-root", {{"status", {{"phase", "Bound"}}}});
  const std::vector<StatusNode> roots = status_tree(maker.make(), {.mine = true});
  REQUIRE(roots.size() == 1);
  CHECK(roots[0].what == ObjectArgument{Kind::operation, "o1"});
  REQUIRE(roots[0].children.size() == 1);
  CHECK(roots[0].children[0].stage == "Stopped");
  CHECK(roots[0].children[0].detail == "by operation o1, which starts it again");
}

TEST_CASE("status: one note tells of all that may not be read") {
  InventoryMaker maker;
  CHECK(unread_notes(maker.make(), "list").empty());
  CHECK(unseen_kinds(maker.make()).empty());
  maker.close(Kind::clone).close(Kind::claim);
  CHECK(unread_notes(maker.make(), "list") ==
        std::vector<std::string>{"you may not list persistentvolumeclaims, virtualmachineclones: what they "
                                 "would tell is missing"});
  CHECK(unseen_kinds(maker.make()).size() == 2);
  CHECK(check_sight(maker.make()).has_value());
  Inventory everywhere = maker.make();
  everywhere.ns.clear();
  CHECK(unread_notes(everywhere, "list and watch")
            .front()
            .find("volumeclaims, virtualmachineclones in all "
                  "namespaces: what") != std::string::npos);
}

TEST_CASE("status: what the cluster does not serve is no secret") {
  InventoryMaker maker;
  maker.lack(Kind::clone).lack(Kind::snapshot).lack(Kind::data_volume);
  CHECK(unread_notes(maker.make(), "list") ==
        std::vector<std::string>{"the cluster does not serve datavolumes: CDI is not installed",
                                 "the cluster does not serve virtualmachineclones, virtualmachinesnapshots"});
  CHECK(unseen_kinds(maker.make()).empty());
  CHECK(check_sight(maker.make()).has_value());
}

TEST_CASE("status: a kind that is served and cannot be listed is unseen, not absent") {
  InventoryMaker maker;
  maker.lack(Kind::clone);
  Inventory inventory = maker.make();
  inventory.served = kube::ServedApis{};
  CHECK(unseen_kinds(inventory).empty());
  inventory.served->groups["clone.kubevirt.io"]["v1beta1"] = {"virtualmachineclones"};
  CHECK(unseen_kinds(inventory) == std::vector<std::string>{"virtualmachineclones"});
  CHECK(unread_notes(inventory, "list") ==
        std::vector<std::string>{"virtualmachineclones could not be read: not served"});
}

TEST_CASE("status: a version that the server has dropped since is asked for anew") {
  const std::filesystem::path file =
      std::filesystem::temp_directory_path() / fmt::format("wukong-served-{}.json", ::getpid());
  kube::ServedApis old{};
  old.groups["clone.kubevirt.io"]["v1beta1"] = {"virtualmachineclones"};
  std::ofstream(file) << kube::cache_text(old);
  FakeApi api;
  const Json served = parse_json(R"({"kind": "APIGroupDiscoveryList", "items": [
      {"metadata": {"name": "clone.kubevirt.io"},
       "versions": [{"version": "v1alpha1", "resources": [{"resource": "virtualmachineclones"}]}]}]})")
                          .value();
  api.handle([&](const kube::Request& request) -> std::optional<FakeApi::Answer> {
    if (request.path == "/apis") return FakeApi::ok(served);
    if (request.path.starts_with("/apis/clone.kubevirt.io/v1beta1"))
      return FakeApi::error(Code::not_found, "the server could not find the requested resource");
    return FakeApi::pass();
  });
  Json clone = clone_of("web", "copy", "RestoreInProgress");
  clone["metadata"]["name"] = "c1";
  clone["metadata"]["namespace"] = "demo";
  Gvr kind = gvr::vm_clone();
  kind.version = "v1alpha1";
  api.put(kind, clone);
  const auto now = std::chrono::time_point_cast<WallTime::duration>(std::chrono::system_clock::now());
  kube::Discovery discovery(api, file.string(), now);
  const auto inventory = take_inventory(api, discovery, {.ns = "demo"});
  std::filesystem::remove(file);
  REQUIRE(inventory.has_value());
  CHECK(inventory->find(Kind::clone, "c1") != nullptr);
  CHECK(unread_notes(*inventory, "list").empty());
}

TEST_CASE("status: nothing is told where nothing that could tell may be read") {
  InventoryMaker maker;
  for (const Kind kind :
       {Kind::clone, Kind::snapshot, Kind::restore, Kind::vm_export, Kind::claim, Kind::volume_snapshot})
    maker.close(kind);
  maker.lack(Kind::data_volume);
  const auto sight = check_sight(maker.make());  // VMs may be read, but tell nothing without their claims
  REQUIRE_FALSE(sight.has_value());
  CHECK(exit_code(sight.error().code) == 4);
  CHECK(sight.error().message ==
        "you may not list anything that could tell what is under way in namespace demo");
  CHECK(sight.error().causes.size() == 6);
  CHECK(sight.error().causes.front() == "not allowed: list virtualmachineclones.clone.kubevirt.io");
  CHECK(sight.error().hint == "the Role to ask for: kubectl wukong doctor --permissions status -n demo");
  Inventory everywhere = maker.make();
  everywhere.ns.clear();
  CHECK(check_sight(everywhere).error().hint == "name a namespace in which you may: -n NS");
}

TEST_CASE("status: in all namespaces, a VM whose disk could not even be made is under way") {
  Inventory all{};
  for (const Watched& watched : inventory_watches("", std::nullopt)) {
    Shelf shelf{.sight = Shelf::Sight::known};
    for (const std::string ns : {"quiet", "refused"}) {
      if (watched.gvr == gvr::vm()) shelf.objects[ns + "/web"] = vm_on({"web-root"});
      if (watched.gvr == gvr::pvc() && ns == "quiet")
        shelf.objects[ns + "/web-root"] = {{"status", {{"phase", "Bound"}}}};
    }
    all.shelves.emplace(watched.gvr.resource, std::make_shared<const Shelf>(shelf));
  }
  const auto each = by_namespace(all);
  REQUIRE(each.size() == 1);
  CHECK(each.front().ns == "refused");
  REQUIRE(status_tree(each.front(), {}).size() == 1);
  all.shelves["persistentvolumeclaims"] =
      std::make_shared<const Shelf>(Shelf{.sight = Shelf::Sight::unreadable});
  CHECK(by_namespace(all).empty());  // who sees no claims cannot tell
}

TEST_CASE("status: an inventory of all namespaces is taken apart, those at rest left out") {
  Inventory all{};
  for (const Watched& watched : inventory_watches("", std::nullopt)) {
    Shelf shelf{.sight = Shelf::Sight::known};
    if (watched.gvr == gvr::pvc()) {
      shelf.objects["a/data"] = {{"metadata", {{"name", "data"}, {"namespace", "a"}}},
                                 {"status", {{"phase", "Pending"}}}};
      shelf.objects["ab/data"] = {{"metadata", {{"name", "data"}, {"namespace", "ab"}}},
                                  {"status", {{"phase", "Bound"}}}};
    }
    all.shelves.emplace(watched.gvr.resource, std::make_shared<const Shelf>(shelf));
  }
  const auto each = by_namespace(all);
  REQUIRE(each.size() == 1);
  CHECK(each.front().ns == "a");
  CHECK(each.front().objects(Kind::claim).size() == 1);
  CHECK(each.front().find(Kind::claim, "data") != nullptr);
}
