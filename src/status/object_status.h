// Judges that hold for objects of any kind: a condition, a value, deletion.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/view.h"

namespace wukong::status {

/// Follows one object; `keep` is what the judge looks at.
std::vector<Watched> watches_object(const ObjectRef& ref, Projection keep);

/// Done when the object's condition `type` is `value`, both whatever their case. A condition that was told of an older
/// generation does not count.
Judge condition_judge(ObjectRef ref, std::string type, std::string value);

/// Done when `read` finds something in the object and, with `value`, finds just that. `what`: for people.
Judge value_judge(ObjectRef ref, std::string what,
                  std::function<std::optional<std::string>(const Json& object)> read,
                  std::optional<std::string> value);

/// What is waited for to go: "web-root left", "3 claims left, web-root among them". `names` has one at least.
std::string left_words(const std::vector<std::string>& names, const std::string& what);

/// Done when no object of `watched` is left that `pick` chooses; failed when some still are after `patience`. `what`: "claims".
Judge none_left_judge(const Watched& watched, std::string what, std::function<bool(const Json& object)> pick,
                      Duration patience);

/// Done when the object is gone, or another has its name by now.
Judge gone_judge(ObjectRef ref);

}  // namespace wukong::status
