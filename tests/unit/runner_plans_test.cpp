// The shapes of the plans to come, on a fake cluster with a clock of its own: one snapshot to 30 targets, a
// restore, a batch of 5,000, and Ctrl-C in each of their phases.
#include <doctest/doctest.h>
#include <malloc.h>

#include <algorithm>
#include <csignal>

#include "op/runner.h"
#include "support/fake_api.h"
#include "support/plans.h"

using namespace wukong;
using namespace wukong::op;
using namespace wukong::testing;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

Outcome run_all(FakeApi& api, Operation operation, RunOptions options = {}) {
  return run(api, std::move(operation), std::move(options), [](const Runner&) {});
}

// ---- clone --count: one snapshot of the source, then a claim and a VM per target

/// The snapshot is removed at the end, unless a claim made from it is still Pending: deleting it then loses
/// the data.
Guard no_claim_needs_it() {
  return {.reads = {{.gvr = gvr::pvc(), .ns = "demo"}},
          .check = [](const std::vector<kube::Fact>& facts, const Seen&) -> Result<void> {
            for (const Json& c : items(facts[0].object, {"items"}))
              if (text(c, {"status", "phase"}) != "Bound")
                return Error{.code = Code::precondition,
                             .message = "VirtualMachineSnapshot demo/s stays: PersistentVolumeClaim demo/" +
                                        std::string(text(c, {"metadata", "name"})) + " still needs it"};
            return {};
          }};
}

Operation clone_many(int count) {
  Operation operation{.id = kOperationId, .title = "clone demo/web to 30"};
  auto& steps = operation.steps;
  steps.push_back({.id = "snapshot", .action = Create{snapshot("s"), marked(snapshot("s"))}});
  steps.push_back({.id = "ready", .needs = {"snapshot"}, .action = phase_is(snapshot("s"), "Succeeded")});
  for (int i = 0; i < count; ++i) {
    const std::string t = fmt::format("web-{:02}", i);
    // The body needs what only the snapshot's uid tells; the name is fixed all the same.
    const auto body = [t](const Seen& seen) -> Result<Json> {
      Json made = marked(claim(t));
      made["spec"]["dataSource"]["name"] = "from-" + std::string(seen.uid("snapshot"));
      return made;
    };
    steps.push_back({.id = "claim-" + t, .needs = {"ready"}, .action = Create{claim(t), body}, .group = t});
    steps.push_back(
        {.id = "vm-" + t, .needs = {"claim-" + t}, .action = Create{vm(t), marked(vm(t))}, .group = t});
    steps.push_back(
        {.id = "bound-" + t, .needs = {"vm-" + t}, .action = phase_is(claim(t), "Bound"), .group = t});
    steps.push_back({.id = "undo-vm-" + t,
                     .action = Delete{vm(t), "vm-" + t},
                     .group = t,
                     .phase = Phase::undo,
                     .after = "vm-" + t});
    steps.push_back({.id = "undo-claim-" + t,
                     .action = Delete{claim(t), "claim-" + t},
                     .group = t,
                     .phase = Phase::undo,
                     .after = "claim-" + t});
  }
  steps.push_back({.id = "unused", .action = no_claim_needs_it(), .phase = Phase::tidy, .after = "snapshot"});
  steps.push_back({.id = "remove",
                   .needs = {"unused"},
                   .action = Delete{snapshot("s"), "snapshot"},
                   .phase = Phase::tidy,
                   .after = "snapshot"});
  return operation;
}

/// A storage that makes snapshots and binds claims after `delay`; `broken` claims never.
void serve_storage(FakeApi& api, Duration delay, const std::string& broken = "") {
  api.handle([&api, delay, broken](const kube::Request& request) -> std::optional<FakeApi::Answer> {
    if (request.method != kube::Method::post) return FakeApi::pass();
    auto body = parse_json(request.body);
    if (!body) return FakeApi::pass();
    const std::string name(text(*body, {"metadata", "name"}));
    const std::string kind(text(*body, {"kind"}));
    if (kind == "VirtualMachineSnapshot")
      api.at(delay, [&api, name] { api.merge(gvr::vm_snapshot(), "demo", name, phase("Succeeded")); });
    if (kind == "PersistentVolumeClaim")
      api.at(delay, [&api, name, broken] {
        if (api.stored("persistentvolumeclaims", "demo", name) != nullptr)
          api.merge(gvr::pvc(), "demo", name, phase(name == broken ? "Failed" : "Bound"));
      });
    return FakeApi::pass();
  });
}

