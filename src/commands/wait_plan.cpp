// What `wait` reads, refuses and waits for.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>

#include "base/jsonpath.h"
#include "base/text.h"
#include "commands/follow.h"
#include "commands/vm_argument.h"
#include "commands/wait.h"
#include "status/data_volume_status.h"
#include "status/disks_status.h"
#include "status/object_status.h"
#include "status/pvc_status.h"
#include "status/vm_status.h"

namespace wukong::commands {

namespace {

using Goal = WaitGoal::Kind;

/// The VM whose disks are copied; "" when that cannot be told.
std::string source_vm(ObjectKind kind, const Json& object, const WaitFacts& facts) {
  const std::string snapshot = snapshot_behind(kind, object);
  if (snapshot.empty()) return std::string(text(object, {"spec", "source", "name"}));
  const auto found = facts.snapshots.find(snapshot);
  return found == facts.snapshots.end() || !found->second.is_known()
             ? std::string{}
             : std::string(text(found->second.object, {"spec", "source", "name"}));
}

Follow until_condition(const ObjectRef& ref, const std::string& type, const std::string& value) {
  return {status::watches_object(ref, {{"status.conditions"}}), status::condition_judge(ref, type, value)};
}

/// The one value that a template selects, as kubectl compares it; nothing for none, null, or several.
std::function<std::optional<std::string>(const Json&)> value_at(const std::string& text) {
  const auto path = std::make_shared<const JsonPath>(JsonPath::parse(text).value_or(JsonPath{}));
  return [path](const Json& object) -> std::optional<std::string> {
    const auto found = path->find(object);
    if (!found || found->groups.size() != 1 || found->groups.front().size() != 1) return std::nullopt;
    const Json& value = *found->groups.front().front();
    if (value.is_null()) return std::nullopt;
    return value.is_string() ? value.get<std::string>() : dump(value);
  };
}

/// kubectl's rule: a single "=" stands before the value, "==" belongs to a filter.
std::vector<std::string> split_at_equals(const std::string& text) {
  std::vector<std::string> parts{""};
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool twice = text[i] == '=' && i + 1 < text.size() && text[i + 1] == '=';
    if (text[i] != '=') {
      parts.back() += text[i];
    } else if (twice) {
      parts.back() += "==";
      ++i;
    } else {
      parts.emplace_back();
    }
  }
  return parts;
}

/// `text`: "{.status.phase}=Running". Source: kubectl wait.
Result<WaitGoal> parse_value_goal(const std::string& text) {
  const std::vector<std::string> parts = split_at_equals(text);
  constexpr const char* kForm = "write it like --for jsonpath='{.status.phase}'=Running";
  if (parts.size() > 2)
    return usage(fmt::format("--for jsonpath: {:?} has too many =", printable(text)), kForm);
  const auto path = relaxed_jsonpath(parts[0]);
  if (!path) return usage(fmt::format("--for jsonpath: {}", path.error().message), kForm);
  if (const auto parsed = JsonPath::parse(*path); !parsed)
    return usage(fmt::format("--for jsonpath: {:?}: {}", printable(*path), parsed.error().message), kForm);
  WaitGoal goal{Goal::value, *path, std::nullopt};
  if (parts.size() == 1) return goal;
  const auto from = parts[1].find_first_not_of("'\"");
  if (from == std::string::npos) return usage("--for jsonpath: there is no value after the =", kForm);
  goal.value = parts[1].substr(from, parts[1].find_last_not_of("'\"") - from + 1);
  return goal;
}

Result<Follow> until_bound(const ObjectArgument& what, const Scope& at) {
  using namespace status;
  switch (what.kind) {
    case ObjectKind::vm:
      return follow<DisksWait>(watches_disks, disks_judge, {at.ns, what.name, true});
    case ObjectKind::data_volume:
      return follow<DataVolumeWait>(watches_data_volume, data_volume_judge, {at.ns, what.name, true});
    case ObjectKind::claim:
      return follow<ClaimWait>(watches_claim, claim_judge, {at.ns, what.name, true});
    default:
      return usage(fmt::format("--for bound: {} has no claims of its own", what.words()),
                   "it is for vm, dv and pvc; --for usable is for all");
  }
}

Result<Follow> follow_for(const WaitGoal& goal, const ObjectArgument& what, const ObjectRef& ref,
                          const Json& object, const WaitFacts& facts, const Scope& at) {
  switch (goal.kind) {
    case Goal::usable:
      return until_usable(what, at.ns, object, source_vm(what.kind, object, facts));
    case Goal::bound:
      return until_bound(what, at);
    case Goal::ready:
      // These two have no condition Ready; what they have instead is what usable looks at.
      if (what.kind == ObjectKind::claim) return until_bound(what, at);
      if (what.kind == ObjectKind::volume_snapshot)
        return until_usable(what, at.ns, object, source_vm(what.kind, object, facts));
      return until_condition(ref, "Ready", "True");
    case Goal::running:
      if (what.kind == ObjectKind::vm)
        return follow<status::VmWait>(status::watches_vm_running, status::vm_running_judge,
                                      {at.ns, what.name});
      return usage(fmt::format("--for running: {} is no VM", what.words()), "--for usable is for all");
    case Goal::gone:
      return Follow{status::watches_object(ref, {{"metadata.finalizers"}}), status::gone_judge(ref)};
    case Goal::value:
      return Follow{status::watches_object(ref, {}),
                    status::value_judge(ref, goal.subject, value_at(goal.subject), goal.value)};
    case Goal::condition:
      break;
  }
  return until_condition(ref, goal.subject, goal.value.value_or("True"));
}

Error absent(const ObjectArgument& what, const ObjectRef& ref, const WaitFacts& facts, const Scope& at) {
  const auto names = facts.names.find(what.kind);
  const std::string meant = names == facts.names.end() ? std::string{} : closest(what.name, names->second);
  return refuse(describe(ref) + " does not exist",
                meant.empty()
                    ? fmt::format("kubectl get {} {} lists what is there", ref.gvr.qualified(), at.where())
                    : fmt::format("did you mean {}/{}?", word_of(what.kind), meant));
}

Error not_served(const Gvr& gvr) {
  const bool cdi = gvr.group == "cdi.kubevirt.io";
  return refuse(fmt::format("the cluster does not serve {} ({})", gvr.kind, gvr.group),
                cdi ? "is CDI installed?" : "is KubeVirt installed, with the feature gate for it?");
}

/// Kinds that this server does not have.
bool is_served(ObjectKind kind, const std::optional<kube::ServedApis>& served) {
  return !served || kube::spoken(gvr_of(kind), *served).has_value();
}

/// One object, as a list: following it needs the right to list anyhow, and none to get.
kube::Read read_of(ObjectKind kind, const std::string& name, const WaitFacts& facts, const Scope& scope) {
  return {.gvr = speaking(gvr_of(kind), facts.served), .ns = scope.ns, .fields = "metadata.name=" + name};
}

kube::Fact one_of(kube::Fact list) {
  if (!list.is_known()) return list;
  const Json& found = items(list.object, {"items"});
  return found.empty() ? kube::Fact::absent() : kube::Fact::known(found.front());
}

/// The snapshots behind clones and restores, and the names that are there of a kind of which one is not.
Result<void> gather_second(WaitFacts& facts, const std::vector<ObjectArgument>& arguments, kube::Api& api,
                           const Scope& scope) {
  std::vector<kube::Read> reads;
  std::vector<std::string> snapshots;
  std::vector<ObjectKind> absent_kinds;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const ObjectKind kind = arguments[i].kind;
    if (facts.objects[i].is_known()) {
      const std::string name = snapshot_behind(kind, facts.objects[i].object);
      if (!name.empty()) snapshots.push_back(name);
    } else if (facts.objects[i].is_absent() && std::ranges::find(absent_kinds, kind) == absent_kinds.end()) {
      absent_kinds.push_back(kind);
    }
  }
  for (const std::string& name : snapshots)
    reads.push_back(read_of(ObjectKind::snapshot, name, facts, scope));
  for (const ObjectKind kind : absent_kinds)
    reads.push_back(
        {.gvr = speaking(gvr_of(kind), facts.served), .ns = scope.ns, .keep = {{"metadata.name"}}});
  if (reads.empty()) return {};
  WUKONG_TRY(std::vector<kube::Fact> got, kube::fetch(api, std::move(reads)));
  for (std::size_t i = 0; i < snapshots.size(); ++i)
    facts.snapshots.insert_or_assign(snapshots[i], one_of(std::move(got[i])));
  for (std::size_t i = 0; i < absent_kinds.size(); ++i)
    for (const Json& each : items(got[snapshots.size() + i].object, {"items"}))
      facts.names[absent_kinds[i]].emplace_back(text(each, {"metadata", "name"}));
  return {};
}

}  // namespace

