// A kube::Api without a cluster: time that jumps to the next timer, a small store that answers requests,
// watches of that store, signals that a test raises. Everything is delivered from within turn(), in order.
#pragma once

#include <fmt/format.h>

#include <csignal>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/text.h"
#include "kube/api.h"

namespace wukong::testing {

/// How a fake cluster behaves unless told otherwise: POST creates (409 when it exists), GET reads or lists,
/// PATCH merges, DELETE removes, PUT answers 202 and changes nothing. Objects get uid "uid-N",
/// resourceVersion and generation.
class FakeApi : public kube::Api {
 public:
  /// What comes back for a request; nullopt holds it back: `release` answers it later.
  using Answer = std::optional<Result<kube::Response>>;
  using Done = std::function<void(Result<kube::Response>)>;

  // ---- what a test looks at

  std::vector<kube::Request> sent{};  // every request, in order
  /// "POST /api/v1/namespaces/demo/persistentvolumeclaims", for every request or only for writes.
  std::vector<std::string> lines(bool writes_only = true) const {
    std::vector<std::string> out;
    for (const auto& request : sent) {
      if (writes_only && request.method == kube::Method::get) continue;
      out.push_back(fmt::format("{} {}", verb(request.method), request.path));
    }
    return out;
  }
  std::size_t watches() const { return watches_.size(); }
  std::size_t held() const { return held_.size(); }
  Duration elapsed() const { return now_ - Time{}; }
  const Json* stored(const std::string& resource, const std::string& ns, const std::string& name) const {
    const auto found = store_.find({resource, ns, name});
    return found == store_.end() ? nullptr : &found->second;
  }

  // ---- what a test decides

  Duration latency{};        // between a request and its answer
  bool store_answers{true};  // false: what nobody scripted is answered 404

  /// The next request with this method and path gets this answer; several are used in order, once each.
  void script(kube::Method method, const std::string& path, Answer answer) {
    scripted_[{method, path}].push_back(std::move(answer));
  }
  /// Asked before the store, and again for every request; an answer of `pass()` leaves it to the store.
  void handle(std::function<std::optional<Answer>(const kube::Request&)> handler) {
    handler_ = std::move(handler);
  }
  static std::optional<Answer> pass() { return std::nullopt; }

  static Result<kube::Response> ok(Json body, int status = 200) {
    kube::Response response;
    response.status = status;
    response.body = std::move(body);
    return response;
  }
  static Result<kube::Response> error(Code code, std::string message) {
    return Error{.code = code, .message = std::move(message)};
  }

  /// Answers the oldest request that was held back. The answer is delivered by the next turn.
  void release(Result<kube::Response> answer) {
    if (held_.empty()) throw std::logic_error("no request is held");
    Done done = std::move(held_.front());
    held_.pop_front();
    soon([done = std::move(done), answer = std::move(answer)]() mutable { done(std::move(answer)); });
  }

