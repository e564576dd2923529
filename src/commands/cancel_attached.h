// What an operation has made beside VMs and their disks: Services, Ingresses, and copies of what a VM names.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "commands/cancel.h"
#include "commands/inventory.h"

namespace wukong::commands {

/// Adds what `arguments` have made of this to `inventory`. What may not be read is left out, and remembered as unseen.
Result<void> add_attached(Inventory& inventory, const std::vector<ObjectArgument>& arguments, kube::Api& api);

/// What of it goes, and what is to be said of the rest.
struct AttachedSplit {
  std::vector<Attached> go{};
  std::vector<std::string> notes{};
};

/// A Service or an Ingress goes unless a VM of its name stays. A copy goes when no VM of the operation stays, and no other names it.
/// `going`: the VMs that go.
AttachedSplit split_attached(const std::string& operation, const std::set<std::string>& going,
                             const Inventory& inventory);

/// Anything at all that carries its label.
bool has_made_something(const std::string& operation, const Inventory& inventory);

/// Resources of which there may be more.
std::vector<std::string> unseen_attached(const std::string& operation, const Inventory& inventory);

/// Steps that delete them, after `needs`; `number` makes their ids differ.
std::vector<op::Step> delete_attached(const std::vector<Attached>& these, std::size_t number,
                                      const std::vector<std::string>& needs);

}  // namespace wukong::commands