Result<WaitGoal> parse_goal(const std::string& typed) {
  const auto equals = typed.find('=');
  const std::string word = lower(typed.substr(0, equals));
  std::string rest = equals == std::string::npos ? "" : typed.substr(equals + 1);
  if (equals == std::string::npos) {
    if (word == "usable") return WaitGoal{Goal::usable};
    if (word == "ready") return WaitGoal{Goal::ready};
    if (word == "bound") return WaitGoal{Goal::bound};
    if (word == "running") return WaitGoal{Goal::running};
    if (word == "delete") return WaitGoal{Goal::gone};
  } else if (word == "jsonpath") {
    return parse_value_goal(rest);
  } else if (word == "condition") {
    const auto at = rest.find('=');
    WaitGoal goal{Goal::condition, rest.substr(0, at), "True"};
    if (at != std::string::npos) goal.value = rest.substr(at + 1);
    if (!goal.subject.empty()) return goal;
  }
  const std::vector<std::string> known{"usable", "ready",     "bound",   "running",
                                       "delete", "condition", "jsonpath"};
  const std::string meant = closest(word, known);
  return usage(fmt::format("--for does not take {:?}", printable(typed)),
               fmt::format("use one of: usable, ready, bound, running, delete, condition=TYPE[=VALUE], "
                           "jsonpath=EXPR[=VALUE]{}",
                           meant.empty() || meant == word ? "" : " (did you mean " + meant + "?)"));
}

