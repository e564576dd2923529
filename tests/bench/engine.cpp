// What a batch command would do, on the layers that it would stand on: no such command is there yet.
//
//   wukong-bench-engine create NS FILE    makes the VirtualMachines of FILE (one per line), next to a watch on them
//   wukong-bench-engine wait NS FILE      waits until the claims of FILE (one name per line) are Bound
//
// $KUBECONFIG says where. With a further word, `count`, the last line tells how many requests were sent: that costs something.
#include <fmt/format.h>

#include <cstdlib>
#include <exception>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "kube/client.h"
#include "kube/kubeconfig.h"
#include "op/runner.h"
#include "status/pvc_status.h"
#include "status/watched.h"

namespace {

using namespace wukong;

/// The connection of commands::Context.
struct Cluster {
  std::unique_ptr<kube::Loop> loop{};
  std::unique_ptr<kube::Client> client{};
};

Result<Cluster> connect(std::size_t* requests) {
  const char* const kubeconfig = std::getenv("KUBECONFIG");
  WUKONG_TRY(const kube::ClusterAccess access,
             kube::load_access({}, {.kubeconfig = kubeconfig == nullptr ? "" : kubeconfig}));
  Cluster cluster;
  WUKONG_TRY(cluster.loop, kube::Loop::make());
  kube::CredentialSource credentials(access, {.signal_mask = cluster.loop->outer_signal_mask()});
  kube::ClientOptions options;
  if (requests != nullptr)
    options.trace = [requests](const kube::Traced&, bool answered) { *requests += answered ? 0 : 1; };
  WUKONG_TRY(cluster.client, kube::Client::make(*cluster.loop, access, std::move(credentials), options));
  return cluster;
}

/// As clone's plan: the permissions are asked for before the first write.
Result<void> carry_out(kube::Api& api, op::Operation operation) {
  WUKONG_TRY(const auto missing, kube::missing_permissions(api, op::permissions(operation).required));
  if (!missing.empty()) return Error{.code = Code::forbidden, .message = "you may not " + missing[0].verb};
  op::Outcome outcome = op::run(api, std::move(operation), {}, [](const op::Runner&) {});
  if (outcome.error) return std::move(*outcome.error);
  return {};
}

Result<void> create(kube::Api& api, const std::string& ns, const std::vector<std::string>& lines) {
  op::Operation operation{.id = "bench", .title = "create VMs"};
  for (const std::string& line : lines) {
    WUKONG_TRY(Json manifest, parse_json(line));
    const std::string name(text(manifest, {"metadata", "name"}));
    manifest["metadata"]["labels"][mark::kOperation] = operation.id;
    operation.steps.push_back(
        {.id = name, .action = op::Create{{gvr::vm(), ns, name}, std::move(manifest)}, .group = name});
  }
  const kube::WatchHandle watch = api.watch(status::watch_vm(ns, ""), [](const std::string&) {});
  return carry_out(api, std::move(operation));
}

Result<void> wait(kube::Api& api, const std::string& ns, const std::vector<std::string>& names) {
  op::Operation operation{.id = "bench", .title = "wait for claims"};
  for (const std::string& name : names) {
    const status::ClaimWait claim{.ns = ns, .name = name};
    std::vector<Watched> watches = status::watches_claim(claim);
    // One stream for all: a server allows 100 streams on a connection.
    for (Watched& watched : watches) watched.name.clear();
    operation.steps.push_back({.id = name,
                               .action = op::Await{{gvr::pvc(), ns, name},
                                                   std::move(watches),
                                                   status::claim_judge(claim),
                                                   std::chrono::minutes{2}},
                               .group = name});
  }
  return carry_out(api, std::move(operation));
}

Result<void> run(const std::vector<std::string>& words) {
  const bool count = words.size() == 4 && words[3] == "count";
  if ((words.size() != 3 && !count) || (words[0] != "create" && words[0] != "wait"))
    return Error{.code = Code::usage, .message = "wukong-bench-engine create|wait NS FILE [count]"};
  std::vector<std::string> lines;
  std::ifstream file(words[2]);
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  std::size_t requests = 0;
  WUKONG_TRY(const Cluster cluster, connect(count ? &requests : nullptr));
  const auto work = words[0] == "create" ? create : wait;
  WUKONG_CHECK(work(*cluster.client, words[1], lines));
  if (count) fmt::print("{} requests\n", requests);
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const Result<void> done = run({argv + 1, argv + argc});
    if (!done) fmt::print(stderr, "error: {}\n", done.error().message);
    return done ? 0 : exit_code(done.error().code);
  } catch (const std::exception& bug) {
    fmt::print(stderr, "error: internal: {}\n", bug.what());
    return 1;
  }
}
