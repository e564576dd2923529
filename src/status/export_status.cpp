#include "status/export_status.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include "status/draft.h"
#include "status/watched.h"

namespace wukong::status {
namespace {

constexpr std::string_view kExports = "virtualmachineexports";
/// Reasons of Ready=False that every export passes through.
constexpr std::array<std::string_view, 6> kOnTheWay{"Initializing", "PodPending",      "Unknown",
                                                    "PodReady",     "NotAllPVCsReady", "NotAllPVCsCreated"};

Verdict judge(const ExportWait& wait, const View& view, const Verdict& before, Duration waited) {
  Draft draft(before, waited);
  const Json* found = find_own(view, kExports, wait.name, draft);
  if (found == nullptr)
    return judge_absent(view, kExports, fmt::format("VirtualMachineExport {}/{}", wait.ns, wait.name),
                        "was deleted before it was ready (it goes when its time is up)", draft);
  const std::string_view phase = text(*found, {"status", "phase"});
  if (phase == "Ready") return draft.done();
  if (is_deleting(*found)) return draft.working("Deleting", "somebody deletes the export");
  return draft.working(phase == "Terminated" ? "Restarting" : "Starting", {}, export_problem(*found));
}

}  // namespace

std::vector<Watched> watches_export(const ExportWait& wait) {
  return {{.gvr = gvr::vm_export(),
           .ns = wait.ns,
           .name = wait.name,
           .keep = {{"spec.source", "status.phase", "status.conditions", "status.ttlExpirationTime"}},
           .required = true}};
}

Judge export_judge(ExportWait wait) { return std::bind_front(judge, std::move(wait)); }

std::string export_problem(const Json& vm_export) {
  for (const std::string_view type : {"Ready", "PVCReady", "VolumesCreated"}) {
    const Json* told = condition(vm_export, type);
    if (told == nullptr || text(*told, {"status"}) != "False") continue;
    const std::string_view why = text(*told, {"reason"});
    if (why.empty() || std::find(kOnTheWay.begin(), kOnTheWay.end(), why) != kOnTheWay.end()) continue;
    const std::string_view message = text(*told, {"message"});
    return message.empty() ? std::string(why) : fmt::format("{}: {}", why, message);
  }
  return {};
}

}  // namespace wukong::status