Result<WaitFacts> gather_wait(const std::vector<ObjectArgument>& arguments, kube::Api& api,
                              kube::Discovery& discovery, const Scope& scope) {
  WaitFacts facts;
  WUKONG_TRY(facts.served, discovery.served());
  const auto lacks = [&](const ObjectArgument& what) { return !is_served(what.kind, facts.served); };
  if (discovery.from_disk() && std::ranges::any_of(arguments, lacks)) {
    WUKONG_TRY(facts.served, discovery.renew());
  }
  std::vector<kube::Read> reads;
  for (const ObjectArgument& what : arguments) reads.push_back(read_of(what.kind, what.name, facts, scope));
  WUKONG_TRY(std::vector<kube::Fact> got, kube::fetch(api, std::move(reads)));
  for (kube::Fact& list : got) facts.objects.push_back(one_of(std::move(list)));
  WUKONG_CHECK(gather_second(facts, arguments, api, scope));
  return facts;
}

Result<op::Operation> plan_wait(const WaitCommandOptions& options, const WaitGoal& goal,
                                const std::vector<ObjectArgument>& arguments, const WaitFacts& facts,
                                const Scope& at) {
  std::vector<std::string> words;
  for (const ObjectArgument& what : arguments) words.push_back(what.words());
  op::Operation operation{
      .id = at.operation_id,
      .title =
          fmt::format("wait for {} in {}",
                      words.size() == 1 ? words.front() : fmt::format("{} objects", words.size()), at.ns)};
  operation.wait_command =
      fmt::format("kubectl wukong wait {} {}{}", fmt::join(words, " "), at.where(),
                  options.until == "usable" ? "" : " --for " + shell_word(printable(options.until)));
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const ObjectArgument& what = arguments[i];
    if (!is_served(what.kind, facts.served)) return not_served(gvr_of(what.kind));
    const ObjectRef ref{speaking(gvr_of(what.kind), facts.served), at.ns, what.name};
    const kube::Fact& fact = facts.objects[i];
    if (fact.is_absent() && goal.kind != Goal::gone) return absent(what, ref, facts, at);
    WUKONG_TRY(Follow seen, follow_for(goal, what, ref, fact.object, facts, at));
    operation.results.push_back(ref);
    operation.steps.push_back(
        {.id = fmt::format("wait-{}", i),
         .action = op::Await{ref, speaking(std::move(seen.watches), facts.served), std::move(seen.judge)},
         .group = what.words()});
  }
  return operation;
}

}  // namespace wukong::commands