std::size_t stored(const FakeApi& api, const std::string& resource, int count) {
  std::size_t found = 0;
  for (int i = 0; i < count; ++i)
    if (api.stored(resource, "demo", fmt::format("web-{:02}", i)) != nullptr) ++found;
  return found;
}

}  // namespace

TEST_CASE("clone of one snapshot to 30 targets: all made, the snapshot removed at the end") {
  FakeApi api;
  serve_storage(api, seconds{1});
  REQUIRE(shape_problem(clone_many(30)).empty());
  const Outcome outcome = run_all(api, clone_many(30));
  CHECK_FALSE(outcome.error.has_value());
  CHECK(stored(api, "virtualmachines", 30) == 30);
  CHECK(api.stored("virtualmachinesnapshots", "demo", "s") == nullptr);
  CHECK(outcome.made.size() == 60);
  CHECK(text(*api.stored("persistentvolumeclaims", "demo", "web-07"), {"spec", "dataSource", "name"})
            .starts_with("from-uid-"));
  CHECK(api.elapsed() < seconds{3});  // 30 targets beside each other
}

TEST_CASE("clone to 30 targets: one fails, only it is undone, the other 29 stay") {
  FakeApi api;
  serve_storage(api, seconds{1}, "web-11");
  const Outcome outcome = run_all(api, clone_many(30));
  REQUIRE(outcome.error.has_value());
  CHECK(outcome.error->code == Code::partly);
  CHECK(stored(api, "virtualmachines", 30) == 29);
  CHECK(api.stored("virtualmachines", "demo", "web-11") == nullptr);
  CHECK(api.stored("persistentvolumeclaims", "demo", "web-11") == nullptr);
  CHECK(api.stored("virtualmachinesnapshots", "demo", "s") == nullptr);
}

TEST_CASE("clone to 30 targets: a failed snapshot starts no target") {
  FakeApi api;
  api.at(seconds{1}, [&] { api.merge(gvr::vm_snapshot(), "demo", "s", phase("Failed")); });
  const Outcome outcome = run_all(api, clone_many(30));
  REQUIRE(outcome.error.has_value());
  CHECK(outcome.error->code == Code::failed);
  CHECK(stored(api, "persistentvolumeclaims", 30) == 0);
  CHECK(api.stored("virtualmachinesnapshots", "demo", "s") == nullptr);
}

TEST_CASE("clone to 30 targets: Ctrl-C while claims are pending keeps the snapshot they need") {
  FakeApi api;
  serve_storage(api, seconds{10});
  api.at(seconds{15}, [&] { api.raise(SIGINT); });
  const Outcome outcome = run_all(api, clone_many(30));
  CHECK(outcome.error->code == Code::interrupted);
  CHECK(stored(api, "virtualmachines", 30) == 30);
  CHECK(api.stored("virtualmachinesnapshots", "demo", "s") != nullptr);
  CHECK(outcome.made.size() == 61);
}

TEST_CASE("clone to 30 targets: Ctrl-C during the snapshot makes no target") {
  FakeApi api;
  serve_storage(api, seconds{10});
  api.at(seconds{5}, [&] { api.raise(SIGINT); });
  const Outcome outcome = run_all(api, clone_many(30));
  CHECK(outcome.error->code == Code::interrupted);
  CHECK(stored(api, "persistentvolumeclaims", 30) == 0);
  CHECK(names(outcome.made) == std::vector<std::string>{"virtualmachinesnapshot.snapshot.kubevirt.io/s"});
}

TEST_CASE("clone to 30 targets: a check at the end that refuses is said, and is no failure") {
  FakeApi api;
  serve_storage(api, seconds{1});
  api.put(gvr::pvc(), skeleton(claim("late")));
  api.merge(gvr::pvc(), "demo", "late", phase("Pending"));
  const Outcome outcome = run_all(api, clone_many(3));
  CHECK_FALSE(outcome.error.has_value());
  CHECK(outcome.left ==
        std::vector<std::string>{
            "VirtualMachineSnapshot demo/s stays: PersistentVolumeClaim demo/late still needs it"});
  CHECK(api.stored("virtualmachinesnapshots", "demo", "s") != nullptr);
}

