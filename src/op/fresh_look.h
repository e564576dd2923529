// Reads anew what waits follow by watches: a stream may be silent because nothing happens, or because its connection is dead.
#pragma once

#include <functional>
#include <vector>

#include "kube/api.h"

namespace wukong::op {

/// Lists what each of `watches` follows, and calls `done` once, from within a turn of the api, with a shelf each, in order.
/// Errors: `unreachable`, `unauthenticated`, a broken answer; what may not be read is an unreadable shelf.
void look_afresh(kube::Api& api, const std::vector<Watched>& watches,
                 std::function<void(Result<std::vector<Shelf>>)> done);

}  // namespace wukong::op
