#include "commands/permission_words.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace wukong::commands {

namespace {

/// One line of a Role or ClusterRole: `- {apiGroups: ["kubevirt.io"], resources: ["virtualmachines"], verbs: ["get"]}`,
/// verbs of one resource together.
std::vector<std::string> role_rules(const std::vector<kube::Permission>& permissions) {
  std::vector<std::pair<std::string, std::string>> rules;  // what, verbs
  for (const kube::Permission& p : permissions) {
    const std::string resource = p.subresource.empty() ? p.resource : p.resource + "/" + p.subresource;
    const std::string what = fmt::format("apiGroups: [\"{}\"], resources: [\"{}\"]", p.group, resource);
    const auto same =
        std::find_if(rules.begin(), rules.end(), [&](const auto& rule) { return rule.first == what; });
    if (same == rules.end())
      rules.emplace_back(what, p.verb);
    else if (same->second.find(p.verb) == std::string::npos)
      same->second += ", " + p.verb;
  }
  std::vector<std::string> lines;
  for (const auto& [what, verbs] : rules) lines.push_back(fmt::format("- {{{}, verbs: [{}]}}", what, verbs));
  return lines;
}

std::string resource_of(const kube::Permission& p) {
  const std::string resource = p.group.empty() ? p.resource : p.resource + "." + p.group;
  return p.subresource.empty() ? resource : resource + "/" + p.subresource;
}

/// What becomes of a run that may not do this to its own objects.
const char* without(const std::vector<std::string>& verbs) {
  const bool marks = std::find(verbs.begin(), verbs.end(), "patch") != verbs.end();
  return marks ? "what is made would not be marked as this run's"
               : "a failed run would leave those that it made";
}

}  // namespace

std::string roles_to_ask_for(const std::vector<kube::Permission>& all, const std::string& ns) {
  std::vector<std::string> namespaces{ns};
  for (const kube::Permission& p : all)
    if (!p.ns.empty() && std::find(namespaces.begin(), namespaces.end(), p.ns) == namespaces.end())
      namespaces.push_back(p.ns);
  namespaces.emplace_back();
  std::string words;
  for (const std::string& each : namespaces) {
    std::vector<kube::Permission> here;
    for (const kube::Permission& p : all)
      if (p.ns == each) here.push_back(p);
    if (here.empty()) continue;
    if (!words.empty()) words += "\n";
    words += each.empty() ? "and, for what it reads of the whole cluster, a ClusterRole with these:"
                          : fmt::format("ask for a Role in namespace {} with these rules:", each);
    for (const std::string& rule : role_rules(here)) words += "\n  " + rule;
  }
  return words;
}

std::vector<std::string> lacking_notes(const std::vector<kube::Permission>& missing, const std::string& ns) {
  struct Lack {
    std::string resource{};
    std::vector<std::string> verbs{};
    bool reads{};
    bool writes{};
  };
  std::vector<Lack> lacks;
  for (const kube::Permission& p : missing) {
    const std::string resource =
        p.ns.empty() || p.ns == ns ? resource_of(p) : resource_of(p) + " in namespace " + p.ns;
    auto lack =
        std::find_if(lacks.begin(), lacks.end(), [&](const Lack& l) { return l.resource == resource; });
    if (lack == lacks.end()) lack = lacks.insert(lacks.end(), {.resource = resource});
    if (std::find(lack->verbs.begin(), lack->verbs.end(), p.verb) == lack->verbs.end())
      lack->verbs.push_back(p.verb);
    (p.verb == "get" || p.verb == "list" || p.verb == "watch" ? lack->reads : lack->writes) = true;
  }
  std::vector<std::string> lines;
  for (const Lack& lack : lacks)
    lines.push_back(fmt::format("you may not {} {}: {}{}{}", fmt::join(lack.verbs, ", "), lack.resource,
                                lack.reads ? "what they tell stays unseen" : "",
                                lack.reads && lack.writes ? ", and " : "",
                                lack.writes ? without(lack.verbs) : ""));
  return lines;
}

std::string permission_words(const kube::Permission& p) {
  return fmt::format("{} {}{}", p.verb, resource_of(p), p.ns.empty() ? "" : " in namespace " + p.ns);
}

}  // namespace wukong::commands
