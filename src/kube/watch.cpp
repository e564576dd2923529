#include "kube/watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "kube/api_error.h"
#include "kube/watch_rules.h"

namespace wukong::kube {
namespace {

constexpr const char* kPageSize = "500";

using Act = WatchRules::Next::Act;

/// Whether a holder cannot do without it is no property of the stream.
bool same_stream(Watched a, const Watched& b) {
  a.required = b.required;
  return a == b;
}

std::string field_selector(const Watched& what) {
  if (what.name.empty()) return what.fields;
  const std::string by_name = "metadata.name=" + what.name;
  return what.fields.empty() ? by_name : by_name + "," + what.fields;
}

Request request_for(const Watched& what, Envelope envelope) {
  Request request{.path = collection_path(what.gvr, what.ns), .keep = what.keep, .envelope = envelope};
  if (!what.labels.empty()) request.query.emplace_back("labelSelector", what.labels);
  if (const std::string fields = field_selector(what); !fields.empty())
    request.query.emplace_back("fieldSelector", fields);
  return request;
}

}  // namespace

bool LineSplitter::feed(std::string_view bytes, const std::function<bool(std::string_view)>& line) {
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    if (end == std::string_view::npos) {
      rest_ += bytes;
      return rest_.size() <= kLongest;
    }
    const std::string_view tail = bytes.substr(0, end);
    bytes.remove_prefix(end + 1);
    if (rest_.empty()) {
      if (!tail.empty() && !line(tail)) return false;
      continue;
    }
    rest_ += tail;
    const std::string whole = std::exchange(rest_, {});
    if (!line(whole)) return false;
  }
  return true;
}

class Watches::Stream : public std::enable_shared_from_this<Stream> {
 public:
  Stream(Wire& wire, Watched what, std::uint64_t seed) : wire_(&wire), what_(std::move(what)), rules_(seed) {}

  const Watched& what() const { return what_; }
  const std::shared_ptr<Shelf>& shelf() const { return shelf_; }

  void begin() { carry_out(rules_.start()); }

  std::uint64_t hold(std::function<void(const std::string&)> changed) {
    holders_.emplace_back(++last_holder_, std::make_shared<const Changed>(std::move(changed)));
    return last_holder_;
  }
  void release(std::uint64_t holder) {
    std::erase_if(holders_, [holder](const auto& each) { return each.first == holder; });
  }
  /// Tells one holder that joined a stream which has something already.
  void greet(std::uint64_t holder) {
    if (shelf_->sight == Shelf::Sight::loading) return;
    for (const auto& [id, changed] : holders_) {
      if (id != holder) continue;
      const auto keep = changed;
      (*keep)("");
      return;
    }
  }

 private:
  using Changed = std::function<void(const std::string&)>;

  /// Holders may come and go while they are told.
  void tell(const std::string& name) {
    const auto alive = shared_from_this();
    const auto told = holders_;
    for (const auto& one : told) {
      const bool still = std::any_of(holders_.begin(), holders_.end(),
                                     [&one](const auto& each) { return each.first == one.first; });
      if (still) (*one.second)(name);
    }
  }

  void show_trouble() {
    if (shelf_->trouble == rules_.trouble()) return;
    shelf_->trouble = rules_.trouble();
    tell("");
  }

  template <class F>
  auto guarded(F&& act) {
    return [weak = weak_from_this(), act = std::forward<F>(act)](auto&&... arguments) {
      if (const auto self = weak.lock()) act(*self, std::forward<decltype(arguments)>(arguments)...);
    };
  }

  void carry_out(const WatchRules::Next& next) {
    stream_.reset();
    if (next.act == Act::stop) return give_up(next.why);
    timer_ = wire_->pause(next.pause, guarded([next](Stream& self) {
                            if (next.act == Act::list) {
                              self.list(next.whole);
                            } else {
                              self.follow(next.version);
                            }
                          }));
    show_trouble();
  }

  void give_up(const Error& why) {
    shelf_->sight = Shelf::Sight::unreadable;
    shelf_->why = why;
    shelf_->trouble.clear();
    shelf_->objects.clear();
    tell("");
  }

  void list(bool whole) {
    listed_.clear();
    whole_ = whole;
    ask_page("");
  }

  void ask_page(const std::string& next_page) {
    Request request = request_for(what_, Envelope::list);
    if (what_.from_now) {
      request.query.emplace_back("limit", "1");
    } else if (!whole_) {
      request.query.emplace_back("limit", kPageSize);
    }
    if (!next_page.empty()) request.query.emplace_back("continue", next_page);
    stream_ = wire_->attempt(std::move(request),
                             guarded([](Stream& self, Attempt page) { self.take_page(std::move(page)); }));
  }

