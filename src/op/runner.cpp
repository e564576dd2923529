#include "op/runner.h"

#include <fmt/format.h>

#include <algorithm>

#include "op/actions.h"
#include "op/step_words.h"
#include "op/waits.h"

namespace wukong::op {

namespace {

enum class Status { idle, ready, active, done, failed, skipped };

bool ended(Status status) {
  return status == Status::done || status == Status::failed || status == Status::skipped;
}

struct Node {
  std::vector<std::size_t> dependents{};
  std::size_t unmet{};
  std::optional<std::size_t> row{};    // none: a helper step that belongs to no target
  std::optional<std::size_t> after{};  // Step::after
  Status status{Status::idle};
  bool chosen{};  // belongs to the phase that runs now
  bool begun{};   // its write may have happened, or its wait ended well
};

/// What became of the main steps of a row.
struct Tally {
  std::size_t open{};    // not ended
  std::size_t missed{};  // failed or skipped
  bool failed{};         // one of them failed
  bool keep{};           // not to be undone
  bool target{};         // of a group: what the user asked for, not only a step towards it
};

/// Timed out: objects are left in place, they go on. Not reachable, or no longer let in: an undo could not be carried
/// out either. A wait that ends without a judgement has lost sight, and says nothing about what it waited for.
bool must_keep(Code code, const Action& action) {
  if (std::holds_alternative<Await>(action)) return code != Code::failed;
  return code == Code::timed_out || code == Code::unreachable || code == Code::unauthenticated;
}

bool is_write(const Action& action) {
  return !std::holds_alternative<Await>(action) && !std::holds_alternative<Guard>(action);
}

}  // namespace

struct Runner::State : std::enable_shared_from_this<Runner::State> {
  State(kube::Api& api_, Operation operation_, RunOptions options_)
      : api(api_),
        operation(std::move(operation_)),
        options(std::move(options_)),
        waits(api, options.stall_timeout) {}

  kube::Api& api;
  Operation operation;
  RunOptions options;
  Waits waits;
  std::shared_ptr<Seen> seen{std::make_shared<Seen>()};
  Progress progress{};
  std::vector<Node> nodes{};
  std::vector<Tally> tallies{};  // one per row
  std::deque<std::size_t> ready{};
  std::size_t in_flight{};
  std::size_t open{};  // chosen steps that have not ended
  Phase phase{Phase::main};
  Time started{};
  bool finished{};
  bool pumping{};
  Outcome outcome{};

