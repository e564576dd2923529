#include "commands/permission_words.h"

#include <doctest/doctest.h>

using namespace wukong;
using namespace wukong::commands;

namespace {

kube::Permission may(const char* verb, const char* resource, const char* ns, const char* group = "") {
  return {.verb = verb, .group = group, .resource = resource, .ns = ns};
}

}  // namespace

TEST_CASE("permissions in words: verb, resource and namespace") {
  kube::Permission call = may("update", "virtualmachines", "demo", "subresources.kubevirt.io");
  call.subresource = "start";
  CHECK(permission_words(call) == "update virtualmachines.subresources.kubevirt.io/start in namespace demo");
  CHECK(permission_words(may("list", "kubevirts", "", "kubevirt.io")) == "list kubevirts.kubevirt.io");
}

TEST_CASE("permissions in words: Roles for each namespace, the command's first, and a ClusterRole") {
  const std::string words = roles_to_ask_for(
      {may("create", "virtualmachines", "there", "kubevirt.io"), may("get", "secrets", "demo"),
       may("list", "secrets", "demo"), may("list", "storageclasses", "", "storage.k8s.io")},
      "demo");
  CHECK(words ==
        "ask for a Role in namespace demo with these rules:\n"
        "  - {apiGroups: [\"\"], resources: [\"secrets\"], verbs: [get, list]}\n"
        "ask for a Role in namespace there with these rules:\n"
        "  - {apiGroups: [\"kubevirt.io\"], resources: [\"virtualmachines\"], verbs: [create]}\n"
        "and, for what it reads of the whole cluster, a ClusterRole with these:\n"
        "  - {apiGroups: [\"storage.k8s.io\"], resources: [\"storageclasses\"], verbs: [list]}");
}

TEST_CASE("permissions in words: what is missing and not required") {
  const auto lines = lacking_notes({may("list", "events", "demo"), may("watch", "events", "demo"),
                                    may("list", "events", "there"), may("delete", "secrets", "demo")},
                                   "demo");
  CHECK(lines ==
        std::vector<std::string>{"you may not list, watch events: what they tell stays unseen",
                                 "you may not list events in namespace there: what they tell stays unseen",
                                 "you may not delete secrets: a failed run would leave those that it made"});
}
