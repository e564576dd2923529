// Replays recorded watches (tests/data/recordings) into shelves, as a judge's own watches would see them.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "base/text.h"
#include "base/view.h"
#include "support/golden.h"

namespace wukong::testing {

struct RecordedEvent {
  std::chrono::milliseconds at{};  // since the first event of the scenario
  std::string resource{};
  std::string type{};  // ADDED, MODIFIED, DELETED
  Json object = Json();
};

struct Recording {
  std::string scenario{};
  std::set<std::string> resources{};
  std::vector<RecordedEvent> events{};  // in the order received
};

inline std::filesystem::path recordings_dir() { return tests_dir() / "data" / "recordings"; }

/// Folder names below tests/data/recordings that begin with `prefix`, sorted.
inline std::vector<std::string> recorded_scenarios(const std::string& prefix = {}) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(recordings_dir()))
    if (const std::string name = entry.path().filename().string();
        entry.is_directory() && name.starts_with(prefix))
      names.push_back(name);
  std::sort(names.begin(), names.end());
  return names;
}

inline Recording load_recording(const std::string& scenario) {
  Recording recording{.scenario = scenario};
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(recordings_dir() / scenario))
    files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const auto& file : files) {
    const std::string resource = file.stem().string();
    recording.resources.insert(resource);
    std::istringstream lines(read_file(file));
    for (std::string line; std::getline(lines, line);) {
      auto parsed = parse_json(line);
      if (!parsed) throw std::runtime_error(file.string() + ": " + parsed.error().message);
      recording.events.push_back(
          {.at = std::chrono::milliseconds(integer(*parsed, {"receivedMs"}).value_or(0)),
           .resource = resource,
           .type = std::string(text(*parsed, {"type"})),
           .object = fields(*parsed, {"object"})});
    }
  }
  std::stable_sort(recording.events.begin(), recording.events.end(),
                   [](const RecordedEvent& a, const RecordedEvent& b) { return a.at < b.at; });
  if (!recording.events.empty()) {
    const auto first = recording.events.front().at;
    for (RecordedEvent& event : recording.events) event.at -= first;
  }
  return recording;
}

/// The shelves of one wait.
class RecordedShelves {
 public:
  /// A kind in `unreadable` answers 403 to everything; so do claims that were not recorded at all.
  RecordedShelves(const std::vector<Watched>& watches, const Recording& recording,
                  const std::set<std::string>& unreadable)
      : watches_(watches), shelves_(watches.size()) {
    for (std::size_t i = 0; i < watches_.size(); ++i) {
      const std::string& resource = watches_[i].gvr.resource;
      const bool lacking = resource == "persistentvolumeclaims" && !recording.resources.contains(resource);
      const bool closed = lacking || resource == "storageclasses" || unreadable.contains(resource);
      shelves_[i].sight = closed ? Shelf::Sight::unreadable : Shelf::Sight::known;
      if (closed)
        shelves_[i].why = {.code = Code::forbidden, .message = fmt::format("{} is forbidden", resource)};
      view_.add(resource, &shelves_[i]);
    }
  }
  RecordedShelves(const RecordedShelves&) = delete;
  RecordedShelves& operator=(const RecordedShelves&) = delete;

  /// `live`: false for what happened before the wait began, which a from_now watch does not see.
  void feed(const RecordedEvent& event, bool live) {
    const std::string name(text(event.object, {"metadata", "name"}));
    for (std::size_t i = 0; i < watches_.size(); ++i) {
      const Watched& what = watches_[i];
      if (what.gvr.resource != event.resource || shelves_[i].sight != Shelf::Sight::known) continue;
      if (!what.name.empty() && what.name != name) continue;
      if ((what.from_now && !live) || !selects(what.labels, event.object)) continue;
      if (event.type == "DELETED")
        shelves_[i].objects.erase(name);
      else
        shelves_[i].objects.insert_or_assign(name, parse_json(dump(event.object), what.keep).value());
    }
  }
  const View& view() const { return view_; }

 private:
  static bool selects(const std::string& labels, const Json& object) {
    const auto equals = labels.find('=');
    return equals == std::string::npos ||
           text(object, {"metadata", "labels", labels.substr(0, equals)}) == labels.substr(equals + 1);
  }

