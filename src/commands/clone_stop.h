// `clone --running`: a source that runs, and is stopped meanwhile. Pure.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "commands/clone.h"
#include "op/operation.h"

namespace wukong::commands {

/// True when an instance of the VM runs. One whose guest has finished (run strategy Once) holds no disk any more.
bool is_running(const Json& vm);

/// Errors: `precondition` for a source that runs although --running=refuse.
Result<void> check_running(const CloneNames& names, const Json& vm, const Scope& at);

/// True when --running=stop is for this source: it runs, or this operation has stopped it before it was cut off.
bool is_to_stop(const CloneNames& names, const Json& vm, const Scope& at);

/// Stops the source, if it still runs, before all else (last step: "off"). Meanwhile the VM carries the operation's id and its run
/// strategy, so that an operation that was cut off can be gone on with.
void add_stop(op::Operation& operation, const CloneNames& names, const Json& vm, const Scope& at);

/// What is made of the stopped source, and must not go on when it runs again.
struct MadeOfStopped {
  std::optional<ObjectRef>
      snapshot{};            // made by the step "snapshot"; while it is taken, the VM cannot be started
  std::string volumes_ns{};  // "": none. Where DataVolumes copy the source's claims while it is off
  std::map<std::string, std::string> targets{};  // of these DataVolumes
};

/// A VM that is to run again.
struct StoppedVm {
  ObjectRef vm{};
  std::string strategy{};  // with which it ran; "running": the older field
  std::string after{};     // the step that stopped it; "": it is stopped in any case
  std::string ids{};       // put before those of the steps
};

/// The VMs of `vms` that operation `id` has stopped and not started again.
std::vector<StoppedVm> stopped_by(const std::string& id, const std::string& ns,
                                  const std::map<std::string, Json, std::less<>>& vms);

/// Starts it again at the end, whatever happens: waits until it can be started, starts it, takes its marks away.
void add_start(op::Operation& operation, const StoppedVm& stopped);

/// The command that starts it by hand. `where`: "-n demo --context prod".
std::string start_command(const StoppedVm& stopped, const std::string& where);

/// To be called when all other steps are there: starts the source again, with the run strategy that it had, whatever happens.
/// Before that, what is half copied is removed, and locks are waited out.
void add_start_again(op::Operation& operation, const CloneNames& names, const Json& vm,
                     const MadeOfStopped& made, const Scope& at);

}  // namespace wukong::commands
