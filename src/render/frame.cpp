#include "render/frame.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/text.h"
#include "base/time.h"
#include "render/style.h"

namespace wukong::render {
namespace {

constexpr std::size_t kAllShown = 8;      // rows up to which every one has its line
constexpr std::size_t kRunningShown = 7;  // of more rows
constexpr std::size_t kBarCells = 16;
constexpr std::size_t kPercent = 4;          // "100%"
constexpr std::size_t kShortestDetail = 12;  // a detail cut shorter tells nothing
constexpr std::size_t kTroubleLines = 2;
constexpr auto kSpinnerStep = std::chrono::milliseconds{100};
constexpr std::string_view kGap = "  ";

struct Symbols {
  std::vector<std::string_view> spinner{};
  std::string_view done{}, failed{}, waiting{}, skipped{}, trouble{}, full{}, empty{};
};

Symbols symbols(bool unicode) {
  if (!unicode) return {{"|", "/", "-", "\\"}, "+", "x", ".", "-", "!", "#", "."};
  return {{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"}, "✓", "✗", "·", "-", "⚠", "█", "░"};
}

/// `text` cut to `columns`; the mark of the cut is "~" where "…" cannot be shown.
std::string cut(std::string_view text, std::size_t columns, const Surface& surface) {
  if (surface.unicode || display_width(text) <= columns) return fit(text, columns);
  if (columns == 0) return {};
  std::string head = fit(text, columns);
  if (head.ends_with("…")) head.resize(head.size() - std::string_view("…").size());
  return head + "~";
}

std::string colored(std::string_view text, Color color, const Surface& surface) {
  return paint(text, surface.color ? color : Color::none);
}

/// `text` cut in its middle to `columns`: the root cause of an error stands at its end.
std::string cut_middle(const std::string& text, std::size_t columns, const Surface& surface) {
  if (display_width(text) <= columns || columns < 12) return cut(text, columns, surface);
  const std::size_t head = columns / 3;
  std::size_t from = text.size();
  for (std::size_t at = from; at > 0; --at) {
    if ((static_cast<unsigned char>(text[at - 1]) & 0xC0U) == 0x80U) continue;  // inside a character
    if (display_width(std::string_view(text).substr(at - 1)) > columns - head) break;
    from = at - 1;
  }
  return cut(text, head, surface) + text.substr(from);
}

/// `text` as at most `max_lines` lines of `columns`, broken at spaces; the last is cut in its middle.
std::vector<std::string> wrap(std::string text, std::size_t columns, std::size_t max_lines,
                              const Surface& surface) {
  std::vector<std::string> lines;
  while (lines.size() + 1 < max_lines && display_width(text) > columns) {
    std::size_t end = 0;
    for (std::size_t space = text.find(' '); space != std::string::npos; space = text.find(' ', space + 1))
      if (display_width(std::string_view(text).substr(0, space)) <= columns) end = space;
    if (end == 0) break;
    lines.push_back(text.substr(0, end));
    text.erase(0, end + 1);
  }
  lines.push_back(cut_middle(text, columns, surface));
  return lines;
}

/// One row, cleaned for a terminal.
struct Cells {
  const Row* row{};
  std::string name{}, stage{}, detail{}, elapsed{}, trouble{};
};

Cells clean(const Row& row, Time now) {
  return {&row,
          printable(row.name),
          printable(row.stage),
          printable(row.detail),
          elapsed_text(row, now),
          printable(row.trouble)};
}

/// Columns of each part; 0 leaves the part out.
struct Layout {
  std::size_t name{}, stage{}, bar{}, percent{}, detail{}, elapsed{};
};

std::size_t total(const Layout& at) {
  std::size_t sum = 2 + at.name;  // symbol and space
  for (const std::size_t part : {at.stage, at.detail, at.elapsed})
    if (part > 0) sum += kGap.size() + part;
  if (at.percent > 0) sum += kGap.size() + at.percent;
  return at.bar > 0 ? sum + at.bar + 1 : sum;
}

/// Gives up parts until a row fits into `columns`: detail, bar, percent, elapsed, stage; only then is the
/// name cut.
Layout lay_out(const std::vector<Cells>& rows, std::size_t columns) {
  Layout at;
  for (const Cells& cells : rows) {
    at.name = std::max(at.name, display_width(cells.name));
    at.stage = std::max(at.stage, display_width(cells.stage));
    at.detail = std::max(at.detail, display_width(cells.detail));
    at.elapsed = std::max(at.elapsed, display_width(cells.elapsed));
    if (cells.row->fraction) at.bar = kBarCells, at.percent = kPercent;
  }
  const auto too_wide = [&] { return total(at) > columns; };
  if (too_wide()) {
    const std::size_t over = total(at) - columns;
    at.detail = at.detail >= over + kShortestDetail ? at.detail - over : 0;
  }
  for (std::size_t* part : {&at.bar, &at.percent, &at.elapsed, &at.stage})
    if (too_wide()) *part = 0;
  if (too_wide()) at.name = columns > 2 ? columns - 2 : 0;
  return at;
}

std::string symbol_of(const Row& row, Time now, const Surface& surface) {
  const Symbols all = symbols(surface.unicode);
  switch (row.state) {
    case Row::State::done:
      return colored(all.done, Color::green, surface);
    case Row::State::failed:
      return colored(all.failed, Color::red, surface);
    case Row::State::waiting:
      return colored(all.waiting, Color::dim, surface);
    case Row::State::skipped:
      return colored(all.skipped, Color::dim, surface);
    case Row::State::running:
      break;
  }
  const auto run = row.started ? std::max(now - *row.started, Duration::zero()) : Duration::zero();
  return std::string(all.spinner[static_cast<std::size_t>(run / kSpinnerStep) % all.spinner.size()]);
}

std::string bar_text(double fraction, const Layout& at, const Surface& surface) {
  const double part = std::clamp(std::isnan(fraction) ? 0.0 : fraction, 0.0, 1.0);
  // Down, never up: neither a full bar nor 100% before it is so.
  std::string percent = fmt::format("{:>3}%", static_cast<int>(part * 100));
  if (at.bar == 0) return percent;
  const Symbols all = symbols(surface.unicode);
  const auto full = static_cast<std::size_t>(part * static_cast<double>(at.bar));
  std::string text;
  for (std::size_t i = 0; i < at.bar; ++i) text += i < full ? all.full : all.empty;
  return text + " " + percent;
}

std::string row_line(const Cells& cells, const Layout& at, const Surface& surface, Time now) {
  std::string line =
      symbol_of(*cells.row, now, surface) + " " + pad(cut(cells.name, at.name, surface), at.name);
  const auto add = [&](std::string_view text, std::size_t columns, Color color = Color::none) {
    if (columns == 0) return;
    const std::string shown = cut(text, columns, surface);
    line.append(kGap).append(colored(shown, color, surface)).append(columns - display_width(shown), ' ');
  };
  add(cells.stage, at.stage);
  if (at.percent > 0) {
    const auto& fraction = cells.row->fraction;
    add(fraction ? bar_text(*fraction, at, surface) : "", at.percent + (at.bar > 0 ? at.bar + 1 : 0));
  }
  add(cells.detail, at.detail);
  add(cells.elapsed, at.elapsed, Color::dim);
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

std::vector<std::string> trouble_lines(const Cells& cells, std::size_t columns, std::size_t max_lines,
                                       const Surface& surface) {
  if (cells.trouble.empty() || max_lines == 0 || columns <= 6) return {};
  const Color color = cells.row->state == Row::State::failed ? Color::red : Color::yellow;
  std::vector<std::string> lines = wrap(cells.trouble, columns - 4, max_lines, surface);
  for (std::size_t i = 0; i < lines.size(); ++i)
    lines[i] = "  " + colored(i == 0 ? symbols(surface.unicode).trouble : " ", color, surface) + " " +
               colored(lines[i], color, surface);
  return lines;
}

/// The higher, the sooner a row is left out when there is no room.
int rank(const Row& row) {
  switch (row.state) {
    case Row::State::failed:
      return 0;
    case Row::State::running:
      return 1;
    case Row::State::waiting:
      return 2;
    case Row::State::skipped:
      return 3;
    case Row::State::done:
      return 4;
  }
  return 4;
}

/// The rows to show, by their worth: failed ones, then those that run longest, then the rest if there are few
/// rows.
std::vector<const Row*> candidates(const std::vector<Row>& rows) {
  std::vector<const Row*> all;
  for (const Row& row : rows)
    if (rows.size() <= kAllShown || rank(row) <= 1) all.push_back(&row);
  std::ranges::stable_sort(all, {}, [](const Row* row) {
    return std::pair{rank(*row),
                     row->state == Row::State::running ? row->started.value_or(Time::max()) : Time{}};
  });
  if (rows.size() <= kAllShown) return all;
  const auto running = std::ranges::find_if(all, [](const Row* row) { return rank(*row) == 1; });
  const auto shown = std::min<std::size_t>(static_cast<std::size_t>(all.end() - running), kRunningShown);
  all.erase(running + static_cast<std::ptrdiff_t>(shown), all.end());
  return all;
}

/// Every `shown` row with its trouble, and what is to be said of the others.
std::vector<std::string> row_lines(const std::vector<Row>& rows, std::vector<const Row*> shown,
                                   std::size_t trouble, const Surface& surface, Time now) {
  std::ranges::sort(shown);  // all point into `rows`: the order of the rows
  const std::size_t columns = static_cast<std::size_t>(std::max(surface.width, 2)) - 1;
  std::vector<Cells> cells;
  for (const Row* row : shown) cells.push_back(clean(*row, now));
  const Layout at = lay_out(cells, columns);
  std::vector<std::string> lines;
  for (const Cells& each : cells) {
    lines.push_back(row_line(each, at, surface, now));
    std::ranges::move(trouble_lines(each, columns, trouble, surface), std::back_inserter(lines));
  }
  if (shown.size() == rows.size()) return lines;
  std::vector<const Row*> others;
  for (const Row& row : rows)
    if (!std::ranges::binary_search(shown, &row)) others.push_back(&row);
  const std::string more = fmt::format("+{} more: {}", others.size(), count_states(others));
  lines.push_back(colored(cut(more, columns, surface), Color::dim, surface));
  return lines;
}

/// As many of the rows' lines as fit: troubles get shorter first, then the least interesting rows go.
std::vector<std::string> fitting_rows(const Progress& progress, std::size_t max_lines, const Surface& surface,
                                      Time now) {
  std::vector<const Row*> shown = candidates(progress.rows);
  if (shown.size() > max_lines) shown.resize(max_lines);
  for (std::size_t trouble = kTroubleLines;;) {
    std::vector<std::string> lines = row_lines(progress.rows, shown, trouble, surface, now);
    if (lines.size() <= max_lines) return lines;
    if (shown.empty()) return {};
    if (trouble > 1) {
      --trouble;
    } else {
      shown.pop_back();
    }
  }
}

/// "12 of 30 done, 1 failed - undoing"; "" for one target at work.
std::string state_line(const Progress& progress) {
  std::string line;
  if (const std::vector<const Row*> all = targets(progress); all.size() > 1) {
    const auto count = [&](Row::State state) { return std::ranges::count(all, state, &Row::state); };
    line = fmt::format("{} of {} done", count(Row::State::done), all.size());
    if (const auto failed = count(Row::State::failed); failed > 0) line += fmt::format(", {} failed", failed);
  }
  if (progress.phase.empty()) return line;
  return line + (line.empty() ? "" : " - ") + printable(progress.phase);
}

}  // namespace

std::string elapsed_text(const Row& row, Time now) {
  if (!row.started) return {};
  const auto run = std::max(row.ended.value_or(now) - *row.started, Duration::zero());
  if (row.ended && run < std::chrono::seconds{10})
    return fmt::format("{:.1f}s", std::chrono::duration<double>(run).count());
  if (run < std::chrono::seconds{1}) return "0s";
  return format_duration(std::chrono::floor<std::chrono::seconds>(run));
}

std::string connection_line(const Progress& progress, Time now) {
  if (progress.connection.empty()) return {};
  std::string since;
  if (progress.connection_since) {
    const auto lost = std::max(now - *progress.connection_since, Duration::zero());
    if (lost >= std::chrono::seconds{1})
      since = " for " + format_duration(std::chrono::floor<std::chrono::seconds>(lost));
  }
  return fmt::format("cluster not reachable{}: {} - retrying", since, printable(progress.connection));
}

std::string count_states(const std::vector<const Row*>& rows) {
  constexpr std::array<std::pair<Row::State, std::string_view>, 5> kWords{{{Row::State::done, "done"},
                                                                           {Row::State::failed, "failed"},
                                                                           {Row::State::running, "running"},
                                                                           {Row::State::waiting, "waiting"},
                                                                           {Row::State::skipped, "skipped"}}};
  std::string text;
  for (const auto& [state, word] : kWords) {
    const auto count = std::ranges::count(rows, state, &Row::state);
    if (count > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, word);
  }
  return text;
}

std::vector<std::string> frame(const Progress& progress, const Surface& surface, Time now) {
  const std::size_t columns = static_cast<std::size_t>(std::max(surface.width, 2)) - 1;
  const std::size_t height = static_cast<std::size_t>(std::max(surface.height, 2)) - 1;
  std::vector<std::string> lines;
  if (const std::string state = state_line(progress); !state.empty())
    lines.push_back(colored(cut(state, columns, surface), Color::bold, surface));
  if (const std::string lost = connection_line(progress, now); !lost.empty() && height > lines.size()) {
    const std::string line = fmt::format("{} {}", symbols(surface.unicode).trouble, lost);
    lines.push_back(colored(cut(line, columns, surface), Color::yellow, surface));
  }
  std::ranges::move(fitting_rows(progress, height - lines.size(), surface, now), std::back_inserter(lines));
  return lines;
}

}  // namespace wukong::render
