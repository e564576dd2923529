#include "op/waits.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <unordered_map>

#include "base/time.h"
#include "op/fresh_look.h"
#include "op/stall_clock.h"

namespace wukong::op {

namespace {

constexpr std::chrono::milliseconds kTick{250};
/// Judgements per tick that no change asked for: 5,000 waits are looked at again every 2.5 s, one at each
/// tick.
constexpr std::size_t kPerTick = 500;
/// Between fresh looks, which list whole kinds: thousands of waits that fail together share them.
constexpr std::chrono::seconds kBetweenLooks{1};

struct Wait {
  Waits::Token token{};
  const Await* await{};
  WaitLimit limit{};
  std::function<void(const WaitNews&)> news{};
  std::function<void(Result<Verdict>)> done{};
  View view{};
  std::vector<std::size_t> streams{};
  Time started{};
  Time judged{};
  Verdict last{};
  std::string shown{};  // trouble as last told
  StallClock stall{};
  bool dirty{true};
  bool doubted{};  // its streams say that it has failed; a fresh look decides
  bool held{};     // done by what is heard; a stream that was never heard of might tell otherwise
};

/// One watch and the waits that look at it.
struct Stream {
  Watched what{};
  kube::WatchHandle watch{};
  std::unordered_multimap<std::string, Waits::Token> by_name{};  // waits for one object of this stream
  std::vector<Waits::Token> any{};                               // waits that every change may concern
};

/// A verdict `done` that does not count yet.
Verdict held_back(Verdict done, std::string cause) {
  return {.stage = "Checking", .cause = std::move(cause), .memory = std::move(done.memory)};
}

/// Nothing moved for as long as the user allows.
Error stalled(const Wait& wait, std::chrono::nanoseconds limit) {
  Error error{
      .message =
          fmt::format("{} has not moved for {}: gave up", describe(wait.await->ref), format_duration(limit)),
      .hint = "mend the cause and try again; --stall-timeout says how long to wait for that (0: for ever)",
      .causes = {wait.stall.cause()}};
  if (!wait.held) return error;
  // What was made may be as it shall be: nothing is taken back for it.
  error.code = Code::unreachable;
  error.message = fmt::format("whether {} is ready could not be told for {}: gave up",
                              describe(wait.await->ref), format_duration(limit));
  return error;
}

Error timed_out(const Wait& wait, const std::string& connection) {
  std::string state = wait.last.stage;
  if (!wait.last.detail.empty()) state += ", " + wait.last.detail;
  Error error{
      .code = Code::timed_out,
      .message = fmt::format("timed out after {} waiting for {}{}{}", format_duration(wait.limit.length),
                             describe(wait.await->ref), state.empty() ? "" : ": ", state)};
  if (!wait.last.cause.empty()) error.causes.push_back(wait.last.cause);
  if (!connection.empty()) error.causes.push_back(connection);
  return error;
}

}  // namespace

struct Waits::State : std::enable_shared_from_this<Waits::State> {
  State(kube::Api& api_, std::chrono::nanoseconds stall) : api(api_), stall_timeout(stall) {}

  kube::Api& api;
  std::chrono::nanoseconds stall_timeout{};
  std::deque<Stream> streams{};  // deque: shelves' owners keep their place
  std::unordered_map<Token, Wait> waits{};
  std::deque<Token> dirty{};
  std::vector<Token> doubted{};  // for the next fresh look
  bool looking{};                // one is due or on its way
  Time looked{};
  kube::Handle soon{};
  kube::Handle tick{};
  kube::Handle look_timer{};

