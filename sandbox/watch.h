// A watch: which changes it tells, and how they are written.
#pragma once

#include <string>

#include "base/time.h"
#include "sandbox/selectors.h"
#include "sandbox/store.h"

namespace wukong::sandbox {

class Watch {
 public:
  struct Subject {
    const Kind* kind{};
    std::string ns{};
    Selector selector{};
    bool as_table{};
    bool bookmarks{};
  };

  /// Tells what comes after resourceVersion `from`.
  Watch(Subject subject, std::uint64_t from) : subject_(std::move(subject)), told_(from) {}

  /// The first lines of a watch without a resourceVersion: all objects as ADDED, and a bookmark after them where the
  /// client asked for it (`sendInitialEvents`).
  std::string greet(const Store& store, WallTime now, bool with_end_mark);
  /// Lines of what happened since the last call. Changes that are no longer known end the watch with a 410.
  std::string drain(const Store& store, WallTime now);
  /// A bookmark, or "" for who wants none.
  std::string bookmark() const;
  bool has_ended() const { return ended_; }

 private:
  bool sees(const Object& object) const;
  std::string line(std::string_view type, const Object& object, WallTime now) const;
  std::string bookmark_line(const Json& annotations) const;

  Subject subject_{};
  std::uint64_t told_{};
  bool ended_{};
};

}  // namespace wukong::sandbox
