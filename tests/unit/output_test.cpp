#include "render/output.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

namespace wukong::render {
namespace {

Json vm(const std::string& name) {
  return {{"apiVersion", "kubevirt.io/v1"}, {"kind", "VirtualMachine"}, {"metadata", {{"name", name}}}};
}

}  // namespace

TEST_CASE("output: a table is laid out as kubectl's") {
  CHECK(table({"NAME", "STATE", "AGE"}, {{"web", "Running", "5m"}, {"db-main", "", "12d"}}, true) ==
        "NAME      STATE     AGE\n"
        "web       Running   5m\n"
        "db-main             12d\n");
  CHECK(table({"A", "B"}, {{"x", "y"}}, true) == "A     B\nx     y\n");
  CHECK(table({"NAME", "STATE"}, {{"a-long-name"}}, false) == "a-long-name\n");
  CHECK(table({"NAME"}, {}, true) == "NAME\n");
  CHECK(table({"NAME"}, {}, false).empty());
}

TEST_CASE("output: where lines are limited, the last column of a table goes on below itself") {
  const std::vector<std::vector<std::string>> rows{{"web", "no", "one two three four five six seven"},
                                                   {"db", "ok", ""}};
  CHECK(table({"NAME", "STATE", "WHY"}, rows, true, 36) ==
        "NAME   STATE   WHY\n"
        "web    no      one two three four\n"
        "               five six seven\n"
        "db     ok\n");
  CHECK(table({"NAME", "STATE", "WHY"}, rows, true, 30) == table({"NAME", "STATE", "WHY"}, rows, true));
}

TEST_CASE("output: table columns are aligned by display width, and cells are clean") {
  CHECK(table({"NAME", "STATE"}, {{"虚拟机", "ok"}, {"web", "ok"}}, false) == "虚拟机   ok\nweb      ok\n");
  CHECK(table({"NAME", "NOTE"}, {{"a\x1b[31mb", "c\nd"}}, false).find('\x1b') == std::string::npos);
}

TEST_CASE("output: one object stands for itself, several become a List") {
  CHECK(objects(OutputFormat::yaml, {vm("web")}) ==
        "apiVersion: kubevirt.io/v1\nkind: VirtualMachine\nmetadata:\n  name: web\n");
  CHECK(objects(OutputFormat::yaml, {vm("a"), vm("b")}) ==
        "apiVersion: v1\nitems:\n- apiVersion: kubevirt.io/v1\n  kind: VirtualMachine\n  metadata:\n    "
        "name: a\n"
        "- apiVersion: kubevirt.io/v1\n  kind: VirtualMachine\n  metadata:\n    name: b\nkind: "
        "List\nmetadata:\n"
        "  resourceVersion: \"\"\n");
  CHECK(objects(OutputFormat::json, {}) ==
        "{\n    \"apiVersion\": \"v1\",\n    \"items\": [],\n    \"kind\": \"List\",\n    \"metadata\": {\n"
        "        \"resourceVersion\": \"\"\n    }\n}\n");
  CHECK(objects(OutputFormat::name, {vm("a"), vm("b")}) ==
        "virtualmachine.kubevirt.io/a\nvirtualmachine.kubevirt.io/b\n");
}

TEST_CASE("output: JSON escapes what Go escapes, and what a terminal would obey") {
  CHECK(objects(OutputFormat::json, {Json{{"a", "<b>&\x7f\u009b\u2028\u2029\u00e9\n"}}}) ==
        "{\n    \"a\": \"\\u003cb\\u003e\\u0026\\u007f\\u009b\\u2028\\u2029\u00e9\\n\"\n}\n");
}

TEST_CASE("output: formats by name") {
  CHECK(parse_output_format("") == OutputFormat::table);
  CHECK(parse_output_format("yaml") == OutputFormat::yaml);
  CHECK(parse_output_format("name") == OutputFormat::name);
  CHECK_FALSE(parse_output_format("YAML").has_value());
}

TEST_CASE("output: an error with causes, context and a hint of several lines") {
  const Error error{.code = Code::failed,
                    .message = "VM demo/web cannot be cloned",
                    .hint = "kubectl wukong clone web web2\nor ask for the right",
                    .context = {"while waiting for VirtualMachineClone demo/web2"},
                    .causes = {"admission webhook denied the request", "exceeded \x1b[31mquota"}};
  CHECK(format_error(error, false) ==
        "error: VM demo/web cannot be cloned\n"
        "cause: admission webhook denied the request\n"
        "cause: exceeded [31mquota\n"
        "cause: while waiting for VirtualMachineClone demo/web2\n"
        "hint:  kubectl wukong clone web web2\n"
        "       or ask for the right\n");
  CHECK(format_error({.message = "no"}, false) == "error: no\n");
  CHECK(format_error({.message = "no", .hint = "yes"}, true) ==
        "\x1b[31merror:\x1b[0m no\n\x1b[1mhint:\x1b[0m  yes\n");
}

}  // namespace wukong::render
