#include "kube/api.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "kube/api_error.h"
#include "kube/url.h"

namespace wukong::kube {
namespace {

constexpr const char* kPageSize = "500";

/// Adds the items of a further page to the List of the pages before.
void append_page(Json& list, Json page) {
  list["metadata"]["continue"] = text(page, {"metadata", "continue"});
  Json& all = list["items"];
  if (!all.is_array()) all = Json::array();
  const auto more = page.find("items");
  if (more == page.end() || !more->is_array()) return;
  for (Json& object : *more) all.push_back(std::move(object));
}

/// The reads of one fetch; alive as long as one of its requests is.
class Fetch : public std::enable_shared_from_this<Fetch> {
 public:
  using Done = std::function<void(Result<std::vector<Fact>>)>;

  Fetch(Api& api, std::vector<Read> reads, Done done)
      : api_(&api),
        reads_(std::move(reads)),
        facts_(reads_.size()),
        left_(reads_.size()),
        done_(std::move(done)) {}

  void begin() {
    for (std::size_t i = 0; i < reads_.size(); ++i) ask(i, "", true);
    if (!reads_.empty()) return;
    nothing_ = api_->after(Duration::zero(), [self = shared_from_this()] {
      self->nothing_.reset();
      std::exchange(self->done_, nullptr)(std::vector<Fact>{});
    });
  }

 private:
  bool is_list(std::size_t i) const { return reads_[i].raw_path.empty() && reads_[i].name.empty(); }

  void ask(std::size_t i, const std::string& next_page, bool in_pages) {
    const Read& read = reads_[i];
    Request request{.keep = read.keep};
    if (!read.raw_path.empty()) {
      request.path = read.raw_path;
    } else if (!read.name.empty()) {
      request.path = object_path({read.gvr, read.ns, read.name});
    } else {
      request.path = collection_path(read.gvr, read.ns);
      request.envelope = Envelope::list;
      if (in_pages) request.query.emplace_back("limit", kPageSize);
      if (!next_page.empty()) request.query.emplace_back("continue", next_page);
      if (!read.labels.empty()) request.query.emplace_back("labelSelector", read.labels);
      if (!read.fields.empty()) request.query.emplace_back("fieldSelector", read.fields);
    }
    api_->request(std::move(request),
                  [self = shared_from_this(), i, later_page = !next_page.empty()](Result<Response> got) {
                    self->take(i, std::move(got), later_page);
                  });
  }

  void take(std::size_t i, Result<Response> got, bool later_page) {
    if (!done_) return;  // failed as a whole
    if (!got) return take_error(i, std::move(got.error()), later_page);
    if (reads_[i].raw_path.empty() && !got->body.is_object())
      return take_error(i, {.message = "the answer is no object"}, later_page);
    Fact& fact = facts_[i];
    if (!later_page) {
      fact = Fact::known(std::move(got->body));
    } else {
      append_page(fact.object, std::move(got->body));
    }
    const std::string next_page(is_list(i) ? text(fact.object, {"metadata", "continue"})
                                           : std::string_view());
    if (!next_page.empty()) return ask(i, next_page, true);
    finish_one();
  }

  void take_error(std::size_t i, Error error, bool later_page) {
    switch (error.code) {
      case Code::not_found:
        // A list is never absent, and a kind that is not served says nothing of an object.
        facts_[i] = is_list(i) || (reads_[i].raw_path.empty() && is_not_served(error))
                        ? Fact::unreadable(std::move(error))
                        : Fact::absent();
        return finish_one();
      case Code::forbidden:
      case Code::invalid:
        facts_[i] = Fact::unreadable(std::move(error));
        return finish_one();
      case Code::expired:
        if (later_page) return ask(i, "", false);  // changed too much while it was read: all in one answer
        [[fallthrough]];
      default:
        error.context.push_back(fmt::format("while reading {}", name_of(i)));
        std::exchange(done_, nullptr)(std::move(error));
    }
  }

  std::string name_of(std::size_t i) const {
    const Read& read = reads_[i];
    if (!read.raw_path.empty()) return read.raw_path;
    if (!read.name.empty()) return describe({read.gvr, read.ns, read.name});
    return read.ns.empty() ? read.gvr.qualified()
                           : fmt::format("{} in namespace {}", read.gvr.qualified(), read.ns);
  }

  void finish_one() {
    if (--left_ == 0) std::exchange(done_, nullptr)(std::move(facts_));
  }

