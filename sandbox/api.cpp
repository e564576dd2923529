#include "sandbox/api.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "sandbox/discovery.h"
#include "sandbox/protobuf.h"
#include "sandbox/subresources.h"
#include "sandbox/table.h"

namespace wukong::sandbox {
namespace {

Response answer(const Json& body, int status = 200) { return {.status = status, .body = dump(body) + "\n"}; }

Response refuse(const Refusal& refusal) { return answer(status_of(refusal), refusal.code); }

Response plain(int status, std::string words) {
  return {.status = status, .content_type = "text/plain; charset=utf-8", .body = std::move(words)};
}

bool wants_table(const Request& request) { return request.accept.find("as=Table") != std::string::npos; }

std::string verb_of(const Request& request, const Url& url, const Place& place) {
  if (request.method == "POST") return "create";
  if (request.method == "PUT") return "update";
  if (request.method == "PATCH") return "patch";
  if (request.method == "DELETE") return place.name.empty() ? "deletecollection" : "delete";
  if (url.flag("watch")) return "watch";
  return place.name.empty() ? "list" : "get";
}

Reply<Json> body_of(const Request& request) {
  const bool is_protobuf = request.content_type.find("protobuf") != std::string::npos;
  if (is_protobuf)
    if (auto object = parse_protobuf(request.body)) return *std::move(object);
  if (is_protobuf || request.content_type.find("yaml") != std::string::npos)
    return tl::unexpected(Refusal{415, "UnsupportedMediaType",
                                  "the body of the request was in an unknown format - accepted media types "
                                  "include: application/json"});
  auto parsed = parse_json(request.body);
  if (!parsed) return tl::unexpected(bad_request(parsed.error().message));
  if (!parsed->is_object() && !parsed->is_array())
    return tl::unexpected(bad_request("the body is no object"));
  return *std::move(parsed);
}

/// The object of a POST or PUT: of this kind, in the namespace and under the name of the URL.
Reply<Json> object_of(const Request& request, const Place& place) {
  auto object = body_of(request);
  if (!object) return object;
  const auto problem = [](const std::string& words) { return tl::unexpected(bad_request(words)); };
  if (text(*object, {"kind"}) != place.kind->kind)
    return problem(fmt::format("{} in version \"{}\" cannot be handled as a {}", text(*object, {"kind"}),
                               place.version, place.kind->kind));
  const std::string_view ns = text(*object, {"metadata", "namespace"});
  if (!ns.empty() && place.kind->namespaced && ns != place.ns)
    return problem("the namespace of the provided object does not match the namespace sent on the request");
  const std::string_view name = text(*object, {"metadata", "name"});
  if (!place.name.empty() && name != place.name)
    return problem(
        fmt::format("the name of the object ({}) does not match the name on the URL ({})", name, place.name));
  if (place.kind->namespaced) (*object)["metadata"]["namespace"] = place.ns;
  return object;
}

/// Where a list in pages goes on: "VERSION NAMESPACE/NAME" of the last object sent.
struct Page {
  std::uint64_t version{};
  std::string after{};
};

Page parse_page(const std::string& token) {
  const auto at = token.find(' ');
  if (at == std::string::npos) return {};
  return {static_cast<std::uint64_t>(std::strtoull(token.c_str(), nullptr, 10)), token.substr(at + 1)};
}

std::string place_in_list(const Json& object) { return ns_of(object) + "/" + name_of(object); }

}  // namespace

Response Api::handle(const Request& request) {
  try {
    return route(request);
  } catch (const Json::exception& problem) {
    return refuse(bad_request(problem.what()));  // a field is not of the type it has to be
  }
}

Response Api::route(const Request& request) {
  const Url url = parse_url(request.target);
  const bool open =
      url.path == "/version" || url.path == "/healthz" || url.path == "/livez" || url.path == "/readyz";
  if (request.user.name == kAnonymous && !open && place_of(url).kind == nullptr)
    return refuse({403, "Forbidden",
                   fmt::format("forbidden: User \"{}\" cannot {} path \"{}\"", kAnonymous,
                               lower(request.method), url.path)});
  if (open && url.path != "/version") return plain(200, "ok");
  if (request.method == "GET")
    if (const auto discovered = discover(url)) return answer(*discovered);
  if (url.path == "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews" && request.method == "POST") {
    const auto review = body_of(request);
    return review ? answer(review_access(request.user, *review), 201) : refuse(review.error());
  }
  if (url.path.starts_with("/apis/subresources.kubevirt.io/v1/namespaces/")) return run_action(request, url);
  const Place place = place_of(url);
  if (place.kind == nullptr) return plain(404, "404 page not found\n");
  return handle_resource(request, url, place);
}

Response Api::handle_resource(const Request& request, const Url& url, const Place& place) {
  const std::string verb = verb_of(request, url, place);
  const std::string resource =
      std::string(place.kind->resource) + (place.subresource.empty() ? "" : "/" + place.subresource);
  const Act act{verb, std::string(place.kind->group), resource, place.ns, place.name};
  if (!may(request.user, act)) return refuse(forbidden_act(request.user, act));
  if (!place.subresource.empty() && (place.subresource != "status" || !place.kind->has_status))
    return plain(404, "404 page not found\n");
  if (verb == "get") return get(request, place);
  if (verb == "list") return list(request, url, place);
  if (verb == "watch") return watch(request, url, place);
  if (verb == "create" && place.name.empty()) return create(request, url, place);
  if (verb == "update" && !place.name.empty()) return update(request, url, place);
  if (verb == "patch" && !place.name.empty()) return patch(request, url, place);
  if (verb == "delete") return remove(request, url, place);
  return refuse({405, "MethodNotAllowed", "the server does not allow this method on the requested resource"});
}

Response Api::show(const Request& request, const Place& place, const Object& object, int status) {
  if (wants_table(request)) return answer(table_of(*place.kind, {&object, 1}, cluster_->now()), status);
  return answer(as_version(*place.kind, place.version, *object), status);
}

Response Api::get(const Request& request, const Place& place) {
  const Object found = cluster_->store().find(*place.kind, place.ns, place.name);
  return found == nullptr ? refuse(not_found(*place.kind, place.name)) : show(request, place, found);
}

Response Api::list(const Request& request, const Url& url, const Place& place) {
  const auto selector = parse_selector(*place.kind, url.value("labelSelector"), url.value("fieldSelector"));
  if (!selector) return refuse(selector.error());
  const Page page = parse_page(url.value("continue"));
  if (page.version != 0 && page.version < cluster_->store().oldest())
    return refuse(
        too_old("The provided continue parameter is too old to display a consistent list result. You can "
                "start a new list without the continue parameter."));
  const auto limit = static_cast<std::size_t>(std::strtoull(url.value("limit").c_str(), nullptr, 10));
  std::vector<Object> found = cluster_->store().list(*place.kind, place.ns);
  std::erase_if(found, [&](const Object& each) {
    return !matches(*selector, *each) || (!page.after.empty() && place_in_list(*each) <= page.after);
  });
  // A watch from the version of a first page tells changes of the later pages twice, but none never.
  const std::uint64_t version = page.version != 0 ? page.version : cluster_->store().version();
  Json metadata = {{"resourceVersion", std::to_string(version)}};
  if (limit > 0 && found.size() > limit) {
    if (selector->empty()) metadata["remainingItemCount"] = found.size() - limit;
    found.resize(limit);
    metadata["continue"] = fmt::format("{} {}", version, place_in_list(*found.back()));
  }
  Json shown = Json::object();
  if (wants_table(request)) {
    shown = table_of(*place.kind, found, cluster_->now());
  } else {
    shown = {{"kind", std::string(place.kind->kind) + "List"},
             {"apiVersion", place.kind->api_version(place.version)}};
    shown["items"] = Json::array();
    for (const Object& each : found) shown["items"].push_back(as_version(*place.kind, place.version, *each));
  }
  shown["metadata"] = std::move(metadata);
  return answer(shown);
}

Response Api::watch(const Request& request, const Url& url, const Place& place) {
  std::string names = url.value("fieldSelector");
  if (!place.name.empty()) names = "metadata.name=" + place.name;
  auto selector = parse_selector(*place.kind, url.value("labelSelector"), names);
  if (!selector) return refuse(selector.error());
  const std::string from = url.value("resourceVersion");
  Response response;
  response.watch =
      std::make_unique<Watch>(Watch::Subject{place.kind, place.version, place.ns, *std::move(selector),
                                             wants_table(request), url.flag("allowWatchBookmarks")},
                              std::strtoull(from.c_str(), nullptr, 10));
  const bool initial = url.flag("sendInitialEvents");
  if (from.empty() || from == "0" || initial)
    response.body = response.watch->greet(cluster_->store(), cluster_->now(), initial);
  return response;
}

Response Api::create(const Request& request, const Url& url, const Place& place) {
  auto object = object_of(request, place);
  if (!object) return refuse(object.error());
  const auto made = cluster_->create(*place.kind, *std::move(object), url.value("dryRun") == "All");
  return made ? show(request, place, *made, 201) : refuse(made.error());
}

Response Api::store_changed(const Request& request, const Url& url, const Place& place, Json object) {
  const bool dry_run = url.value("dryRun") == "All";
  const auto done = place.subresource == "status" ? cluster_->update_status(*place.kind, object, dry_run)
                                                  : cluster_->update(*place.kind, std::move(object), dry_run);
  return done ? show(request, place, *done) : refuse(done.error());
}

Response Api::update(const Request& request, const Url& url, const Place& place) {
  auto object = object_of(request, place);
  return object ? store_changed(request, url, place, *std::move(object)) : refuse(object.error());
}

Response Api::patch(const Request& request, const Url& url, const Place& place) {
  const std::string type = request.content_type.substr(0, request.content_type.find(';'));
  const bool merge = type == "application/merge-patch+json";
  const bool strategic =
      type == "application/strategic-merge-patch+json";  // lists are replaced: enough for metadata
  if (!merge && !strategic && type != "application/json-patch+json")
    return refuse({415, "UnsupportedMediaType",
                   "the body of the request was in an unknown format - accepted media types include: "
                   "application/json-patch+json, application/merge-patch+json"});
  const Object old = cluster_->store().find(*place.kind, place.ns, place.name);
  if (old == nullptr) return refuse(not_found(*place.kind, place.name));
  auto body = body_of(request);
  if (!body) return refuse(body.error());
  Json next = *old;
  try {
    if (merge || strategic)
      next.merge_patch(*body);
    else
      next.patch_inplace(*body);
  } catch (const Json::exception&) {
    return refuse({422, "Invalid", "the server rejected our request due to an error in our request"});
  }
  next["metadata"]["name"] = place.name;
  if (place.kind->namespaced) next["metadata"]["namespace"] = place.ns;
  return store_changed(request, url, place, std::move(next));
}

Response Api::remove(const Request& request, const Url& url, const Place& place) {
  Json options = Json::object();
  if (!request.body.empty()) {
    auto body = body_of(request);
    if (!body) return refuse(body.error());
    options = *std::move(body);
  }
  Deletion deletion{.uid = std::string(text(options, {"preconditions", "uid"})),
                    .resource_version = std::string(text(options, {"preconditions", "resourceVersion"})),
                    .propagation = std::string(text(options, {"propagationPolicy"})),
                    .dry_run = url.value("dryRun") == "All" || !items(options, {"dryRun"}).empty()};
  if (deletion.propagation.empty()) deletion.propagation = url.value("propagationPolicy");
  const auto gone = cluster_->remove(*place.kind, place.ns, place.name, deletion);
  if (!gone) return refuse(gone.error());
  if (cluster_->store().find(*place.kind, place.ns, place.name) != nullptr)
    return show(request, place, *gone);
  return answer({{"kind", "Status"},
                 {"apiVersion", "v1"},
                 {"metadata", Json::object()},
                 {"status", "Success"},
                 {"details",
                  {{"name", place.name},
                   {"group", place.kind->group},
                   {"kind", place.kind->resource},
                   {"uid", uid_of(**gone)}}}});
}

Response Api::run_action(const Request& request, const Url& url) {
  // apis/subresources.kubevirt.io/v1/namespaces/NS/virtualmachines/NAME/ACTION
  const auto& parts = url.parts;
  const bool known =
      parts.size() == 8 && parts[5] == "virtualmachines" && (parts[7] == "start" || parts[7] == "stop");
  if (!known) return plain(404, "404 page not found\n");
  const Act act{"update", "subresources.kubevirt.io", "virtualmachines/" + parts[7], parts[4], parts[6]};
  if (!may(request.user, act)) return refuse(forbidden_act(request.user, act));
  if (request.method != "PUT") return plain(405, "405: Method Not Allowed\n");
  // KubeVirt's action paths declare no type that they produce.
  if (!request.accept.empty() && request.accept.find("*/*") == std::string::npos)
    return plain(406, "406: Not Acceptable\n\nAvailable representations: ");
  const Json options = Json::parse(request.body.empty() ? "{}" : request.body, nullptr, false);
  const auto done =
      change_run_state(*cluster_, parts[4], parts[6], parts[7], !items(options, {"dryRun"}).empty());
  return done ? plain(202, "") : refuse(done.error());
}

}  // namespace wukong::sandbox
