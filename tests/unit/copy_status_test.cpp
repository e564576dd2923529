#include "status/copy_status.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

using namespace wukong;
using namespace wukong::status;

namespace {

const CopyWait kWait{
    .ns = "demo", .vm = "web2", .claims = {"web2-root", "web2-data"}, .labels = "x=y", .data_volumes = true};

/// Shelves of one moment.
struct Moment {
  Shelf claims{.sight = Shelf::Sight::known};
  Shelf classes{.sight = Shelf::Sight::known};
  Shelf events{.sight = Shelf::Sight::known};
  Shelf volumes{.sight = Shelf::Sight::known};
  Shelf vms{.sight = Shelf::Sight::known};

  void claim(const std::string& name, const std::string& phase, bool source = true) {
    Json made = skeleton({gvr::pvc(), "demo", name});
    made["spec"]["storageClassName"] = "wait";
    if (source) made["spec"]["dataSourceRef"] = {{"kind", "VolumeSnapshot"}, {"name", "vs"}};
    made["status"]["phase"] = phase;
    claims.objects.insert_or_assign(name, made);
  }
  void binding(const std::string& mode) {
    classes.objects.insert_or_assign("wait",
                                     Json{{"metadata", {{"name", "wait"}}}, {"volumeBindingMode", mode}});
  }
  void event(const std::string& kind, const std::string& name, const std::string& reason,
             const std::string& message) {
    events.objects.insert_or_assign(reason, Json{{"metadata", {{"name", reason}}},
                                                 {"involvedObject", {{"kind", kind}, {"name", name}}},
                                                 {"reason", reason},
                                                 {"type", "Warning"},
                                                 {"message", message}});
  }
  Verdict judged(const CopyWait& wait = kWait, Verdict before = {}, Duration waited = {}) const {
    View view;
    view.add("persistentvolumeclaims", &claims);
    view.add("storageclasses", &classes);
    view.add("events", &events);
    view.add("datavolumes", &volumes);
    view.add("virtualmachines", &vms);
    return copy_judge(wait)(view, before, waited);
  }
};

}  // namespace

TEST_CASE("copy: done when every claim is bound") {
  Moment now;
  now.claim("web2-root", "Bound");
  CHECK(now.judged().state == Verdict::State::working);
  CHECK(now.judged().detail == "1 of 2 volumes bound");
  now.claim("web2-data", "Bound");
  CHECK(now.judged().state == Verdict::State::done);
}

TEST_CASE(
    "copy: disks that are made at the first start are an end, and remembered; unless the VM is being "
    "started") {
  Moment now;
  now.binding("WaitForFirstConsumer");
  now.claim("web2-root", "Pending");
  now.claim("web2-data", "Pending");
  const Verdict verdict = now.judged();
  CHECK(verdict.state == Verdict::State::done);
  CHECK(verdict.memory.at("unbound") == "web2-root,web2-data");
  CHECK(verdict.message.find("when it starts for the first time") != std::string::npos);
  CopyWait started = kWait;
  started.consumer_expected = true;
  CHECK(now.judged(started).state == Verdict::State::working);
}

TEST_CASE("copy: while all wait for a VM that cannot start, what keeps that from it is the cause") {
  Moment now;
  now.binding("WaitForFirstConsumer");
  now.claim("web2-root", "Pending");
  now.claim("web2-data", "Bound");
  Json vm = skeleton({gvr::vm(), "demo", "web2"});
  vm["status"] = {
      {"printableStatus", "ErrorUnschedulable"},
      {"conditions",
       {{{"type", "PodScheduled"}, {"status", "False"}, {"message", "0/1 nodes are available"}}}}};
  now.vms.objects.insert_or_assign("web2", vm);
  CopyWait started = kWait;
  started.consumer_expected = true;
  CHECK(now.judged(started).cause == "ErrorUnschedulable: 0/1 nodes are available");
  now.binding("Immediate");  // then the storage works on it
  CHECK(now.judged(started).cause.empty());
  const auto watches_vms = [](const CopyWait& wait) {
    const auto watches = watches_copy(wait);
    return std::any_of(watches.begin(), watches.end(),
                       [](const Watched& each) { return each.gvr == gvr::vm(); });
  };
  CHECK(watches_vms(started));
  CHECK_FALSE(watches_vms(kWait));
}

TEST_CASE("copy: a claim without its data source is bound and empty, never done") {
  Moment now;
  now.claim("web2-root", "Bound", false);
  now.claim("web2-data", "Bound");
  CHECK(now.judged().state == Verdict::State::failed);
}

TEST_CASE("copy: what keeps claims from being made, or bound, is told") {
  Moment now;
  now.binding("Immediate");
  now.claim("web2-root", "Bound");
  SUBCASE("a refused DataVolume") {
    now.event("VirtualMachine", "web2", "FailedDataVolumeCreate", "denied the request");
    CHECK(now.judged().cause == "denied the request");
  }
  SUBCASE("a quota") {
    now.volumes.objects.insert_or_assign(
        "web2-data",
        Json{{"metadata", {{"name", "web2-data"}}},
             {"status",
              {{"conditions",
                {{{"type", "Bound"}, {"reason", "ErrExceededQuota"}, {"message", "exceeded"}}}}}}});
    CHECK(now.judged().cause == "exceeded");
  }
  SUBCASE("storage") {
    now.claim("web2-data", "Pending");
    now.event("PersistentVolumeClaim", "web2-data", "ProvisioningFailed", "pool is full");
    CHECK(now.judged().cause == "pool is full");
  }
  SUBCASE("storage that is still at work keeps nobody from being told of storage that is full") {
    CopyWait wait = kWait;
    wait.claims = {"web2-data", "web2-logs"};
    now.claim("web2-data", "Pending");
    now.claim("web2-logs", "Pending");
    now.event("PersistentVolumeClaim", "web2-data", "ProvisioningFailed",
              "rpc error: code = DeadlineExceeded desc = context deadline exceeded");
    CHECK(now.judged(wait).cause.empty());
    CHECK(now.judged(wait).detail == "0 of 2 volumes bound; the storage is still at work");
    now.event("PersistentVolumeClaim", "web2-logs", "FailedBinding", "pool is full");
    CHECK(now.judged(wait).cause == "pool is full");
  }
}

TEST_CASE("copy: a lost volume is believed after a while") {
  Moment now;
  now.claim("web2-root", "Lost");
  now.claim("web2-data", "Bound");
  const Verdict first = now.judged();
  CHECK(first.state == Verdict::State::working);
  CHECK(now.judged(kWait, first, std::chrono::seconds{6}).state == Verdict::State::failed);
}
