#include "status/disks_status.h"

#include <doctest/doctest.h>

#include "support/views.h"

namespace wukong {
namespace {

using namespace testing;
using std::chrono::seconds;
using State = Verdict::State;

Json vm(const std::string& strategy, Json volumes) {
  return {{"metadata", {{"name", "web"}}},
          {"spec", {{"runStrategy", strategy}, {"template", {{"spec", {{"volumes", std::move(volumes)}}}}}}}};
}
Json two_disks() {
  return {{{"name", "root"}, {"persistentVolumeClaim", {{"claimName", "web-root"}}}},
          {{"name", "data"}, {"dataVolume", {{"name", "web-data"}}}}};
}
Json claim(const std::string& name, const std::string& phase, const std::string& storage_class = "fast") {
  return {{"metadata", {{"name", name}}},
          {"spec", {{"storageClassName", storage_class}}},
          {"status", {{"phase", phase}}}};
}
Json data_volume(const std::string& phase) {
  return {{"metadata", {{"name", "web-data"}}}, {"status", {{"phase", phase}}}};
}
ShelfSet shelves_of(Json machine) {
  ShelfSet shelves({"virtualmachines", "persistentvolumeclaims", "datavolumes", "storageclasses", "events"});
  shelves.put("virtualmachines", std::move(machine));
  shelves.put("storageclasses",
              {{"metadata", {{"name", "late"}}}, {"volumeBindingMode", "WaitForFirstConsumer"}});
  return shelves;
}
Verdict judged(const ShelfSet& shelves, bool only_bound = false) {
  return status::disks_judge({"demo", "web", only_bound})(shelves.view(), {}, seconds(1));
}

}  // namespace

TEST_CASE("disks judge: bound is not filled while a DataVolume works on it") {
  ShelfSet shelves = shelves_of(vm("Halted", two_disks()));
  shelves.put("persistentvolumeclaims", claim("web-root", "Bound"));
  CHECK(judged(shelves).detail == "1 of 2 volumes bound");
  CHECK(judged(shelves).cause == "there is no PersistentVolumeClaim web-data");
  shelves.put("datavolumes", data_volume("ImportInProgress"));
  CHECK(judged(shelves).cause.empty());
  shelves.put("persistentvolumeclaims", claim("web-data", "Bound"));
  CHECK(judged(shelves).state == State::working);
  shelves.put("datavolumes", data_volume("Succeeded"));
  CHECK(judged(shelves).state == State::done);
}

TEST_CASE("disks judge: waiting for the first start ends it for a VM that shall not run") {
  ShelfSet shelves = shelves_of(vm("Halted", two_disks()));
  shelves.put("persistentvolumeclaims", claim("web-root", "Bound"));
  shelves.put("persistentvolumeclaims", claim("web-data", "Pending", "late"));
  const Verdict verdict = judged(shelves);
  CHECK(verdict.state == State::done);
  CHECK(verdict.message == "1 of 2 disks of web is filled when it starts for the first time");
  CHECK(verdict.memory.at("unbound") == "web-data");
  CHECK(judged(shelves, true).stage == "Waiting for its first start");
  shelves.put("virtualmachines", vm("Always", two_disks()));
  CHECK(judged(shelves).state == State::working);
}

TEST_CASE("disks judge: why a claim is not made is told by its events") {
  ShelfSet shelves = shelves_of(vm("Halted", two_disks()));
  shelves.put("persistentvolumeclaims", claim("web-root", "Bound"));
  shelves.put("persistentvolumeclaims", claim("web-data", "Pending"));
  shelves.put("events",
              event("PersistentVolumeClaim", "web-data", "Warning", "ProvisioningFailed", "no space left"));
  CHECK(judged(shelves).cause == "no space left");
}

TEST_CASE("disks judge: a VM without claims has nothing to wait for; one that does not exist fails") {
  CHECK(judged(shelves_of(vm("Halted", Json::array()))).state == State::done);
  const ShelfSet empty({"virtualmachines", "persistentvolumeclaims"});
  const Judge judge = status::disks_judge({"demo", "web"});
  const Verdict first = judge(empty.view(), {}, seconds(0));
  CHECK(judge(empty.view(), first, seconds(6)).message == "VirtualMachine demo/web does not exist");
}

TEST_CASE("disks judge: where no DataVolume may be read, the claim itself tells whether it is filled") {
  ShelfSet shelves = shelves_of(vm("Halted", two_disks()));
  shelves.put("persistentvolumeclaims", claim("web-root", "Bound"));
  const auto put = [&](Json annotations) {
    Json made = claim("web-data", "Bound");
    made["metadata"]["annotations"] = std::move(annotations);
    shelves.put("persistentvolumeclaims", std::move(made));
  };
  const char* phase = "cdi.kubevirt.io/storage.pod.phase";
  for (const bool readable : {true, false}) {
    if (!readable) shelves.close("datavolumes");
    CAPTURE(readable);
    put({{"cdi.kubevirt.io/storage.import.endpoint", "http://x"}});
    CHECK(judged(shelves).state == State::working);
    put({{"cdi.kubevirt.io/storage.import.endpoint", "http://x"},
         {phase, "Running"},
         {"cdi.kubevirt.io/storage.condition.running", "false"},
         {"cdi.kubevirt.io/storage.condition.running.message", "expected status code 200, got 404"}});
    CHECK(judged(shelves).state == State::working);
    CHECK(judged(shelves).cause == "expected status code 200, got 404");
    put({{"cdi.kubevirt.io/storage.import.endpoint", "http://x"}, {phase, "Succeeded"}});
    CHECK(judged(shelves).state == State::done);
    CHECK(judged(shelves).message.empty());
    put({{"cdi.kubevirt.io/storage.usePopulator", "true"}, {phase, "Running"}});  // Bound once it is filled
    CHECK(judged(shelves).state == State::done);
    put({{"cdi.kubevirt.io/createdForDataVolume", "u1"}});
    CHECK(judged(shelves).state == State::done);
    CHECK(judged(shelves).message.empty() == readable);
  }
  CHECK(judged(shelves).message ==
        "whether web-data is filled is not known: DataVolumes in namespace demo cannot be read");
}

TEST_CASE("disks judge: a bound claim is not filled because its DataVolume still says that it waits") {
  ShelfSet shelves = shelves_of(vm("Halted", two_disks()));
  shelves.put("persistentvolumeclaims", claim("web-root", "Bound"));
  shelves.put("persistentvolumeclaims", claim("web-data", "Bound"));
  shelves.put("datavolumes", data_volume("WaitForFirstConsumer"));
  CHECK(judged(shelves).state == State::working);
}

TEST_CASE("disks judge: a claim that is being filled waits for no first consumer") {
  ShelfSet shelves = shelves_of(vm("Halted", two_disks()));
  shelves.put("persistentvolumeclaims", claim("web-root", "Bound"));
  Json pending = claim("web-data", "Pending", "late");
  pending["metadata"]["annotations"]["cdi.kubevirt.io/storage.pod.phase"] = "Running";
  shelves.put("persistentvolumeclaims", std::move(pending));
  shelves.close("datavolumes");
  CHECK(judged(shelves).state == State::working);
}

}  // namespace wukong
