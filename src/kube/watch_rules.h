// What a watch does next: list, watch from a version, pause, or stop. Pure but for its random numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/view.h"
#include "kube/retry.h"

namespace wukong::kube {

/// Events go in, the next action comes out. One stream: list, then watch; whatever ends is begun again, for
/// ever, unless the server says that we may not look or that there is nothing to look at (what may be the word of a proxy
/// must stand for a minute), or nobody can log in.
class WatchRules {
 public:
  struct Next {
    enum class Act { list, watch, stop };
    Act act{Act::list};
    Duration pause{};       // before it
    std::string version{};  // watch: the resourceVersion to watch from
    bool whole{};           // list: in one answer, for its pages expired while they were read
    Error why{};            // stop
  };

  explicit WatchRules(std::uint64_t seed) : random_(seed) {}

  Next start() const { return {}; }
  /// All pages are there; `version` is the list's.
  Next listed(const std::string& version);
  Next list_failed(const Failure& failure);
  /// The server accepted the watch.
  void opened(Time now);
  /// An object or a bookmark came, with its resourceVersion.
  void saw(const std::string& version);
  /// The stream ended: by the server, as it does every few minutes (no failure), or by trouble.
  Next ended(const std::optional<Failure>& failure, Time now);

  /// Why nothing flows at present; empty while it does. A cut that is mended by the next try is not told.
  const std::string& trouble() const { return trouble_; }
  /// Seconds that the server is asked to keep a watch for: between 5 and 10 minutes, so that watches do not
  /// all end at the same moment.
  int timeout_seconds();

 private:
  bool is_final(const Failure& failure);
  Next again(Next::Act act, std::optional<Duration> retry_after);
  Next expired();

  Random random_;
  std::string version_{};
  std::string trouble_{};
  std::optional<Time> opened_at_{};
  bool listed_{};        // once
  bool saw_any_{};       // since the stream was opened
  unsigned failures_{};  // in a row
  unsigned expiries_{};  // in a row
  unsigned doubts_{};    // failures in a row that may be the word of something on the way
};

}  // namespace wukong::kube
