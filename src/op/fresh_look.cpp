#include "op/fresh_look.h"

#include <fmt/format.h>

namespace wukong::op {

namespace {

kube::Read read_of(const Watched& what) {
  kube::Read read{
      .gvr = what.gvr, .ns = what.ns, .labels = what.labels, .fields = what.fields, .keep = what.keep};
  if (!what.name.empty())
    read.fields += fmt::format("{}metadata.name={}", read.fields.empty() ? "" : ",", what.name);
  return read;
}

Shelf shelf_of(const Watched& what, const kube::Fact& fact) {
  Shelf shelf;
  if (!fact.is_known()) {
    shelf.sight = Shelf::Sight::unreadable;
    shelf.why = fact.why;
    return shelf;
  }
  shelf.sight = Shelf::Sight::known;
  for (const Json& object : items(fact.object, {"items"}))
    shelf.objects.insert_or_assign(shelf_key(what, object), object);
  return shelf;
}

}  // namespace

void look_afresh(kube::Api& api, const std::vector<Watched>& watches,
                 std::function<void(Result<std::vector<Shelf>>)> done) {
  std::vector<kube::Read> reads;
  for (const Watched& what : watches) reads.push_back(read_of(what));
  kube::fetch(api, std::move(reads),
              [watches, done = std::move(done)](Result<std::vector<kube::Fact>> facts) {
                if (!facts) return done(std::move(facts.error()));
                std::vector<Shelf> shelves;
                for (std::size_t i = 0; i < facts->size(); ++i)
                  shelves.push_back(shelf_of(watches[i], (*facts)[i]));
                done(std::move(shelves));
              });
}

}  // namespace wukong::op
