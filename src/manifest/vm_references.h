// What a VM names and needs beside its disks: Secrets, ConfigMaps, networks, instancetypes, bases of ephemeral disks …
#pragma once

#include <vector>

#include "base/object.h"

namespace wukong::manifest {

/// Objects that `vm` (a VirtualMachine of namespace `ns`) names in its own namespace, once each. Networks of other
/// namespaces and cluster-wide instancetypes are the same from everywhere, and left out.
std::vector<ObjectRef> references_of(const Json& vm, const std::string& ns);

/// Kinds of which a clone to another namespace may copy objects there.
std::vector<Gvr> copied_kinds();

/// A manifest of `object` for `ref`: what it holds, without what the server has added.
Json copied_object(const Json& object, const ObjectRef& ref);

}  // namespace wukong::manifest
