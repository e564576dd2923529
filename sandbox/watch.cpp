#include "sandbox/watch.h"

#include <fmt/format.h>

#include "sandbox/table.h"

namespace wukong::sandbox {

bool Watch::sees(const Object& object) const {
  if (object == nullptr) return false;
  return (subject_.ns.empty() || text(*object, {"metadata", "namespace"}) == subject_.ns) &&
         matches(subject_.selector, *object);
}

std::string Watch::line(std::string_view type, const Object& object, WallTime now) const {
  const Json shown = subject_.as_table ? table_of(*subject_.kind, {&object, 1}, now) : *object;
  return dump({{"type", type}, {"object", shown}}) + "\n";
}

std::string Watch::greet(const Store& store, WallTime now, bool with_end_mark) {
  std::string lines;
  for (const Object& object : store.list(*subject_.kind, subject_.ns))
    if (sees(object)) lines += line("ADDED", object, now);
  told_ = store.version();
  if (with_end_mark) lines += bookmark_line({{"k8s.io/initial-events-end", "true"}});
  return lines;
}

std::string Watch::drain(const Store& store, WallTime now) {
  if (ended_ || told_ >= store.version()) return {};
  if (told_ < store.oldest()) {
    ended_ = true;
    const Refusal refusal = too_old(fmt::format("too old resource version: {} ({})", told_, store.oldest()));
    return dump({{"type", "ERROR"}, {"object", status_of(refusal)}}) + "\n";
  }
  std::string lines;
  const auto& changes = store.changes();
  // Versions have no gaps: the first change to tell stands at a known place.
  for (std::size_t i = told_ - store.oldest(); i < changes.size(); ++i) {
    const Change& change = changes[i];
    if (change.kind != subject_.kind) continue;
    const bool before = sees(change.before);
    const bool after = sees(change.after);
    if (after)
      lines += line(before ? "MODIFIED" : "ADDED", change.after, now);
    else if (before)
      lines += line("DELETED", change.after != nullptr ? change.after : change.before, now);
  }
  told_ = store.version();
  return lines;
}

std::string Watch::bookmark_line(const Json& annotations) const {
  Json metadata = {{"resourceVersion", std::to_string(told_)}, {"creationTimestamp", nullptr}};
  if (!annotations.empty()) metadata["annotations"] = annotations;
  const Json object = {
      {"kind", subject_.kind->kind}, {"apiVersion", subject_.kind->api_version()}, {"metadata", metadata}};
  return dump({{"type", "BOOKMARK"}, {"object", object}}) + "\n";
}

std::string Watch::bookmark() const {
  return ended_ || !subject_.bookmarks ? "" : bookmark_line(Json::object());
}

}  // namespace wukong::sandbox