// ---- restore: stop, guard, safety snapshot, restore, start; finally start again what was stopped

namespace {

Await vm_is(const std::string& printable) {
  const Judge judge = [printable](const View& view, const Verdict&, Duration) {
    const Json* web = view.find("virtualmachines", "web");
    Verdict verdict{.stage = "Waiting for " + printable};
    if (web != nullptr && text(*web, {"status", "printableStatus"}) == printable)
      verdict.state = Verdict::State::done;
    return verdict;
  };
  return {vm("web"), {all_of(gvr::vm())}, judge, std::chrono::minutes{5}};
}

Operation restore() {
  const ObjectRef done{gvr::vm_restore(), "demo", "r"};
  const Guard off{.reads = {{.gvr = gvr::vmi(), .ns = "demo", .name = "web"}},
                  .check = [](const std::vector<kube::Fact>& facts, const Seen&) -> Result<void> {
                    if (facts[0].is_absent()) return {};
                    return Error{.code = Code::precondition, .message = "VirtualMachine demo/web runs again"};
                  }};
  Operation operation{.id = kOperationId, .title = "restore demo/web"};
  auto& steps = operation.steps;
  steps.push_back({.id = "stop",
                   .action = Call{subresource("web"), "stop", Json::object(), {"VM is not running"}},
                   .group = "web"});
  steps.push_back({.id = "stopped", .needs = {"stop"}, .action = vm_is("Stopped"), .group = "web"});
  steps.push_back({.id = "safety",
                   .needs = {"stopped"},
                   .action = Create{snapshot("safety"), marked(snapshot("safety"))},
                   .group = "web"});
  steps.push_back({.id = "safe",
                   .needs = {"safety"},
                   .action = phase_is(snapshot("safety"), "Succeeded"),
                   .group = "web"});
  steps.push_back({.id = "off", .needs = {"safe"}, .action = off, .group = "web"});
  steps.push_back({.id = "restore", .needs = {"off"}, .action = Create{done, marked(done)}, .group = "web"});
  steps.push_back(
      {.id = "restored", .needs = {"restore"}, .action = phase_is(done, "Complete"), .group = "web"});
  steps.push_back({.id = "unrestore",
                   .action = Delete{done, "restore"},
                   .group = "web",
                   .phase = Phase::undo,
                   .after = "restore"});
  steps.push_back({.id = "start",
                   .action = Call{subresource("web"), "start", Json::object(), {"VM is already running"}},
                   .phase = Phase::put_back,
                   .after = "stop"});
  return operation;
}

/// Stops and starts web; the safety snapshot takes 2 s, the restore 3 s and ends as `end`.
void serve_restore(FakeApi& api, const std::string& end = "Complete") {
  api.put(gvr::vm(), skeleton(vm("web")));
  api.handle([&api, end](const kube::Request& request) -> std::optional<FakeApi::Answer> {
    const auto status = [&api](const char* word) {
      api.merge(gvr::vm(), "demo", "web", {{"status", {{"printableStatus", word}}}});
    };
    if (request.path.ends_with("/stop")) api.at(seconds{4}, [status] { status("Stopped"); });
    if (request.path.ends_with("/start")) status("Running");
    if (request.path.ends_with("/virtualmachinesnapshots") && request.method == kube::Method::post)
      api.at(seconds{2}, [&api] { api.merge(gvr::vm_snapshot(), "demo", "safety", phase("Succeeded")); });
    if (request.path.ends_with("/virtualmachinerestores") && request.method == kube::Method::post)
      api.at(seconds{3}, [&api, end] { api.merge(gvr::vm_restore(), "demo", "r", phase(end)); });
    return FakeApi::pass();
  });
}

std::string vm_state(const FakeApi& api) {
  return std::string(text(*api.stored("virtualmachines", "demo", "web"), {"status", "printableStatus"}));
}

const std::string kStop = "PUT /apis/subresources.kubevirt.io/v1/namespaces/demo/virtualmachines/web/stop";
const std::string kSafety = "POST /apis/snapshot.kubevirt.io/v1beta1/namespaces/demo/virtualmachinesnapshots";
const std::string kRestore = "POST /apis/snapshot.kubevirt.io/v1beta1/namespaces/demo/virtualmachinerestores";
const std::string kStart = "PUT /apis/subresources.kubevirt.io/v1/namespaces/demo/virtualmachines/web/start";

}  // namespace

