#include "op/operation.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

namespace wukong::op {

const Json* Seen::object(std::string_view step) const {
  const auto it = objects_.find(step);
  return it == objects_.end() ? nullptr : &it->second;
}

const Verdict* Seen::verdict(std::string_view step) const {
  const auto it = verdicts_.find(step);
  return it == verdicts_.end() ? nullptr : &it->second;
}

std::string_view Seen::uid(std::string_view step) const {
  const Json* seen = object(step);
  return seen == nullptr ? std::string_view{} : text(*seen, {"metadata", "uid"});
}

namespace {

using Wanted = std::vector<kube::Permission>;

void want(Wanted& wanted, kube::Permission permission) {
  if (std::find(wanted.begin(), wanted.end(), permission) == wanted.end())
    wanted.push_back(std::move(permission));
}

kube::Permission on(const Gvr& gvr, const std::string& ns, std::string verb, std::string name = {}) {
  return {.verb = std::move(verb),
          .group = gvr.group,
          .resource = gvr.resource,
          .ns = ns,
          .name = std::move(name)};
}

/// Adds what one action needs: writes to `writes`, what it reads on the way to `reads`.
struct Collect {
  Wanted& writes;
  Wanted& reads;

  // A create cannot be limited to names in RBAC, and names would make 5,000 questions of one.
  void operator()(const Create& a) const { want(writes, on(a.ref.gvr, a.ref.ns, "create")); }
  void operator()(const Patch& a) const { want(writes, on(a.ref.gvr, a.ref.ns, "patch", a.ref.name)); }
  void operator()(const Delete& a) const { want(writes, on(a.ref.gvr, a.ref.ns, "delete", a.ref.name)); }
  void operator()(const Sweep& a) const {
    want(writes, on(a.gvr, a.ns, "list"));
    want(writes, on(a.gvr, a.ns, "delete"));
  }
  void operator()(const Call& a) const {
    want(writes, {.verb = "update",
                  .group = a.ref.gvr.group,
                  .resource = a.ref.gvr.resource,
                  .subresource = a.subresource,
                  .ns = a.ref.ns,
                  .name = a.ref.name});
  }
  void operator()(const Guard& a) const {
    for (const kube::Read& read : a.reads)
      if (read.raw_path.empty())
        want(reads, on(read.gvr, read.ns, read.name.empty() ? "list" : "get", read.name));
  }
  void operator()(const Await& a) const {
    for (const Watched& w : a.watches)
      for (const char* verb : {"list", "watch"})
        want(w.required ? writes : reads, on(w.gvr, w.ns, verb, w.name));
  }
};

}  // namespace

Permissions permissions(const Operation& operation) {
  Permissions all{.optional = operation.reads};
  for (const Step& step : operation.steps) {
    const Patch* patch = std::get_if<Patch>(&step.action);
    // What a sweep before a put_back cannot remove is said, and no reason not to put back.
    const bool put_back = step.phase == Phase::put_back && !std::holds_alternative<Sweep>(step.action);
    const bool needed = (step.phase == Phase::main || put_back) && (patch == nullptr || !patch->optional);
    std::visit(Collect{needed ? all.required : all.optional, all.optional}, step.action);
  }
  std::erase_if(all.optional, [&](const kube::Permission& p) {
    return std::find(all.required.begin(), all.required.end(), p) != all.required.end();
  });
  return all;
}

std::string shape_problem(const Operation& operation) {
  std::unordered_map<std::string_view, const Step*> known;
  for (const Step& step : operation.steps) {
    if (step.id.empty()) return "a step has no id";
    // Steps are listed after what they need: so there can be no cycle, and the printed plan reads from top to
    // bottom.
    for (const std::string& need : step.needs) {
      const auto it = known.find(need);
      if (it == known.end())
        return fmt::format("step {} needs {}, which does not stand before it", step.id, need);
      if (it->second->phase > step.phase)
        return fmt::format("step {} needs {} of a later phase", step.id, need);
    }
    if (!step.after.empty()) {
      const auto it = known.find(step.after);
      if (it == known.end() || it->second->phase != Phase::main || step.phase == Phase::main)
        return fmt::format("step {} is after {}, which is no earlier main step", step.id, step.after);
    }
    if (!known.emplace(step.id, &step).second) return fmt::format("two steps are called {}", step.id);
  }
  return {};
}

}  // namespace wukong::op