  /// Puts or replaces an object; watchers hear of it in the next turn. uid and resourceVersion are added when
  /// missing. The resource is taken from `gvr`, namespace and name from the object.
  void put(const Gvr& gvr, Json object) {
    Json& metadata = object["metadata"];
    const std::string ns = std::string(text(object, {"metadata", "namespace"}));
    const std::string name = std::string(text(object, {"metadata", "name"}));
    const Json* before = stored(gvr.resource, ns, name);
    if (text(object, {"metadata", "uid"}).empty()) {
      metadata["uid"] = before != nullptr ? std::string(text(*before, {"metadata", "uid"}))
                                          : fmt::format("uid-{}", ++uids_);
    }
    metadata["resourceVersion"] = fmt::format("{}", ++version_);
    if (!metadata.contains("generation")) metadata["generation"] = 1;
    if (!object.contains("apiVersion")) object["apiVersion"] = gvr.api_version();
    if (!object.contains("kind")) object["kind"] = gvr.kind;
    store_.insert_or_assign(Key{gvr.resource, ns, name}, object);
    publish(gvr.resource, ns, name, std::make_optional(std::move(object)));
  }
  /// Merges a JSON merge patch into a stored object.
  void merge(const Gvr& gvr, const std::string& ns, const std::string& name, const Json& patch) {
    const Json* before = stored(gvr.resource, ns, name);
    if (before == nullptr) throw std::logic_error("not stored: " + gvr.resource + " " + ns + "/" + name);
    Json object = *before;
    object.merge_patch(patch);
    put(gvr, std::move(object));
  }
  void remove(const Gvr& gvr, const std::string& ns, const std::string& name) {
    store_.erase({gvr.resource, ns, name});
    publish(gvr.resource, ns, name, std::nullopt);
  }
  /// Watches of this resource are (from now on, and existing ones from the next turn) unreadable.
  void forbid(const std::string& resource, Error why) {
    blind_[resource] = why;
    edit(resource, [why](Shelf& shelf) {
      shelf.sight = Shelf::Sight::unreadable;
      shelf.why = why;
      shelf.objects.clear();
    });
  }
  /// Interrupts (text) or mends ("") the streams of this resource.
  void trouble(const std::string& resource, const std::string& text) {
    edit(resource, [text](Shelf& shelf) { shelf.trouble = text; });
  }
  /// New watches of this resource stay `loading` until `loaded` is called.
  void hold_loading(const std::string& resource) { loading_.insert(resource); }
  void loaded(const std::string& resource) {
    loading_.erase(resource);
    for (auto& [id, watch] : watches_) {
      if (watch->what.gvr.resource == resource) soon([this, watch = std::weak_ptr(watch)] { fill(watch); });
    }
  }
  /// Any other edit of the shelves of a resource, in the next turn, followed by changed("").
  void edit(const std::string& resource, std::function<void(Shelf&)> change) {
    for (auto& [id, watch] : watches_) {
      if (watch->what.gvr.resource != resource) continue;
      soon([weak = std::weak_ptr(watch), change] {
        const auto alive = weak.lock();
        if (!alive) return;
        change(*alive->shelf);
        alive->changed("");
      });
    }
  }
  /// Runs `act` when virtual time has moved on by `delay`.
  void at(Duration delay, std::function<void()> act) {
    timers_.emplace(now_ + delay, std::pair(++timer_ids_, std::move(act)));
  }
  /// A signal that ends, heard in the next turn.
  void raise(int signal) {
    soon([this, signal] {
      if (hearers_.empty()) {
        unheard_.push_back(signal);
      } else {
        const auto heard = hearers_.back().second;
        heard(signal);
      }
    });
  }
  /// Turns until `finished` or virtual time has passed `limit`; says which.
  bool turn_until(const std::function<bool()>& finished, Duration limit = std::chrono::hours{24}) {
    const Time end = now_ + limit;
    while (!finished() && now_ < end && can_turn()) turn();
    return finished();
  }
  /// False when nothing would ever happen again: no answer, timer or change is on its way.
  bool can_turn() const { return !queue_.empty() || !timers_.empty(); }

  // ---- kube::Api

  Time now() const override { return now_; }

  kube::Handle after(Duration delay, std::function<void()> fire) override {
    const std::uint64_t id = ++timer_ids_;
    timers_.emplace(now_ + std::max(delay, Duration::zero()), std::pair(id, std::move(fire)));
    return kube::Handle(
        [this, id] { std::erase_if(timers_, [id](const auto& timer) { return timer.second.first == id; }); });
  }

  void request(kube::Request request, Done done) override {
    sent.push_back(request);
    auto answer = [this, request = std::move(request), done = std::move(done)]() mutable {
      Answer got = answer_to(request);
      if (!got) {
        held_.push_back(std::move(done));
        return;
      }
      if (*got && !(*got)->body.is_null()) {
        auto kept = parse_json(dump((*got)->body), request.keep, request.envelope);
        if (kept) (*got)->body = std::move(*kept);
      }
      done(std::move(*got));
    };
    if (latency == Duration::zero()) {
      soon(std::move(answer));
    } else {
      timers_.emplace(now_ + latency, std::pair(++timer_ids_, std::move(answer)));
    }
  }

  kube::WatchHandle watch(const Watched& what, std::function<void(const std::string&)> changed) override {
    auto watch = std::make_shared<Watch>();
    watch->what = what;
    watch->changed = std::move(changed);
    const std::uint64_t id = ++watch_ids_;
    watches_.emplace(id, watch);
    watch->since = version_;
    soon([this, weak = std::weak_ptr(watch)] { fill(weak); });
    return kube::WatchHandle{.shelf = watch->shelf,
                             .handle = kube::Handle([this, id] { watches_.erase(id); })};
  }

  kube::Handle on_signal(std::function<void(int)> heard) override {
    const std::uint64_t id = ++hearer_ids_;
    hearers_.emplace_back(id, std::move(heard));
    for (const int signal : std::exchange(unheard_, {})) raise(signal);
    return kube::Handle(
        [this, id] { std::erase_if(hearers_, [id](const auto& hearer) { return hearer.first == id; }); });
  }

  kube::Handle on_leave(std::function<void()> /*leave*/) override { return {}; }