TEST_CASE("restore: stop, safety snapshot, check, restore, start, in this order") {
  FakeApi api;
  serve_restore(api);
  REQUIRE(shape_problem(restore()).empty());
  const Outcome outcome = run_all(api, restore());
  CHECK_FALSE(outcome.error.has_value());
  CHECK(api.lines() == std::vector<std::string>{kStop, kSafety, kRestore, kStart});
  CHECK(vm_state(api) == "Running");
}

TEST_CASE("restore: one that fails is undone, and the VM is started again") {
  FakeApi api;
  serve_restore(api, "Failed");
  const Outcome outcome = run_all(api, restore());
  REQUIRE(outcome.error.has_value());
  CHECK(outcome.error->code == Code::failed);
  CHECK(api.stored("virtualmachinerestores", "demo", "r") == nullptr);
  CHECK(vm_state(api) == "Running");
}

TEST_CASE("restore: somebody starts the VM in between: nothing is overwritten") {
  FakeApi api;
  serve_restore(api);
  api.at(seconds{5}, [&] { api.put(gvr::vmi(), skeleton({gvr::vmi(), "demo", "web"})); });
  const Outcome outcome = run_all(api, restore());
  REQUIRE(outcome.error.has_value());
  CHECK(outcome.error->message == "VirtualMachine demo/web runs again");
  CHECK(api.stored("virtualmachinerestores", "demo", "r") == nullptr);
  CHECK(api.stored("virtualmachinesnapshots", "demo", "safety") != nullptr);
}

TEST_CASE("restore: Ctrl-C in every phase starts the VM again and begins nothing new") {
  struct Case {
    milliseconds at;
    std::vector<std::string> lines;
  };
  const std::vector<Case> cases{
      {milliseconds{0}, {kStop, kStart}},                       // the stop is on its way
      {milliseconds{2000}, {kStop, kStart}},                    // waiting for the VM to be off
      {milliseconds{5000}, {kStop, kSafety, kStart}},           // waiting for the safety snapshot
      {milliseconds{7000}, {kStop, kSafety, kRestore, kStart}}  // waiting for the restore
  };
  for (const Case& c : cases) {
    CAPTURE(c.at.count());
    FakeApi api;
    serve_restore(api);
    api.at(c.at, [&] { api.raise(SIGINT); });
    const Outcome outcome = run_all(api, restore());
    CHECK(outcome.error->code == Code::interrupted);
    CHECK(api.lines() == c.lines);
    CHECK(vm_state(api) == "Running");
  }
}

TEST_CASE("restore: the second Ctrl-C says that the VM is left stopped") {
  FakeApi api;
  serve_restore(api);
  api.script(kube::Method::put, "/apis/subresources.kubevirt.io/v1/namespaces/demo/virtualmachines/web/start",
             std::nullopt);
  api.at(seconds{5}, [&] { api.raise(SIGINT); });
  api.at(seconds{6}, [&] { api.raise(SIGINT); });
  const Outcome outcome = run_all(api, restore());
  CHECK(outcome.abandoned);
  CHECK(outcome.left == std::vector<std::string>{"VirtualMachine demo/web: not put back"});
}

// ---- batch-create: 5,000 VMs

