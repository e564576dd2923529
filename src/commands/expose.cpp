#include "commands/expose.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.h"
#include "commands/clone_resume.h"
#include "commands/kubevirt_version.h"
#include "commands/vm_argument.h"
#include "commands/vm_shape.h"

namespace wukong::commands {

namespace {

constexpr std::array<std::string_view, 3> kProtocols{"TCP", "UDP", "SCTP"};

Error bad_port(const std::string& typed, const std::string& problem) {
  return usage(fmt::format("--expose {:?}: {}", printable(typed), problem),
               "[NAME:]PORT[:TARGET][/udp], such as 22, ssh:2222:22 or 53/udp");
}

std::optional<int> port_number(std::string_view text) {
  int value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc{} && stop == text.data() + text.size();
  return whole && value >= 1 && value <= 65535 ? std::optional(value) : std::nullopt;
}

Result<manifest::ServicePort> parse_port(const std::string& typed) {
  manifest::ServicePort port;
  std::string rest = typed;
  if (const auto slash = rest.find('/'); slash != std::string::npos) {
    const auto* const known = std::find_if(
        kProtocols.begin(), kProtocols.end(),
        [&](std::string_view protocol) { return lower(protocol) == lower(rest.substr(slash + 1)); });
    if (known == kProtocols.end()) return bad_port(typed, "the protocol is none of tcp, udp and sctp");
    port.protocol = *known;
    rest.resize(slash);
  }
  std::vector<std::string> parts = split(rest, ':');
  if (parts.size() > 1 && !port_number(parts.front())) {
    port.name = parts.front();
    if (const std::string problem = label_problem(port.name); !problem.empty())
      return bad_port(typed, "the name of the port is none: " + problem);
    parts.erase(parts.begin());
  }
  const auto number = port_number(parts.front());
  const auto target = port_number(parts.back());
  if (parts.size() > 2 || !number || !target) return bad_port(typed, "ports are numbers from 1 to 65535");
  port.port = *number;
  port.target = *target;
  if (port.name.empty()) port.name = fmt::format("{}-{}", lower(port.protocol), port.port);
  return port;
}

Result<std::vector<manifest::ServicePort>> parse_ports(const std::vector<std::string>& typed) {
  std::vector<manifest::ServicePort> ports;
  for (const std::string& word : typed) {
    WUKONG_TRY(manifest::ServicePort port, parse_port(word));
    for (const manifest::ServicePort& other : ports) {
      if (other.name == port.name) return bad_port(word, fmt::format("{} is named twice", port.name));
      if (other.port == port.port && other.protocol == port.protocol)
        return bad_port(word, fmt::format("port {} is exposed twice", port.port));
    }
    ports.push_back(std::move(port));
  }
  return ports;
}

const manifest::ServicePort* first_tcp(const std::vector<manifest::ServicePort>& ports) {
  const auto found =
      std::find_if(ports.begin(), ports.end(), [](const auto& port) { return port.protocol == "TCP"; });
  return found == ports.end() ? nullptr : &*found;
}

Result<void> check_ingress(const ExposeOptions& o, const std::vector<manifest::ServicePort>& ports,
                           std::size_t vms) {
  if (o.ingress.empty()) return {};
  if (first_tcp(ports) == nullptr) return usage("--ingress needs a TCP port to lead to", "add --expose 80");
  if (vms > 1 && o.ingress.find('#') == std::string::npos)
    return usage(fmt::format("--ingress {:?} would be the same for {} VMs", printable(o.ingress), vms),
                 "put a # in it for the number of the VM: web-##.example.com");
  return {};
}

/// A Service's name is stricter than a VM's. Source: kubernetes pkg/apis/core/validation, ValidateServiceName.
Result<void> check_service_name(const std::string& vm) {
  const bool starts_well = !vm.empty() && vm.front() >= 'a' && vm.front() <= 'z';
  if (starts_well && label_problem(vm).empty()) return {};
  return usage(fmt::format("--expose: a Service cannot be called {:?} as the VM is", printable(vm)),
               "its name has no dots and begins with a letter; choose another name for the VM");
}

/// What an earlier run of this operation has made is in nobody's way.
Result<void> check_free(const kube::Fact& list, const ObjectRef& ref, const manifest::Marks& marks,
                        const Scope& at) {
  if (!has_name(list, ref.name)) return {};
  WUKONG_TRY(const bool ours, was_made(list, ref, marks));
  if (ours) return {};
  return refuse(
      fmt::format("{} exists already", describe(ref)),
      fmt::format("choose another name for the VM, or look at it and delete it: kubectl delete {} {}",
                  resource_name(ref), at.where()));
}

/// The label that names the VM on its pod, alone and in every version; the older one holds the guest's hostname.
/// Source: kubevirt pkg/virt-controller/services/template.go; the first since v1.7.0.
std::string selector_label(const kube::Fact& kubevirts) {
  const auto version = kubevirt_version(kubevirts);
  return version && *version < std::pair{1, 7} ? "vm.kubevirt.io/name" : "vmi.kubevirt.io/id";
}

/// Which ports, in words: "22 (to 2222 of the guest), 53/udp".
std::string ports_in_words(const std::vector<manifest::ServicePort>& ports) {
  std::string out;
  for (const manifest::ServicePort& port : ports) {
    if (!out.empty()) out += ", ";
    out += fmt::format("{}{}", port.port, port.protocol == "TCP" ? "" : "/" + lower(port.protocol));
    if (port.target != port.port) out += fmt::format(" (to {} of the guest)", port.target);
  }
  return out;
}

/// What could not be checked, and which permission would tell.
void add_blind_notes(op::Operation& operation, const std::vector<Exposure>& exposures,
                     const ExposeFacts& facts, const std::string& selector) {
  const auto add = [&](const char* what, const char* permission) {
    operation.notes.push_back(fmt::format("{} (needs: {})", what, permission));
  };
  if (facts.services.is_unreadable())
    add("it was not checked whether Services of these names exist", "list services");
  const bool ingress = std::ranges::any_of(exposures, [](const Exposure& e) { return !e.host.empty(); });
  if (ingress && facts.ingresses.is_unreadable())
    add("it was not checked whether Ingresses of these names exist", "list ingresses.networking.k8s.io");
  if (facts.kubevirts.is_unreadable())
    operation.notes.push_back(
        fmt::format("KubeVirt's version cannot be read: Services select pods by {}, which KubeVirt sets from "
                    "1.7 on (needs: "
                    "list kubevirts.kubevirt.io)",
                    selector));
}

}  // namespace

Result<std::vector<Exposure>> settle(const ExposeOptions& options, const std::vector<std::string>& vms) {
  std::vector<Exposure> out;
  if (!options.any()) return out;
  WUKONG_TRY(const std::vector<manifest::ServicePort> ports, parse_ports(options.ports));
  WUKONG_CHECK(check_ingress(options, ports, vms.size()));
  for (std::size_t i = 0; i < vms.size(); ++i) {
    WUKONG_CHECK(check_service_name(vms[i]));
    const std::string host = lower(numbered(options.ingress, i + 1));
    if (const std::string problem = host.empty() ? "" : subdomain_problem(host); !problem.empty())
      return usage(fmt::format("--ingress {:?} cannot be a host: {}", printable(host), problem));
    out.push_back({vms[i], ports, host});
  }
  return out;
}

Result<ExposeFacts> gather_exposures(kube::Api& api, const Scope& scope) {
  std::vector<kube::Read> reads;
  for (const Gvr& kind : {gvr::service(), gvr::ingress()})
    reads.push_back({.gvr = kind,
                     .ns = scope.ns,
                     .keep = {{"metadata.labels", "metadata.annotations", "metadata.deletionTimestamp"}}});
  reads.push_back({.gvr = gvr::kubevirt(), .keep = {{"status.observedKubeVirtVersion"}}});
  WUKONG_TRY(std::vector<kube::Fact> got, kube::fetch(api, std::move(reads)));
  return ExposeFacts{std::move(got[0]), std::move(got[1]), std::move(got[2])};
}

Result<void> add_exposures(op::Operation& operation, const std::vector<Exposure>& exposures,
                           const ExposeFacts& facts,
                           const std::function<std::string(const std::string& vm)>& after,
                           const Scope& scope) {
  const std::string selector = selector_label(facts.kubevirts);
  if (!exposures.empty()) add_blind_notes(operation, exposures, facts, selector);
  for (const Exposure& exposure : exposures) {
    const manifest::Marks marks{operation.id, operation.request};
    const ObjectRef service{gvr::service(), scope.ns, exposure.vm};
    const ObjectRef ingress{gvr::ingress(), scope.ns, exposure.vm};
    WUKONG_CHECK(check_free(facts.services, service, marks, scope));
    operation.steps.push_back({.id = "service-" + exposure.vm,
                               .needs = {after(exposure.vm)},
                               .action = op::Create{service, manifest::service(service, exposure.ports,
                                                                               selector, exposure.vm, marks)},
                               .group = describe(service),
                               .reason = fmt::format("--expose: port {}", ports_in_words(exposure.ports))});
    operation.results.push_back(service);
    operation.charge.objects.emplace_back(service.gvr, 1);
    if (exposure.host.empty()) continue;
    WUKONG_CHECK(check_free(facts.ingresses, ingress, marks, scope));
    const int port = first_tcp(exposure.ports)->port;
    operation.steps.push_back(
        {.id = "ingress-" + exposure.vm,
         .needs = {"service-" + exposure.vm},
         .action = op::Create{ingress, manifest::ingress(ingress, exposure.host, port, marks)},
         .group = describe(ingress),
         .reason = fmt::format("--ingress: http://{} to port {}", exposure.host, port)});
    operation.results.push_back(ingress);
    operation.charge.objects.emplace_back(ingress.gvr, 1);
  }
  return {};
}

void add_expose_options(CLI::App& app, ExposeOptions& options) {
  app.add_option(
         "--expose", options.ports,
         "Make a Service for the new VM, of its name (repeatable): a port, where it leads to in the guest")
      ->type_name("[NAME:]PORT[:TARGET][/udp]")
      ->allow_extra_args(false);
  app.add_option("--ingress", options.ingress,
                 "Make an Ingress for this host that leads to the first TCP port of --expose")
      ->type_name("HOST");
}

}  // namespace wukong::commands
