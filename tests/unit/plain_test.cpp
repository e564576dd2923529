#include "render/plain.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

namespace wukong::render {
namespace {

using std::chrono::seconds;
using State = Row::State;

constexpr Time kStart{std::chrono::hours{1}};

struct Fixture {
  std::string out{};
  PlainView view{{}, [this](std::string_view text) { out += text; }};
  Progress progress{.title = "clone demo/web -> demo/web2"};

  /// What is written at `second`.
  std::string at(int second) {
    out.clear();
    view.update(progress, kStart + seconds(second));
    return out;
  }
};

}  // namespace

TEST_CASE("plain: one line per change") {
  Fixture f;
  f.progress.rows.push_back({.name = "web2"});
  CHECK(f.at(0) == "clone demo/web -> demo/web2\n");
  f.progress.rows[0] = {.name = "web2", .state = State::running, .stage = "Snapshotting", .started = kStart};
  CHECK(f.at(1) == "web2: Snapshotting\n");
  CHECK(f.at(2).empty());
  f.progress.rows[0].stage = "Restoring";
  f.progress.rows[0].detail = "1 of 2 volumes bound";
  CHECK(f.at(3) == "web2: Restoring, 1 of 2 volumes bound\n");
  f.progress.rows[0].detail = "2 of 2 volumes bound";
  f.progress.rows[0].fraction = 0.5;
  CHECK(f.at(4).empty());
  f.progress.rows[0].trouble = "exceeded quota";
  CHECK(f.at(5) == "web2: Restoring 50%, 2 of 2 volumes bound - exceeded quota\n");
  f.progress.rows[0].trouble.clear();
  CHECK(f.at(6) == "web2: Restoring 50%, 2 of 2 volumes bound\n");
  f.progress.rows[0].state = State::done;
  f.progress.rows[0].ended = kStart + seconds(7);
  CHECK(f.at(7) == "web2: done (7.0s)\n");
}

TEST_CASE("plain: the title comes first, and once") {
  Fixture f;
  f.view.begin(f.progress, kStart);
  CHECK(f.out == "clone demo/web -> demo/web2\n");
  CHECK(f.at(0).empty());
}

TEST_CASE("plain: silence is broken every 10 s, with the time") {
  Fixture f;
  f.progress.rows.push_back({.name = "web2",
                             .state = State::running,
                             .stage = "Restoring",
                             .detail = "1 of 2 volumes bound",
                             .started = kStart});
  f.at(0);
  int lines = 0;
  for (int second = 1; second <= 60; ++second) {
    const std::string said = f.at(second);
    lines += said.empty() ? 0 : 1;
    if (second == 10) CHECK(said == "web2: Restoring, 1 of 2 volumes bound (10s)\n");
  }
  CHECK(lines == 6);
  f.progress.rows.push_back({.name = "web3"});
  CHECK(f.at(70) == "1 running, 1 waiting; longest: web2: Restoring, 1 of 2 volumes bound (1m10s)\n");
}

TEST_CASE("plain: many rows show failures and counts only") {
  Fixture f;
  for (int i = 0; i < 200; ++i) f.progress.rows.push_back({.name = fmt::format("web-{}", i)});
  f.at(0);
  for (Row& row : f.progress.rows)
    row = {.name = row.name, .state = State::running, .stage = "x", .started = kStart};
  CHECK(f.at(1).empty());
  f.progress.rows[7].state = State::failed;
  f.progress.rows[7].trouble = "no space";
  f.progress.rows[8].state = State::done;
  CHECK(f.at(9) == "web-7: failed: no space\n");
  CHECK(f.at(10) == "1 done, 1 failed, 198 running (10s)\n");
  f.out.clear();
  f.view.finish(f.progress, kStart + seconds(11));
  CHECK(f.out.empty());
  for (Row& row : f.progress.rows)
    if (row.state == State::running) row.state = State::done;
  f.view.finish(f.progress, kStart + seconds(12));
  CHECK(f.out == "199 done, 1 failed\n");
}

TEST_CASE("plain: steps on the way are not counted") {
  Fixture f;
  f.progress.rows = {{.name = "VirtualMachineSnapshot demo/x", .helper = true, .state = State::done},
                     {.name = "web-1", .state = State::done},
                     {.name = "web-2", .state = State::done}};
  f.at(0);
  f.out.clear();
  f.view.finish(f.progress, kStart + seconds(1));
  CHECK(f.out == "2 done\n");
  f.progress.rows.pop_back();
  f.view.finish(f.progress, kStart + seconds(2));
  CHECK(f.out == "2 done\n");
}

TEST_CASE("plain: the cluster going away and coming back is told once each") {
  Fixture f;
  f.at(0);
  f.progress.connection = "connection refused";
  CHECK(f.at(1) == "cluster not reachable: connection refused - retrying\n");
  f.progress.connection = "connection reset";
  CHECK(f.at(2).empty());
  f.progress.connection.clear();
  CHECK(f.at(3) == "cluster reachable again\n");
  f.progress.phase = "tidying up";
  CHECK(f.at(4) == "tidying up\n");
}

TEST_CASE("plain: an end while the cluster is away does not claim that it is back") {
  Fixture f;
  f.progress.rows.push_back(
      {.name = "web2", .state = State::running, .stage = "Restoring", .started = kStart});
  f.progress.connection = "connection refused";
  f.at(0);
  f.out.clear();
  f.progress.connection.clear();
  f.progress.rows[0].state = State::skipped;
  f.view.finish(f.progress, kStart + seconds(1));
  CHECK(f.out == "web2: no longer waited for\n");
}

TEST_CASE("plain: no time is told of a connection that went away just now") {
  Fixture f;
  f.at(0);
  f.progress.connection = "connection refused";
  f.progress.connection_since = kStart + seconds(1);
  CHECK(f.at(1) == "cluster not reachable: connection refused - retrying\n");
}

TEST_CASE("plain: text of the server is cleaned") {
  Fixture f;
  f.progress.rows.push_back({.name = "web2", .state = State::failed, .trouble = "a\nb\x1b[31m"});
  CHECK(f.at(0) == "clone demo/web -> demo/web2\nweb2: failed: a b[31m\n");
}

}  // namespace wukong::render
