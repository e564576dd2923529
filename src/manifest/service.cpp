#include "manifest/service.h"

#include <nlohmann/json.hpp>

namespace wukong::manifest {

Json service(const ObjectRef& ref, const std::vector<ServicePort>& ports, const std::string& selector,
             const std::string& vm, const Marks& marks) {
  Json manifest = skeleton(ref);
  add_marks(manifest, marks);
  manifest["spec"]["selector"][selector] = vm;
  for (const ServicePort& port : ports)
    manifest["spec"]["ports"].push_back(
        {{"name", port.name}, {"port", port.port}, {"targetPort", port.target}, {"protocol", port.protocol}});
  return manifest;
}

Json ingress(const ObjectRef& ref, const std::string& host, int port, const Marks& marks) {
  Json manifest = skeleton(ref);
  add_marks(manifest, marks);
  const Json backend = {{"service", {{"name", ref.name}, {"port", {{"number", port}}}}}};
  const Json path = {{"path", "/"}, {"pathType", "Prefix"}, {"backend", backend}};
  const Json rule = {{"host", host}, {"http", {{"paths", Json::array({path})}}}};
  manifest["spec"]["rules"] = Json::array({rule});
  return manifest;
}

}  // namespace wukong::manifest
