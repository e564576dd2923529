#include "op/observe.h"

#include <algorithm>

namespace wukong::op {

Result<void> observe(kube::Api& api, const std::vector<Watched>& watches, const ObserveOptions& options,
                     const std::function<Result<void>(const Shelves&)>& seen) {
  bool changed = true;
  bool due = true;
  int signal = 0;
  const kube::Handle signals = api.on_signal([&](int heard) { signal = heard; });
  std::vector<kube::WatchHandle> handles;
  Shelves shelves;
  for (const Watched& what : watches) {
    handles.push_back(api.watch(what, [&](const std::string&) { changed = true; }));
    shelves.push_back(handles.back().shelf);
  }
  Time told = api.now() - options.longest;
  kube::Handle tick;
  const std::function<void()> arm = [&] {
    tick = api.after(options.least, [&] {
      due = true;
      arm();
    });
  };
  arm();
  while (signal == 0) {
    // A stream that cannot be had holds nobody up.
    const bool loading = std::ranges::any_of(shelves, [](const auto& shelf) {
      return shelf->sight == Shelf::Sight::loading && shelf->trouble.empty();
    });
    if (!loading && due && (changed || api.now() - told >= options.longest)) {
      changed = due = false;
      told = api.now();
      if (Result<void> fine = seen(shelves); !fine) return fine;
    }
    api.turn();
  }
  return Error{.code = ended_by(signal), .message = "stopped watching"};
}

}  // namespace wukong::op
