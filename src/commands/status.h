// `status`: what is under way in a namespace, or in all of them; once, or live.
#pragma once

#include <functional>
#include <string>

#include "commands/context.h"
#include "commands/options.h"

namespace CLI {
class App;
}

namespace wukong::commands {

/// Exactly what the user typed.
struct StatusOptions {
  std::string about{};  // KIND/NAME, or the name of a VM
  bool all_namespaces{};
  bool watch{};
  bool mine{};
  OutputOptions output{};
};

void add_status(CLI::App& app, std::function<Result<void>(Context&)>& chosen);

}  // namespace wukong::commands
