#include "sandbox/store.h"

namespace wukong::sandbox {

Object Store::find(const Kind& kind, const std::string& ns, const std::string& name) const {
  const auto of_kind = objects_.find(kind.resource);
  if (of_kind == objects_.end()) return nullptr;
  const auto found = of_kind->second.find({ns, name});
  return found == of_kind->second.end() ? nullptr : found->second;
}

std::vector<Object> Store::list(const Kind& kind, const std::string& ns) const {
  std::vector<Object> found;
  const auto of_kind = objects_.find(kind.resource);
  if (of_kind == objects_.end()) return found;
  for (const auto& [name, object] : of_kind->second)
    if (ns.empty() || name.first == ns) found.push_back(object);
  return found;
}

Object Store::put(const Kind& kind, Json object) {
  object["metadata"]["resourceVersion"] = std::to_string(++version_);
  const Name name{text(object, {"metadata", "namespace"}), text(object, {"metadata", "name"})};
  Object& slot = objects_[kind.resource][name];
  Object before = slot;
  slot = std::make_shared<const Json>(std::move(object));
  remember(kind, std::move(before), slot);
  return slot;
}

void Store::erase(const Kind& kind, const std::string& ns, const std::string& name) {
  auto& of_kind = objects_[kind.resource];
  const auto found = of_kind.find({ns, name});
  if (found == of_kind.end()) return;
  Json last = *found->second;
  last["metadata"]["resourceVersion"] = std::to_string(++version_);
  of_kind.erase(found);
  remember(kind, std::make_shared<const Json>(std::move(last)), nullptr);
}

void Store::remember(const Kind& kind, Object before, Object after) {
  changes_.push_back({version_, &kind, std::move(before), std::move(after)});
  if (changes_.size() > history_) changes_.pop_front();
}

}  // namespace wukong::sandbox