  Api* api_;
  std::vector<Read> reads_;
  std::vector<Fact> facts_;
  std::size_t left_;
  Done done_;
  Handle nothing_{};  // the answer to no reads at all
};

const char* words_of(int signal) {
  switch (ended_by(signal)) {
    case Code::hung_up:
      return "the terminal has gone";
    case Code::terminated:
      return "terminated";
    default:
      return "interrupted";
  }
}

Json review(const Permission& wanted) {
  Json attributes = Json::object();
  const auto set = [&](const char* key, const std::string& value) {
    if (!value.empty()) attributes[key] = value;
  };
  set("verb", wanted.verb);
  set("group", wanted.group);
  set("resource", wanted.resource);
  set("subresource", wanted.subresource);
  set("namespace", wanted.ns);
  set("name", wanted.name);
  Json body = Json::object();
  body["apiVersion"] = "authorization.k8s.io/v1";
  body["kind"] = "SelfSubjectAccessReview";
  body["spec"]["resourceAttributes"] = std::move(attributes);
  return body;
}

}  // namespace

Result<void> turn_until(Api& api, const std::function<bool()>& finished) {
  int signal = 0;
  const Handle heard = api.on_signal([&signal](int number) { signal = number; });
  while (!finished()) {
    if (signal != 0) return Error{.code = ended_by(signal), .message = words_of(signal)};
    api.turn();
  }
  return {};
}

Result<Response> ask(Api& api, Request request) {
  // Shared: the answer may still come after a signal ended the wait.
  const auto answer = std::make_shared<std::optional<Result<Response>>>();
  api.request(std::move(request), [answer](Result<Response> got) { *answer = std::move(got); });
  WUKONG_CHECK(turn_until(api, [&] { return answer->has_value(); }));
  return std::move(**answer);
}

std::string collection_path(const Gvr& gvr, const std::string& ns) {
  const std::string root =
      gvr.group.empty() ? "/api/" + gvr.version : "/apis/" + gvr.group + "/" + gvr.version;
  return ns.empty() ? fmt::format("{}/{}", root, gvr.resource)
                    : fmt::format("{}/namespaces/{}/{}", root, percent_encode(ns), gvr.resource);
}

std::string object_path(const ObjectRef& ref, const std::string& subresource) {
  const std::string path = fmt::format("{}/{}", collection_path(ref.gvr, ref.ns), percent_encode(ref.name));
  return subresource.empty() ? path : path + "/" + subresource;
}

Fact Fact::known(Json object) {
  Fact fact;
  fact.sight = Sight::known;
  fact.object = std::move(object);
  return fact;
}

Fact Fact::absent() { return {}; }

Fact Fact::unreadable(Error why) {
  Fact fact;
  fact.sight = Sight::unreadable;
  fact.why = std::move(why);
  return fact;
}

const Json* named(const Fact& list, std::string_view name) {
  for (const Json& each : items(list.object, {"items"}))
    if (text(each, {"metadata", "name"}) == name) return &each;
  return nullptr;
}

bool has_name(const Fact& list, std::string_view name) { return named(list, name) != nullptr; }

void fetch(Api& api, std::vector<Read> reads, std::function<void(Result<std::vector<Fact>>)> done) {
  std::make_shared<Fetch>(api, std::move(reads), std::move(done))->begin();
}

Result<std::vector<Fact>> fetch(Api& api, std::vector<Read> reads) {
  // Shared: answers may still come after a signal ended the wait.
  const auto answer = std::make_shared<std::optional<Result<std::vector<Fact>>>>();
  if (reads.empty()) return std::vector<Fact>{};
  fetch(api, std::move(reads), [answer](Result<std::vector<Fact>> facts) { *answer = std::move(facts); });
  WUKONG_CHECK(turn_until(api, [&] { return answer->has_value(); }));
  return std::move(**answer);
}

Result<std::vector<Permission>> missing_permissions(Api& api, const std::vector<Permission>& wanted) {
  struct Answers {
    std::vector<bool> denied{};
    std::size_t left{};
    std::optional<Error> failed{};
  };
  const auto answers = std::make_shared<Answers>();
  answers->denied.resize(wanted.size());
  answers->left = wanted.size();
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    Request request{.method = Method::post,
                    .path = collection_path(gvr::self_subject_access_review(), ""),
                    .body = dump(review(wanted[i]))};
    api.request(std::move(request), [answers, i](Result<Response> got) {
      --answers->left;
      if (got) {
        answers->denied[i] = !flag(got->body, {"status", "allowed"}, true);
      } else if (got.error().code == Code::unreachable || got.error().code == Code::overloaded ||
                 got.error().code == Code::unauthenticated) {
        answers->failed = std::move(got.error());
      }
    });
  }
  WUKONG_CHECK(turn_until(api, [&] { return answers->left == 0; }));
  if (answers->failed)
    return with_context<std::vector<Permission>>(std::move(*answers->failed), "while checking permissions");
  std::vector<Permission> missing{};
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (answers->denied[i]) missing.push_back(wanted[i]);
  }
  return missing;
}

}  // namespace wukong::kube
