// `version`: which wukong this is, and which KubeVirt it speaks to.
#pragma once

#include <functional>

#include "commands/context.h"

namespace CLI {
class App;
}

namespace wukong::commands {

void add_version(CLI::App& app, std::function<Result<void>(Context&)>& chosen);

}  // namespace wukong::commands
