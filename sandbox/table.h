// Objects as the Table that kubectl asks for, so that it needs to know no kind.
#pragma once

#include <span>
#include <string>

#include "base/time.h"
#include "sandbox/store.h"

namespace wukong::sandbox {

/// A meta.k8s.io/v1 Table. The columns of a kind (Kind::columns) are "Name=SOURCE,..."; a source is a dotted path, or
///   @path  the age of that date           ?Type  the status of that condition
///   +path  access modes, abbreviated      #path  the number of entries
///   'text  this text                      &a/b   two paths, the first in lower case
///   %      what a quota counts
/// A name that begins with - is shown by `-o wide` only.
Json table_of(const Kind& kind, std::span<const Object> objects, WallTime now);

/// kubectl's ages: "7s", "3m5s", "42m", "5h12m", "3d".
std::string age_text(std::chrono::seconds age);

}  // namespace wukong::sandbox