  /// Delivers what is ready; when nothing is, time jumps to the next timer. A test that waits for what can
  /// never happen fails with an exception instead of hanging.
  void turn() override {
    if (!can_turn())
      throw std::logic_error("FakeApi: nothing will ever happen (no answer, timer or change pending)");
    if (queue_.empty()) now_ = std::max(now_, timers_.begin()->first);
    for (std::size_t ready = queue_.size(); ready > 0; --ready) {
      const auto act = std::move(queue_.front());
      queue_.pop_front();
      act();
    }
    const std::uint64_t newest = timer_ids_;  // timers made by timers wait for the next turn
    while (true) {
      const auto due = std::find_if(timers_.begin(), timers_.end(), [&](const auto& timer) {
        return timer.first <= now_ && timer.second.first <= newest;
      });
      if (due == timers_.end()) break;
      const auto act = std::move(due->second.second);
      timers_.erase(due);
      act();
    }
  }

 private:
  using Key = std::tuple<std::string, std::string, std::string>;  // resource, namespace, name
  struct Watch {
    Watched what{};
    std::shared_ptr<Shelf> shelf{std::make_shared<Shelf>()};
    std::function<void(const std::string&)> changed{};
    std::uint64_t since{};
  };
  struct Target {  // what a path names
    Gvr gvr{};
    std::string ns{};
    std::string name{};
    std::string subresource{};
  };

  static const char* verb(kube::Method method) {
    switch (method) {
      case kube::Method::get:
        return "GET";
      case kube::Method::post:
        return "POST";
      case kube::Method::put:
        return "PUT";
      case kube::Method::patch:
        return "PATCH";
      case kube::Method::del:
        return "DELETE";
    }
    return "?";
  }

  void soon(std::function<void()> act) { queue_.push_back(std::move(act)); }

  Answer answer_to(const kube::Request& request) {
    if (const auto found = scripted_.find({request.method, request.path});
        found != scripted_.end() && !found->second.empty()) {
      Answer answer = std::move(found->second.front());
      found->second.pop_front();
      return answer;
    }
    if (handler_) {
      if (auto answer = handler_(request)) return std::move(*answer);
    }
    if (!store_answers) return error(Code::not_found, "404 page not found");
    return from_store(request);
  }

  static Target target(const std::string& path) {
    auto words = split(path, '/');  // "", "apis", group, version, … or "", "api", "v1", …
    std::size_t at = 1;
    Target out;
    const auto next = [&] { return at < words.size() ? words[at++] : std::string(); };
    if (next() == "apis") out.gvr.group = next();
    out.gvr.version = next();
    if (at + 2 < words.size() && words[at] == "namespaces") {
      ++at;
      out.ns = next();
    }
    out.gvr.resource = next();
    out.name = next();
    out.subresource = next();
    return out;
  }

  Answer from_store(const kube::Request& request) {
    Target to = target(request.path);
    if (request.method == kube::Method::post) return create(request, to);
    if (request.method == kube::Method::get && to.name.empty()) return list(request, to);
    if (request.method == kube::Method::put) return ok(Json::object(), 202);
    const Json* found = stored(to.gvr.resource, to.ns, to.name);
    if (found == nullptr) {
      return error(Code::not_found, fmt::format("{} \"{}\" not found", to.gvr.qualified(), to.name));
    }
    Json object = *found;
    if (request.method == kube::Method::get) return ok(std::move(object));
    if (request.method == kube::Method::patch) {
      object.merge_patch(Json::parse(request.body, nullptr, false));
      put(to.gvr, object);
      return ok(*stored(to.gvr.resource, to.ns, to.name));
    }
    const Json body = request.body.empty() ? Json::object() : Json::parse(request.body, nullptr, false);
    const std::string_view uid = text(body, {"preconditions", "uid"});
    if (!uid.empty() && uid != text(object, {"metadata", "uid"})) {
      return error(Code::conflict, "the UID in the precondition does not match the UID in record");
    }
    remove(to.gvr, to.ns, to.name);
    return ok(std::move(object));
  }

  Answer create(const kube::Request& request, Target to) {
    if (!to.name.empty()) return ok(Json::object(), 201);  // a subresource
    Json object = Json::parse(request.body, nullptr, false);
    if (to.gvr.resource == "selfsubjectaccessreviews") {
      object["status"]["allowed"] = true;
      return ok(std::move(object), 201);
    }
    const std::string name(text(object, {"metadata", "name"}));
    if (stored(to.gvr.resource, to.ns, name) != nullptr) {
      return error(Code::already_exists, fmt::format("{} \"{}\" already exists", to.gvr.qualified(), name));
    }
    to.gvr.kind = std::string(text(object, {"kind"}));
    for (const auto& [key, value] : request.query) {
      if (key == "dryRun") return ok(std::move(object), 201);
    }
    if (!to.ns.empty()) object["metadata"]["namespace"] = to.ns;
    put(to.gvr, std::move(object));
    return ok(*stored(to.gvr.resource, to.ns, name), 201);
  }