  void build_rows();
  void begin(Phase next);
  bool wanted(std::size_t index) const;
  void pump();
  void launch(std::size_t index);
  void launch_wait(std::size_t index, const Await& await);
  WaitLimit limit_of(std::size_t index, const Await& await) const;
  void show(std::size_t index, const Verdict& verdict, const std::string& trouble);  // main steps only
  void end_step(std::size_t index, Status status);
  void fail_step(std::size_t index, Error error);
  void step_done(std::size_t index, Done done);
  void step_waited(std::size_t index, Verdict verdict);
  void start_no_more();
  void next_phase();
  void finish();
  void touch() { ++progress.revision; }
  Row& row_of(std::size_t index) { return progress.rows[*nodes[index].row]; }  // main steps only
  const Step& step(std::size_t index) const { return operation.steps[index]; }
  Tally& tally_of(std::size_t index) { return tallies[*nodes[index].row]; }  // main steps only
  bool is_main(std::size_t index) const { return step(index).phase == Phase::main; }
  bool has_written() const;
};

/// One row per group; a step without a group has a row of its own only while it is a main step.
void Runner::State::build_rows() {
  std::unordered_map<std::string, std::size_t> by_name;
  std::unordered_map<std::string_view, std::size_t> by_id;
  nodes.resize(operation.steps.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const Step& s = step(i);
    const std::string name = s.group.empty() ? target_name(s.action) : s.group;
    if (s.phase == Phase::main || by_name.contains(name)) {
      const auto [it, fresh] = by_name.emplace(name, progress.rows.size());
      if (fresh) progress.rows.push_back({.name = name});
      nodes[i].row = it->second;
    }
    tallies.resize(progress.rows.size());
    if (is_main(i)) {
      ++tally_of(i).open;
      tally_of(i).target = tally_of(i).target || !s.group.empty();
    }
    by_id.emplace(s.id, i);
    if (!s.after.empty()) nodes[i].after = by_id.at(s.after);
    for (const std::string& need : s.needs) nodes[by_id.at(need)].dependents.push_back(i);
  }
  const bool grouped = std::ranges::any_of(tallies, &Tally::target);
  for (std::size_t i = 0; i < tallies.size(); ++i) progress.rows[i].helper = grouped && !tallies[i].target;
}

/// The table above `Phase` in operation.h.
bool Runner::State::wanted(std::size_t index) const {
  const Step& s = step(index);
  const Node& node = nodes[index];
  if (node.after && !nodes[*node.after].begun) return false;
  const bool interrupted = outcome.signal != 0;
  const bool cancel = interrupted && options.cancel_on_interrupt;
  if (s.phase == Phase::put_back || s.phase == Phase::main) return true;
  if (interrupted && !cancel) return false;
  const bool keep = std::ranges::any_of(tallies, &Tally::keep);
  const bool everybodys = s.group.empty() || !node.row;
  const bool keep_failed = options.keep_failed && !cancel;
  if (s.phase == Phase::tidy) {
    // What is left in place goes on, or is looked at: it may still need them.
    const auto stays = [&](const Tally& row) { return row.keep || (keep_failed && row.missed > 0); };
    return everybodys ? std::ranges::none_of(tallies, stays) : !stays(tallies[*node.row]);
  }
  if (keep_failed) return false;
  if (everybodys) return (!outcome.errors.empty() || cancel) && !keep;
  return tallies[*node.row].missed > 0 && !tallies[*node.row].keep;
}

void Runner::State::begin(Phase next) {
  phase = next;
  open = 0;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    Node& node = nodes[i];
    node.unmet = 0;
    node.chosen = step(i).phase == next && node.status == Status::idle && wanted(i);
    if (node.chosen) ++open;
  }
  // Needs on steps of earlier phases, or that are not wanted, count as met.
  for (const Node& node : nodes)
    if (node.chosen)
      for (const std::size_t d : node.dependents)
        if (nodes[d].chosen) ++nodes[d].unmet;
  for (std::size_t i = 0; i < nodes.size(); ++i)
    if (nodes[i].chosen && nodes[i].unmet == 0) {
      nodes[i].status = Status::ready;
      ready.push_back(i);
    }
  progress.phase = open > 0 ? phase_word(next) : "";
  touch();
}

/// Starts what may start; when nothing is left, goes on to the next phase. Not re-entered: answers that come
/// at once (a body that cannot be built) are taken up by the loop.
void Runner::State::pump() {
  if (pumping || finished) return;
  pumping = true;
  while (!finished) {
    if (!ready.empty() && in_flight < options.max_in_flight) {
      const std::size_t index = ready.front();
      ready.pop_front();
      launch(index);
    } else if (open == 0) {
      next_phase();
    } else {
      break;
    }
  }
  pumping = false;
}

void Runner::State::launch(std::size_t index) {
  Node& node = nodes[index];
  node.status = Status::active;
  const Action& action = step(index).action;
  if (is_main(index)) {
    Row& row = row_of(index);
    if (!row.started) row.started = api.now();
    row.state = Row::State::running;
    row.stage = stage_word(action);
    row.detail.clear();
    touch();
  }
  if (const Await* await = std::get_if<Await>(&action)) return launch_wait(index, *await);
  node.begun = true;
  ++in_flight;
  const ActionContext context{.api = api,
                              .seen = seen,
                              .operation_id = operation.id,
                              .request = operation.request,
                              .field_manager = options.field_manager};
  carry_out(action, context, [weak = weak_from_this(), index](Result<Done> result) {
    auto self = weak.lock();
    if (!self || self->finished) return;
    --self->in_flight;
    if (result)
      self->step_done(index, std::move(*result));
    else
      self->fail_step(index, std::move(result.error()));
    self->pump();
  });
}

void Runner::State::show(std::size_t index, const Verdict& verdict, const std::string& trouble) {
  Row& row = row_of(index);
  row.stage = verdict.stage;
  row.detail = verdict.detail;
  row.fraction = verdict.fraction;
  row.trouble = trouble;
  touch();
}

