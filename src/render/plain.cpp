#include "render/plain.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/text.h"
#include "base/time.h"
#include "render/frame.h"
#include "render/note.h"

namespace wukong::render {
namespace {

constexpr std::size_t kManyRows = 20;
constexpr auto kQuiet = std::chrono::seconds{10};

std::string what_it_does(const Row& row) {
  std::string text = row.stage.empty() ? "running" : row.stage;
  if (row.fraction && !std::isnan(*row.fraction))
    text += fmt::format(" {}%", static_cast<int>(std::clamp(*row.fraction, 0.0, 1.0) * 100));
  if (!row.detail.empty()) text += ", " + row.detail;
  if (!row.trouble.empty()) text += " - " + row.trouble;
  return text;
}

/// "web2: Restoring, 1 of 2 volumes bound\n"
std::string row_line(const Row& row, Time now) {
  std::string text;
  const std::string elapsed = elapsed_text(row, now);
  switch (row.state) {
    case Row::State::waiting:
      text = row.trouble.empty() ? "waiting" : "waiting - " + row.trouble;
      break;
    case Row::State::running:
      text = what_it_does(row);
      break;
    case Row::State::done:
      text = elapsed.empty() ? "done" : fmt::format("done ({})", elapsed);
      break;
    case Row::State::failed:
      text = row.trouble.empty() ? "failed" : "failed: " + row.trouble;
      break;
    case Row::State::skipped:
      text = row.started ? "no longer waited for" : "skipped";
      break;
  }
  return printable(row.name + ": " + text) + "\n";
}

/// The running row that began first, or nullptr.
const Row* slowest(const Progress& progress) {
  const Row* found = nullptr;
  for (const Row& row : progress.rows)
    if (row.state == Row::State::running &&
        (found == nullptr || row.started.value_or(Time::max()) < found->started.value_or(Time::max())))
      found = &row;
  return found;
}

}  // namespace

PlainView::PlainView(const Surface& surface, std::function<void(std::string_view)> write)
    : surface_(surface), write_(std::move(write)) {}

/// What concerns the operation as a whole. Its texts may count seconds, so only coming and going is told.
std::string PlainView::headlines(const Progress& progress, Time now) {
  std::string out;
  if (progress.title != title_) out += printable(title_ = progress.title) + "\n";
  if (progress.phase != phase_) {
    phase_ = progress.phase;
    if (!phase_.empty()) out += printable(phase_) + "\n";
  }
  if (const bool lost = !progress.connection.empty(); lost != lost_) {
    lost_ = lost;
    out += lost ? connection_line(progress, now) + "\n" : "cluster reachable again\n";
  }
  return out;
}

std::string PlainView::changes(const Progress& progress, Time now) {
  const bool many = progress.rows.size() > kManyRows;
  told_.resize(progress.rows.size());
  std::string out;
  for (std::size_t i = 0; i < progress.rows.size(); ++i) {
    const Row& row = progress.rows[i];
    Told& told = told_[i];
    if (row.state == told.state && row.stage == told.stage && row.trouble == told.trouble) continue;
    const bool failed_now = row.state == Row::State::failed && told.state != Row::State::failed;
    told = {row.state, row.stage, row.trouble};
    if (!many || failed_now) out += row_line(row, now);
  }
  return out;
}

/// One line after 10 s in which nothing was said, or (many rows) in which the counts moved.
std::string PlainView::sign_of_life(const Progress& progress, Time now) const {
  const Row* row = slowest(progress);
  const std::string since = row == nullptr ? std::string() : elapsed_text(*row, now);
  if (progress.rows.size() == 1 && row != nullptr)
    return printable(fmt::format("{}: {} ({})", row->name, what_it_does(*row), since)) + "\n";
  std::string line = count_states(targets(progress));
  if (row != nullptr && progress.rows.size() <= kManyRows)
    line += fmt::format("; longest: {}: {}", row->name, what_it_does(*row));
  if (!since.empty()) line += fmt::format(" ({})", since);
  return line.empty() ? line : printable(line) + "\n";
}

void PlainView::begin(const Progress& progress, Time now) { write_(headlines(progress, now)); }

void PlainView::update(const Progress& progress, Time now) {
  const bool many = progress.rows.size() > kManyRows;
  if (!last_line_) last_line_ = now;
  std::string out = headlines(progress, now) + changes(progress, now);
  const bool said = !out.empty();
  if ((many || !said) && now - *last_line_ >= kQuiet) {
    out += sign_of_life(progress, now);
    counts_ = count_states(targets(progress));
    last_line_ = now;
  }
  // With many rows the counts come every 10 s, whatever failed in between.
  if (said && !many) last_line_ = now;
  if (!out.empty()) write_(out);
}

void PlainView::note(std::string_view kind, std::string_view message) {
  write_(note_line(kind, message, surface_.color));
}

void PlainView::finish(const Progress& progress, Time now) {
  lost_ = false;  // that it is over does not mean that the cluster is back
  update(progress, now);
  const std::vector<const Row*> all = targets(progress);
  const std::string counts = count_states(all);
  if (all.size() > 1 && counts != counts_) write_(printable(counts) + "\n");
}

}  // namespace wukong::render
