// What every object that wukong makes carries, and how it is told from others.
#pragma once

#include <string>

#include "base/object.h"

namespace wukong::manifest {

/// Who made an object, and for what request.
struct Marks {
  std::string operation{};     // id of the run
  std::string request_hash{};  // of what the user asked: two runs of the same request agree
};

/// Adds the marks to a manifest's labels and annotations (base/object.h, `mark`).
void add_marks(Json& manifest, const Marks& marks);

/// The label selector of what a run has made.
std::string selector_of(const std::string& operation);
/// The same, but for what others have labelled so: for what is deleted.
std::string own_selector_of(const std::string& operation);

/// The hash of a request: any JSON that holds what the user typed, names included.
std::string request_hash(const Json& request);

}  // namespace wukong::manifest
