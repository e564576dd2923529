#include "commands/quota.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace wukong;
using namespace wukong::commands;

namespace {

constexpr std::int64_t kGiB = 1 << 30;

/// Two disks of class "fast", 20 and 10 GiB, in three VMs.
op::Charge three_vms() {
  op::Charge charge{
      .ns = "demo",
      .objects = {{gvr::vm(), 3}, {gvr::volume_snapshot(), 2}, {{"", "v1", "services", "Service"}, 1}}};
  for (int vm = 1; vm <= 3; ++vm) {
    charge.claims.push_back({"web" + std::to_string(vm) + "-root", "fast", 20 * kGiB});
    charge.claims.push_back({"web" + std::to_string(vm) + "-data", "fast", 10 * kGiB});
  }
  return charge;
}

kube::Fact quota(const char* resource, const char* hard, const char* used,
                 const Json& spec = Json::object()) {
  Json one = {{"metadata", {{"name", "q"}}}, {"spec", spec}};
  one["status"]["hard"][resource] = hard;
  one["status"]["used"][resource] = used;
  return kube::Fact::known({{"items", Json::array({one})}});
}

std::string problem(const QuotaFacts& facts) {
  const auto result = check_quotas(three_vms(), facts, {.ns = "other", .flags = " --context staging"});
  if (result) return "";
  CHECK(result.error().code == Code::precondition);
  CHECK(result.error().hint.ends_with(" -n demo --context staging"));
  return result.error().message;
}

}  // namespace

TEST_CASE("quotas: every name that counts claims, their sizes, or objects") {
  struct Case {
    const char* resource;
    const char* enough;
    const char* short_of;
  };
  for (const Case& each :
       {Case{"persistentvolumeclaims", "7", "6"}, Case{"count/persistentvolumeclaims", "7", "6"},
        Case{"requests.storage", "91Gi", "90Gi"},
        Case{"fast.storageclass.storage.k8s.io/persistentvolumeclaims", "7", "6"},
        Case{"fast.storageclass.storage.k8s.io/requests.storage", "91Gi", "93000Mi"},
        Case{"count/virtualmachines.kubevirt.io", "4", "3"},
        Case{"count/volumesnapshots.snapshot.storage.k8s.io", "3", "2"}, Case{"services", "2", "1"},
        Case{"count/services", "2", "1"}}) {
    CAPTURE(each.resource);
    const bool bytes = std::string(each.resource).ends_with("storage");
    CHECK(problem({quota(each.resource, each.enough, bytes ? "1Gi" : "1"), {}}) == "");
    CHECK(problem({quota(each.resource, each.short_of, bytes ? "1Gi" : "1"), {}}).find(each.resource) !=
          std::string::npos);
  }
  CHECK(problem({quota("slow.storageclass.storage.k8s.io/requests.storage", "0", "0"), {}}) == "");
  CHECK(problem({quota("limits.memory", "0", "0"), {}}) == "");
}

TEST_CASE("quotas: the arithmetic is told") {
  CHECK(problem({quota("requests.storage", "100Gi", "20Gi"), {}}) ==
        "quota q of namespace demo leaves no room: requests.storage is limited to 100Gi, 20Gi used, and 90Gi "
        "more would come");
  CHECK(problem({quota("count/virtualmachines.kubevirt.io", "5", "4"), {}}) ==
        "quota q of namespace demo leaves no room: count/virtualmachines.kubevirt.io is limited to 5, 4 "
        "used, and 3 more would "
        "come");
}

TEST_CASE("quotas: what counts pods only, or what cannot be read, refuses nothing") {
  CHECK(problem({quota("persistentvolumeclaims", "1", "1", {{"scopes", {"BestEffort"}}}), {}}) == "");
  CHECK(problem({kube::Fact::unreadable({}), kube::Fact::unreadable({})}) == "");
}

TEST_CASE("limit ranges: sizes that they do not allow") {
  const auto range = [](const char* bound, const char* size) {
    Json limit = {{"type", "PersistentVolumeClaim"}};
    limit[bound]["storage"] = size;
    const Json other = {{"type", "Container"}, {"max", {{"storage", "1"}}}};
    return QuotaFacts{
        {},
        kube::Fact::known({{"items", Json::array({{{"metadata", {{"name", "r"}}},
                                                   {"spec", {{"limits", Json::array({other, limit})}}}}})}})};
  };
  CHECK(problem(range("max", "20Gi")) == "");
  CHECK(problem(range("max", "19Gi")) ==
        "LimitRange r of namespace demo does not allow disk web1-root: it has 20Gi, and a claim has at most "
        "19Gi");
  CHECK(problem(range("min", "10Gi")) == "");
  CHECK(problem(range("min", "11Gi")) ==
        "LimitRange r of namespace demo does not allow disk web1-data: it has 10Gi, and a claim has at least "
        "11Gi");
}
