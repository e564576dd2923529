// The Kubernetes API: requests in, answers out.
#pragma once

#include "sandbox/access.h"
#include "sandbox/cluster.h"
#include "sandbox/request.h"

namespace wukong::sandbox {

class Api {
 public:
  explicit Api(Cluster& cluster) : cluster_(&cluster) {}

  /// Never throws, whatever was sent.
  Response handle(const Request& request);

 private:
  Response route(const Request& request);
  Response handle_resource(const Request& request, const Url& url, const Place& place);
  Response get(const Request& request, const Place& place);
  Response list(const Request& request, const Url& url, const Place& place);
  Response watch(const Request& request, const Url& url, const Place& place);
  Response create(const Request& request, const Url& url, const Place& place);
  Response update(const Request& request, const Url& url, const Place& place);
  Response patch(const Request& request, const Url& url, const Place& place);
  Response remove(const Request& request, const Url& url, const Place& place);
  Response run_action(const Request& request, const Url& url);
  Response store_changed(const Request& request, const Url& url, const Place& place, Json object);
  Response show(const Request& request, const Place& place, const Object& object, int status = 200);

  Cluster* cluster_{};
};

}  // namespace wukong::sandbox
