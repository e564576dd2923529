#include "render/terminal.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "base/text.h"
#include "render/frame.h"

namespace wukong::render {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Time kStart{std::chrono::hours{1}};

/// A terminal that knows what TerminalView sends. `lines` includes what has scrolled away above; narrowing wraps
/// lines again, as most terminals do. One code point takes one column: tests keep to such text.
class Screen {
 public:
  Screen(int width, int height)
      : width_(static_cast<std::size_t>(width)), height_(static_cast<std::size_t>(height)) {}

  void write(std::string_view text) {
    ++writes;
    while (!text.empty()) {
      if (text.starts_with("\x1b[")) {
        const std::size_t end = text.find_first_not_of("0123456789;?", 2);
        obey(text[end], std::string(text.substr(2, end - 2)));
        text.remove_prefix(end + 1);
      } else {
        const std::size_t next = std::min(text.find_first_of("\x1b\n\r"), text.size());
        if (next == 0) {
          if (text[0] == '\n') down();
          column_ = 0;
          text.remove_prefix(1);
        } else {
          put(text.substr(0, next));
          text.remove_prefix(next);
        }
      }
    }
  }

  void narrow(int width) {
    width_ = static_cast<std::size_t>(width);
    std::vector<std::vector<std::string>> old = std::exchange(rows_, {});
    const std::size_t cursor_row = row_;
    for (std::size_t i = 0; i < old.size(); ++i) {
      if (i == cursor_row) row_ = rows_.size();
      for (std::size_t at = 0; at == 0 || at < old[i].size(); at += width_)
        rows_.emplace_back(
            old[i].begin() + static_cast<std::ptrdiff_t>(at),
            old[i].begin() + static_cast<std::ptrdiff_t>(std::min(at + width_, old[i].size())));
    }
  }

  std::vector<std::string> lines() const {
    std::vector<std::string> out;
    for (const auto& row : rows_) {
      std::string line;
      for (const std::string& cell : row) line += cell;
      line.erase(line.find_last_not_of(' ') + 1);
      out.push_back(line);
    }
    while (!out.empty() && out.back().empty()) out.pop_back();
    return out;
  }

  bool cursor{true};
  int writes{};

 private:
  void obey(char command, const std::string& argument) {
    const std::size_t number = argument.empty() || argument[0] == '?' ? 0 : std::stoul(argument);
    if (command == 'A') {
      const std::size_t top = rows_.size() > height_ ? rows_.size() - height_ : 0;
      row_ = std::max(row_ >= number ? row_ - number : 0, top);
    } else if (command == 'K') {
      rows_[row_].resize(std::min(rows_[row_].size(), column_));
    } else if (command == 'J') {
      rows_[row_].resize(std::min(rows_[row_].size(), column_));
      for (std::size_t i = row_ + 1; i < rows_.size(); ++i) rows_[i].clear();
    } else if (command == 'h' || command == 'l') {
      CHECK(argument == "?25");
      cursor = command == 'h';
    } else {
      CHECK(command == 'm');
    }
  }

  void down() {
    if (++row_ == rows_.size()) rows_.emplace_back();
  }

  void put(std::string_view text) {
    while (!text.empty()) {
      std::size_t bytes = 1;
      while (bytes < text.size() && (static_cast<unsigned char>(text[bytes]) & 0xC0U) == 0x80U) ++bytes;
      if (column_ == width_) down(), column_ = 0;
      auto& row = rows_[row_];
      row.resize(std::max(row.size(), column_ + 1), " ");
      row[column_++] = text.substr(0, bytes);
      text.remove_prefix(bytes);
    }
  }

  std::size_t width_{};
  std::size_t height_{};
  std::vector<std::vector<std::string>> rows_{1};
  std::size_t row_{};
  std::size_t column_{};
};

struct Fixture {
  explicit Fixture(Surface with = {.terminal = true, .color = true})
      : surface(with), screen(with.width, with.height) {
    view = std::make_unique<TerminalView>(surface, [this](std::string_view text) { screen.write(text); });
  }

  /// What the screen shall show at `now`: `above`, then the frame.
  std::vector<std::string> expected(Time now, std::vector<std::string> above = {}) const {
    Surface bare = surface;
    bare.color = false;
    for (const std::string& line : frame(progress, bare, now)) above.push_back(line);
    return above;
  }

  Surface surface{};
  Screen screen;
  Progress progress{};
  std::unique_ptr<TerminalView> view{};
};

Progress clones(int count) {
  Progress progress{.title = "clone demo/web"};
  for (int i = 0; i < count; ++i)
    progress.rows.push_back({.name = fmt::format("web-{}", i),
                             .state = Row::State::running,
                             .stage = "Restoring",
                             .detail = "1 of 2 volumes bound",
                             .started = kStart});
  return progress;
}

}  // namespace

TEST_CASE("terminal: frames replace each other, one write each") {
  Fixture f;
  f.progress = clones(3);
  for (int i = 0; i < 30; ++i) {
    const Time now = kStart + milliseconds(100 * i);
    if (i == 10) f.progress.rows[1].trouble = "exceeded quota";
    if (i == 20) f.progress.rows[1].trouble.clear();
    f.view->update(f.progress, now);
    CHECK(f.screen.writes == i + 1);
    CHECK(f.screen.lines() == f.expected(now));
    CHECK_FALSE(f.screen.cursor);
  }
  f.view->finish(f.progress, kStart + seconds(3));
  CHECK(f.screen.cursor);
  CHECK(f.screen.lines() == f.expected(kStart + seconds(3)));
}