  void take_page(Attempt page) {
    if (!page) return carry_out(rules_.list_failed(page.error()));
    const std::string next_page(text(page->body, {"metadata", "continue"}));
    const std::string version(text(page->body, {"metadata", "resourceVersion"}));
    if (version.empty()) {
      return carry_out(rules_.list_failed(broken_answer({.message = "a list without a resourceVersion"},
                                                        collection_path(what_.gvr, what_.ns))));
    }
    if (!what_.from_now) {
      if (const auto found = page->body.find("items"); found != page->body.end() && found->is_array()) {
        for (Json& object : *found) put(listed_, what_, std::move(object));
      }
      if (!next_page.empty()) return ask_page(next_page);
      shelf_->objects = std::exchange(listed_, {});  // what vanished meanwhile is not in it
    }
    shelf_->sight = Shelf::Sight::known;
    const auto next = rules_.listed(version);
    shelf_->trouble.clear();
    const auto alive = shared_from_this();
    carry_out(next);
    tell("");
  }

  static void put(std::map<std::string, Json, std::less<>>& objects, const Watched& what, Json object) {
    std::string name = shelf_key(what, object);
    if (!name.empty()) objects.insert_or_assign(std::move(name), std::move(object));
  }

  void follow(const std::string& version) {
    Request request = request_for(what_, Envelope::watch_event);
    request.query.emplace_back("watch", "true");
    request.query.emplace_back("allowWatchBookmarks", "true");
    request.query.emplace_back("resourceVersion", version);
    request.query.emplace_back("timeoutSeconds", fmt::format("{}", rules_.timeout_seconds()));
    lines_ = LineSplitter();
    stream_ = wire_->stream(
        std::move(request),
        {.opened = guarded([](Stream& self) {
           self.rules_.opened(self.wire_->now());
           self.show_trouble();
         }),
         .bytes = guarded([](Stream& self, std::string_view bytes) { self.take_bytes(bytes); }),
         .ended = guarded([](Stream& self, const std::optional<Failure>& failure) { self.end(failure); })});
  }

  void end(const std::optional<Failure>& failure) { carry_out(rules_.ended(failure, wire_->now())); }

  void take_bytes(std::string_view bytes) {
    const auto alive = shared_from_this();
    std::optional<Failure> broken{};
    const bool fine = lines_.feed(bytes, [&](std::string_view line) {
      broken = take_event(line);
      return !broken && !holders_.empty();
    });
    if (holders_.empty()) return;
    if (!fine && !broken)
      broken = broken_answer({.message = "an event without end"}, collection_path(what_.gvr, what_.ns));
    if (broken) end(broken);
  }

  /// One line of a watch: {type, object}. A failure ends the stream.
  std::optional<Failure> take_event(std::string_view line) {
    auto event = parse_json(line, what_.keep, Envelope::watch_event);
    if (!event) return broken_answer(event.error(), collection_path(what_.gvr, what_.ns));
    const std::string type(text(*event, {"type"}));
    const Json* object = find(*event, {"object"});
    if (object == nullptr)
      return broken_answer({.message = "an event without object"}, collection_path(what_.gvr, what_.ns));
    // An answer of 200 may hold nothing but the Status that the version is too old.
    if (type == "ERROR") return Failure{.error = status_error(*object), .retryable = true};
    rules_.saw(std::string(text(*object, {"metadata", "resourceVersion"})));
    shelf_->trouble.clear();
    if (type == "BOOKMARK") return std::nullopt;
    const std::string name = shelf_key(what_, *object);
    if (type == "DELETED") {
      shelf_->objects.erase(name);
    } else {
      put(shelf_->objects, what_, std::move((*event)["object"]));
    }
    tell(name);
    return std::nullopt;
  }

  Wire* wire_;
  Watched what_;
  WatchRules rules_;
  std::shared_ptr<Shelf> shelf_{std::make_shared<Shelf>()};
  std::vector<std::pair<std::uint64_t, std::shared_ptr<const Changed>>> holders_{};
  std::uint64_t last_holder_{};
  std::map<std::string, Json, std::less<>> listed_{};  // pages so far
  bool whole_{};
  LineSplitter lines_{};
  Handle timer_{};
  Handle stream_{};  // a list's page or the watch
};

WatchHandle Watches::watch(const Watched& what, std::function<void(const std::string&)> changed) {
  std::erase_if(streams_, [](const auto& each) { return each.expired(); });
  std::shared_ptr<Stream> stream{};
  for (const auto& each : streams_) {
    if (auto alive = each.lock(); alive && same_stream(alive->what(), what)) stream = std::move(alive);
  }
  const bool joined = stream != nullptr;
  if (!joined) {
    stream = std::make_shared<Stream>(*wire_, what, ++seed_);
    streams_.push_back(stream);
    stream->begin();
  }
  const std::uint64_t holder = stream->hold(std::move(changed));
  auto greeting = std::make_shared<Handle>();
  if (joined) {
    *greeting = wire_->after(Duration::zero(), [weak = std::weak_ptr(stream), holder] {
      if (const auto alive = weak.lock()) alive->greet(holder);
    });
  }
  return WatchHandle{.shelf = stream->shelf(), .handle = Handle([stream, holder, greeting] {
                                                 greeting->reset();
                                                 stream->release(holder);
                                               })};
}

}  // namespace wukong::kube
