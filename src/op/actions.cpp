#include "op/actions.h"

#include <fmt/format.h>

#include <memory>

#include "kube/api_error.h"

namespace wukong::op {

namespace {

using kube::Api;
using kube::Method;
using kube::Request;
using kube::Response;

/// What tells whose an object is; name and uid are always kept.
Projection identity() { return {{"metadata.labels", "metadata.annotations"}}; }

/// Whose an object must be to count as this operation's.
struct Owner {
  std::string operation{};
  std::string request{};
};

bool of_operation(const Json& object, const Owner& owner) {
  return !owner.operation.empty() &&
         text(object, {"metadata", "labels", mark::kOperation}) == owner.operation;
}

/// False for what another command line has made under this operation's id. What does not tell its request is of the same.
bool of_request(const Json& object, const Owner& owner) {
  const std::string_view made_for = text(object, {"metadata", "annotations", mark::kRequestHash});
  return made_for.empty() || owner.request.empty() || made_for == owner.request;
}

/// "while creating VirtualMachineClone demo/x" on errors.
ActionDone in_context(std::string doing, ActionDone done) {
  return [doing = std::move(doing), done = std::move(done)](Result<Done> result) {
    done(with_context(std::move(result), doing));
  };
}

/// The API server's own word: a path that nobody serves says nothing of an object.
bool is_gone(const Error& error) { return error.code == Code::not_found && !kube::is_not_served(error); }

/// Deletes one object, only if its uid is `uid`. Gone, or another of its name there by now: fine.
void delete_exactly(Api& api, const ObjectRef& ref, const std::string& uid, ActionDone done) {
  const Json body = {{"apiVersion", "v1"},
                     {"kind", "DeleteOptions"},
                     {"propagationPolicy", "Background"},
                     {"preconditions", {{"uid", uid}}}};
  Request request{
      .method = Method::del, .path = kube::object_path(ref), .body = dump(body), .keep = identity()};
  api.request(std::move(request), [ref, done = std::move(done)](Result<Response> answer) {
    const bool gone = answer || is_gone(answer.error()) || answer.error().code == Code::conflict;
    if (gone) return done(Done{.removed = {resource_name(ref)}});
    done(std::move(answer.error()));
  });
}

struct Start {
  const ActionContext& cx;
  ActionDone done;

  void operator()(const Create& a) const {
    auto body = build(a.body, *cx.seen);
    if (!body) return done(std::move(body.error()));
    Request request = request_of(a, *body, cx.field_manager);
    request.keep = a.keep;
    ActionDone finish = in_context(fmt::format("while creating {}", describe(a.ref)), done);
    cx.api.request(std::move(request), [&api = cx.api, ref = a.ref, keep = a.keep, owner = owner(),
                                        finish](Result<Response> answer) {
      if (answer)
        return finish(Done{.object = std::move(answer->body), .warnings = std::move(answer->warnings)});
      if (!may_be_there(answer.error().code)) return finish(std::move(answer.error()));
      adopt(api, ref, keep, owner, std::move(answer.error()), finish);
    });
  }

  void operator()(const Patch& a) const {
    auto body = build(a.body, *cx.seen);
    if (!body) return done(std::move(body.error()));
    Request request = request_of(a, *body, cx.field_manager);
    request.keep = identity();
    auto finish = answer_to(fmt::format("while changing {}", describe(a.ref)));
    cx.api.request(
        std::move(request), [optional = a.optional, finish = std::move(finish)](Result<Response> answer) {
          const bool needless =
              !answer && (answer.error().code == Code::forbidden || answer.error().code == Code::not_found);
          finish(optional && needless ? Response{} : std::move(answer));
        });
  }

  void operator()(const Call& a) const {
    Request request{
        .method = Method::put, .path = kube::object_path(a.ref, a.subresource), .body = dump(a.body)};
    auto finish = in_context(fmt::format("while asking {} to {}", describe(a.ref), a.subresource), done);
    cx.api.request(std::move(request), [settled = a.settled, finish](Result<Response> answer) {
      if (answer) return finish(Done{.object = std::move(answer->body)});
      for (const std::string& words : settled)
        if (answer.error().message.find(words) != std::string::npos) return finish(Done{});
      finish(std::move(answer.error()));
    });
  }

  void operator()(const Delete& a) const {
    auto finish = in_context(fmt::format("while deleting {}", describe(a.ref)), done);
    const std::string uid = a.uid.empty() ? std::string(cx.seen->uid(a.uid_of)) : a.uid;
    if (!uid.empty()) return delete_exactly(cx.api, a.ref, uid, finish);
    // The answer to the create was lost: look whether the object is this operation's.
    Request request{.path = kube::object_path(a.ref), .keep = identity()};
    cx.api.request(std::move(request),
                   [&api = cx.api, ref = a.ref, owner = owner(), finish](Result<Response> answer) {
                     if (!answer && is_gone(answer.error())) return finish(Done{});
                     if (!answer) return finish(std::move(answer.error()));
                     if (!of_operation(answer->body, owner) || !of_request(answer->body, owner))
                       return finish(Done{});
                     delete_exactly(api, ref, std::string(text(answer->body, {"metadata", "uid"})), finish);
                   });
  }