namespace {

std::string batch_name(int i) { return fmt::format("vm-{:04}", i); }

Operation batch(int count) {
  Operation operation{.id = kOperationId, .title = "create 5000 VMs"};
  for (int i = 0; i < count; ++i) {
    const ObjectRef ref = vm(batch_name(i));
    const auto body = [ref](const Seen&) -> Result<Json> {
      Json made = marked(ref);
      made["spec"]["template"]["spec"]["domain"]["memory"]["guest"] = "1Gi";
      return made;
    };
    operation.steps.push_back({.id = ref.name, .action = Create{ref, body}, .group = ref.name});
    operation.steps.push_back(
        {.id = "up-" + ref.name, .needs = {ref.name}, .action = phase_is(ref, "Running"), .group = ref.name});
  }
  return operation;
}

/// Bytes that the heap holds now.
std::size_t heap() { return mallinfo2().uordblks + mallinfo2().hblkhd; }

/// Answers creates and runs the VMs without keeping requests: the measured memory is the runner's.
class Batch : public FakeApi {
 public:
  std::size_t peak{};
  std::size_t most_in_flight{};
  std::size_t posts{};

  void request(kube::Request request, Done done) override {
    if (request.method != kube::Method::post) return FakeApi::request(std::move(request), std::move(done));
    ++posts;
    most_in_flight = std::max(most_in_flight, ++in_flight_);
    if (posts % 100 == 0) peak = std::max(peak, heap());
    auto body = parse_json(request.body, request.keep);
    const std::string name(text(*body, {"metadata", "name"}));
    after_.push_back(after(milliseconds{5}, [this, name, done = std::move(done)] {
      --in_flight_;
      if (name == batch_name(17) || name == batch_name(1234) || name == batch_name(4999))
        return done(error(Code::forbidden, "exceeded quota"));
      Json object = marked(vm(name));
      object["status"]["phase"] = "Running";
      put(gvr::vm(), object);
      done(ok(skeleton(vm(name)), 201));
    }));
    if (after_.size() > 64) after_.pop_front();
  }

 private:
  std::size_t in_flight_{};
  std::deque<kube::Handle> after_{};
};

}  // namespace

TEST_CASE("batch: 5,000 creates with 3 failures, 32 in flight, inside 64 MiB") {
  Batch api;
  const std::size_t before = heap();
  const Outcome outcome = run_all(api, batch(5000));
  REQUIRE(outcome.error.has_value());
  CHECK(outcome.error->code == Code::partly);
  CHECK(outcome.error->message == "3 of 5000 failed");
  CHECK(outcome.succeeded == 4997);
  CHECK(outcome.failed == 3);
  CHECK(outcome.errors.size() == 3);
  CHECK(api.posts == 5000);
  CHECK(api.most_in_flight == 32);
  CHECK(api.watches() == 0);
  CHECK(api.peak - before < 64U * 1024 * 1024);
  MESSAGE("peak heap of the batch (the fake cluster's objects included): " << (api.peak - before) / 1024
                                                                           << " KiB");
}

TEST_CASE("batch: one stream serves all 5,000 waits") {
  Batch api;
  std::size_t most = 0;
  run(api, batch(5000), {}, [&](const Runner&) { most = std::max(most, api.watches()); });
  CHECK(most == 1);
}

TEST_CASE("batch: Ctrl-C stops creating at once and keeps what stands") {
  Batch api;
  api.at(milliseconds{250}, [&] { api.raise(SIGINT); });
  const Outcome outcome = run_all(api, batch(5000));
  CHECK(outcome.error->code == Code::interrupted);
  CHECK(api.posts < 5000);
  CHECK(outcome.made.size() + 3 >= api.posts);
  CHECK(outcome.failed + outcome.succeeded == 5000);
}

TEST_CASE("clone to 3 targets: what is counted are targets, not the steps towards them") {
  FakeApi api;
  serve_storage(api, seconds{1}, "web-01");
  const Outcome outcome = run_all(api, clone_many(3));
  REQUIRE(outcome.error.has_value());
  CHECK(outcome.error->message == "1 of 3 failed");
  CHECK(outcome.succeeded == 2);
  CHECK(outcome.failed == 1);
}

TEST_CASE("clone to 3 targets: a failed step that all need is told as itself") {
  FakeApi api;
  api.at(seconds{1}, [&] { api.merge(gvr::vm_snapshot(), "demo", "s", phase("Failed")); });
  const Outcome outcome = run_all(api, clone_many(3));
  REQUIRE(outcome.error.has_value());
  CHECK(outcome.error->message.find("of 3 failed") == std::string::npos);
}
