#include "status/draft.h"

#include <fmt/format.h>

#include <charconv>

#include "base/text.h"

namespace wukong::status {
namespace {

constexpr std::string_view kSince = "since ";

std::chrono::milliseconds parse_ms(const std::string& text) {
  std::chrono::milliseconds::rep count = 0;
  std::from_chars(text.data(), text.data() + text.size(), count);
  return std::chrono::milliseconds{count};
}

}  // namespace

Draft::Draft(const Verdict& before, Duration waited) : before_(before), waited_(waited) {
  for (const auto& [key, value] : before.memory)
    if (!key.starts_with(kSince)) memory_.emplace(key, value);
}

bool Draft::stood(std::string_view what, Duration least) {
  const std::string key = fmt::format("{}{}", kSince, what);
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(waited_);
  const auto it = before_.memory.find(key);
  const auto since = it == before_.memory.end() ? now : parse_ms(it->second);
  memory_.insert_or_assign(key, fmt::format("{}", since.count()));
  return now - since >= least;
}

std::string Draft::recall(const std::string& key) const {
  const auto it = memory_.find(key);
  return it == memory_.end() ? std::string{} : it->second;
}

Verdict Draft::working(std::string stage, std::string detail, std::string cause) const {
  if (is_still_at_work(cause)) {
    detail = sentences({std::move(detail), std::string(kStillAtWork)});
    cause.clear();
  }
  return {
      .stage = std::move(stage), .detail = std::move(detail), .cause = std::move(cause), .memory = memory_};
}

Verdict Draft::as_before() const {
  return before_.stage.empty() ? working("Starting") : working(before_.stage, before_.detail, before_.cause);
}

Verdict Draft::done(std::string message) const {
  return {.state = Verdict::State::done, .stage = "Done", .message = std::move(message), .memory = memory_};
}

Verdict Draft::failed(std::string message, std::string hint) const {
  return {.state = Verdict::State::failed,
          .stage = "Failed",
          .message = std::move(message),
          .hint = std::move(hint),
          .memory = memory_};
}

bool is_still_at_work(std::string_view problem) {
  constexpr std::string_view kCode = "rpc error: code = ";
  const auto at = problem.find(kCode);  // the driver's own; behind it may be what it was told itself
  if (at == std::string_view::npos) return false;
  const std::string_view code = problem.substr(at + kCode.size());
  return code.starts_with("Aborted ") || code.starts_with("DeadlineExceeded ");
}

std::string sentences(std::initializer_list<std::string> parts) {
  std::string all;
  for (const std::string& part : parts) {
    if (part.empty()) continue;
    if (!all.empty()) all += "; ";
    all += part;
  }
  return all;
}

std::string join_names(const std::vector<std::string>& names) {
  return fmt::format("{}", fmt::join(names, ","));
}

std::vector<std::string> split_names(const std::string& joined) {
  return joined.empty() ? std::vector<std::string>{} : split(joined, ',');
}

std::string plural(std::size_t count, std::string_view one) {
  return fmt::format("{}{}", one, count == 1 ? "" : "s");
}

}  // namespace wukong::status
