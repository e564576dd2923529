// parse_json: builds only what a projection keeps, straight from the parser's events. nlohmann's own callback
// parser is not used: it looks through the whole parent for dropped values at the end of each object, which
// is quadratic in a list of 20,000.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/object.h"
#include "base/text.h"

namespace wukong {
namespace {

constexpr std::size_t kMaxDepth = 200;

/// What to keep of an object. A rule that is nullptr keeps everything.
struct Rule {
  std::string_view key{};
  std::vector<Rule> below{};
  bool whole{};   // keeps all below
  bool others{};  // keys that are not in `below` are kept whole
};

void add_path(Rule& rule, std::string_view path) {
  if (rule.whole) return;
  const std::size_t dot = path.find('.');
  const std::string_view key = path.substr(0, dot);
  auto it =
      std::find_if(rule.below.begin(), rule.below.end(), [&](const Rule& each) { return each.key == key; });
  if (it == rule.below.end()) it = rule.below.insert(it, Rule{.key = key});
  if (dot != std::string_view::npos) return add_path(*it, path.substr(dot + 1));
  it->whole = true;
  it->below.clear();
}

Rule rules_for(const Projection& projection, Envelope envelope) {
  Rule object{};
  for (const std::string_view always : {"kind", "apiVersion", "metadata.name", "metadata.namespace",
                                        "metadata.uid", "metadata.resourceVersion", "metadata.generation",
                                        "metadata.creationTimestamp", "metadata.deletionTimestamp"})
    add_path(object, always);
  for (const std::string& path : projection.keep) add_path(object, path);
  if (envelope == Envelope::object) return object;
  object.key = envelope == Envelope::list ? "items" : "object";
  Rule outer{.others = true};
  outer.below.push_back(std::move(object));
  return outer;
}

/// Receives the parser's events (nlohmann's SAX interface).
class Builder {
 public:
  explicit Builder(const Rule* root) : rule_(root) {}

  bool null() { return scalar(nullptr); }
  bool boolean(bool value) { return scalar(value); }
  bool number_integer(std::int64_t value) { return scalar(value); }
  bool number_unsigned(std::uint64_t value) { return scalar(value); }
  bool number_float(double value, const std::string& /*written*/) { return scalar(value); }
  // Copied, not moved: it is the parser's buffer, as large as the longest text it has seen.
  bool string(const std::string& value) { return scalar<const std::string&>(value); }
  bool binary(Json::binary_t& /*value*/) { return false; }
  bool start_object(std::size_t /*size*/) { return open(Json::value_t::object); }
  bool start_array(std::size_t /*size*/) { return open(Json::value_t::array); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }

  bool key(const std::string& name) {
    if (skipped_ > 0) return true;
    rule_ = open_.back().rule;
    dropped_ = false;
    if (rule_ != nullptr) choose_rule(name);
    if (!dropped_) key_ = name;
    return true;
  }

  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const nlohmann::detail::exception& why) {
    // The library's words without its prefix, and without the text that was read: it may be a secret.
    std::string_view words = why.what();
    words = words.substr(0, words.find("; last read"));
    if (const auto at = words.find(" - "); at != std::string_view::npos) words.remove_prefix(at + 3);
    if (const auto at = words.find("] "); at != std::string_view::npos) words.remove_prefix(at + 2);
    problem_ = "wrong at byte " + std::to_string(position) + ": " + printable(words);
    return false;
  }

  Json take() { return std::move(root_); }
  const std::string& problem() const { return problem_; }

 private:
  struct Open {
    Json* value{};
    const Rule* rule{};
  };

  void choose_rule(std::string_view name) {
    for (const Rule& each : rule_->below) {
      if (each.key != name) continue;
      rule_ = each.whole ? nullptr : &each;
      return;
    }
    dropped_ = !rule_->others;
    rule_ = nullptr;
  }

  /// Where the value that begins now has to go; its rule is in rule_.
  Json* place() {
    if (open_.empty()) return &root_;
    const Open& parent = open_.back();
    if (parent.value->is_object()) return &(*parent.value)[key_];
    rule_ = parent.rule;
    return &parent.value->emplace_back(nullptr);
  }

  template <class T>
  bool scalar(T value) {
    if (skipped_ > 0) return true;
    // Where a rule stands, its paths go on below: they do not name a scalar. An element has its array's rule.
    const bool unnamed =
        in_object() ? dropped_ || rule_ != nullptr : !open_.empty() && open_.back().rule != nullptr;
    if (!unnamed) *place() = Json(value);
    return true;
  }

  bool open(Json::value_t type) {
    if (open_.size() + skipped_ >= kMaxDepth) {
      problem_ = "nested deeper than " + std::to_string(kMaxDepth) + " levels";
      return false;
    }
    if (skipped_ > 0 || (in_object() && dropped_)) {
      ++skipped_;
      return true;
    }
    Json* at = place();
    *at = Json(type);
    open_.push_back({at, rule_});
    return true;
  }

  bool close() {
    if (skipped_ > 0)
      --skipped_;
    else
      open_.pop_back();
    return true;
  }

  bool in_object() const { return !open_.empty() && open_.back().value->is_object(); }

  Json root_ = Json();
  std::vector<Open> open_{};
  std::size_t skipped_{};  // open containers inside a dropped value
  bool dropped_{};         // in an object: the value of the key just read is dropped
  std::string key_{};      // the key just read
  const Rule* rule_{};     // the rule of the value that comes next
  std::string problem_{};
};

Result<Json> parse_with(std::string_view text, const Rule* rule) {
  Builder builder(rule);
  // The library takes a NUL byte for the end of the text.
  if (const auto nul = text.find('\0'); nul != std::string_view::npos)
    return Error{.message = "not JSON: wrong at byte " + std::to_string(nul + 1) + ": a NUL byte"};
  if (!Json::sax_parse(text.begin(), text.end(), &builder))
    return Error{.message = "not JSON: " + builder.problem()};
  return builder.take();
}

}  // namespace

Result<Json> parse_json(std::string_view input, const Projection& projection, Envelope envelope) {
  if (projection.keep.empty()) return parse_with(input, nullptr);
  const Rule rule = rules_for(projection, envelope);
  auto parsed = parse_with(input, &rule);
  if (!parsed) return parsed;
  // Whether it is a Status shows only when its kind was read. Those are short, and read again.
  const bool status = text(*parsed, {"kind"}) == "Status" ||
                      (envelope == Envelope::watch_event && text(*parsed, {"object", "kind"}) == "Status");
  return status ? parse_with(input, nullptr) : parsed;
}

}  // namespace wukong
