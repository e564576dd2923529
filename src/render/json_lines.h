// Progress as JSON, one object per line, for programs (--progress=json).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "render/progress_view.h"

namespace wukong::render {

/// Writes one object per line; fields without a value are left out, and readers ignore fields they do not
/// know:
///
///   {"type":"operation","title":"clone demo/web -> demo/web2","phase":"undoing","connection":"connection
///   refused",
///    "rows":1}                        at first, and when one of them changes; no "connection": the cluster
///    is heard
///   {"type":"progress","name":"web2","state":"running","stage":"Restoring","detail":"1 of 2 volumes bound",
///    "fraction":0.42,"trouble":"exceeded quota","elapsedSeconds":12.3}   a row changed; "state" is one of
///    waiting,
///                                     running, done, failed, skipped; "fraction" is 0 to 1, at most once a
///                                     second
///   {"type":"note","kind":"warning","message":"..."}
///   {"type":"error","code":"timed_out","exitCode":5,"message":"...","context":[],"causes":[],"hint":"..."}
///   {"type":"result","done":3,"failed":1,"skipped":0,"elapsedSeconds":61.5}   once, when the operation has
///   ended
class JsonLinesView final : public ProgressView {
 public:
  explicit JsonLinesView(std::function<void(std::string_view)> write);

  void begin(const Progress& progress, Time now) override;
  void update(const Progress& progress, Time now) override;
  void note(std::string_view kind, std::string_view message) override;
  void finish(const Progress& progress, Time now) override;
  void resize(int /*width*/, int /*height*/) override {}

 private:
  struct Told {
    Row row{};
    std::optional<Time> at{};
  };

  std::string lines(const Progress& progress, Time now, bool last);

  std::function<void(std::string_view)> write_{};
  std::vector<Told> told_{};
  std::string operation_{};  // the last "operation" line
  std::optional<Time> began_{};
};

/// The "note" and "error" lines of the schema above.
std::string json_note(std::string_view kind, std::string_view message);
std::string json_error(const Error& error);

}  // namespace wukong::render
