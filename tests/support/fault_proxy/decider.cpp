#include "support/fault_proxy/decider.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <random>

#include "base/text.h"

namespace wukong::faults {
namespace {

using Dice = std::mt19937_64;  // its numbers, unlike those of distributions, are the same everywhere

std::uint64_t hash(std::uint64_t seed, const std::string& words) {
  std::uint64_t out = 14695981039346656037ULL ^ (seed * 0x9E3779B97F4A7C15ULL);
  for (const char c : words) out = (out ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return out;
}

double share(Dice& dice) { return static_cast<double>(dice() >> 11) * 0x1.0p-53; }

std::size_t between(Dice& dice, std::size_t low, std::size_t high) { return low + dice() % (high - low + 1); }

Milliseconds time_between(Dice& dice, std::size_t low, std::size_t high) {
  return Milliseconds{between(dice, low, high)};
}

template <std::size_t N>
Kind one_of(Dice& dice, const std::array<Kind, N>& kinds) {
  return kinds[between(dice, 0, N - 1)];
}

/// Writes and watches are few, and more can go wrong with them; questions about permissions are many.
double weight(const std::string& shape) {
  if (shape.find("selfsubjectaccessreviews") != std::string::npos) return 0.2;
  if (shape.starts_with("WATCH ")) return 2;
  return shape.starts_with("GET ") ? 1 : 4;
}

Fault with_details(Dice& dice, Kind kind) {
  constexpr std::array kStatus{429, 429, 500, 502, 503, 503, 504};
  Fault fault{.kind = kind};
  switch (kind) {
    case Kind::status:
      fault.status = kStatus[between(dice, 0, kStatus.size() - 1)];
      if (fault.status == 429 || between(dice, 0, 3) == 0) fault.retry_after = 1;
      break;
    case Kind::stall:
      fault.time = time_between(dice, 100, 4000);
      break;
    case Kind::slow:
      fault.bytes = between(dice, 20, 400);
      fault.time = time_between(dice, 1, 20);
      break;
    default:
      break;
  }
  return fault;
}

Decision chosen_for(Dice& dice, const std::string& method, bool watch) {
  constexpr std::array kRead{Kind::status, Kind::status, Kind::cut,       Kind::reset,  Kind::stall,
                             Kind::lost,   Kind::stale,  Kind::truncated, Kind::broken, Kind::slow};
  constexpr std::array kWrite{Kind::status, Kind::status, Kind::lost,      Kind::lost,  Kind::cut,
                              Kind::reset,  Kind::stall,  Kind::truncated, Kind::broken};
  constexpr std::array kWatch{Kind::status, Kind::gone_event, Kind::gone_event, Kind::end_watch,
                              Kind::cut,    Kind::reset,      Kind::stall,      Kind::truncated};
  if (watch) {
    Decision out{.fault = with_details(dice, one_of(dice, kWatch)), .after = time_between(dice, 0, 2500)};
    if (out.fault.kind == Kind::status && between(dice, 0, 1) == 0) out.fault.status = 410;
    return out;
  }
  if (method == "GET") return {.fault = with_details(dice, one_of(dice, kRead))};
  Decision out{.fault = with_details(dice, one_of(dice, kWrite))};
  // Gateways answer so, too, when the server was only slow; 429 and 503 say that nothing was done.
  const int status = out.fault.status;
  out.fault.after_write = out.fault.kind == Kind::status &&
                          (status == 500 || status == 502 || status == 504) && between(dice, 0, 1) == 0;
  return out;
}

/// Where a client spends its time is unknown: half of the faults strike after bytes, half after a time.
Strike strike_for(Dice& dice) {
  constexpr std::array kKinds{Kind::cut,   Kind::cut,       Kind::reset,  Kind::reset, Kind::stall,
                              Kind::stall, Kind::blackhole, Kind::refuse, Kind::delay, Kind::throttle};
  Strike out{.fault = {.kind = one_of(dice, kKinds)}};
  Fault& fault = out.fault;
  if (between(dice, 0, 1) == 0)
    out.after_bytes = between(dice, 1, 60'000);
  else
    out.after = time_between(dice, 0, 3000);
  switch (fault.kind) {
    case Kind::stall:
      fault.time = time_between(dice, 100, 5000);
      fault.direction = std::array{Direction::both, Direction::up, Direction::down}[between(dice, 0, 2)];
      break;
    case Kind::blackhole:
      fault.time = time_between(dice, 500, 6000);
      break;
    case Kind::refuse:
      fault.time = time_between(dice, 100, 4000);
      break;
    case Kind::delay:
      fault.time = time_between(dice, 2, 100);
      break;
    case Kind::throttle:
      fault.bytes = between(dice, 10'000, 200'000);
      break;
    default:
      break;
  }
  return out;
}

}  // namespace

bool is_watch(const std::string& target) {
  const auto query = target.find('?');
  if (query == std::string::npos) return false;
  for (const std::string& pair : split(std::string_view(target).substr(query + 1), '&'))
    if (pair == "watch=true" || pair == "watch=1" || pair == "watch") return true;
  return false;
}

std::string shape_of(const std::string& method, const std::string& target) {
  std::vector<std::string> parts = split(target.substr(0, target.find('?')), '/');
  std::erase(parts, "");
  // api/VERSION or apis/GROUP/VERSION, namespaces/NS, then RESOURCE[/NAME[/SUBRESOURCE]].
  std::size_t at = parts.empty() ? 0 : parts[0] == "api" ? 2 : parts[0] == "apis" ? 3 : 0;
  if (parts.size() > at + 2 && parts[at] == "namespaces") at += 2;
  const std::string verb = is_watch(target) ? "WATCH" : method;
  if (at == 0 || parts.size() <= at) return fmt::format("{} /{}", verb, fmt::join(parts, "/"));
  std::string out = fmt::format("{} {}", verb, parts[at]);
  if (parts.size() > at + 1) out += "/*";
  if (parts.size() > at + 2) out += "/" + parts[at + 2];
  return out;
}

bool Decider::struck(std::size_t rule) {
  const std::size_t seen = ++matched_[rule];
  const Rule& r = rules_[rule];
  return seen >= r.nth && (r.times == 0 || seen < r.nth + r.times);
}

bool Decider::luck_left(Milliseconds at) const {
  return chance_ && given_ < chance_->most && at < chance_->until;
}

std::vector<Strike> Decider::on_connection(std::size_t number, Milliseconds at) {
  std::vector<Strike> out{};
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    const Rule& r = rules_[i];
    if (!r.regex && at >= r.from && struck(i)) out.push_back({r.fault, r.after_bytes, r.after});
  }
  if (!luck_left(at)) return out;
  Dice dice(hash(chance_->seed, fmt::format("connection {}", number)));
  if (share(dice) >= chance_->connection_rate) return out;
  ++given_;
  out.push_back(strike_for(dice));
  const Kind kind = out.back().fault.kind;
  if (kind != Kind::delay) out.back().fault.time *= chance_->stretch;
  return out;
}

std::optional<Decision> Decider::on_request(const RequestSeen& seen) {
  const bool watch = is_watch(seen.target);
  const std::string shape = shape_of(seen.method, seen.target);
  const std::size_t nth = ++shapes_[shape];
  std::optional<Decision> out{};
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    const Rule& r = rules_[i];
    if (!r.regex || seen.at < r.from || (!r.method.empty() && r.method != seen.method)) continue;
    if ((r.watch && *r.watch != watch) || !std::regex_search(seen.target, *r.regex)) continue;
    if (struck(i) && !out) out = Decision{r.fault, r.after};
  }
  if (out || !luck_left(seen.at)) return out;
  Dice dice(hash(chance_->seed, fmt::format("{} {}", shape, nth)));
  if (share(dice) >= chance_->rate * weight(shape)) return out;
  ++given_;
  out = chosen_for(dice, seen.method, watch);
  if (out->fault.kind == Kind::stall) out->fault.time *= chance_->stretch;
  return out;
}

}  // namespace wukong::faults
