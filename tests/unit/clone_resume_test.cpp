#include "commands/clone_resume.h"

#include <doctest/doctest.h>

#include "commands/registry.h"
#include "support/fake_api.h"

using namespace wukong;
using namespace wukong::commands;

namespace {

const Scope kAt{.ns = "demo", .operation_id = "opid1"};

CloneOptions typed() {
  CloneOptions options;
  options.source = "web";
  options.target = "web2";
  return options;
}

CloneNames names_of(const CloneOptions& options) {
  auto names = clone_names(options, kAt);
  REQUIRE(names.has_value());
  return *names;
}

manifest::Marks marks_of(const CloneOptions& options) { return clone_marks(options, names_of(options), kAt); }

/// The list of one VM web2 with these marks.
kube::Fact vms(const std::string& operation, const std::string& request) {
  Json vm = skeleton({gvr::vm(), "demo", "web2"});
  vm["metadata"]["labels"][mark::kOperation] = operation;
  vm["metadata"]["annotations"][mark::kRequestHash] = request;
  return kube::Fact::known({{"items", {vm}}});
}

}  // namespace

TEST_CASE("clone --resume: the id of an operation has five characters") {
  CHECK(check_operation_id("x7k2p").has_value());
  for (const char* typed : {"", "x7k2", "x7k2p9", "X7K2P", "a/b-c", "operation/x7k2p"}) {
    CAPTURE(typed);
    const auto checked = check_operation_id(typed);
    REQUIRE_FALSE(checked.has_value());
    CHECK(checked.error().code == Code::usage);
  }
}

TEST_CASE("clone marks: everything that decides what is made is in the hash, and nothing else") {
  const std::string hash = marks_of(typed()).request_hash;
  CloneOptions same = typed();
  same.source = "vm/web";
  same.resume = "opid1";
  same.write.wait = true;
  same.write.timeout = "1h";
  same.output.format = "yaml";
  CHECK(marks_of(same).request_hash == hash);
  std::vector<CloneOptions> others(6, typed());
  others[0].target = "web3";
  others[1].disks.only = {"root"};
  others[2].shape.memory = "8Gi";
  others[3].start = true;
  others[4].source = "snapshot/web";
  others[5].shape.new_macs = {"default=02:00:00:00:00:01"};
  for (const CloneOptions& other : others) CHECK(marks_of(other).request_hash != hash);
  CloneNames by_cdi = names_of(typed());
  by_cdi.method = CloneMethod::cdi;
  CHECK(clone_marks(typed(), by_cdi, kAt).request_hash != hash);
}

TEST_CASE("clone --resume: what this operation has made is known by label and hash") {
  const ObjectRef ref{gvr::vm(), "demo", "web2"};
  const manifest::Marks marks{"opid1", "of this"};
  CHECK(was_made(vms("opid1", "of this"), ref, marks).value());
  CHECK_FALSE(was_made(vms("other", "of this"), ref, marks).value());
  CHECK_FALSE(was_made(vms("opid1", "of this"), {gvr::vm(), "demo", "web"}, marks).value());
  CHECK_FALSE(was_made(kube::Fact::absent(), ref, marks).value());
  CHECK(was_made(vms("opid1", "of that"), ref, marks).error().message ==
        "operation opid1 has made VirtualMachine demo/web2 for another request");
  kube::Fact going = vms("opid1", "of this");
  going.object["items"][0]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
  CHECK(was_made(going, ref, marks).error().message == "VirtualMachine demo/web2 is being deleted");
}

TEST_CASE("clone --resume: what is left to do when the snapshot is there, or gone") {
  CloneOptions options = typed();
  options.target = "web-#";
  options.count = 2;
  const CloneNames names = names_of(options);
  Earlier earlier;
  CHECK_FALSE(only_looks(names, earlier, {"web-1"}));
  CHECK(only_looks(names, earlier, {"web-1", "web-2"}));
  CHECK(lost_snapshot_note(names, earlier, {}).empty());
  CHECK(lost_snapshot_note(names, earlier, {"web-1"}) ==
        "the snapshot that web-1 was made from is gone: the others are made from a new one");
  earlier.snapshot = kube::Fact::known(Json::object());
  CHECK_FALSE(only_looks(names, earlier, {"web-1", "web-2"}));
  CHECK(lost_snapshot_note(names, earlier, {"web-1"}).empty());
}

TEST_CASE("clone --resume: nothing of the operation is said to be there when there is none") {
  CHECK(resume_note({}, kAt) == "nothing of operation opid1 was found: it begins from the start");
  CHECK(resume_note({.vms = vms("other", "")}, kAt).starts_with("nothing"));
  CHECK(resume_note({.vms = vms("opid1", "")}, kAt) == "going on with operation opid1");
}

TEST_CASE("the command that goes on with an operation is the one that was typed, without secrets") {
  const auto command = [](std::vector<std::string> words) {
    testing::FakeApi api;
    Io io;
    io.words = std::move(words);
    return Context(std::move(io), {}, api, "demo").resume_command("opid1");
  };
  CHECK(command({"clone", "-n", "demo", "web", "web-##", "--count=3"}) ==
        "kubectl wukong clone -n demo web 'web-##' --count=3 --resume opid1");
  CHECK(command({"clone", "web", "--resume", "other", "--wait"}) ==
        "kubectl wukong clone web --wait --resume opid1");
  CHECK(command({"clone", "web", "--resume=other"}) == "kubectl wukong clone web --resume opid1");
  for (const char* flag : {"--token=abc", "--token", "--password=abc", "--"})
    CHECK(command({"clone", "web", flag, "abc"}) == "the same command with --resume opid1");
}