  std::size_t stream_of(const Watched& what);
  void changed(std::size_t stream, const std::string& name);
  void mark(Token token);
  void arm();
  void judge_dirty();
  void judge_some();
  void judge(Token token);
  void doubt(Wait& wait);
  void look_soon();
  void look();
  void settle(Token token, const std::map<std::size_t, Shelf>* fresh);
  Error failure(const Wait& wait, const Verdict& verdict) const;
  void tell(Wait& wait, Verdict verdict, Time now);
  void end(Token token, Result<Verdict> result);
  const Error* forbidden(const Wait& wait) const;
  std::string connection_of(const Wait& wait) const;
  bool loading(const Wait& wait) const;
  std::string unheard(const Wait& wait) const;
};

std::size_t Waits::State::stream_of(const Watched& what) {
  for (std::size_t i = 0; i < streams.size(); ++i)
    if (streams[i].what == what) return i;
  const std::size_t index = streams.size();
  streams.push_back({.what = what});
  streams[index].watch = api.watch(what, [weak = weak_from_this(), index](const std::string& name) {
    if (auto self = weak.lock()) self->changed(index, name);
  });
  return index;
}

void Waits::State::changed(std::size_t stream, const std::string& name) {
  const Stream& s = streams[stream];
  // Events only explain what objects tell, and come by thousands where thousands wait: the next tick is soon enough.
  if (s.what.from_now && !name.empty()) return;
  if (name.empty()) {
    for (const auto& [unused, token] : s.by_name) mark(token);
  } else {
    const auto [from, to] = s.by_name.equal_range(name);
    for (auto it = from; it != to; ++it) mark(it->second);
  }
  for (const Token token : s.any) mark(token);
}

void Waits::State::mark(Token token) {
  const auto it = waits.find(token);
  if (it == waits.end() || it->second.dirty) return;
  it->second.dirty = true;
  dirty.push_back(token);
  arm();
}

/// One judgement per wait and turn, however many changes a turn brings.
void Waits::State::arm() {
  if (dirty.size() != 1) return;
  soon = api.after(Duration::zero(), [weak = weak_from_this()] {
    if (auto self = weak.lock()) self->judge_dirty();
  });
}

void Waits::State::judge_dirty() {
  std::deque<Token> now_dirty;
  now_dirty.swap(dirty);
  for (const Token token : now_dirty) judge(token);
}

/// Time alone changes verdicts too (deadlines, "for two seconds now"): so all are judged again by and by.
void Waits::State::judge_some() {
  tick = api.after(kTick, [weak = weak_from_this()] {
    if (auto self = weak.lock()) self->judge_some();
  });
  std::vector<std::pair<Time, Token>> due;
  const Time now = api.now();
  for (const auto& [token, wait] : waits)
    if (now - wait.judged >= kTick) due.emplace_back(wait.judged, token);
  if (due.size() > kPerTick) {  // those that have waited longest: nobody starves
    std::ranges::nth_element(due, due.begin() + kPerTick);
    due.resize(kPerTick);
  }
  for (const auto& [judged, token] : due) judge(token);
}

const Error* Waits::State::forbidden(const Wait& wait) const {
  for (const std::size_t i : wait.streams)
    if (streams[i].what.required && streams[i].watch.shelf->sight == Shelf::Sight::unreadable)
      return &streams[i].watch.shelf->why;
  return nullptr;
}

/// Why this wait is blind at present: a stream that it cannot do without is interrupted.
std::string Waits::State::connection_of(const Wait& wait) const {
  for (const std::size_t i : wait.streams)
    if (streams[i].what.required && !streams[i].watch.shelf->trouble.empty())
      return streams[i].watch.shelf->trouble;
  return {};
}

/// Nothing is judged before all streams have spoken; one that can be done without, and fails, holds nobody up.
bool Waits::State::loading(const Wait& wait) const {
  return std::ranges::any_of(wait.streams, [&](const std::size_t i) {
    const Shelf& shelf = *streams[i].watch.shelf;
    return shelf.sight == Shelf::Sight::loading && (streams[i].what.required || shelf.trouble.empty());
  });
}

/// The stream that might say that it is not done, but has never been heard of, and why; "" when there is none. Events only
/// explain.
std::string Waits::State::unheard(const Wait& wait) const {
  for (const std::size_t i : wait.streams) {
    const Shelf& shelf = *streams[i].watch.shelf;
    if (shelf.sight == Shelf::Sight::loading && !streams[i].what.from_now)
      return fmt::format("{} cannot be read: {}", streams[i].what.gvr.resource, shelf.trouble);
  }
  return {};
}

void Waits::State::judge(Token token) {
  const auto it = waits.find(token);
  if (it == waits.end()) return;
  Wait& wait = it->second;
  const Time now = api.now();
  wait.dirty = false;
  wait.judged = now;

  if (const Error* why = forbidden(wait)) return end(token, *why);
  if (!loading(wait)) {
    Verdict verdict = wait.await->judge(wait.view, wait.last, now - wait.started);
    std::string blind = verdict.state == Verdict::State::done ? unheard(wait) : std::string{};
    wait.held = !blind.empty();
    if (wait.held) verdict = held_back(std::move(verdict), std::move(blind));
    if (verdict.state == Verdict::State::done) return end(token, std::move(verdict));
    if (verdict.state == Verdict::State::failed)
      doubt(wait);
    else
      tell(wait, std::move(verdict), now);
  }
  if (stall_timeout.count() > 0 && wait.stall.stood(now) >= stall_timeout)
    return end(token, stalled(wait, stall_timeout));
  if (wait.limit.length.count() > 0 && now - wait.limit.since >= wait.limit.length)
    end(token, timed_out(wait, connection_of(wait)));
}

Error Waits::State::failure(const Wait& wait, const Verdict& verdict) const {
  return {.message = verdict.message,
          .hint = verdict.hint,
          .context = {fmt::format("while waiting for {}", describe(wait.await->ref))}};
}

/// A failure may be undone by deleting what was made, and one of the streams may be late by as long as its connection stalls
/// (seen: a clone had succeeded, its VM was not heard of, and was deleted): it must be true of what the server has now.
void Waits::State::doubt(Wait& wait) {
  if (std::exchange(wait.doubted, true)) return;
  doubted.push_back(wait.token);
  look_soon();
}

void Waits::State::look_soon() {
  if (doubted.empty() || std::exchange(looking, true)) return;
  const Duration since = looked == Time{} ? kBetweenLooks : api.now() - looked;
  look_timer = api.after(kBetweenLooks - since, [weak = weak_from_this()] {
    if (auto self = weak.lock()) self->look();
  });
}

void Waits::State::look() {
  looked = api.now();
  const std::vector<Token> asked = std::exchange(doubted, {});
  std::vector<std::size_t> indexes;
  std::vector<Watched> watches;
  for (std::size_t i = 0; i < streams.size(); ++i) {
    const auto follows = [&](Token token) {
      const auto it = waits.find(token);
      return it != waits.end() && std::ranges::find(it->second.streams, i) != it->second.streams.end();
    };
    if (streams[i].what.from_now || std::ranges::none_of(asked, follows)) continue;
    indexes.push_back(i);
    watches.push_back(streams[i].what);
  }
  look_afresh(api, watches, [weak = weak_from_this(), asked, indexes](Result<std::vector<Shelf>> shelves) {
    const auto self = weak.lock();
    if (!self) return;
    self->looking = false;
    std::map<std::size_t, Shelf> fresh;
    for (std::size_t i = 0; shelves && i < indexes.size(); ++i)
      fresh.emplace(indexes[i], std::move((*shelves)[i]));
    for (const Token token : asked) self->settle(token, shelves ? &fresh : nullptr);
    self->look_soon();
  });
}

/// Judges by the fresh shelves; without them (the cluster was not reached) the wait goes on, and doubts again.
void Waits::State::settle(Token token, const std::map<std::size_t, Shelf>* fresh) {
  const auto it = waits.find(token);
  if (it == waits.end()) return;
  Wait& wait = it->second;
  wait.doubted = false;
  if (fresh == nullptr) return;
  View view;
  for (const std::size_t i : wait.streams) {
    const auto found = fresh->find(i);
    view.add(streams[i].what.gvr.resource,
             found == fresh->end() ? streams[i].watch.shelf.get() : &found->second);
  }
  const Time now = api.now();
  Verdict verdict = wait.await->judge(view, wait.last, now - wait.started);
  if (verdict.state == Verdict::State::failed) return end(token, failure(wait, verdict));
  if (verdict.state == Verdict::State::done) return end(token, std::move(verdict));
  tell(wait, std::move(verdict), now);
}

void Waits::State::tell(Wait& wait, Verdict verdict, Time now) {
  wait.stall.feed(verdict, now, !connection_of(wait).empty());
  std::string trouble = wait.stall.stood(now) >= StallClock::kShown ? wait.stall.cause() : std::string{};
  const bool news = !(verdict == wait.last) || trouble != wait.shown;
  wait.last = std::move(verdict);
  wait.shown = trouble;
  if (news) wait.news({wait.last, std::move(trouble)});
}

void Waits::State::end(Token token, Result<Verdict> result) {
  auto node = waits.extract(token);
  for (const std::size_t i : node.mapped().streams) {
    Stream& s = streams[i];
    std::erase(s.any, token);
    const auto [from, to] = s.by_name.equal_range(node.mapped().await->ref.name);
    const auto mine = std::find_if(from, to, [&](const auto& entry) { return entry.second == token; });
    if (mine != to) s.by_name.erase(mine);
  }
  if (waits.empty()) tick.reset();
  node.mapped().done(std::move(result));
}

Waits::Waits(kube::Api& api, std::chrono::nanoseconds stall_timeout)
    : state_(std::make_shared<State>(api, stall_timeout)) {}
Waits::~Waits() { cancel_all(); }

void Waits::start(Token token, const Await& await, WaitLimit limit, std::function<void(const WaitNews&)> news,
                  std::function<void(Result<Verdict>)> done) {
  State& s = *state_;
  Wait wait{
      .token = token, .await = &await, .limit = limit, .news = std::move(news), .done = std::move(done)};
  wait.started = wait.judged = s.api.now();
  for (const Watched& what : await.watches) {
    const std::size_t index = s.stream_of(what);
    Stream& stream = s.streams[index];
    wait.streams.push_back(index);
    wait.view.add(what.gvr.resource, stream.watch.shelf.get());
    if (what.gvr.resource == await.ref.gvr.resource)
      stream.by_name.emplace(await.ref.name, token);
    else
      stream.any.push_back(token);
  }
  wait.dirty = false;
  s.waits.insert_or_assign(token, std::move(wait));
  s.mark(token);
  if (s.waits.size() == 1) s.judge_some();
}

void Waits::cancel_all() {
  state_->waits.clear();
  state_->dirty.clear();
  state_->streams.clear();
  state_->tick.reset();
  state_->soon.reset();
  state_->look_timer.reset();
  state_->doubted.clear();
  state_->looking = false;
}

std::string Waits::connection() const {
  std::string trouble;
  for (const Stream& s : state_->streams) {
    if (!s.watch.shelf || s.watch.shelf->sight == Shelf::Sight::unreadable) continue;
    if (s.watch.shelf->trouble.empty()) return {};  // one that gets through is enough to reach the cluster
    trouble = s.watch.shelf->trouble;
  }
  return trouble;
}

}  // namespace wukong::op
