// Watches: one stream per thing watched, shared by all who hold it; each fills a Shelf.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/view.h"
#include "kube/api.h"
#include "kube/retry.h"

namespace wukong::kube {

struct StreamEvents {
  std::function<void()> opened{};                       // the server accepted
  std::function<void(std::string_view)> bytes{};        // pieces, cut anywhere
  std::function<void(std::optional<Failure>)> ended{};  // once; nothing: the server ended it in good order
};

/// What a watch needs: single tries, not repeated. Nothing is called from within attempt(), stream() and
/// after(). Dropping a Handle cancels without a further call.
class Wire {
 public:
  Wire() = default;
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  virtual ~Wire() = default;
  virtual Time now() const = 0;
  virtual Handle after(Duration delay, std::function<void()> fire) = 0;
  /// As `after`, for a pause before a further try: it is cut short when the server is back after an outage.
  virtual Handle pause(Duration longest, std::function<void()> fire) {
    return after(longest, std::move(fire));
  }
  virtual Handle attempt(Request request, std::function<void(Attempt)> done) = 0;
  virtual Handle stream(Request request, StreamEvents events) = 0;
};

/// Cuts a stream of bytes into lines.
class LineSplitter {
 public:
  /// Calls `line` for each line that `bytes` ends, without its "\n"; an unfinished one is kept for later.
  /// False when a line grows longer than `kLongest`, or when `line` says so (it is then not called again).
  bool feed(std::string_view bytes, const std::function<bool(std::string_view)>& line);
  static constexpr std::size_t kLongest = 64UL * 1024UL * 1024UL;

 private:
  std::string rest_{};
};

/// All watches of one client.
class Watches {
 public:
  Watches(Wire& wire, std::uint64_t seed) : wire_(&wire), seed_(seed) {}
  WatchHandle watch(const Watched& what, std::function<void(const std::string&)> changed);

 private:
  class Stream;
  Wire* wire_;
  std::uint64_t seed_;
  std::vector<std::weak_ptr<Stream>> streams_{};  // kept alive by those who hold them
};

}  // namespace wukong::kube
