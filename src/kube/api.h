// The cluster as the rest of the program sees it: requests, shared watches, timers, signals. One thread.
// kube::Client is the real one; tests have a fake with a clock of their own.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/object.h"
#include "base/view.h"

namespace wukong::kube {

enum class Method { get, post, put, patch, del };

struct Request {
  Method method{Method::get};
  std::string path{};  // "/apis/kubevirt.io/v1/namespaces/demo/virtualmachines/web", escaped
  std::vector<std::pair<std::string, std::string>> query{};  // unescaped
  std::string body{};
  std::string content_type{"application/json"};
  std::string accept{};                 // empty: JSON
  Projection keep{};                    // what of the answer is kept
  Envelope envelope{Envelope::object};  // `list` when the answer is one
  /// How long the request is tried again after transport errors, 429 and 5xx (api.h retries, callers do not).
  std::chrono::nanoseconds patience{std::chrono::seconds{30}};
};

struct Response {
  int status{};
  Json body = Json();                   // the parsed answer; null when it was not JSON
  std::vector<std::string> warnings{};  // `Warning: 299` headers
};

/// Undoes what it stands for (a timer, a watch, a signal handler) when it is destroyed. Empty ones do nothing.
class Handle {
 public:
  Handle() = default;
  explicit Handle(std::function<void()> undo) : undo_(std::move(undo)) {}
  Handle(Handle&& other) noexcept : undo_(std::exchange(other.undo_, nullptr)) {}
  Handle& operator=(Handle&& other) noexcept {
    reset();
    undo_ = std::exchange(other.undo_, nullptr);
    return *this;
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() { reset(); }
  void reset() {
    if (auto undo = std::exchange(undo_, nullptr)) undo();
  }

 private:
  std::function<void()> undo_{};
};

/// A watch somebody holds. The shelf lives as long as the handle.
struct WatchHandle {
  std::shared_ptr<const Shelf> shelf{};
  Handle handle{};
};

class Api {
 public:
  Api() = default;
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;
  virtual ~Api() = default;

  virtual Time now() const = 0;
  /// Calls `fire` once, `delay` from now, from within turn(); never from within after().
  virtual Handle after(Duration delay, std::function<void()> fire) = 0;
  /// Sends; `done` is called once from within turn(), with the answer of a 2xx or the error of anything else.
  /// Errors carry the code that fits the status, the server's message and causes.
  virtual void request(Request request, std::function<void(Result<Response>)> done) = 0;
  /// Follows objects until the handle is dropped. `changed(name)` is called from within turn() after each
  /// change of the shelf; an empty name means "anything may have changed" (first list, list anew, trouble, sight).
  virtual WatchHandle watch(const Watched& what, std::function<void(const std::string& name)> changed) = 0;
  /// Calls `heard` with SIGINT, SIGTERM or SIGHUP from within turn(). The newest handler wins; without one they are kept for the
  /// next.
  virtual Handle on_signal(std::function<void(int)> heard) = 0;
  /// Calls `leave` from within turn() right before the program is stopped (Ctrl-Z) or quit (Ctrl-\): the terminal is somebody
  /// else's then. Nothing tells that it goes on again.
  virtual Handle on_leave(std::function<void()> leave) = 0;
  /// Lets things happen: delivers what is ready, or sleeps until something is.
  virtual void turn() = 0;
};

// ---- paths

/// "/apis/kubevirt.io/v1/namespaces/demo/virtualmachines": the collection of a kind in a namespace ("" = all or none).
std::string collection_path(const Gvr& gvr, const std::string& ns);
/// collection_path + "/" + escaped name [+ "/" + subresource].
std::string object_path(const ObjectRef& ref, const std::string& subresource = "");

// ---- many reads at once

/// What a read found out. A fact is known, absent (404), or unreadable (401 aside, no permission or kind not served).
class Fact {
 public:
  enum class Sight { known, absent, unreadable };
  static Fact known(Json object);
  static Fact absent();
  static Fact unreadable(Error why);
  Sight sight{Sight::absent};
  Json object = Json();  // known only; for a list: the List with all items of all pages
  Error why{};           // unreadable only
  bool is_known() const { return sight == Sight::known; }
  bool is_absent() const { return sight == Sight::absent; }
  bool is_unreadable() const { return sight == Sight::unreadable; }
};

/// The object of a list that has this name, or nullptr.
const Json* named(const Fact& list, std::string_view name);
bool has_name(const Fact& list, std::string_view name);

/// One thing to read: an object, or (no name) the list of a collection.
struct Read {
  Gvr gvr{};
  std::string ns{};
  std::string name{};    // empty: a list
  std::string labels{};  // lists only
  std::string fields{};  // lists only
  Projection keep{};
  std::string raw_path{};  // instead of all above: any GET path ("/apis/clone.kubevirt.io")
};

/// Sends all reads at once and calls `done` with a Fact each, in order (lists are read in pages of 500).
/// Errors: only what makes the facts worthless: unreachable, unauthenticated, a broken answer.
void fetch(Api& api, std::vector<Read> reads, std::function<void(Result<std::vector<Fact>>)> done);
/// The same, turning `api` until the answer is there. Errors also: that of a signal.
Result<std::vector<Fact>> fetch(Api& api, std::vector<Read> reads);

/// Turns `api` until `finished`. Errors: that of a signal (ended_by()). What callbacks write to must outlive an error: share it.
Result<void> turn_until(Api& api, const std::function<bool()>& finished);

/// Sends `request` and turns `api` until it is answered. Errors also: that of a signal.
Result<Response> ask(Api& api, Request request);

/// One permission, as a SelfSubjectAccessReview asks for it.
struct Permission {
  std::string verb{};
  std::string group{};
  std::string resource{};
  std::string subresource{};
  std::string ns{};
  std::string name{};
  bool operator==(const Permission&) const = default;
};
/// Which of `wanted` the user lacks, in order. A review that cannot be made counts as allowed: the API itself decides then.
Result<std::vector<Permission>> missing_permissions(Api& api, const std::vector<Permission>& wanted);

}  // namespace wukong::kube
