// How much memory it takes to list, or to follow, a great many VMs: list_memory COUNT [LIMIT_MIB [KIB_PER_VM]].
// A server in a process of its own gives lists in pages, as the API server does; kube::Client reads them, as every
// command does. Prints one line per way of reading; exits with 1 when the peak is above the limit.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "kube/client.h"

namespace {

using namespace wukong;

const Gvr kVm{
    .group = "kubevirt.io", .version = "v1", .resource = "virtualmachines", .kind = "VirtualMachine"};
/// What a list of VMs with their state asks for.
const Projection kKept{{"spec.runStrategy", "status.printableStatus", "status.ready"}};

/// As KubeVirt writes one, with user data to fill `kib`: a template, conditions, and managedFields that nobody asked for.
/// "#" stands for its number.
std::string vm_text(std::size_t kib) {
  Json vm = skeleton({kVm, "demo", "vm-#"});
  Json& metadata = vm["metadata"];
  metadata["uid"] = "11111111-2222-3333-4444-4455667#";
  metadata["resourceVersion"] = "10#";
  metadata["creationTimestamp"] = "2026-11-20T13:00:00Z";
  metadata["generation"] = 2;
  Json& managed = metadata["managedFields"];
  for (const char* manager : {"kubectl", "virt-controller", "virt-api"}) {
    Json set = Json::object();
    for (int i = 0; i < 30; ++i)
      set["f:spec"]["f:template"][fmt::format("f:some-field-{}", i)] = Json::object();
    managed.push_back({{"manager", manager}, {"operation", "Update"}, {"fieldsV1", set}});
  }
  vm["spec"]["runStrategy"] = "Always";
  vm["spec"]["template"]["spec"]["volumes"] = Json::array(
      {{{"name", "root"}, {"dataVolume", {{"name", "vm-#-root"}}}},
       {{"name", "cloud-init"},
        {"cloudInitNoCloud",
         {{"userData", std::string(kib * 1024 - std::min<std::size_t>(kib * 1024, 4700), 'u')}}}}});
  vm["status"]["printableStatus"] = "Running";
  vm["status"]["ready"] = true;
  for (const char* type : {"Ready", "LiveMigratable", "StorageLiveMigratable"})
    vm["status"]["conditions"].push_back(
        {{"type", type}, {"status", "True"}, {"lastTransitionTime", "2026-11-20T13:00:00Z"}});
  return dump(vm);
}

std::size_t number_in(const std::string& target, const std::string& key, std::size_t fallback) {
  const auto at = target.find(key + "=");
  return at == std::string::npos ? fallback : std::strtoul(target.c_str() + at + key.size() + 1, nullptr, 10);
}

std::string page_of(const std::string& target, std::size_t count, std::size_t kib) {
  const std::size_t from = number_in(target, "continue", 0);
  const std::size_t to = std::min(count, from + number_in(target, "limit", count));
  std::string out = fmt::format(
      R"({{"kind":"VirtualMachineList","metadata":{{"resourceVersion":"7","continue":"{}"}},"items":[)",
      to < count ? fmt::format("{}", to) : "");
  const std::vector<std::string> pieces = split(vm_text(kib), '#');
  for (std::size_t i = from; i < to; ++i)
    out += fmt::format("{}{}", i == from ? "" : ",", fmt::join(pieces, fmt::format("{:05}", i)));
  return out + "]}";
}

void send_all(int client, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(client, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

/// Answers one request after the other on `client`; a watch is opened, and stays silent.
void serve(int client, std::size_t count, std::size_t kib) {
  std::string in;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::recv(client, buffer, sizeof buffer, 0)) > 0;) {
    in.append(buffer, static_cast<std::size_t>(got));
    const auto end = in.find("\r\n\r\n");
    if (end == std::string::npos) continue;
    const std::string target = split(in, ' ')[1];
    in.erase(0, end + 4);
    if (target.find("watch=true") != std::string::npos) {
      send_all(client,
               "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
      continue;
    }
    const std::string body = page_of(target, count, kib);
    send_all(client,
             fmt::format("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                         body.size()));
    send_all(client, body);
  }
  ::close(client);
}

/// The port of a server that ends with this process.
int start_server(std::size_t count, std::size_t kib) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  auto* const address =
      reinterpret_cast<sockaddr*>(&at);  // NOLINT(cppcoreguidelines-pro-type-reinterpret-cast)
  if (::bind(listener, address, size) != 0 || ::listen(listener, 8) != 0) return 0;
  ::getsockname(listener, address, &size);
  if (::fork() == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int client = 0; (client = ::accept(listener, nullptr, nullptr)) >= 0;)
      if (::fork() == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(client, count, kib);
        std::_Exit(0);
      }
    std::_Exit(0);
  }
  ::close(listener);
  return ntohs(at.sin_port);
}

Result<std::size_t> by_list(kube::Api& api) {
  WUKONG_TRY(const auto facts, kube::fetch(api, {{.gvr = kVm, .keep = kKept}}));
  return items(facts.front().object, {"items"}).size();
}

Result<std::size_t> by_watch(kube::Api& api) {
  const kube::WatchHandle watch = api.watch({.gvr = kVm, .keep = kKept}, [](const std::string&) {});
  WUKONG_CHECK(kube::turn_until(api, [&] { return watch.shelf->sight != Shelf::Sight::loading; }));
  return watch.shelf->objects.size();
}

Result<std::size_t> read_all(int port, bool watched) {
  kube::ClusterAccess access{};
  access.server = fmt::format("http://127.0.0.1:{}", port);
  WUKONG_TRY(const auto loop, kube::Loop::make());
  WUKONG_TRY(const auto client, kube::Client::make(*loop, access, kube::CredentialSource(access, {}), {}));
  return watched ? by_watch(*client) : by_list(*client);
}

/// In a process of its own, so that its peak is its own.
bool measure(const char* name, bool watched, int port, std::size_t count, long limit_mib) {
  const pid_t child = ::fork();
  if (child == 0) {
    const auto began = std::chrono::steady_clock::now();
    const auto read = read_all(port, watched);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const bool whole = read && *read == count;
    fmt::print("{:5} {} VMs: {:.1f} s, peak {} MiB{}\n", name, read ? *read : 0, took.count(),
               used.ru_maxrss / 1024, read ? "" : ": " + read.error().message);
    std::fflush(stdout);
    std::_Exit(whole && used.ru_maxrss / 1024 <= limit_mib ? 0 : 1);
  }
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t count = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 20'000;
  const long limit = argc > 2 ? std::strtol(argv[2], nullptr, 10) : 1'000'000;
  const std::size_t kib = argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 8;
  const int port = start_server(count, kib);
  if (port == 0) return 2;
  const bool list = measure("list", false, port, count, limit);
  const bool watch = measure("watch", true, port, count, limit);
  return list && watch ? 0 : 1;
}
