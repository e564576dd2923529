// What plans of `cancel` are put together with, and the commands that they print.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "commands/cancel.h"
#include "status/object_status.h"

namespace wukong::commands {

std::string delete_command(const ObjectArgument& what, const std::string& where) {
  return fmt::format("kubectl delete {} {} {}", lower(gvr_of(what.kind).kind), what.name, where);
}

std::string operation_hint(const std::string& id, const Inventory& inventory) {
  return fmt::format(
      "to give up all of its operation: kubectl wukong cancel operation/{0} {1}\n"
      "to go on with it: the command that made it, with --resume {0}",
      id, inventory.where());
}

std::string status_hint(const Inventory& inventory) {
  return fmt::format("kubectl wukong status {} shows what is under way", inventory.where());
}

void CancelPlan::add_going(const ObjectRef& ref, const Json& object) {
  add_going(ref, std::string(text(object, {"metadata", "uid"})));
}

void CancelPlan::add_going(const ObjectRef& ref, std::string uid) {
  const auto same = [&](const Going& each) { return each.ref == ref; };
  if (std::none_of(goes.begin(), goes.end(), same)) goes.push_back({ref, std::move(uid)});
}

void CancelPlan::note_unseen(const std::vector<std::string>& resources) {
  if (!resources.empty())
    operation.notes.push_back(fmt::format("you may not list {}: those that the operation has made are left",
                                          fmt::join(resources, ", ")));
}

op::Await CancelPlan::until_none_left(const ObjectRef& about, const Watched& watched, std::string what,
                                      std::function<bool(const Json&)> pick) const {
  // The limit ends the wait, and with the exit code of a time-out.
  return {about,
          {watched},
          status::none_left_judge(watched, std::move(what), std::move(pick), Duration::max()),
          limit};
}

void CancelPlan::absorb(CancelPlan&& other) {
  for (op::Step& step : other.operation.steps) operation.steps.push_back(std::move(step));
  for (std::string& note : other.operation.notes) operation.notes.push_back(std::move(note));
  if (!other.operation.put_back_command.empty())
    operation.put_back_command = std::move(other.operation.put_back_command);
  for (std::string& vm : other.starts) starts.push_back(std::move(vm));
  for (Going& each : other.goes) add_going(each.ref, std::move(each.uid));
}

std::vector<std::string> CancelPlan::names() const {
  std::vector<std::string> all;
  for (const Going& each : goes) all.push_back(resource_name(each.ref));
  return all;
}

kube::Request dry_deletion(const Going& each) {
  // A server that gets options in a body looks for dryRun there only; one that reads the query finds it, too.
  const Json body = {{"apiVersion", "v1"},
                     {"kind", "DeleteOptions"},
                     {"dryRun", Json::array({"All"})},
                     {"preconditions", {{"uid", each.uid}}}};
  return {.method = kube::Method::del,
          .path = kube::object_path(each.ref),
          .query = {{"dryRun", "All"}},
          .body = dump(body),
          .keep = {{"metadata.name"}}};
}

Result<void> check_none_refused(const CancelPlan& plan, std::size_t arguments, const Scope& at) {
  if (plan.refused.empty()) return {};
  const bool all = plan.refused.size() == arguments;
  std::vector<std::string> words;
  std::vector<std::string> causes;
  for (const Refused& each : plan.refused) {
    words.push_back(each.what.words());
    causes.push_back(each.why.message);
  }
  Error error{
      .code = all ? Code::precondition : Code::partly,
      .message = all ? fmt::format("none of these {} can be cancelled", arguments)
                     : fmt::format("{} of {} cannot be cancelled, and {} left: {}", words.size(), arguments,
                                   words.size() == 1 ? "is" : "are", fmt::join(words, ", ")),
      .hint = fmt::format("kubectl wukong cancel {} {} says what can be done", words.front(), at.where())};
  if (all) error.causes = std::move(causes);  // else they have been said before
  return error;
}

}  // namespace wukong::commands