  Answer list(const kube::Request& request, const Target& to) const {
    Watched what{.gvr = to.gvr, .ns = to.ns};
    for (const auto& [key, value] : request.query) {
      if (key == "labelSelector") what.labels = value;
      if (key == "fieldSelector") what.fields = value;
    }
    Json found = Json::array();
    for (const auto& [key, object] : store_) {
      if (std::get<0>(key) == to.gvr.resource && matches(what, std::get<1>(key), object))
        found.push_back(object);
    }
    Json body = Json::object();
    body["kind"] = "List";
    body["metadata"]["resourceVersion"] = fmt::format("{}", version_);
    body["items"] = std::move(found);
    return ok(std::move(body));
  }

  /// "a=b,c=d" against dotted paths (fields) or metadata.labels; only equality.
  static bool selected(const std::string& selector, const Json& object, bool labels) {
    if (selector.empty()) return true;
    for (const std::string& term : split(selector, ',')) {
      const auto equals = term.find('=');
      if (equals == std::string::npos) continue;
      const std::string key = term.substr(0, equals);
      const std::string wanted = term.substr(term.find_last_of('=') + 1);
      const Json* at = &object;
      for (const std::string& word :
           labels ? std::vector<std::string>{"metadata", "labels", key} : split(key, '.')) {
        if (at != nullptr) at = find(*at, {word});
      }
      if (at == nullptr || !at->is_string() || *at != wanted) return false;
    }
    return true;
  }

  static bool matches(const Watched& what, const std::string& ns, const Json& object) {
    if (!what.ns.empty() && what.ns != ns) return false;
    if (!what.name.empty() && what.name != text(object, {"metadata", "name"})) return false;
    return selected(what.labels, object, true) && selected(what.fields, object, false);
  }

  static Json projected(const Json& object, const Projection& keep) {
    auto kept = parse_json(dump(object), keep);
    return kept ? std::move(*kept) : object;
  }

  void fill(const std::weak_ptr<Watch>& weak) {
    const auto watch = weak.lock();
    if (!watch || loading_.contains(watch->what.gvr.resource)) return;
    Shelf& shelf = *watch->shelf;
    if (const auto blind = blind_.find(watch->what.gvr.resource); blind != blind_.end()) {
      shelf.sight = Shelf::Sight::unreadable;
      shelf.why = blind->second;
    } else {
      shelf.sight = Shelf::Sight::known;
      for (const auto& [key, object] : store_) {
        const auto& [resource, ns, name] = key;
        if (resource != watch->what.gvr.resource || !matches(watch->what, ns, object)) continue;
        const auto version = integer(object, {"metadata", "resourceVersion"}).value_or(0);
        if (watch->what.from_now && static_cast<std::uint64_t>(version) <= watch->since) continue;
        shelf.objects.insert_or_assign(shelf_key(watch->what, object), projected(object, watch->what.keep));
      }
    }
    watch->changed("");
  }

  /// Tells every watch that has loaded of an object that was put (or removed: nullopt).
  void publish(const std::string& resource, const std::string& ns, const std::string& name,
               std::optional<Json> object) {
    for (auto& [id, watch] : watches_) {
      if (watch->what.gvr.resource != resource) continue;
      soon([weak = std::weak_ptr(watch), ns, name, object] {
        const auto alive = weak.lock();
        if (!alive || alive->shelf->sight != Shelf::Sight::known) return;
        Shelf& shelf = *alive->shelf;
        const Json names = {{"metadata", {{"name", name}, {"namespace", ns}}}};
        const std::string key = shelf_key(alive->what, names);
        if (object && matches(alive->what, ns, *object)) {
          shelf.objects.insert_or_assign(key, projected(*object, alive->what.keep));
        } else if ((!alive->what.ns.empty() && alive->what.ns != ns) || shelf.objects.erase(key) == 0) {
          return;
        }
        alive->changed(key);
      });
    }
  }

  Time now_{};
  std::multimap<Time, std::pair<std::uint64_t, std::function<void()>>> timers_{};
  std::uint64_t timer_ids_{};
  std::deque<std::function<void()>> queue_{};
  std::map<std::pair<kube::Method, std::string>, std::deque<Answer>> scripted_{};
  std::function<std::optional<Answer>(const kube::Request&)> handler_{};
  std::deque<Done> held_{};
  std::map<Key, Json> store_{};
  std::uint64_t uids_{};
  std::uint64_t version_{100};
  std::map<std::uint64_t, std::shared_ptr<Watch>> watches_{};
  std::uint64_t watch_ids_{};
  std::map<std::string, Error> blind_{};
  std::set<std::string> loading_{};
  std::vector<std::pair<std::uint64_t, std::function<void(int)>>> hearers_{};
  std::uint64_t hearer_ids_{};
  std::vector<int> unheard_{};
};

}  // namespace wukong::testing