/// Of a wait that begins now.
WaitLimit Runner::State::limit_of(std::size_t index, const Await& await) const {
  const WaitLimit own{api.now(), await.timeout};
  const WaitLimit whole{started, options.timeout};
  if (!is_main(index) || whole.length.count() <= 0) return own;
  if (own.length.count() <= 0) return whole;
  return own.length < whole.length - (api.now() - started) ? own : whole;
}

void Runner::State::launch_wait(std::size_t index, const Await& await) {
  auto news = [this, index](const WaitNews& told) {  // Waits is a member: it calls nobody after this is gone
    if (!is_main(index)) return;
    show(index, told.verdict, told.trouble);
    seen->keep(step(index).id, told.verdict);
  };
  waits.start(index, await, limit_of(index, await), std::move(news), [this, index](Result<Verdict> result) {
    const auto keep_alive = shared_from_this();
    if (result)
      step_waited(index, std::move(*result));
    else
      fail_step(index, std::move(result.error()));
    pump();
  });
}

void Runner::State::step_done(std::size_t index, Done done) {
  const Step& s = step(index);
  if (const Create* create = std::get_if<Create>(&s.action)) outcome.made.push_back(create->ref);
  for (const std::string& name : done.removed) {
    std::erase_if(outcome.made, [&](const ObjectRef& ref) { return resource_name(ref) == name; });
    outcome.removed.push_back(name);
  }
  for (std::string& warning : done.warnings)
    if (std::find(outcome.notes.begin(), outcome.notes.end(), warning) == outcome.notes.end())
      outcome.notes.push_back(std::move(warning));
  if (!done.object.is_null()) seen->keep(s.id, std::move(done.object));
  end_step(index, Status::done);
}

bool Runner::State::has_written() const {
  for (std::size_t i = 0; i < nodes.size(); ++i)
    if (nodes[i].begun && is_write(step(i).action)) return true;
  return false;
}

void Runner::State::step_waited(std::size_t index, Verdict verdict) {
  if (is_main(index)) show(index, verdict, {});
  if (!verdict.message.empty()) outcome.notes.push_back(verdict.message);
  seen->keep(step(index).id, std::move(verdict));
  nodes[index].begun = true;
  end_step(index, Status::done);
}

void Runner::State::fail_step(std::size_t index, Error error) {
  // "Refused" promises that nothing was written.
  if (error.code == Code::precondition && has_written()) error.code = Code::failed;
  if (is_main(index)) {
    row_of(index).trouble = error.message;
    tally_of(index).failed = true;
    if (must_keep(error.code, step(index).action)) tally_of(index).keep = true;
    if (error.code == Code::unreachable && std::holds_alternative<Create>(step(index).action))
      outcome.left.push_back(target_name(step(index).action) +
                             ": may have been created, the answer was lost");
    outcome.errors.push_back(std::move(error));
  } else {
    outcome.left.push_back(left_line(step(index), error));
    if (phase == Phase::put_back && is_write(step(index).action))
      outcome.not_put_back.push_back(std::move(error));
  }
  end_step(index, Status::failed);
}

void Runner::State::end_step(std::size_t index, Status status) {
  Node& node = nodes[index];
  if (ended(node.status)) return;
  node.status = status;
  --open;
  if (is_main(index)) {
    Row& row = row_of(index);
    Tally& tally = tally_of(index);
    if (status != Status::done) ++tally.missed;
    if (--tally.open == 0) {
      row.state = tally.missed == 0 ? Row::State::done
                  : tally.failed    ? Row::State::failed
                                    : Row::State::skipped;
      row.ended = api.now();
      if (row.state == Row::State::done) row.stage = "Done";
    }
  }
  touch();
  for (const std::size_t d : node.dependents) {
    if (!nodes[d].chosen || ended(nodes[d].status)) continue;
    const bool best_effort =
        phase == Phase::undo || (phase == Phase::put_back && !is_write(step(index).action));
    if (status != Status::done && !best_effort) {
      // A check that refuses tells itself what stays.
      const bool told = status == Status::failed && std::holds_alternative<Guard>(step(index).action);
      if (phase == Phase::tidy && is_write(step(d).action) && !told && outcome.signal == 0)
        outcome.left.push_back(fmt::format("{}: not removed", target_name(step(d).action)));
      end_step(d, Status::skipped);
    } else if (--nodes[d].unmet == 0) {
      nodes[d].status = Status::ready;
      ready.push_back(d);
    }
  }
}

