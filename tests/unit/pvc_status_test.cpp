#include "status/pvc_status.h"

#include <doctest/doctest.h>

#include "support/recording.h"
#include "support/views.h"

namespace wukong {
namespace {

using namespace testing;
using std::chrono::seconds;
using State = Verdict::State;

Json claim(const std::string& phase, Json annotations = Json::object()) {
  return {{"metadata", {{"name", "data"}, {"uid", "u1"}, {"annotations", std::move(annotations)}}},
          {"spec", {{"storageClassName", "fast"}}},
          {"status", {{"phase", phase}}}};
}
Json storage_class(const std::string& mode) {
  return {{"metadata", {{"name", "fast"}}}, {"volumeBindingMode", mode}};
}
ShelfSet claim_shelves() { return ShelfSet({"persistentvolumeclaims", "storageclasses", "events"}); }
Verdict judged(const ShelfSet& shelves, bool consumer_expected = false, const Verdict& before = {},
               seconds waited = seconds(1)) {
  return status::claim_judge({.ns = "demo", .name = "data", .consumer_expected = consumer_expected})(
      shelves.view(), before, waited);
}

}  // namespace

TEST_CASE("claim judge: every recorded claim ends done only when it is Bound") {
  for (const std::string& scenario : recorded_scenarios()) {
    const Recording recording = load_recording(scenario);
    for (const auto& [name, seen] : appearances(recording, "persistentvolumeclaims")) {
      const status::ClaimWait wait{.ns = std::string(text(*seen.object, {"metadata", "namespace"})),
                                   .name = name};
      const auto said =
          replay(recording, status::watches_claim(wait), status::claim_judge(wait), {.begin = seen.at});
      bool bound = false;
      for (const RecordedEvent& event : recording.events)
        bound |= event.resource == "persistentvolumeclaims" &&
                 text(event.object, {"metadata", "name"}) == name &&
                 text(event.object, {"status", "phase"}) == "Bound";
      CAPTURE(scenario);
      CAPTURE(name);
      CAPTURE(describe(said));
      CHECK((said.back().verdict.state == State::done) == bound);
    }
  }
}

TEST_CASE("claim judge: waiting for the first consumer is an end unless a consumer is expected") {
  ShelfSet shelves = claim_shelves();
  shelves.put("persistentvolumeclaims", claim("Pending"));
  shelves.put("storageclasses", storage_class("WaitForFirstConsumer"));
  const Verdict verdict = judged(shelves);
  CHECK(verdict.state == State::done);
  CHECK(verdict.message ==
        "claim data waits for its first consumer: its volume is made when a VM or pod first uses it");
  CHECK(verdict.memory.at("unbound") == "data");
  CHECK(judged(shelves, true).state == State::working);
  CHECK(judged(shelves, true).detail == "for its first consumer");

  SUBCASE("a node was chosen: the consumer is there") {
    shelves.put("persistentvolumeclaims", claim("Pending", {{"volume.kubernetes.io/selected-node", "n1"}}));
    CHECK(judged(shelves).state == State::working);
  }
  SUBCASE("classes may not be read: an event tells it, or nothing does") {
    shelves.close("storageclasses");
    CHECK(judged(shelves).state == State::working);
    shelves.put("events",
                event("PersistentVolumeClaim", "data", "Normal", "WaitForFirstConsumer", "waiting"));
    CHECK(judged(shelves).state == State::done);
  }
}

TEST_CASE("claim judge: what keeps it from being provisioned is a cause, never an end") {
  ShelfSet shelves = claim_shelves();
  shelves.put("persistentvolumeclaims", claim("Pending"));
  shelves.put("storageclasses", storage_class("Immediate"));
  CHECK(judged(shelves).cause.empty());
  shelves.put("events", event("PersistentVolumeClaim", "data", "Normal", "ExternalProvisioning", "waiting"));
  shelves.put("events", event("PersistentVolumeClaim", "data", "Warning", "ClaimMisbound", "two claims"));
  CHECK(judged(shelves).cause.empty());
  shelves.put("events", event("PersistentVolumeClaim", "data", "Normal", "ProvisioningFailed",
                              "no space left on device"));
  const Verdict verdict = judged(shelves, false, {}, seconds(999));
  CHECK(verdict.state == State::working);
  CHECK(verdict.cause == "no space left on device");
}

TEST_CASE("claim judge: storage that is still at work is no cause, storage that is full is one") {
  ShelfSet shelves = claim_shelves();
  shelves.put("persistentvolumeclaims", claim("Pending"));
  shelves.put("storageclasses", storage_class("Immediate"));
  const auto told = [&](const std::string& code, const std::string& words) {
    shelves.put("events", event("PersistentVolumeClaim", "data", "Warning", "ProvisioningFailed",
                                "failed to provision volume with StorageClass \"fast\": rpc error: code = " +
                                    code + " desc = " + words));
    return judged(shelves);
  };
  CHECK(told("Aborted", "clone from snapshot is already in progress").cause.empty());
  CHECK(judged(shelves).detail == "the storage is still at work");
  CHECK(told("DeadlineExceeded", "context deadline exceeded").cause.empty());
  CHECK_FALSE(told("ResourceExhausted", "no space left").cause.empty());
  CHECK_FALSE(told("Internal", "rpc error: code = DeadlineExceeded desc = pool").cause.empty());
  CHECK_FALSE(told("Unavailable", "connection refused").cause.empty());
  CHECK(judged(shelves).detail.empty());
}

TEST_CASE("claim judge: what the storage said before it went to work is over") {
  ShelfSet shelves = claim_shelves();
  shelves.put("persistentvolumeclaims", claim("Pending"));
  shelves.put("storageclasses", storage_class("Immediate"));
  Json before = event("PersistentVolumeClaim", "data", "Warning", "ProvisioningFailed", "no primary");
  before["metadata"]["name"] = "before";
  before["lastTimestamp"] = "2026-11-20T05:00:00Z";
  Json now = event("PersistentVolumeClaim", "data", "Warning", "ProvisioningFailed",
                   "rpc error: code = Aborted desc = pending");
  now["lastTimestamp"] = "2026-11-20T05:00:01Z";
  shelves.put("events", before);
  shelves.put("events", now);
  CHECK(judged(shelves).cause.empty());
}

TEST_CASE("claim judge: deleted, lost") {
  ShelfSet shelves = claim_shelves();
  shelves.put("persistentvolumeclaims", claim("Pending"));
  const Verdict first = judged(shelves);
  shelves.remove("persistentvolumeclaims", "data");
  const Verdict gone = judged(shelves, false, first, seconds(2));
  CHECK(gone.state == State::working);
  CHECK(judged(shelves, false, gone, seconds(8)).message ==
        "PersistentVolumeClaim demo/data was deleted before it was bound");

  shelves.put("persistentvolumeclaims", claim("Lost"));
  const Verdict lost = judged(shelves);
  CHECK(lost.state == State::working);
  CHECK(judged(shelves, false, lost, seconds(9)).state == State::failed);
}

TEST_CASE("claim judge: bound is no end while CDI fills the claim in place") {
  const Recording recording = load_recording("cdi-clone-copy-legacy");
  const auto all = appearances(recording, "persistentvolumeclaims");
  const auto& seen = all.at("d1");
  const status::ClaimWait wait{.ns = std::string(text(*seen.object, {"metadata", "namespace"})),
                               .name = "d1"};
  const auto said =
      replay(recording, status::watches_claim(wait), status::claim_judge(wait), {.begin = seen.at});
  CAPTURE(describe(said));
  CHECK(said.back().verdict.state == State::done);
  CHECK(describe(said).find("Filling") != std::string::npos);

  ShelfSet shelves = claim_shelves();
  shelves.put("persistentvolumeclaims", claim("Bound", {{"k8s.io/CloneRequest", "demo/src"}}));
  CHECK(judged(shelves).state == State::working);
  shelves.put("persistentvolumeclaims", claim("Bound", {{"cdi.kubevirt.io/storage.pod.phase", "Failed"}}));
  CHECK(judged(shelves).state == State::working);
  shelves.put("persistentvolumeclaims", claim("Bound", {{"cdi.kubevirt.io/storage.upload.target", ""},
                                                        {"cdi.kubevirt.io/storage.pod.phase", "Succeeded"}}));
  CHECK(judged(shelves).state == State::done);
  shelves.put("persistentvolumeclaims", claim("Bound", {{"cdi.kubevirt.io/createdForDataVolume", "u"}}));
  CHECK(judged(shelves).message == "claim data is bound; whether it is filled, only DataVolume data tells");
  shelves.put("persistentvolumeclaims", claim("Bound", {{"k8s.io/CloneRequest", "demo/src"},
                                                        {"cdi.kubevirt.io/storage.populatedFor", "data"}}));
  CHECK(judged(shelves).state == State::done);  // restored with the annotations of its past
}

}  // namespace wukong