TEST_CASE("terminal: left for a while, the frame stays, and the next one is drawn below it") {
  Fixture f;
  f.progress = clones(2);
  f.view->update(f.progress, kStart);
  const std::vector<std::string> before = f.screen.lines();
  f.view->leave();
  CHECK(f.screen.cursor);
  f.screen.write("[1]+  Stopped\n");
  f.view->update(f.progress, kStart);
  CHECK_FALSE(f.screen.cursor);
  std::vector<std::string> above = before;
  above.emplace_back("[1]+  Stopped");
  CHECK(f.screen.lines() == f.expected(kStart, above));
}

TEST_CASE("terminal: an unchanged frame is not written again") {
  Fixture f;
  f.progress = clones(1);
  f.view->update(f.progress, kStart);
  f.view->update(f.progress, kStart + milliseconds(30));
  CHECK(f.screen.writes == 1);
}

TEST_CASE("terminal: notes stay above the frame") {
  Fixture f({.terminal = true, .width = 60});
  f.progress = clones(2);
  f.view->note("note", "operation k3v9");
  f.view->update(f.progress, kStart);
  f.view->note("warning", "the volume data is left out: its StorageClass has no VolumeSnapshotClass");
  CHECK(f.screen.writes == 3);
  CHECK(f.screen.lines() ==
        f.expected(kStart,
                   {"note: operation k3v9", "warning: the volume data is left out: its StorageClass has n",
                    "o VolumeSnapshotClass"}));
  f.view->finish(f.progress, kStart + seconds(1));
  f.view->note("", "web-0 is ready");
  const auto lines = f.screen.lines();
  CHECK(lines.back() == "web-0 is ready");
  CHECK(lines.size() == 7);
}

TEST_CASE("terminal: the title stands above the notes") {
  Fixture f({.terminal = true, .color = true});
  f.progress = clones(2);
  f.view->begin(f.progress, kStart);
  f.view->note("note", "method snapshot");
  f.view->update(f.progress, kStart);
  f.view->note("warning", "a disk is left out");
  CHECK(f.screen.lines() ==
        f.expected(kStart, {"clone demo/web", "note: method snapshot", "warning: a disk is left out"}));
}

TEST_CASE("terminal: a narrower terminal leaves nothing of the old frame") {
  Fixture f({.terminal = true, .width = 100});
  f.progress = clones(4);
  f.view->note("note", "operation k3v9");
  f.view->update(f.progress, kStart);
  for (const int width : {50, 33, 20, 90}) {
    f.screen.narrow(width);
    f.surface.width = width;
    f.view->resize(width, 24);
    f.view->update(f.progress, kStart);
    CHECK(f.screen.lines() == f.expected(kStart, {"note: operation k3v9"}));
  }
}

TEST_CASE("terminal: more rows than lines never scroll") {
  Fixture f({.terminal = true, .width = 80, .height = 6});
  f.progress = clones(40);
  for (int i = 0; i < 5; ++i) f.view->update(f.progress, kStart + seconds(i));
  CHECK(f.screen.lines() == f.expected(kStart + seconds(4)));
  CHECK(f.screen.lines().size() <= 5);
}

TEST_CASE("terminal: the cursor comes back when the view goes away") {
  Fixture f;
  f.view->update(clones(1), kStart);
  CHECK_FALSE(f.screen.cursor);
  f.view.reset();
  CHECK(f.screen.cursor);
}

TEST_CASE("terminal: a view that drew nothing writes nothing") {
  Fixture f;
  f.view.reset();
  CHECK(f.screen.writes == 0);
}

TEST_CASE("progress view: bars only on terminals that can move the cursor") {
  const auto escapes = [](ProgressMode mode, Surface surface) {
    std::string out;
    const auto view = make_progress_view(mode, surface, [&](std::string_view text) { out += text; });
    view->update(clones(1), kStart);
    view->note("note", "x");
    view->finish(clones(1), kStart);
    return out.find('\x1b') != std::string::npos;
  };
  CHECK(escapes(ProgressMode::automatic, {.terminal = true}));
  CHECK(escapes(ProgressMode::bar, {.terminal = true}));
  CHECK_FALSE(escapes(ProgressMode::automatic, {}));
  CHECK_FALSE(escapes(ProgressMode::bar, {}));
  CHECK_FALSE(escapes(ProgressMode::automatic, {.terminal = true, .dumb = true}));
  CHECK_FALSE(escapes(ProgressMode::plain, {.terminal = true}));
  CHECK_FALSE(escapes(ProgressMode::json, {.terminal = true, .color = true}));
}

TEST_CASE("progress view: none shows notes only") {
  std::string out;
  const auto view = make_progress_view(ProgressMode::none, {}, [&](std::string_view text) { out += text; });
  view->update(clones(1), kStart);
  view->note("warning", "a disk is left out\nits class has no snapshots");
  view->finish(clones(1), kStart);
  CHECK(out == "warning: a disk is left out\n         its class has no snapshots\n");
}

}  // namespace wukong::render