/// After a signal: nothing new is started, and waits end without a verdict: what they waited for goes on in the cluster.
void Runner::State::start_no_more() {
  waits.cancel_all();
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const bool waiting = nodes[i].status == Status::active && std::holds_alternative<Await>(step(i).action);
    const bool unstarted = nodes[i].status == Status::idle || nodes[i].status == Status::ready;
    if (waiting || (nodes[i].chosen && unstarted)) end_step(i, Status::skipped);
  }
  ready.clear();  // undo steps became ready by what they need being skipped, and were skipped themselves
}

void Runner::State::next_phase() {
  switch (phase) {
    case Phase::main:
      return begin(Phase::undo);
    case Phase::undo:
      for (std::size_t i = 0; i < nodes.size(); ++i)
        if (step(i).phase == Phase::undo && nodes[i].status == Status::done) outcome.undone = true;
      return begin(Phase::put_back);
    case Phase::put_back:
      return begin(Phase::tidy);
    case Phase::tidy:
      return finish();
  }
}

void Runner::State::finish() {
  if (finished) return;
  finished = true;
  waits.cancel_all();
  progress.phase.clear();
  progress.connection.clear();
  for (std::size_t i = 0; i < tallies.size(); ++i)
    if (!progress.rows[i].helper)
      ++(tallies[i].open == 0 && tallies[i].missed == 0 ? outcome.succeeded : outcome.failed);
  outcome.error = ending(outcome, operation.title, progress.rows.size());
  touch();
}

Runner::Runner(kube::Api& api, Operation operation, RunOptions options)
    : state_(std::make_shared<State>(api, std::move(operation), std::move(options))) {
  state_->progress.title = state_->operation.title;
  state_->build_rows();
}
Runner::~Runner() { state_->finished = true; }

void Runner::start() {
  state_->started = state_->api.now();
  state_->begin(Phase::main);
  state_->pump();
}

bool Runner::finished() const { return state_->finished; }
int Runner::signal() const { return state_->outcome.signal; }

void Runner::interrupt(int signal) {
  State& s = *state_;
  if (s.finished) return;
  // Nobody's second wish: shell and kernel both tell of a terminal that goes, and the session's end sends SIGTERM beside it.
  if (s.outcome.signal != 0 && (signal == SIGHUP || s.outcome.signal == SIGHUP)) {
    if (signal != SIGHUP) s.outcome.signal = signal;
    return;
  }
  if (s.outcome.signal != 0) {
    s.outcome.abandoned = true;
    for (std::size_t i = 0; i < s.nodes.size(); ++i)
      if (s.step(i).phase == Phase::put_back && is_write(s.step(i).action) && !ended(s.nodes[i].status) &&
          s.wanted(i))
        s.outcome.left.push_back(fmt::format("{}: not put back", target_name(s.step(i).action)));
      else if (s.nodes[i].status == Status::active && std::holds_alternative<Create>(s.step(i).action))
        s.outcome.left.push_back(target_name(s.step(i).action) + ": may have been created");
    return s.finish();
  }
  s.outcome.signal = signal;
  if (s.phase == Phase::put_back || (s.phase != Phase::main && s.options.cancel_on_interrupt)) return;
  s.start_no_more();
  s.pump();
}

const Progress& Runner::progress() const {
  Progress& progress = state_->progress;
  std::string connection = state_->finished ? std::string{} : state_->waits.connection();
  if (connection.empty()) progress.connection_since.reset();
  if (!connection.empty() && progress.connection.empty()) progress.connection_since = state_->api.now();
  if (connection != progress.connection) ++progress.revision;
  progress.connection = std::move(connection);
  return progress;
}
const Seen& Runner::seen() const { return *state_->seen; }
const Outcome& Runner::outcome() const { return state_->outcome; }

Outcome run(kube::Api& api, Operation operation, RunOptions options,
            const std::function<void(const Runner&)>& changed) {
  Runner runner(api, std::move(operation), std::move(options));
  const kube::Handle signals = api.on_signal([&](int signal) { runner.interrupt(signal); });
  changed(runner);
  runner.start();
  while (!runner.finished()) {
    changed(runner);
    api.turn();
  }
  changed(runner);
  Outcome outcome = runner.outcome();
  outcome.seen = runner.seen();
  return outcome;
}

}  // namespace wukong::op
