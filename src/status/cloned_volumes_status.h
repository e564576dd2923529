// Judges the DataVolumes of one clone together.
#pragma once

#include <string>
#include <vector>

#include "base/view.h"
#include "status/source_use.h"

namespace wukong::status {

struct DataVolumesWait {
  std::string ns{};
  std::string source_ns{};           // where CDI makes its temporary claims and snapshots; "": `ns`
  std::vector<std::string> names{};  // of the DataVolumes, and of the claims that they make
  std::string labels{};              // selects both, of all targets of the operation: one shared watch
  std::string vm{};          // whose disks they are; its events tell why one was not made; "": nobody's
  bool consumer_expected{};  // a pod will use them: then waiting for a first consumer is no end
  std::string until_then{};  // what the user must know when they wait for one
  SourceUse source{};        // must stay off while it is copied
};

std::vector<Watched> watches_data_volumes(const DataVolumesWait& wait);

/// Done when every DataVolume has succeeded and its claim is Bound, or (no consumer expected) waits for its first consumer:
/// then the message says it, and memory "unbound" lists them. Claims that cannot be read are not asked, unless they
/// alone could tell (a DataVolume without a source, over a claim that has one).
/// Failed: phase Failed, a claim that lost its volume, a DataVolume that was deleted, a source that was started meanwhile. All else
/// is retried by CDI for ever.
/// While all wait for a VM that is being started, what keeps that from it is the cause.
/// Memory also: "fill", see fills().
/// Source: containerized-data-importer pkg/controller/datavolume, pkg/controller/populators/clone-populator.go.
Judge data_volumes_judge(DataVolumesWait wait);

/// Done when none of them is there any more, nor their claims.
Judge data_volumes_gone_judge(DataVolumesWait wait);

/// How a disk was filled, as CDI has left it on the claim.
struct Fill {
  std::string name{};
  std::string type{};    // snapshot, csi-clone, copy; "" when nothing tells
  std::string reason{};  // of a copy where something quicker was meant; CDI's words
};

/// What a verdict of data_volumes_judge() tells of them.
std::vector<Fill> fills(const Verdict& verdict);

}  // namespace wukong::status
