// MAC addresses in any notation.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wukong::manifest {

/// Six bytes from "02:00:00:00:00:01", "02-00-00-00-00-01", "0200.0000.0001" or "020000000001", in either case.
/// Nothing for anything else, and for group addresses (lowest bit of the first byte): no interface can have one.
std::optional<std::uint64_t> parse_mac(std::string_view text);

/// "02:00:00:00:00:01", as a VM's spec has it. `separator` "-": as a VirtualMachineClone takes it, whose restore
/// refuses colons (kubevirt 18617).
std::string format_mac(std::uint64_t mac, char separator = ':');

}  // namespace wukong::manifest
