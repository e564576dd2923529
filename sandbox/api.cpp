#include "sandbox/api.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/text.h"
#include "sandbox/access.h"
#include "sandbox/controllers/controllers.h"
#include "sandbox/discovery.h"
#include "sandbox/protobuf.h"
#include "sandbox/table.h"

namespace wukong::sandbox {
namespace {

/// A request for a stored kind.
struct Call {
  Cluster* cluster{};
  const Request* request{};
  const Url* url{};
  Place place{};

  const Kind& kind() const { return *place.kind; }
  const Store& store() const { return cluster->store(); }
  bool is_dry() const { return !url->value("dryRun").empty(); }
  bool wants_table() const { return request->accept.find("as=Table") != std::string::npos; }
};

Response answer(const Json& body, int status = 200) { return {.status = status, .body = dump(body) + "\n"}; }

Response refuse(const Refusal& refusal) { return answer(status_of(refusal), refusal.code); }

Response plain(int status, std::string words) {
  return {.status = status, .content_type = "text/plain; charset=utf-8", .body = std::move(words)};
}

std::string verb_of(const Call& call) {
  const std::string& method = call.request->method;
  if (method == "POST") return "create";
  if (method == "PUT") return "update";
  if (method == "PATCH") return "patch";
  if (method == "DELETE") return call.place.name.empty() ? "deletecollection" : "delete";
  if (call.url->flag("watch")) return "watch";
  return call.place.name.empty() ? "list" : "get";
}

Reply<Json> body_of(const Request& request) {
  if (request.content_type.find("protobuf") != std::string::npos) {
    auto object = parse_protobuf(request.body);
    if (!object) return tl::unexpected(unsupported_media("application/json"));
    return *std::move(object);
  }
  auto parsed = parse_json(request.body);
  if (!parsed) return tl::unexpected(bad_request(parsed.error().message));
  if (!parsed->is_object() && !parsed->is_array())
    return tl::unexpected(bad_request("the body is no object"));
  return *std::move(parsed);
}

/// The object of a POST or PUT: of this kind, in the namespace and under the name of the URL.
Reply<Json> object_of(const Call& call) {
  auto object = body_of(*call.request);
  if (!object) return object;
  const auto problem = [](const std::string& words) { return tl::unexpected(bad_request(words)); };
  const std::string_view version = text(*object, {"apiVersion"});
  if (text(*object, {"kind"}) != call.kind().kind)
    return problem(fmt::format("{} in version \"{}\" cannot be handled as a {}", text(*object, {"kind"}),
                               call.kind().version, call.kind().kind));
  if (!version.empty() && version != call.kind().api_version())
    return problem(
        fmt::format("the API version in the data ({}) does not match the expected API version ({})", version,
                    call.kind().api_version()));
  const std::string_view ns = text(*object, {"metadata", "namespace"});
  if (!ns.empty() && call.kind().namespaced && ns != call.place.ns)
    return problem("the namespace of the provided object does not match the namespace sent on the request");
  const std::string_view name = text(*object, {"metadata", "name"});
  if (!call.place.name.empty() && name != call.place.name)
    return problem(fmt::format("the name of the object ({}) does not match the name on the URL ({})", name,
                               call.place.name));
  if (call.kind().namespaced) (*object)["metadata"]["namespace"] = call.place.ns;
  return object;
}

/// Drops what .spec cannot have; tells it in `warning`, or refuses it, as the client asked.
std::optional<Refusal> check_fields(const Call& call, Json& object, std::string& warning) {
  const Kind& kind = call.kind();
  const std::string mode = call.url->value("fieldValidation");
  if (kind.spec.empty() || !object.contains("spec")) return std::nullopt;
  const std::string handled =
      fmt::format("{} in version \"{}\" cannot be handled as a {}: ", kind.kind, kind.version, kind.kind);
  if (!object["spec"].is_object()) return bad_request(handled + "spec is no object");
  const auto known = split(kind.spec, ',');
  std::vector<std::string> unknown;
  for (const auto& [field, value] : fields(object, {"spec"}).items())
    if (std::find(known.begin(), known.end(), field) == known.end()) unknown.push_back(field);
  std::vector<std::string> words;
  for (const std::string& field : unknown) {
    object["spec"].erase(field);
    words.push_back(fmt::format("unknown field \"spec.{}\"", field));
  }
  if (mode == "Strict" && !words.empty())
    return bad_request(fmt::format("{}strict decoding error: {}", handled, fmt::join(words, ", ")));
  if (mode != "Ignore") warning = fmt::format("{}", fmt::join(words, ", "));
  return std::nullopt;
}

Response show(const Call& call, const Object& object, int status = 200) {
  return answer(call.wants_table() ? table_of(call.kind(), {&object, 1}, call.cluster->now()) : *object,
                status);
}

Response get(const Call& call) {
  const Object found = call.store().find(call.kind(), call.place.ns, call.place.name);
  return found == nullptr ? refuse(not_found(call.kind(), call.place.name)) : show(call, found);
}

// ---- lists and watches

/// Where a list in pages goes on: "VERSION NAMESPACE/NAME" of the last object sent.
struct Page {
  std::uint64_t version{};
  std::string after{};
};

std::uint64_t number(const std::string& words) { return std::strtoull(words.c_str(), nullptr, 10); }

Reply<Page> page_of(const Call& call) {
  const std::string token = call.url->value("continue");
  if (token.empty()) return Page{};
  const auto at = token.find(' ');
  if (at == std::string::npos)
    return tl::unexpected(bad_request("invalid continue token: continue key is not valid"));
  Page page{number(token), token.substr(at + 1)};
  if (page.version >= call.store().oldest()) return page;
  return tl::unexpected(
      too_old("The provided continue parameter is too old to display a consistent list result. You can start "
              "a new list without the continue parameter."));
}

std::string place_in_list(const Json& object) { return ns_of(object) + "/" + name_of(object); }

Response list(const Call& call) {
  const Kind& kind = call.kind();
  const auto selector =
      parse_selector(kind, call.url->value("labelSelector"), call.url->value("fieldSelector"));
  if (!selector) return refuse(selector.error());
  const auto page = page_of(call);
  if (!page) return refuse(page.error());
  std::vector<Object> found = call.store().list(kind, call.place.ns);
  std::erase_if(found, [&](const Object& each) {
    return !matches(*selector, *each) || (!page->after.empty() && place_in_list(*each) <= page->after);
  });
  // A watch from the version of a first page tells changes of the later pages twice, but none never.
  const std::uint64_t version = page->version != 0 ? page->version : call.store().version();
  Json metadata = {{"resourceVersion", std::to_string(version)}};
  const std::size_t limit = number(call.url->value("limit"));
  if (limit > 0 && found.size() > limit) {
    if (selector->empty()) metadata["remainingItemCount"] = found.size() - limit;
    found.resize(limit);
    metadata["continue"] = fmt::format("{} {}", version, place_in_list(*found.back()));
  }
  Json shown = {{"kind", std::string(kind.kind) + "List"}, {"apiVersion", kind.api_version()}};
  shown["items"] = Json::array();
  if (call.wants_table())
    shown = table_of(kind, found, call.cluster->now());
  else
    for (const Object& each : found) {
      Json& item = shown["items"].emplace_back(*each);
      // As Kubernetes has it: items of its own kinds do not say what they are.
      if (kind.is_custom()) continue;
      for (const char* field : {"apiVersion", "kind"}) item.erase(field);
    }
  shown["metadata"] = std::move(metadata);
  return answer(shown);
}

Response watch(const Call& call) {
  const std::string names =
      call.place.name.empty() ? call.url->value("fieldSelector") : "metadata.name=" + call.place.name;
  auto selector = parse_selector(call.kind(), call.url->value("labelSelector"), names);
  if (!selector) return refuse(selector.error());
  const std::string from = call.url->value("resourceVersion");
  const bool initial = call.url->flag("sendInitialEvents");
  Response response;
  response.watch =
      std::make_unique<Watch>(Watch::Subject{call.place.kind, call.place.ns, *std::move(selector),
                                             call.wants_table(), call.url->flag("allowWatchBookmarks")},
                              number(from));
  if (from.empty() || from == "0" || initial)
    response.body = response.watch->greet(call.store(), call.cluster->now(), initial);
  return response;
}

// ---- writes

Response write(const Call& call, Json object) {
  std::string warning;
  const bool is_new = call.place.name.empty();
  if (const std::string dry_run = call.url->value("dryRun"); call.is_dry() && dry_run != "All")
    return refuse(invalid(
        {.group = "meta.k8s.io", .kind = is_new ? "CreateOptions" : "UpdateOptions"}, "",
        {{"dryRun", fmt::format("Unsupported value: [\"{}\"]: supported values: \"All\"", dry_run)}}));
  if (auto refusal = check_fields(call, object, warning)) return refuse(*refusal);
  const auto done = is_new ? call.cluster->create(call.kind(), std::move(object), call.is_dry())
                    : call.place.subresource.empty()
                        ? call.cluster->update(call.kind(), std::move(object), call.is_dry())
                        : call.cluster->update_status(call.kind(), object, call.is_dry());
  Response response = done ? show(call, *done, is_new ? 201 : 200) : refuse(done.error());
  response.warning = std::move(warning);
  return response;
}

Response put(const Call& call) {
  auto object = object_of(call);
  return object ? write(call, *std::move(object)) : refuse(object.error());
}

Response patch(const Call& call) {
  std::string type = call.request->content_type.substr(0, call.request->content_type.find(';'));
  if (type == "application/strategic-merge-patch+json" && !call.kind().is_custom())
    type = "application/merge-patch+json";  // lists are replaced: enough for metadata
  const bool merge = type == "application/merge-patch+json";
  if (!merge && type != "application/json-patch+json")
    return refuse(unsupported_media("application/json-patch+json, application/merge-patch+json"));
  const Object old = call.store().find(call.kind(), call.place.ns, call.place.name);
  if (old == nullptr) return refuse(not_found(call.kind(), call.place.name));
  auto body = body_of(*call.request);
  if (!body) return refuse(body.error());
  if (!merge && !body->is_array())
    return refuse(bad_request("error decoding patch: a JSON patch is an array"));
  Json next = *old;
  try {
    if (merge)
      next.merge_patch(*body);
    else
      next.patch_inplace(*body);
  } catch (const Json::exception&) {
    return refuse(
        {422, "Invalid", "the server rejected our request due to an error in our request", Json::object()});
  }
  next["metadata"]["name"] = call.place.name;
  if (call.kind().namespaced) next["metadata"]["namespace"] = call.place.ns;
  return write(call, std::move(next));
}

Response remove(const Call& call) {
  Json options = Json::object();
  if (!call.request->body.empty()) {
    auto body = body_of(*call.request);
    if (!body) return refuse(body.error());
    options = *std::move(body);
  }
  if (text(options, {"propagationPolicy"}) == "Orphan")
    return refuse(bad_request("the sandbox deletes dependents, too: it knows no propagationPolicy Orphan"));
  const bool is_dry = call.is_dry() || !items(options, {"dryRun"}).empty();
  const auto gone = call.cluster->remove(
      call.kind(), call.place.ns, call.place.name,
      {.uid = std::string(text(options, {"preconditions", "uid"})),
       .resource_version = std::string(text(options, {"preconditions", "resourceVersion"}))},
      is_dry);
  if (!gone) return refuse(gone.error());
  if (call.store().find(call.kind(), call.place.ns, call.place.name) != nullptr) return show(call, *gone);
  const Json details = {{"name", call.place.name},
                        {"group", call.kind().group},
                        {"kind", call.kind().resource},
                        {"uid", uid_of(**gone)}};
  return answer({{"kind", "Status"},
                 {"apiVersion", "v1"},
                 {"metadata", Json::object()},
                 {"status", "Success"},
                 {"details", details}});
}

Response handle_kind(const Call& call) {
  const std::string verb = verb_of(call);
  const std::string& sub = call.place.subresource;
  const Act act{verb, std::string(call.kind().group),
                std::string(call.kind().resource) + (sub.empty() ? "" : "/" + sub), call.place.ns,
                call.place.name};
  if (!may(call.request->user, act)) return refuse(forbidden_act(call.request->user, act));
  if (!sub.empty() && (sub != "status" || !call.kind().has_status))
    return refuse(not_found(call.kind(), call.place.name));
  if (verb == "get") return get(call);
  if (verb == "list") return list(call);
  if (verb == "watch") return watch(call);
  if (verb == "create" && call.place.name.empty()) return put(call);
  if (verb == "update" && !call.place.name.empty()) return put(call);
  if (verb == "patch" && !call.place.name.empty()) return patch(call);
  if (verb == "delete") return remove(call);
  return refuse({405, "MethodNotAllowed", "the server does not allow this method on the requested resource"});
}

/// apis/subresources.kubevirt.io/v1/namespaces/NS/virtualmachines/NAME/ACTION
Response run_action(Cluster& cluster, const Request& request, const std::vector<std::string>& parts) {
  const bool known =
      parts.size() == 8 && parts[5] == "virtualmachines" && (parts[7] == "start" || parts[7] == "stop");
  if (!known) return plain(404, "404: Page Not Found");
  const Act act{"update", "subresources.kubevirt.io", "virtualmachines/" + parts[7], parts[4], parts[6]};
  if (!may(request.user, act)) return refuse(forbidden_act(request.user, act));
  if (request.method != "PUT") return plain(405, "405: Method Not Allowed");
  // KubeVirt's action paths declare no type that they produce.
  if (!request.accept.empty() && request.accept.find("*/*") == std::string::npos)
    return plain(406, "406: Not Acceptable\n\nAvailable representations: ");
  const Json options = Json::parse(request.body.empty() ? "{}" : request.body, nullptr, false);
  if (!options.is_object())
    return refuse(bad_request("Can not unmarshal Request body to struct, error: error unmarshaling JSON"));
  const auto done =
      change_run_state(cluster, parts[4], parts[6], parts[7], !items(options, {"dryRun"}).empty());
  return done ? Response{.status = 202, .content_type = ""} : refuse(done.error());
}

Response route(Cluster& cluster, const Request& request) {
  const Url url = parse_url(request.target);
  const Call call{&cluster, &request, &url, place_of(url)};
  if (url.path == "/healthz" || url.path == "/livez" || url.path == "/readyz") return plain(200, "ok");
  if (request.user.name == kAnonymous && url.path != "/version" && call.place.kind == nullptr)
    return refuse({403, "Forbidden",
                   fmt::format("forbidden: User \"{}\" cannot {} path \"{}\"", kAnonymous,
                               lower(request.method), url.path),
                   Json::object()});
  if (request.method == "GET")
    if (const auto discovered = discover(url)) return answer(*discovered);
  if (url.path == "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews" && request.method == "POST") {
    const auto review = body_of(request);
    return review ? answer(review_access(request.user, *review), 201) : refuse(review.error());
  }
  if (url.path.starts_with("/apis/subresources.kubevirt.io/v1/namespaces/"))
    return run_action(cluster, request, url.parts);
  return call.place.kind == nullptr ? plain(404, "404 page not found\n") : handle_kind(call);
}

}  // namespace

Response handle(Cluster& cluster, const Request& request) {
  try {
    return route(cluster, request);
  } catch (const Json::exception& problem) {
    return refuse(bad_request(problem.what()));  // a field is not of the type it has to be
  }
}

}  // namespace wukong::sandbox
