#include "status/object_status.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "base/text.h"
#include "status/draft.h"
#include "status/watched.h"

namespace wukong::status {
namespace {

bool same_word(std::string_view a, std::string_view b) { return lower(a) == lower(b); }

const Json* ours(const View& view, const ObjectRef& ref, Draft& draft) {
  return find_own(view, ref.gvr.resource, ref.name, draft);
}

Verdict absent(const View& view, const ObjectRef& ref, Draft& draft) {
  return judge_absent(view, ref.gvr.resource, describe(ref), "was deleted", draft);
}

const Json* condition_called(const Json& object, std::string_view type) {
  for (const Json& each : items(object, {"status", "conditions"}))
    if (each.is_object() && same_word(text(each, {"type"}), type)) return &each;
  return nullptr;
}

bool is_of_this_generation(const Json& object, const Json& condition) {
  const auto observed = integer(condition, {"observedGeneration"});
  return !observed || *observed >= integer(object, {"metadata", "generation"}).value_or(0);
}

/// "Ready=False: PodPending, the pod is not there"
std::string describe_condition(std::string_view type, const Json* condition) {
  if (condition == nullptr) return fmt::format("no condition {} yet", type);
  std::string out = fmt::format("{}={}", type, text(*condition, {"status"}));
  const std::string_view why = text(*condition, {"reason"});
  const std::string_view message = text(*condition, {"message"});
  if (!why.empty()) out += fmt::format(": {}", why);
  if (!message.empty()) out += fmt::format("{} {}", why.empty() ? ":" : ",", message);
  return out;
}

}  // namespace

std::vector<Watched> watches_object(const ObjectRef& ref, Projection keep) {
  return {{.gvr = ref.gvr, .ns = ref.ns, .name = ref.name, .keep = std::move(keep), .required = true}};
}

Judge condition_judge(ObjectRef ref, std::string type, std::string value) {
  return [ref = std::move(ref), type = std::move(type), value = std::move(value)](
             const View& view, const Verdict& before, Duration waited) {
    Draft draft(before, waited);
    const Json* object = ours(view, ref, draft);
    if (object == nullptr) return absent(view, ref, draft);
    const Json* found = condition_called(*object, type);
    if (found != nullptr && is_of_this_generation(*object, *found) &&
        same_word(text(*found, {"status"}), value))
      return draft.done();
    return draft.working("Waiting", describe_condition(type, found));
  };
}

Judge value_judge(ObjectRef ref, std::string what,
                  std::function<std::optional<std::string>(const Json& object)> read,
                  std::optional<std::string> value) {
  return [ref = std::move(ref), what = std::move(what), read = std::move(read), value = std::move(value)](
             const View& view, const Verdict& before, Duration waited) {
    Draft draft(before, waited);
    const Json* object = ours(view, ref, draft);
    if (object == nullptr) return absent(view, ref, draft);
    const std::optional<std::string> found = read(*object);
    if (found && (!value || *found == *value)) return draft.done();
    return draft.working(
        "Waiting", found ? fmt::format("{} is {}", what, *found) : fmt::format("there is no {} yet", what));
  };
}

std::string left_words(const std::vector<std::string>& names, const std::string& what) {
  if (names.size() == 1) return names.front() + " left";
  return fmt::format("{} {} left, {} among them", names.size(), what, names.front());
}

Judge none_left_judge(const Watched& watched, std::string what, std::function<bool(const Json& object)> pick,
                      Duration patience) {
  return [resource = watched.gvr.resource, what = std::move(what), pick = std::move(pick), patience](
             const View& view, const Verdict& before, Duration waited) {
    Draft draft(before, waited);
    if (view.unreadable(resource)) return draft.done();
    if (!is_fresh(view, resource)) return draft.working("Removing");
    std::vector<std::string> left;
    for (const auto& [name, object] : view.shelf(resource).objects)
      if (pick(object)) left.push_back(name);
    if (left.empty()) return draft.done();
    if (waited < patience) return draft.working("Removing", left_words(left, what));
    return draft.failed(fmt::format("{} that are still there: {}", what, fmt::join(left, ", ")));
  };
}

Judge gone_judge(ObjectRef ref) {
  return [ref = std::move(ref)](const View& view, const Verdict& before, Duration waited) {
    Draft draft(before, waited);
    const Json* object = ours(view, ref, draft);
    if (object == nullptr) return is_fresh(view, ref.gvr.resource) ? draft.done() : draft.working("Waiting");
    if (!is_deleting(*object)) return draft.working("Waiting", "nobody has deleted it yet");
    std::vector<std::string> finalizers;
    for (const Json& each : items(*object, {"metadata", "finalizers"}))
      finalizers.emplace_back(text(each, {}));
    return draft.working("Deleting", finalizers.empty()
                                         ? std::string{}
                                         : fmt::format("held by {}", fmt::join(finalizers, ", ")));
  };
}

}  // namespace wukong::status