  void operator()(const Sweep& a) const {
    auto finish = in_context("while removing " + a.what, done);
    std::vector<kube::Read> reads{{.gvr = a.gvr, .ns = a.ns, .labels = a.labels}};
    kube::fetch(cx.api, std::move(reads),
                [&api = cx.api, seen = cx.seen, a, finish](Result<std::vector<kube::Fact>> facts) {
                  if (!facts) return finish(std::move(facts.error()));
                  const kube::Fact& list = facts->front();
                  if (list.is_unreadable()) return finish(list.why);
                  sweep(api, a, items(list.object, {"items"}), *seen, finish);
                });
  }

  void operator()(const Guard& a) const {
    kube::fetch(cx.api, a.reads,
                [seen = cx.seen, check = a.check, finish = done](Result<std::vector<kube::Fact>> facts) {
                  if (!facts) return finish(std::move(facts.error()));
                  auto verdict = check(*facts, *seen);
                  if (!verdict) return finish(std::move(verdict.error()));
                  Json seen_now = Json::array();
                  for (kube::Fact& fact : *facts)
                    seen_now.push_back(fact.is_known() ? std::move(fact.object) : Json());
                  finish(Done{.object = std::move(seen_now)});
                });
  }

  void operator()(const Await&) const { done(Error{.message = "a wait is not a write"}); }

 private:
  std::function<void(Result<Response>)> answer_to(std::string doing) const {
    return [finish = in_context(std::move(doing), done)](Result<Response> answer) {
      if (!answer) return finish(std::move(answer.error()));
      finish(Done{.object = std::move(answer->body), .warnings = std::move(answer->warnings)});
    };
  }

  /// After a try whose answer was lost, or a run that was cut off: 409; or what admission says before that is found out (a quota
  /// that this very object has used up, KubeVirt's webhook for restores). 500: a gateway says it after the write, too.
  static bool may_be_there(Code code) {
    return code == Code::already_exists || code == Code::conflict || code == Code::failed ||
           code == Code::invalid || code == Code::forbidden;
  }

  Owner owner() const { return {cx.operation_id, cx.request}; }

  /// The object is ours when it carries this operation's label; else the refusal stands. It is listed, not got: a wait for it
  /// needs that right anyhow.
  static void adopt(Api& api, const ObjectRef& ref, Projection keep, const Owner& owner, Error refusal,
                    const ActionDone& finish) {
    if (!keep.keep.empty()) keep.keep.emplace_back("metadata");
    std::vector<kube::Read> reads{
        {.gvr = ref.gvr, .ns = ref.ns, .fields = "metadata.name=" + ref.name, .keep = std::move(keep)}};
    kube::fetch(api, std::move(reads),
                [owner, refusal = std::move(refusal), finish](Result<std::vector<kube::Fact>> facts) {
                  const Json& found = facts ? items(facts->front().object, {"items"}) : Json::array();
                  if (found.empty() || !of_operation(found.front(), owner)) return finish(refusal);
                  if (auto mine = check_adopted(found.front(), owner); !mine) {
                    mine.error().code = refusal.code;
                    return finish(std::move(mine.error()));
                  }
                  finish(Done{.object = found.front()});
                });
  }

  static Result<void> check_adopted(const Json& object, const Owner& owner) {
    if (!text(object, {"metadata", "deletionTimestamp"}).empty())
      return Error{.message = "it is being deleted", .hint = "try again when it is gone"};
    if (of_request(object, owner)) return {};
    return Error{.message = fmt::format("operation {} has made it for another request", owner.operation),
                 .hint = "repeat the command as it was typed first"};
  }

  static void sweep(Api& api, const Sweep& a, const Json& found, const Seen& seen, const ActionDone& finish) {
    struct Tally {
      std::size_t open{1};  // one for the loop that starts them
      Result<Done> result{Done{}};
    };
    auto tally = std::make_shared<Tally>();
    auto close = [tally, finish](Result<Done> one) {
      if (!one)
        tally->result = std::move(one.error());
      else if (tally->result)
        for (std::string& name : one->removed) tally->result->removed.push_back(std::move(name));
      if (--tally->open == 0) finish(std::move(tally->result));
    };
    for (const Json& object : found) {
      if (!a.pick(object, seen)) continue;
      ++tally->open;
      const ObjectRef ref{a.gvr, a.ns, std::string(text(object, {"metadata", "name"}))};
      delete_exactly(api, ref, std::string(text(object, {"metadata", "uid"})), close);
    }
    close(Done{});
  }
};

}  // namespace

kube::Request request_of(const Create& a, const Json& body, const std::string& field_manager) {
  return {.method = Method::post,
          .path = kube::collection_path(a.ref.gvr, a.ref.ns),
          .query = {{"fieldManager", field_manager}, {"fieldValidation", "Strict"}},
          .body = dump(body)};
}

kube::Request request_of(const Patch& a, const Json& body, const std::string& field_manager) {
  return {.method = Method::patch,
          .path = kube::object_path(a.ref),
          .query = {{"fieldManager", field_manager}, {"fieldValidation", "Strict"}},
          .body = dump(body),
          .content_type = "application/merge-patch+json"};
}

Result<Json> build(const Body& body, const Seen& seen) {
  if (const Json* fixed = std::get_if<Json>(&body)) return *fixed;
  return std::get<1>(body)(seen);
}

void carry_out(const Action& action, const ActionContext& context, ActionDone done) {
  std::visit(Start{context, std::move(done)}, action);
}

}  // namespace wukong::op