  std::vector<Watched> watches_{};
  std::vector<Shelf> shelves_{};
  View view_{};
};

/// One wait as the runner would make it: judged after each change and four times a second.
struct ReplayOptions {
  std::chrono::milliseconds begin{};                         // the wait starts then
  std::map<std::string, std::chrono::milliseconds> delay{};  // streams that arrive late, by resource
  std::set<std::string> unreadable{};
  std::chrono::seconds after{30};  // how long the wait goes on after the last event
};

struct Said {
  std::chrono::milliseconds at{};  // since the beginning of the wait
  Verdict verdict{};
};

/// Changes of the verdict up to the first final one.
inline std::vector<Said> replay(const Recording& recording, const std::vector<Watched>& watches,
                                const Judge& judge, const ReplayOptions& options) {
  constexpr std::chrono::milliseconds kTick{250};
  std::vector<std::pair<std::chrono::milliseconds, const RecordedEvent*>> events;
  for (const RecordedEvent& event : recording.events) {
    const auto late = options.delay.find(event.resource);
    events.emplace_back(event.at + (late == options.delay.end() ? std::chrono::milliseconds{} : late->second),
                        &event);
  }
  std::stable_sort(events.begin(), events.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });

  RecordedShelves shelves(watches, recording, options.unreadable);
  std::size_t next = 0;
  while (next < events.size() && events[next].first <= options.begin)
    shelves.feed(*events[next++].second, false);

  std::vector<Said> said;
  Verdict last{};
  const auto end =
      (events.empty() ? options.begin : std::max(options.begin, events.back().first)) + options.after;
  for (auto now = options.begin; now <= end;) {
    Verdict verdict = judge(shelves.view(), last, now - options.begin);
    const auto shown = [](const Verdict& v) {
      return std::tie(v.state, v.stage, v.detail, v.cause, v.message);
    };
    if (said.empty() || shown(verdict) != shown(last)) said.push_back({now - options.begin, verdict});
    last = std::move(verdict);
    if (last.state != Verdict::State::working) {
      said.back().verdict = last;
      break;
    }
    // Quiet for long: nothing stands for longer than 20 s before it is believed.
    const auto quiet = now - std::max(options.begin, next == 0 ? options.begin : events[next - 1].first);
    const auto step = quiet > std::chrono::seconds(25) ? 20 * kTick : kTick;
    const bool event_first = next < events.size() && events[next].first <= now + step;
    now = event_first ? std::max(now, events[next].first) : now + step;
    // All events of one instant come together, as from one turn of the loop.
    while (next < events.size() && events[next].first <= now) shelves.feed(*events[next++].second, true);
  }
  return said;
}

/// One line per change: "   1.42 working Restoring, 1 of 2 volumes bound  cause: …".
inline std::string describe(const std::vector<Said>& said) {
  std::string all;
  for (const Said& each : said) {
    const Verdict& v = each.verdict;
    const char* state = v.state == Verdict::State::done     ? "done"
                        : v.state == Verdict::State::failed ? "FAILED"
                                                            : "working";
    all += fmt::format("{:8.2f} {:<7} {}", static_cast<double>(each.at.count()) / 1000.0, state, v.stage);
    if (!v.detail.empty()) all += ", " + v.detail;
    if (!v.cause.empty()) all += "\n                   cause: " + printable(v.cause);
    if (!v.message.empty()) all += "\n                   message: " + printable(v.message);
    if (!v.hint.empty()) all += "\n                   hint: " + v.hint;
    all += "\n";
  }
  return all;
}

/// When an object of this kind and name first appeared, or nothing.
struct Appearance {
  std::chrono::milliseconds at{};
  const Json* object{};
};
inline std::map<std::string, Appearance> appearances(const Recording& recording,
                                                     const std::string& resource) {
  std::map<std::string, Appearance> found;
  for (const RecordedEvent& event : recording.events)
    if (event.resource == resource)
      found.emplace(std::string(text(event.object, {"metadata", "name"})),
                    Appearance{event.at, &event.object});
  return found;
}

}  // namespace wukong::testing
