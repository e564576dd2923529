#include "support/fault_proxy/fault.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/text.h"
#include "base/time.h"

namespace wukong::faults {
namespace {

constexpr std::array<std::pair<Kind, std::string_view>, 15> kNames{{{Kind::cut, "cut"},
                                                                    {Kind::reset, "reset"},
                                                                    {Kind::stall, "stall"},
                                                                    {Kind::blackhole, "blackhole"},
                                                                    {Kind::refuse, "refuse"},
                                                                    {Kind::delay, "delay"},
                                                                    {Kind::throttle, "throttle"},
                                                                    {Kind::status, "status"},
                                                                    {Kind::lost, "lost"},
                                                                    {Kind::truncated, "truncated"},
                                                                    {Kind::broken, "broken"},
                                                                    {Kind::stale, "stale"},
                                                                    {Kind::slow, "slow"},
                                                                    {Kind::gone_event, "gone_event"},
                                                                    {Kind::end_watch, "end_watch"}}};
constexpr std::array<std::string_view, 15> kFields{
    "method", "path",  "watch",     "nth",    "times",       "from_ms",     "after_ms", "after_bytes",
    "fault",  "bytes", "direction", "status", "retry_after", "after_write", "time_ms"};

Error usage(std::string message) { return Error{.code = Code::usage, .message = std::move(message)}; }

std::optional<Kind> kind_of(std::string_view word) {
  const auto found =
      std::find_if(kNames.begin(), kNames.end(), [&](const auto& n) { return n.second == word; });
  return found == kNames.end() ? std::nullopt : std::optional(found->first);
}

std::optional<Direction> direction_of(std::string_view word) {
  if (word.empty() || word == "both") return Direction::both;
  if (word == "up") return Direction::up;
  if (word == "down") return Direction::down;
  return std::nullopt;
}

std::size_t count(const Json& rule, std::string_view field, std::size_t fallback) {
  const auto value = integer(rule, {field});
  return value && *value >= 0 ? static_cast<std::size_t>(*value) : fallback;
}

Milliseconds milliseconds(const Json& rule, std::string_view field) {
  return Milliseconds{count(rule, field, 0)};
}

/// On the way of one answer only these of the connection kinds have a meaning.
bool fits_requests(Kind kind) {
  return !is_of_connections(kind) || kind == Kind::cut || kind == Kind::reset || kind == Kind::stall;
}

Result<Fault> parse_fault(const Json& rule) {
  const std::string word(text(rule, {"fault"}));
  const auto kind = kind_of(word);
  if (!kind) return usage(fmt::format("no such fault: {:?}", word));
  const auto direction = direction_of(text(rule, {"direction"}));
  if (!direction) return usage("a direction is up, down or both");
  Fault fault{.kind = *kind,
              .time = milliseconds(rule, "time_ms"),
              .bytes = count(rule, "bytes", 0),
              .direction = *direction,
              .status = static_cast<int>(count(rule, "status", 503)),
              .after_write = flag(rule, {"after_write"})};
  if (const auto seconds = integer(rule, {"retry_after"})) fault.retry_after = static_cast<int>(*seconds);
  return fault;
}

Result<std::regex> parse_regex(const std::string& pattern) {
  try {
    return std::regex(pattern);
  } catch (const std::regex_error& e) {
    return usage(fmt::format("{:?} is no regular expression: {}", pattern, e.what()));
  }
}

Result<Rule> parse_rule(const Json& json) {
  if (!json.is_object()) return usage("a rule is an object");
  for (const auto& [field, value] : json.items())
    if (std::find(kFields.begin(), kFields.end(), field) == kFields.end())
      return usage(fmt::format("a rule has no field {:?}", field));
  Rule rule{.method = std::string(text(json, {"method"})),
            .path = std::string(text(json, {"path"})),
            .nth = std::max<std::size_t>(1, count(json, "nth", 1)),
            .times = count(json, "times", 1),
            .from = milliseconds(json, "from_ms"),
            .after = milliseconds(json, "after_ms"),
            .after_bytes = count(json, "after_bytes", 0)};
  WUKONG_TRY(rule.fault, parse_fault(json));
  if (find(json, {"watch"}) != nullptr) rule.watch = flag(json, {"watch"});
  const bool for_requests = !rule.path.empty() || !rule.method.empty() || rule.watch.has_value();
  if (!for_requests && !is_of_connections(rule.fault.kind))
    return usage(fmt::format("{} strikes requests: say which, by path or method", name_of(rule.fault.kind)));
  if (for_requests && !fits_requests(rule.fault.kind))
    return usage(fmt::format("{} strikes connections: leave out path and method", name_of(rule.fault.kind)));
  if (!for_requests) return rule;
  WUKONG_TRY(rule.regex, parse_regex(rule.path));
  return rule;
}

}  // namespace

bool is_of_connections(Kind kind) { return kind <= Kind::throttle; }

std::string_view name_of(Kind kind) {
  return std::find_if(kNames.begin(), kNames.end(), [&](const auto& n) { return n.first == kind; })->second;
}

Result<std::vector<Rule>> parse_rules(const Json& script) {
  std::vector<Rule> rules{};
  std::size_t number = 0;
  for (const Json& each : items(script, {"rules"})) {
    ++number;
    WUKONG_TRY(Rule rule, with_context(parse_rule(each), fmt::format("in rule {}", number)));
    rules.push_back(std::move(rule));
  }
  return rules;
}

Result<Fault> parse_command(std::string_view line) {
  std::vector<std::string> words{};
  for (const std::string& word : split(trim(line), ' '))
    if (!word.empty()) words.push_back(word);
  const auto kind = words.empty() ? std::nullopt : kind_of(words.front());
  if (!kind || !is_of_connections(*kind))
    return usage(
        "commands: cut, reset, stall TIME [up|down], blackhole [TIME], refuse TIME, delay TIME, throttle "
        "BYTES, heal");
  Fault fault{.kind = *kind};
  if (words.size() > 1 && fault.kind == Kind::throttle) {
    const std::string& word = words[1];
    if (std::from_chars(word.data(), word.data() + word.size(), fault.bytes).ec != std::errc())
      return usage("throttle takes bytes per second");
  } else if (words.size() > 1) {
    WUKONG_TRY(const auto time, parse_duration(words[1]));
    fault.time = std::chrono::duration_cast<Milliseconds>(time);
  }
  const auto direction = direction_of(words.size() > 2 ? words[2] : "");
  if (!direction) return usage("a direction is up, down or both");
  fault.direction = *direction;
  return fault;
}

std::string describe(const Fault& fault) {
  std::string out(name_of(fault.kind));
  if (fault.kind == Kind::status) out += fmt::format(" {}", fault.status);
  if (fault.after_write) out += " after the write";
  if (fault.retry_after) out += fmt::format(" retry-after {}", *fault.retry_after);
  if (fault.bytes > 0) out += fmt::format(" {} bytes", fault.bytes);
  if (fault.time.count() > 0) out += " " + format_duration(fault.time);
  if (fault.direction != Direction::both) out += fault.direction == Direction::up ? " up" : " down";
  return out;
}

}  // namespace wukong::faults
