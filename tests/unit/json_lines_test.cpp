#include "render/json_lines.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "base/object.h"

namespace wukong::render {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using State = Row::State;

constexpr Time kStart{std::chrono::hours{1}};

struct Fixture {
  std::string out{};
  JsonLinesView view{[this](std::string_view text) { out += text; }};
  Progress progress{.title = "clone demo/web -> demo/web2"};

  Fixture() {
    progress.rows.push_back(
        {.name = "web2", .state = State::running, .stage = "Restoring", .started = kStart});
  }
  std::string at(int ms) {
    out.clear();
    view.update(progress, kStart + milliseconds(ms));
    return out;
  }
};

}  // namespace

TEST_CASE("json lines: the operation comes first, and once") {
  Fixture f;
  f.view.begin(f.progress, kStart);
  CHECK(f.out == R"({"type":"operation","title":"clone demo/web -> demo/web2","rows":1})"
                 "\n");
  CHECK(f.at(0).find("operation") == std::string::npos);
}

TEST_CASE("json lines: the operation, then every change of a row") {
  Fixture f;
  CHECK(f.at(0) ==
        R"({"type":"operation","title":"clone demo/web -> demo/web2","rows":1})"
        "\n"
        R"({"type":"progress","name":"web2","state":"running","stage":"Restoring","elapsedSeconds":0.0})"
        "\n");
  CHECK(f.at(500).empty());
  f.progress.rows[0].detail = "1 of 2 volumes bound";
  f.progress.rows[0].trouble = "exceeded quota";
  CHECK(
      f.at(1500) ==
      R"({"type":"progress","name":"web2","state":"running","stage":"Restoring","detail":"1 of 2 volumes bound",)"
      R"("trouble":"exceeded quota","elapsedSeconds":1.5})"
      "\n");
  f.progress.phase = "undoing";
  f.progress.connection = "connection refused";
  CHECK(f.at(1600) == R"({"type":"operation","title":"clone demo/web -> demo/web2","phase":"undoing",)"
                      R"("connection":"connection refused","rows":1})"
                      "\n");
}

TEST_CASE("json lines: fractions come once a second, the last one always") {
  Fixture f;
  f.progress.rows[0].fraction = 0.0;
  f.at(0);
  int lines = 0;
  for (int ms = 100; ms <= 5000; ms += 100) {
    f.progress.rows[0].fraction = ms / 10000.0;
    lines += f.at(ms).empty() ? 0 : 1;
  }
  CHECK(lines == 5);
  f.progress.rows[0].fraction = 0.51239;
  f.out.clear();
  f.view.finish(f.progress, kStart + milliseconds(5100));
  CHECK(f.out.find(R"("fraction":0.512,)") != std::string::npos);
}

TEST_CASE("json lines: the end is counted") {
  Fixture f;
  f.at(0);
  f.progress.rows[0].state = State::done;
  f.progress.rows[0].ended = kStart + seconds(2);
  f.out.clear();
  f.view.finish(f.progress, kStart + seconds(9));
  CHECK(f.out ==
        R"({"type":"progress","name":"web2","state":"done","stage":"Restoring","elapsedSeconds":2.0})"
        "\n"
        R"({"type":"result","done":1,"failed":0,"skipped":0,"elapsedSeconds":9.0})"
        "\n");
}

TEST_CASE("json lines: steps on the way are no targets") {
  Fixture f;
  f.progress.rows.push_back({.name = "VirtualMachineSnapshot demo/x", .helper = true, .state = State::done});
  CHECK(f.at(0).find("\"rows\":1}") != std::string::npos);
  f.view.finish(f.progress, kStart + seconds(9));
  CHECK(f.out.find("\"done\":0,") != std::string::npos);
}

TEST_CASE("json lines: notes and errors are JSON too") {
  Fixture f;
  f.view.note("warning", "a \"disk\"\nis left out");
  CHECK(f.out == "{\"type\":\"note\",\"kind\":\"warning\",\"message\":\"a \\\"disk\\\"\\nis left out\"}\n");
  const Error error{.code = Code::timed_out,
                    .message = "clone demo/web2: timed out",
                    .hint = "wait",
                    .context = {"while x"},
                    .causes = {"bad \xff byte"}};
  CHECK(json_error(error) ==
        R"({"type":"error","code":"timed_out","exitCode":5,"message":"clone demo/web2: timed out",)"
        R"("context":["while x"],"causes":["bad )"
        "\ufffd"
        R"( byte"],"hint":"wait"})"
        "\n");
}

TEST_CASE("json lines: every line is one object, whatever the server says") {
  Fixture f;
  f.progress.rows[0].trouble = "a\nb\x1b\xff";
  const std::string out = f.at(0);
  CHECK(std::count(out.begin(), out.end(), '\n') == 2);
  CHECK(parse_json(out.substr(out.find('\n') + 1)).has_value());
}

}  // namespace wukong::render
