#include "status/clone_undo.h"

#include <doctest/doctest.h>

#include "status/watched.h"
#include "support/views.h"

namespace wukong {
namespace {

using namespace testing;
using std::chrono::seconds;
using State = Verdict::State;

const status::CloneWait kWait{.ns = "demo", .name = "c1", .target = "web2", .source_vm = "web"};

Json named(const std::string& name) { return {{"metadata", {{"name", name}, {"uid", "u1"}}}}; }

struct Fixture {
  ShelfSet shelves{{"virtualmachineclones", "virtualmachinesnapshots", "virtualmachinerestores",
                    "persistentvolumeclaims"}};
  Judge judge{};
  Verdict last{};

  State at(int second) {
    last = judge(shelves.view(), last, seconds(second));
    return last.state;
  }
};

Fixture snapshotting() {
  Fixture f{.judge = status::clone_settled_judge(kWait)};
  f.shelves.put("virtualmachineclones", named("c1"));
  f.shelves.put("virtualmachinesnapshots", named("tmp-snapshot-u1"));
  return f;
}

void put_ready(Fixture& f) {
  Json ready = named("tmp-snapshot-u1");
  ready["status"]["readyToUse"] = true;
  f.shelves.put("virtualmachinesnapshots", ready);
}

}  // namespace

TEST_CASE("clone settled: a snapshot that is being taken is waited for, and the restore that follows") {
  Fixture f = snapshotting();
  CHECK(f.at(0) == State::working);
  CHECK(f.at(9) == State::working);
  put_ready(f);
  CHECK(f.at(10) == State::working);
  f.shelves.put("virtualmachinerestores", named("tmp-restore-u1"));
  CHECK(f.at(11) == State::done);
}

TEST_CASE("restore gone: waited for, but not for ever; a clone that is gone has none") {
  Fixture f = snapshotting();
  f.judge = status::inner_restore_gone_judge(kWait);
  f.shelves.put("virtualmachinerestores", named("tmp-restore-u1"));
  CHECK(f.at(0) == State::working);
  CHECK(f.at(46) == State::done);
  f.shelves.remove("virtualmachinerestores", "tmp-restore-u1");
  f.last = {};
  CHECK(f.at(1) == State::working);
  CHECK(f.at(3) == State::working);
  CHECK(f.at(4) == State::done);
}

TEST_CASE("clone settled: what does not go on is not waited for") {
  Fixture f = snapshotting();
  put_ready(f);
  f.at(0);
  CHECK(f.at(14) == State::working);
  CHECK(f.at(15) == State::done);

  Fixture failing = snapshotting();
  Json refused = named("tmp-snapshot-u1");
  refused["status"]["error"]["message"] = "pool is full";
  failing.shelves.put("virtualmachinesnapshots", refused);
  CHECK(failing.at(0) == State::done);

  Fixture slow = snapshotting();
  slow.at(0);
  CHECK(slow.at(45) == State::done);

  Fixture gone = snapshotting();
  gone.shelves.remove("virtualmachineclones", "c1");
  CHECK(gone.at(0) == State::done);

  Fixture blind = snapshotting();
  blind.shelves.close("virtualmachinesnapshots");
  CHECK(blind.at(0) == State::done);
}

TEST_CASE("claims gone: only those of this clone count, and they are named when they stay") {
  Fixture f{.judge = status::claims_gone_judge(kWait)};
  f.shelves.put("virtualmachineclones", named("c1"));
  Json mine = named("restore-r1-root");
  mine["metadata"]["annotations"]["restore.kubevirt.io/name"] = "tmp-restore-u1";
  Json other = named("restore-r2-root");
  other["metadata"]["annotations"]["restore.kubevirt.io/name"] = "tmp-restore-u2";
  f.shelves.put("persistentvolumeclaims", mine);
  f.shelves.put("persistentvolumeclaims", other);
  CHECK(f.at(0) == State::working);
  f.shelves.remove("persistentvolumeclaims", "restore-r1-root");
  CHECK(f.at(1) == State::done);
  f.shelves.put("persistentvolumeclaims", mine);
  CHECK(f.at(45) == State::failed);
  CHECK(f.last.message.ends_with("restore-r1-root"));

  f.judge = status::claims_gone_judge(kWait, seconds(300));
  CHECK(f.at(299) == State::working);
  CHECK(f.last.detail == "restore-r1-root left");
  CHECK(f.at(300) == State::failed);
}

TEST_CASE("clone undo: nothing that may not be read is needed") {
  for (const Watched& watched : status::watches_clone_undo(kWait)) CHECK_FALSE(watched.required);
}

}  // namespace wukong
