// Service and Ingress manifests for a VM.
#pragma once

#include <string>
#include <vector>

#include "base/object.h"
#include "manifest/marks.h"

namespace wukong::manifest {

struct ServicePort {
  std::string name{};
  int port{};
  int target{};                 // of the guest
  std::string protocol{"TCP"};  // "TCP", "UDP" or "SCTP"
};

/// A Service `ref` for the pod of a VM, found by the label `selector`=`vm`.
Json service(const ObjectRef& ref, const std::vector<ServicePort>& ports, const std::string& selector,
             const std::string& vm, const Marks& marks);

/// An Ingress `ref` that hands all requests for `host` to a port of the Service of the same name. Its class is the
/// cluster's default one.
Json ingress(const ObjectRef& ref, const std::string& host, int port, const Marks& marks);

}  // namespace wukong::manifest
