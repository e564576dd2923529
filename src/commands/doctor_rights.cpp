#include "commands/doctor_rights.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "commands/vm_argument.h"

namespace wukong::commands {

namespace {

std::string command_of(const std::string& use) { return use.substr(0, use.find(':')); }

/// "datavolumes.cdi.kubevirt.io/source"
std::string qualified(const PermissionRule& rule) {
  const std::size_t slash = std::min(rule.resource.find('/'), rule.resource.size());
  return rule.resource.substr(0, slash) + (rule.group.empty() ? "" : "." + rule.group) +
         rule.resource.substr(slash);
}

/// "create, delete virtualmachineclones.clone.kubevirt.io", one per rule.
std::vector<std::string> in_words(const std::vector<PermissionRule>& rules, const Places& places) {
  std::vector<std::string> words;
  for (const PermissionRule& rule : rules)
    words.push_back(fmt::format("{} {}{}", fmt::join(rule.verbs, ", "), qualified(rule),
                                rule.reach == Reach::there ? " in namespace " + places.there : ""));
  return words;
}

/// "you may not create datavolumes": the first of what a use lacks, and whether there is more.
std::string first_lack(const UseRights& rights) {
  const PermissionRule& rule = rights.needed.front();
  const bool more = rights.needed.size() > 1 || rule.verbs.size() > 1;
  return fmt::format("you may not {} {}{}", rule.verbs.front(), rule.resource, more ? " …" : "");
}

bool reads(const PermissionRule& rule) {
  return std::any_of(rule.verbs.begin(), rule.verbs.end(), [](const std::string& verb) {
    return verb == "get" || verb == "list" || verb == "watch";
  });
}

Finding finding_of(const std::string& command, const std::vector<UseRights>& uses) {
  Finding finding{.about = "your rights for " + command};
  std::vector<const UseRights*> lacking;
  std::vector<std::string> unseen;
  std::vector<std::string> limited;
  for (const UseRights& each : uses) {
    if (!each.needed.empty()) {
      lacking.push_back(&each);
      continue;
    }
    for (const PermissionRule& rule : each.spare) {
      std::vector<std::string>& all = reads(rule) ? unseen : limited;
      if (std::find(all.begin(), all.end(), rule.resource) == all.end()) all.push_back(rule.resource);
    }
  }
  std::vector<std::string> names;
  for (const UseRights* each : lacking) names.push_back(each->use.substr(each->use.find(':') + 1));
  const bool possible = std::any_of(uses.begin(), uses.end(), [](const UseRights& each) {
    return each.needed.empty() && !is_extra(each.use);
  });
  if (!possible) {
    finding.state = Finding::State::lacking;
    finding.words = first_lack(*lacking.front());
  } else if (lacking.size() == 1) {
    finding.words = fmt::format("but not {}: {}", names.front(), first_lack(*lacking.front()));
  } else if (!lacking.empty()) {
    finding.words = fmt::format("but not {}", fmt::join(names, ", "));
  }
  const auto add = [&](const char* what, const std::vector<std::string>& resources) {
    if (resources.empty()) return;
    finding.words +=
        fmt::format("{}{}: {}", finding.words.empty() ? "" : "; ", what, fmt::join(resources, ", "));
  };
  add("unseen", unseen);
  add("not always", limited);
  return finding;
}

/// A command with uses of its own is their sum.
std::vector<std::string> single_uses(bool elsewhere) {
  std::vector<std::string> uses = permission_uses();
  std::erase_if(uses, [&, all = uses](const std::string& use) {
    return (!elsewhere && is_elsewhere(use)) || std::any_of(all.begin(), all.end(), [&](const auto& other) {
             return other.starts_with(use + ":");
           });
  });
  return uses;
}

/// "clone:start (for --start), clone:expose (for --expose)"
std::string in_words(const std::vector<Extra>& extras) {
  std::vector<std::string> words;
  for (const Extra& extra : extras) words.push_back(fmt::format("{} (for {})", extra.use, extra.when));
  return fmt::format("{}", fmt::join(words, ", "));
}

Result<std::vector<kube::Permission>> missing_of(const std::vector<PermissionRule>& rules, kube::Api& api,
                                                 const Places& places) {
  std::vector<kube::Permission> all;
  for (const PermissionRule& rule : rules)
    for (kube::Permission& p : permissions_of(rule, places.here, places.there))
      if (std::find(all.begin(), all.end(), p) == all.end()) all.push_back(std::move(p));
  return kube::missing_permissions(api, all);
}

/// Errors: `usage`: no such use; one about two namespaces without the second, or the other way round.
Result<void> check_asked(const DoctorOptions& o, const std::vector<PermissionRule>& rules) {
  if (rules.empty())
    return Error{.code = Code::usage,
                 .message = fmt::format("--permissions does not know {:?}", printable(o.permissions)),
                 .hint = fmt::format("use one of: {}", fmt::join(permission_uses(), ", "))};
  if (is_elsewhere(o.permissions) && o.to_namespace.empty())
    return Error{.code = Code::usage,
                 .message = fmt::format("--permissions {} is about two namespaces", o.permissions),
                 .hint = "name that of the new VM, too: --to-namespace NS"};
  const bool used = std::any_of(rules.begin(), rules.end(),
                                [](const PermissionRule& rule) { return rule.reach == Reach::there; });
  if (!o.to_namespace.empty() && !used)
    return Error{.code = Code::usage,
                 .message = fmt::format("--permissions {} is about one namespace", o.permissions),
                 .hint = "leave out --to-namespace"};
  return {};
}

/// Errors: `usage`: a namespace that cannot be, or the same twice.
Result<void> check_places(const Places& places) {
  if (places.there.empty()) return {};
  if (const std::string problem = label_problem(places.there); !problem.empty())
    return Error{.code = Code::usage,
                 .message = fmt::format("{:?} cannot be a namespace: {}", printable(places.there), problem)};
  if (places.there == places.here)
    return Error{
        .code = Code::usage,
        .message = fmt::format("--to-namespace {} is the namespace of the source itself", places.there),
        .hint = "leave it out, or name the source's: -n NS"};
  return {};
}

}  // namespace

UseRights rights_for(const std::string& use, const std::vector<PermissionRule>& rules,
                     const std::vector<kube::Permission>& missing, const Places& places) {
  UseRights rights{.use = use};
  bool nothing = true;
  for (const PermissionRule& rule : rules) {
    PermissionRule lack = rule;
    lack.verbs.clear();
    for (const kube::Permission& p : permissions_of(rule, places.here, places.there))
      if (std::find(missing.begin(), missing.end(), p) != missing.end()) lack.verbs.push_back(p.verb);
    nothing =
        nothing && rule.spare && (rule.reach == Reach::cluster || lack.verbs.size() == rule.verbs.size());
    if (!lack.verbs.empty()) (rule.spare ? rights.spare : rights.needed).push_back(std::move(lack));
  }
  if (nothing) rights.needed.swap(rights.spare);
  return rights;
}

Result<std::vector<UseRights>> gather_rights(kube::Api& api, const Places& places) {
  const std::vector<std::string> uses = single_uses(!places.there.empty());
  std::vector<PermissionRule> rules;
  for (const std::string& use : uses)
    for (PermissionRule& rule : rules_of(use)) rules.push_back(std::move(rule));
  WUKONG_TRY(const std::vector<kube::Permission> missing, missing_of(rules, api, places));
  std::vector<UseRights> rights;
  for (const std::string& use : uses) rights.push_back(rights_for(use, rules_of(use), missing, places));
  return rights;
}

std::vector<Finding> rights_by_use(const std::vector<UseRights>& rights, const Places& places) {
  std::vector<Finding> out;
  for (const UseRights& each : rights) {
    Finding finding{.about = "your rights for " + each.use};
    if (!each.needed.empty()) finding.state = Finding::State::lacking;
    if (!each.needed.empty())
      finding.words = fmt::format("you may not {}", fmt::join(in_words(each.needed, places), "; "));
    else if (!each.spare.empty())
      finding.words = fmt::format("but you may not {}", fmt::join(in_words(each.spare, places), "; "));
    out.push_back(std::move(finding));
  }
  return out;
}

std::vector<Finding> rights_by_command(const std::vector<UseRights>& rights) {
  std::vector<Finding> out;
  for (auto first = rights.begin(); first != rights.end();) {
    const std::string command = command_of(first->use);
    const auto last = std::find_if(first, rights.end(),
                                   [&](const UseRights& each) { return command_of(each.use) != command; });
    out.push_back(finding_of(command, {first, last}));
    first = last;
  }
  return out;
}

std::string binding_commands(const std::string& use, const std::vector<Json>& roles, const Places& places) {
  std::string out = fmt::format(
      "as an administrator:\n  kubectl wukong doctor --permissions {0} -n {1}{2}{3} | kubectl apply -f -{3}",
      use, places.here, places.there.empty() ? "" : " --to-namespace " + places.there, places.flags);
  for (const Json& role : roles) {
    const std::string_view name = text(role, {"metadata", "name"});
    const std::string_view ns = text(role, {"metadata", "namespace"});
    out += ns.empty()
               ? fmt::format("\n  kubectl create clusterrolebinding {0} --clusterrole={0} --user=USER{1}",
                             name, places.flags)
               : fmt::format("\n  kubectl create rolebinding {0} -n {1} --role={0} --user=USER{2}", name, ns,
                             places.flags);
  }
  return out;
}

Result<void> check_use(const DoctorOptions& o, const render::Printer& printer, Context& cx) {
  const std::vector<PermissionRule> rules = rules_of(o.permissions, !o.to_namespace.empty());
  WUKONG_CHECK(check_asked(o, rules));
  WUKONG_TRY(kube::Api* const api, cx.connect());
  const Places places{cx.scope().ns, o.to_namespace, cx.scope().cluster_flags};
  WUKONG_CHECK(check_places(places));
  WUKONG_TRY(const std::vector<kube::Permission> missing, missing_of(rules, *api, places));
  const UseRights lacks = rights_for(o.permissions, rules, missing, places);
  std::vector<Json> roles = roles_of(o.permissions, rules, places.here, places.there);
  const std::string commands = binding_commands(o.permissions, roles, places);
  if (printer.is_table())
    cx.print(render::objects(render::OutputFormat::yaml, std::move(roles)));
  else
    WUKONG_CHECK(cx.print_objects(printer, std::move(roles)));
  for (const std::string& words : in_words(lacks.spare, places))
    cx.note("note", fmt::format("you may not {}: not always needed, but something may stay unseen, or behind",
                                words));
  if (const auto extras = extras_of(o.permissions); !extras.empty())
    cx.note("note", "not in these Roles, but to be asked for likewise: " + in_words(extras));
  if (lacks.needed.empty()) return {};
  Error error =
      refuse(fmt::format("you may not do all of {} in namespace {}", o.permissions, places.here), commands);
  for (const std::string& words : in_words(lacks.needed, places))
    error.causes.push_back("not allowed: " + words);
  return error;
}

}  // namespace wukong::commands
