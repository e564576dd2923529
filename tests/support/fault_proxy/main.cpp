// wukong-fault-proxy: the proxy as a program. It ends with its standard input, whose lines are commands.
#include <fmt/format.h>
#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>

#include "support/fault_proxy/fault_proxy.h"

namespace {

using namespace wukong;
using namespace wukong::faults;

constexpr const char* kUsage =
    R"(wukong-fault-proxy --kubeconfig FILE --write-kubeconfig FILE [--mode tcp|tls] [--port N]
                   [--script FILE.json] [--seed N --rate R [--most N] [--until SECONDS] [--stretch N]]
Stands before the API server of FILE's current context, and writes a kubeconfig that goes through it.
Prints one line of JSON when it listens; faults are told on standard error. Lines on standard input:
cut, reset, stall TIME [up|down], blackhole [TIME], refuse TIME, delay TIME, throttle BYTES, rotate (the certificate), heal. It ends with its input.
)";

using Flags = std::map<std::string, std::string>;

Result<Flags> parse_flags(int count, char** words) {
  Flags out{{"--mode", "tcp"},    {"--port", "0"},           {"--script", ""},  {"--seed", ""},
            {"--rate", "0.1"},    {"--most", "8"},           {"--until", "20"}, {"--stretch", "1"},
            {"--kubeconfig", ""}, {"--write-kubeconfig", ""}};
  for (int i = 1; i < count; i += 2) {
    const auto known = out.find(words[i]);
    if (known == out.end() || i + 1 >= count)
      return Error{.code = Code::usage, .message = fmt::format("what is {}?\n{}", words[i], kUsage)};
    known->second = words[i + 1];
  }
  if (out["--kubeconfig"].empty()) return Error{.code = Code::usage, .message = kUsage};
  return out;
}

std::uint64_t number(const std::string& word) { return std::strtoull(word.c_str(), nullptr, 10); }

Result<ProxyOptions> options_of(const Flags& flags, const KubeconfigFile& kubeconfig) {
  ProxyOptions out{.mode = flags.at("--mode") == "tls" ? Mode::tls : Mode::tcp,
                   .port = static_cast<std::uint16_t>(number(flags.at("--port"))),
                   .log = [](const std::string& line) { std::cerr << line + "\n"
                                                                  << std::flush; }};
  WUKONG_TRY(out.upstream, upstream_of(kubeconfig));
  if (const std::string& path = flags.at("--script"); !path.empty()) {
    std::ifstream in(path);
    WUKONG_TRY(const Json script, parse_json(std::string(std::istreambuf_iterator<char>(in), {})));
    WUKONG_TRY(out.rules, parse_rules(script));
  }
  if (flags.at("--seed").empty()) return out;
  const double rate = std::strtod(flags.at("--rate").c_str(), nullptr);
  out.chance = Chance{.seed = number(flags.at("--seed")),
                      .rate = rate,
                      .connection_rate = out.mode == Mode::tcp ? rate : 0,
                      .stretch = static_cast<int>(number(flags.at("--stretch"))),
                      .most = number(flags.at("--most")),
                      .until = std::chrono::seconds{number(flags.at("--until"))}};
  return out;
}

/// It may hold keys.
void write_private(const std::string& path, const std::string& text) {
  const mode_t before = ::umask(0077);
  std::ofstream(path) << text;
  ::umask(before);
}

void obey(FaultProxy& proxy, const std::string& line) {
  if (line == "heal") return proxy.heal();
  if (line == "rotate") return proxy.rotate();
  if (const auto fault = parse_command(line); fault)
    proxy.impose(*fault);
  else
    std::cerr << fault.error().message << "\n";
}

Result<void> run(int count, char** words) {
  WUKONG_TRY(const Flags flags, parse_flags(count, words));
  WUKONG_TRY(const KubeconfigFile kubeconfig, read_kubeconfig(flags.at("--kubeconfig")));
  WUKONG_TRY(ProxyOptions options, options_of(flags, kubeconfig));
  const Mode mode = options.mode;
  WUKONG_TRY(const auto proxy, FaultProxy::start(std::move(options)));
  if (const std::string& path = flags.at("--write-kubeconfig"); !path.empty()) {
    WUKONG_TRY(const std::string text, through_proxy(kubeconfig, mode, proxy->port(), proxy->authority()));
    write_private(path, text);
  }
  std::cout << fmt::format("{{\"port\": {}}}\n", proxy->port()) << std::flush;
  for (std::string line; std::getline(std::cin, line);) obey(*proxy, line);
  return {};
}

}  // namespace

int main(int count, char** words) {
  const auto done = run(count, words);
  if (done) return 0;
  std::cerr << "wukong-fault-proxy: " << done.error().message << "\n";
  return exit_code(done.error().code);
}
