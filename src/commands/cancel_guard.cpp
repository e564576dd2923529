// A second look right before what `cancel` deletes first: meanwhile it may have finished.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "commands/cancel.h"
#include "commands/vm_argument.h"
#include "status/watched.h"

namespace wukong::commands {

namespace {

kube::Read read_of(const Watched& what) {
  kube::Read read{.gvr = what.gvr, .ns = what.ns, .labels = what.labels, .keep = what.keep};
  if (!what.name.empty()) read.fields = "metadata.name=" + what.name;
  return read;
}

/// `then`, with what was listed now on the shelves of `watches`. Errors: what could be read then, and cannot now.
Result<Inventory> renewed(Inventory then, const std::vector<Watched>& watches,
                          const std::vector<kube::Fact>& facts) {
  for (std::size_t i = 0; i < watches.size(); ++i) {
    std::shared_ptr<const Shelf>& place = then.shelves[watches[i].gvr.resource];
    const bool was_known = place != nullptr && place->sight == Shelf::Sight::known;
    if (!facts[i].is_known()) {
      if (was_known) return facts[i].why;
      continue;
    }
    auto shelf = std::make_shared<Shelf>(Shelf{.sight = Shelf::Sight::known});
    for (const Json& object : items(facts[i].object, {"items"}))
      shelf->objects.insert_or_assign(shelf_key(watches[i], object), object);
    place = std::move(shelf);
  }
  return then;
}

}  // namespace

op::Guard still(const Inventory& then, std::vector<Watched> watches,
                std::function<Result<void>(const Inventory& now)> check, std::string what,
                const std::string& snapshot) {
  // What is not on a shelf of the inventory, or could not be read then either, tells nothing.
  std::erase_if(watches, [&](const Watched& w) {
    const auto shelf = then.shelves.find(w.gvr.resource);
    return w.from_now || shelf == then.shelves.end() || shelf->second->sight != Shelf::Sight::known;
  });
  watches = speaking(std::move(watches), then.served);
  op::Guard guard{.what = std::move(what)};
  for (const Watched& each : watches) guard.reads.push_back(read_of(each));
  if (const Json* found = snapshot.empty() ? nullptr : then.find(ObjectKind::snapshot, snapshot))
    for (kube::Read& read : reads_elsewhere(*found, then)) guard.reads.push_back(std::move(read));
  guard.check = [then, watches, snapshot, check = std::move(check)](const std::vector<kube::Fact>& facts,
                                                                    const op::Seen&) -> Result<void> {
    WUKONG_TRY(Inventory now, renewed(then, watches, facts));
    const auto elsewhere = facts.begin() + static_cast<std::ptrdiff_t>(watches.size());
    if (elsewhere != facts.end())
      now.elsewhere.insert_or_assign(snapshot, std::vector<kube::Fact>(elsewhere, facts.end()));
    return check(now);
  };
  return guard;
}

op::Guard still(const ObjectArgument& what, const Json& object, const Inventory& then,
                std::vector<Watched> watches, CheckObject check) {
  const bool snapshot = what.kind == ObjectKind::snapshot;
  return still(
      then, std::move(watches),
      [what, snapshot, uid = std::string(text(object, {"metadata", "uid"})),
       check = std::move(check)](const Inventory& now) -> Result<void> {
        const Json* found = now.find(what.kind, what.name);
        if (found != nullptr && text(*found, {"metadata", "uid"}) == uid) return check(*found, now);
        if (snapshot) return {};
        return refuse(fmt::format("{} {}/{} is gone meanwhile: it may have finished", gvr_of(what.kind).kind,
                                  now.ns, what.name),
                      status_hint(now));
      },
      snapshot ? fmt::format("that nobody needs {} meanwhile", what.words())
               : fmt::format("that {} has not finished meanwhile", what.words()),
      snapshot ? what.name : "");
}

}  // namespace wukong::commands
