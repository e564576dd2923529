#include "commands/vm_shape.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "base/quantity.h"
#include "base/text.h"
#include "commands/options.h"
#include "manifest/key_filter.h"
#include "manifest/mac.h"

namespace wukong::commands {

namespace {

constexpr std::int64_t kLeastMemory = 1024LL * 1024;
constexpr std::uint64_t kSameFirstByte = 0xff'00'00'00'00'00;
constexpr std::size_t kLongestLabel = 63;
constexpr std::size_t kLongestSerial = 256;

Result<void> check_filters(const char* flag, const std::vector<std::string>& filters) {
  for (const std::string& filter : filters)
    if (const std::string problem = manifest::filter_problem(filter); !problem.empty())
      return usage(
          fmt::format("{} {:?}: {}", flag, printable(filter), problem),
          "\"*\" keeps everything, \"!x\" leaves out what matches x, anything else is a regular expression");
  return {};
}

/// {"default", "02:00:…"} of "default=02:00:…".
Result<std::pair<std::string, std::string>> split_pair(const char* flag, const std::string& typed) {
  const auto equals = typed.find('=');
  if (equals == std::string::npos || equals == 0)
    return usage(fmt::format("{} {:?} has no name and value", flag, printable(typed)),
                 fmt::format("write it like {} NAME=VALUE", flag));
  return std::pair{typed.substr(0, equals), typed.substr(equals + 1)};
}

Result<void> add_macs(manifest::VmShape& shape, const std::vector<std::string>& typed, std::size_t number) {
  for (const std::string& each : typed) {
    WUKONG_TRY(const auto pair, split_pair("--new-mac", each));
    const auto mac = manifest::parse_mac(pair.second);
    if (!mac)
      return usage(fmt::format("--new-mac {}: {:?} is no MAC address of an interface", printable(pair.first),
                               printable(pair.second)),
                   "write it like 02:00:00:00:00:01; the first byte must be even");
    if (((*mac + number - 1) & kSameFirstByte) != (*mac & kSameFirstByte))
      return usage(fmt::format("--new-mac {}: the range that begins at {} ends too early",
                               printable(pair.first), printable(pair.second)));
    shape.macs[pair.first] = *mac + number - 1;
  }
  return {};
}

/// Source: apimachinery validation of label keys and values.
std::string label_value_problem(const std::string& value) {
  if (value.size() > kLongestLabel) return "it has more than 63 characters";
  const auto word = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  for (const char c : value)
    if (!word(c) && c != '-' && c != '_' && c != '.')
      return "it holds other characters than A-Z a-z 0-9 - _ .";
  if (!value.empty() && (!word(value.front()) || !word(value.back())))
    return "it must begin and end with a letter or digit";
  return {};
}

Result<void> add_labels(manifest::VmShape& shape, const std::vector<std::string>& typed) {
  for (const std::string& each : typed) {
    WUKONG_TRY(const auto pair, split_pair("--set-label", each));
    const auto& [key, value] = pair;
    const auto slash = key.find('/');
    std::string problem = slash == std::string::npos ? "" : subdomain_problem(key.substr(0, slash));
    const std::string name = slash == std::string::npos ? key : key.substr(slash + 1);
    if (problem.empty()) problem = name.empty() ? "its name is empty" : label_value_problem(name);
    if (!problem.empty())
      return usage(fmt::format("--set-label: {:?} cannot be a label: {}", printable(key), problem));
    if (problem = label_value_problem(value); !problem.empty())
      return usage(fmt::format("--set-label: {:?} cannot be a label's value: {}", printable(value), problem));
    shape.labels[key] = value;
  }
  return {};
}

Result<std::string> one_each(const char* flag, const std::string& pattern, std::size_t number,
                             std::size_t count) {
  if (count > 1 && !pattern.empty() && pattern.find('#') == std::string::npos)
    return usage(fmt::format("{} {:?} would be the same for {} VMs", flag, printable(pattern), count),
                 fmt::format("put a # where the number belongs: {} {}-#", flag, printable(pattern)));
  return count > 0 ? numbered(pattern, number) : pattern;
}

}  // namespace

bool ShapeOptions::any() const {
  return !label_filters.empty() || !annotation_filters.empty() || !template_label_filters.empty() ||
         !template_annotation_filters.empty() || !new_macs.empty() || keep_mac || !new_serial.empty() ||
         !hostname.empty() || cpu || !memory.empty() || !set_labels.empty();
}

std::string numbered(const std::string& pattern, std::size_t number) {
  std::string out;
  for (std::size_t i = 0; i < pattern.size();) {
    std::size_t width = 0;
    while (i + width < pattern.size() && pattern[i + width] == '#') ++width;
    if (width == 0)
      out += pattern[i++];
    else
      out += fmt::format("{:0{}}", number, width);
    i += width;
  }
  return out;
}

Result<manifest::VmShape> settle(const ShapeOptions& o, std::size_t number, std::size_t count) {
  WUKONG_CHECK(check_filters("--label-filter", o.label_filters));
  WUKONG_CHECK(check_filters("--annotation-filter", o.annotation_filters));
  WUKONG_CHECK(check_filters("--template-label-filter", o.template_label_filters));
  WUKONG_CHECK(check_filters("--template-annotation-filter", o.template_annotation_filters));
  manifest::VmShape shape{.label_filters = o.label_filters,
                          .annotation_filters = o.annotation_filters,
                          .template_label_filters = o.template_label_filters,
                          .template_annotation_filters = o.template_annotation_filters,
                          .keep_macs = o.keep_mac,
                          .cores = o.cpu,
                          .memory = o.memory};
  WUKONG_CHECK(add_macs(shape, o.new_macs, number));
  WUKONG_CHECK(add_labels(shape, o.set_labels));
  WUKONG_TRY(shape.serial, one_each("--new-serial", o.new_serial, number, count));
  if (shape.serial.size() > kLongestSerial) return usage("--new-serial has more than 256 characters");
  WUKONG_TRY(shape.hostname, one_each("--hostname", o.hostname, number, count));
  if (!shape.hostname.empty())
    if (const std::string problem = label_problem(shape.hostname); !problem.empty())
      return usage(fmt::format("--hostname {:?}: {}", printable(shape.hostname), problem));
  if (o.cpu == 0U) return usage("--cpu 0: a VM needs a core");
  if (!o.memory.empty()) {
    const auto bytes = parse_quantity(o.memory);
    if (!bytes || bytes->count < kLeastMemory)
      return usage(fmt::format("--memory {:?} is no size of a VM's memory", printable(o.memory)),
                   "write it like 2Gi or 512Mi");
  }
  if (o.keep_mac && count > 1)
    return usage(fmt::format("--keep-mac would give {} VMs the same MAC addresses", count),
                 "use --new-mac IFACE=FIRST");
  return shape;
}

void add_shape_options(CLI::App& app, ShapeOptions& o) {
  const char* group = "Options for the new VM";
  add_list(app, group, "--label-filter", o.label_filters, "FILTER",
           "Labels to copy: *, !REGEX or REGEX (repeatable)");
  add_list(app, group, "--annotation-filter", o.annotation_filters, "FILTER", "Annotations to copy");
  add_list(app, group, "--template-label-filter", o.template_label_filters, "FILTER",
           "Labels of the instance to copy");
  add_list(app, group, "--template-annotation-filter", o.template_annotation_filters, "FILTER",
           "Annotations of the instance to copy");
  add_list(app, group, "--new-mac", o.new_macs, "IFACE=MAC",
           "MAC address of an interface; with --count the first of a range");
  app.add_flag("--keep-mac", o.keep_mac, "Keep the source's MAC addresses")->group(group);
  app.add_option("--new-serial", o.new_serial, "Serial number of the firmware")
      ->type_name("SERIAL")
      ->group(group);
  app.add_option("--hostname", o.hostname, "Host name")->type_name("NAME")->group(group);
  app.add_option("--cpu", o.cpu, "Number of cores")->type_name("N")->group(group);
  app.add_option("--memory", o.memory, "Memory of the guest, such as 4Gi")->type_name("SIZE")->group(group);
  add_list(app, group, "--set-label", o.set_labels, "KEY=VALUE", "Label for the VM (repeatable)");
}

}  // namespace wukong::commands
