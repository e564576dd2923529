#include "render/json_lines.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/object.h"
#include "render/safe_json.h"

namespace wukong::render {
namespace {

constexpr auto kFractionStep = std::chrono::seconds{1};

// Fields keep the order of the schema: people read these lines too.
using Line = nlohmann::ordered_json;

std::string_view word(Row::State state) {
  switch (state) {
    case Row::State::waiting:
      return "waiting";
    case Row::State::running:
      return "running";
    case Row::State::done:
      return "done";
    case Row::State::failed:
      return "failed";
    case Row::State::skipped:
      return "skipped";
  }
  return "waiting";
}

std::string_view word(Code code) {
  switch (code) {
    case Code::failed:
      return "failed";
    case Code::usage:
      return "usage";
    case Code::precondition:
      return "precondition";
    case Code::not_found:
      return "not_found";
    case Code::already_exists:
      return "already_exists";
    case Code::conflict:
      return "conflict";
    case Code::invalid:
      return "invalid";
    case Code::expired:
      return "expired";
    case Code::unreachable:
      return "unreachable";
    case Code::overloaded:
      return "overloaded";
    case Code::unauthenticated:
      return "unauthenticated";
    case Code::forbidden:
      return "forbidden";
    case Code::timed_out:
      return "timed_out";
    case Code::partly:
      return "partly";
    case Code::integrity:
      return "integrity";
    case Code::hung_up:
      return "hung_up";
    case Code::interrupted:
      return "interrupted";
    case Code::terminated:
      return "terminated";
  }
  return "failed";
}

std::string finished(const Line& line) {
  return safe_json(line.dump(-1, ' ', false, Line::error_handler_t::replace)) + "\n";
}

void put_text(Line& line, const char* key, std::string_view text) {
  if (!text.empty()) line[key] = text;
}

double seconds(Duration duration) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(std::max(duration, Duration::zero()));
  return static_cast<double>(ms.count()) / 1000;
}

double thousandths(double fraction) { return std::round(std::clamp(fraction, 0.0, 1.0) * 1000) / 1000; }

std::string row_line(const Row& row, Time now) {
  Line line{{"type", "progress"}, {"name", row.name}, {"state", word(row.state)}};
  put_text(line, "stage", row.stage);
  put_text(line, "detail", row.detail);
  if (row.fraction && !std::isnan(*row.fraction)) line["fraction"] = thousandths(*row.fraction);
  put_text(line, "trouble", row.trouble);
  if (row.started) line["elapsedSeconds"] = seconds(row.ended.value_or(now) - *row.started);
  return finished(line);
}

std::string operation_line(const Progress& progress) {
  Line line{{"type", "operation"}, {"title", progress.title}};
  put_text(line, "phase", progress.phase);
  put_text(line, "connection", progress.connection);
  line["rows"] = targets(progress).size();
  return finished(line);
}

bool same_words(const Row& a, const Row& b) {
  return a.name == b.name && a.state == b.state && a.stage == b.stage && a.detail == b.detail &&
         a.trouble == b.trouble && a.fraction.has_value() == b.fraction.has_value();
}

}  // namespace

JsonLinesView::JsonLinesView(std::function<void(std::string_view)> write) : write_(std::move(write)) {}

std::string JsonLinesView::lines(const Progress& progress, Time now, bool last) {
  std::string out;
  if (std::string line = operation_line(progress); line != operation_) out += operation_ = std::move(line);
  told_.resize(progress.rows.size());
  for (std::size_t i = 0; i < progress.rows.size(); ++i) {
    const Row& row = progress.rows[i];
    Told& told = told_[i];
    const bool moved =
        row.fraction != told.row.fraction && (last || !told.at || now - *told.at >= kFractionStep);
    if (told.at && same_words(row, told.row) && !moved) continue;
    told = {row, now};
    out += row_line(row, now);
  }
  return out;
}

void JsonLinesView::begin(const Progress& progress, Time now) {
  began_ = now;
  write_(operation_ = operation_line(progress));
}

void JsonLinesView::update(const Progress& progress, Time now) {
  if (!began_) began_ = now;
  if (const std::string out = lines(progress, now, false); !out.empty()) write_(out);
}

void JsonLinesView::note(std::string_view kind, std::string_view message) {
  write_(json_note(kind, message));
}

void JsonLinesView::finish(const Progress& progress, Time now) {
  const auto count = [all = targets(progress)](Row::State state) {
    return std::ranges::count(all, state, &Row::state);
  };
  const Line result{{"type", "result"},
                    {"done", count(Row::State::done)},
                    {"failed", count(Row::State::failed)},
                    {"skipped", count(Row::State::skipped)},
                    {"elapsedSeconds", seconds(now - began_.value_or(now))}};
  write_(lines(progress, now, true) + finished(result));
}

std::string json_note(std::string_view kind, std::string_view message) {
  return finished({{"type", "note"}, {"kind", kind.empty() ? "note" : kind}, {"message", message}});
}

std::string json_error(const Error& error) {
  Line line{{"type", "error"},
            {"code", word(error.code)},
            {"exitCode", exit_code(error.code)},
            {"message", error.message}};
  line["context"] = error.context;
  line["causes"] = error.causes;
  put_text(line, "hint", error.hint);
  return finished(line);
}

}  // namespace wukong::render
