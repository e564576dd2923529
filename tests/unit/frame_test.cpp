#include "render/frame.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <vector>

#include "base/text.h"
#include "render/style.h"
#include "support/golden.h"

namespace wukong::render {
namespace {

using std::chrono::seconds;
using State = Row::State;

constexpr Time kStart{std::chrono::hours{1}};

Row running(const std::string& name, int began, const std::string& stage, const std::string& detail = "") {
  return {.name = name,
          .state = State::running,
          .stage = stage,
          .detail = detail,
          .started = kStart + seconds(began)};
}

Row ended(const std::string& name, State state, int began, int end) {
  Row row{.name = name, .state = state, .stage = state == State::done ? "Done" : "Restoring"};
  row.started = kStart + seconds(began);
  row.ended = kStart + seconds(end);
  return row;
}

Progress one_clone() {
  Progress progress{.title = "clone demo/web -> demo/web2"};
  progress.rows.push_back(running("web2", 0, "Restoring", "1 of 2 volumes bound"));
  progress.rows.back().fraction = 0.4279;
  return progress;
}

Progress trouble() {
  Progress progress = one_clone();
  progress.rows[0].fraction.reset();
  progress.rows[0].trouble =
      "persistentvolumeclaims \"restore-web2-root\" is forbidden: exceeded quota: storage, requested: "
      "requests.storage=20Gi, used: requests.storage=95Gi, limited: requests.storage=100Gi";
  return progress;
}

Progress thirty() {
  Progress progress{.title = "clone demo/golden -> web-01 to web-30"};
  for (int i = 1; i <= 30; ++i) {
    const std::string name = fmt::format("web-{:02}", i);
    if (i <= 5) {
      progress.rows.push_back(ended(name, State::done, 0, i));
    } else if (i == 9 || i == 17) {
      progress.rows.push_back(ended(name, State::failed, 2, 8));
      progress.rows.back().trouble = "StorageClass fast has no VolumeSnapshotClass";
    } else if (i <= 20) {
      progress.rows.push_back(
          running(name, 20 - i, "Restoring", fmt::format("{} of 2 volumes bound", i % 3)));
    } else {
      progress.rows.push_back({.name = name});
    }
  }
  return progress;
}

Progress wide_names() {
  Progress progress{.title = "克隆 demo/网站 -> 3 VMs"};
  progress.rows = {running("网站-一", 0, "Restoring", "1 of 2 volumes bound"),
                   running("web-2", 3, "Snapshotting"), ended("データベース", State::done, 0, 61),
                   Row{.name = "한국어"}};
  progress.rows[1].fraction = 1.0;
  return progress;
}

Progress lost() {
  Progress progress = one_clone();
  progress.connection = "connection refused";
  progress.connection_since = kStart + seconds(60);
  return progress;
}

Progress finished() {
  Progress progress{.title = "clone demo/web -> demo/web2"};
  progress.rows.push_back(ended("web2", State::done, 0, 71));
  return progress;
}

Progress failed() {
  Progress progress{.title = "clone demo/web -> demo/web2", .phase = "undoing"};
  progress.rows.push_back(ended("web2", State::failed, 0, 65));
  progress.rows[0].trouble = "VirtualMachineRestore demo/web2 failed: volume root: no such VolumeSnapshot";
  return progress;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

void check_golden(const std::string& name, const Progress& progress) {
  std::string all;
  for (const int width : {40, 80, 120}) {
    const auto lines = frame(progress, {.width = width}, kStart + seconds(72));
    for (const std::string& line : lines) CHECK(display_width(line) < static_cast<std::size_t>(width));
    all += fmt::format("{:=<{}}\n", fmt::format("{} ", width), width) + joined(lines);
  }
  CHECK(testing::golden("golden/frame/" + name + ".txt", all) == all);
}

}  // namespace

TEST_CASE("frame: one clone with its stage") { check_golden("running", one_clone()); }
TEST_CASE("frame: trouble that is being retried") { check_golden("trouble", trouble()); }
TEST_CASE("frame: thirty rows") { check_golden("thirty", thirty()); }
TEST_CASE("frame: names of wide characters") { check_golden("wide_names", wide_names()); }
TEST_CASE("frame: the cluster is out of reach") { check_golden("connection_lost", lost()); }
TEST_CASE("frame: finished") { check_golden("finished", finished()); }
TEST_CASE("frame: failed, undoing") { check_golden("failed", failed()); }

TEST_CASE("frame: colour changes no text and no width") {
  for (const Progress& progress :
       {one_clone(), trouble(), thirty(), wide_names(), lost(), finished(), failed()}) {
    for (const int width : {20, 40, 80}) {
      const auto bare = frame(progress, {.width = width}, kStart + seconds(72));
      const auto painted = frame(progress, {.color = true, .width = width}, kStart + seconds(72));
      REQUIRE(bare.size() == painted.size());
      for (std::size_t i = 0; i < bare.size(); ++i)
        CHECK(visible_width(painted[i]) == display_width(bare[i]));
    }
  }
  const auto lines = frame(finished(), {.color = true}, kStart);
  CHECK(lines[0].starts_with("\x1b[32m✓\x1b[0m web2"));
}

TEST_CASE("frame: fits every terminal, however small") {
  for (const Progress& progress :
       {one_clone(), trouble(), thirty(), wide_names(), lost(), finished(), failed()}) {
    for (int width = 1; width < 130; ++width) {
      for (const int height : {1, 2, 3, 4, 6, 9, 24}) {
        const auto lines = frame(progress, {.width = width, .height = height}, kStart + seconds(72));
        CHECK(!lines.empty());
        CHECK(lines.size() <= static_cast<std::size_t>(std::max(height - 1, 1)));
        for (const std::string& line : lines)
          CHECK(display_width(line) <= static_cast<std::size_t>(std::max(width - 1, 1)));
      }
    }
  }
}

TEST_CASE("frame: one target at work has its row only") {
  CHECK(frame(one_clone(), {}, kStart).size() == 1);
  CHECK(frame({.title = "clone demo/web"}, {}, kStart).empty());
}

TEST_CASE("frame: steps on the way are shown, but not counted") {
  Progress progress = thirty();
  progress.rows.resize(3);
  progress.rows.insert(progress.rows.begin(), {.name = "VirtualMachineSnapshot demo/x", .helper = true});
  const auto lines = frame(progress, {}, kStart + seconds(72));
  CHECK(lines[0] == "3 of 3 done");
  CHECK(lines.size() == 5);
}

TEST_CASE("frame: the name outlives everything else in a row") {
  const auto row = [](int width) { return frame(one_clone(), {.width = width}, kStart + seconds(72)).at(0); };
  CHECK(row(80).ends_with("web2  Restoring  ██████░░░░░░░░░░  42%  1 of 2 volumes bound  1m12s"));
  CHECK(row(64).find("░  42%  1 of 2 volume…  1m12s") != std::string::npos);
  CHECK(row(50).ends_with("web2  Restoring  ██████░░░░░░░░░░  42%  1m12s"));
  CHECK(row(38).ends_with("web2  Restoring   42%  1m12s"));
  CHECK(row(24).ends_with("web2  Restoring"));
  CHECK(row(10).ends_with(" web2"));
  CHECK(row(6).ends_with(" we…"));
}

TEST_CASE("frame: without Unicode everything drawn is ASCII") {
  for (const Progress& progress : {one_clone(), trouble(), thirty(), lost(), finished(), failed()})
    for (const int width : {20, 40, 80})
      for (const std::string& line :
           frame(progress, {.unicode = false, .width = width}, kStart + seconds(72)))
        for (const char c : line) CHECK(static_cast<unsigned char>(c) < 0x80);
}

TEST_CASE("frame: the spinner turns with the time, nothing else does") {
  const Surface surface{.width = 80};
  const auto at = [&](int ms) {
    return frame(one_clone(), surface, kStart + std::chrono::milliseconds(ms))[0];
  };
  CHECK(at(0) == at(99));
  CHECK(at(0) != at(100));
}

TEST_CASE("frame: control characters from a server do not reach the terminal") {
  Progress progress = one_clone();
  progress.phase = "a\x1b[2Jb";
  progress.rows[0].name = "x\ry";
  progress.rows[0].trouble = "quota\x9b\x1b]0;pwned\x07";
  progress.connection = "\x1b[H";
  for (const std::string& line : frame(progress, {}, kStart))
    for (const char c : line) CHECK((static_cast<unsigned char>(c) >= 0x20 && c != '\x7f'));
}

TEST_CASE("frame: a bar is never rounded up to the end") {
  Progress progress = one_clone();
  progress.rows[0].fraction = 0.9999;
  CHECK(frame(progress, {}, kStart)[0].find("░  99%") != std::string::npos);
  progress.rows[0].fraction = 7;
  CHECK(frame(progress, {}, kStart)[0].find("█ 100%") != std::string::npos);
}

}  // namespace wukong::render
