#include "base/object.h"

#include <doctest/doctest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

namespace wukong {
namespace {

Json parsed(std::string_view input, std::vector<std::string> keep = {},
            Envelope envelope = Envelope::object) {
  auto result = parse_json(input, Projection{std::move(keep)}, envelope);
  REQUIRE_MESSAGE(result.has_value(), input);
  return *result;
}

std::string refusal(std::string_view input) {
  const auto result = parse_json(input);
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().code == Code::failed);
  // The same text is refused whatever is dropped of it.
  CHECK_FALSE(parse_json(input, Projection{{"spec.x"}}).has_value());
  CHECK_FALSE(parse_json(input, Projection{{"spec.x"}}, Envelope::list).has_value());
  return result.error().message;
}

constexpr std::string_view kVm =
    R"({"apiVersion":"kubevirt.io/v1","kind":"VirtualMachine","metadata":{"name":"web",
  "namespace":"demo","uid":"u1","resourceVersion":"12","generation":3,"labels":{"a":"b","c.d/e":"f"},
  "managedFields":[{"manager":"x","fieldsV1":{"f:spec":{}}}]},
  "spec":{"running":true,"template":{"spec":{"volumes":[{"name":"root","dataVolume":{"name":"web-root"}},
  {"name":"ci","cloudInitNoCloud":{"userData":"secret"}}],"domain":{"devices":{"disks":[{"name":"root"}]}}}}},
  "status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}})";

TEST_CASE("reads: missing keys, nulls and other types are absent") {
  const Json value = parsed(R"({"a":{"b":"x","n":5,"s":"12","f":true,"l":[1],"z":null,"o":{}}})");
  CHECK(text(value, {"a", "b"}) == "x");
  CHECK(integer(value, {"a", "n"}) == 5);
  CHECK(integer(value, {"a", "s"}) == 12);
  CHECK(flag(value, {"a", "f"}));
  CHECK(flag(value, {"a", "x"}, true));
  CHECK(items(value, {"a", "l"}).size() == 1);
  CHECK(find(value, {"a", "z"}) == nullptr);
  CHECK(find(value, {}) == &value);
  CHECK(find(Json(), {}) == nullptr);
}

TEST_CASE("reads never throw, whatever stands there") {
  const std::vector<Json> hostile{Json(),
                                  Json("x"),
                                  Json(1),
                                  Json(-1.5),
                                  Json(true),
                                  Json::array({1, "a"}),
                                  Json::object({{"a", Json::array()}}),
                                  Json::object({{"a", "b"}}),
                                  Json::object({{"status", 1}}),
                                  Json::object({{"status", {{"conditions", {1, nullptr}}}}})};
  for (const Json& value : hostile)
    for (const Path path : {Path{}, Path{"a"}, Path{"a", "b"}, Path{"status", "conditions"}, Path{""}}) {
      CHECK_NOTHROW((void)text(value, path));
      CHECK_NOTHROW((void)integer(value, path));
      CHECK_NOTHROW((void)flag(value, path));
      CHECK(items(value, path).is_array());
      CHECK(fields(value, path).is_object());
      CHECK(condition(value, "Ready") == nullptr);
      CHECK_FALSE(same_uid(value, value));
    }
}

TEST_CASE("integer: only whole numbers that fit") {
  const auto of = [](std::string_view written) { return integer(parsed(written), {}); };
  CHECK(of("9223372036854775807") == std::numeric_limits<std::int64_t>::max());
  CHECK(of("-9223372036854775808") == std::numeric_limits<std::int64_t>::min());
  CHECK(of("\"-7\"") == -7);
  for (const std::string_view no : {"9223372036854775808", "1e30", "1.5", "\"\"", "\"12 \"", "\"0x1\"",
                                    "\"99999999999999999999\"", "true", "[1]", "null"})
    CHECK_FALSE(of(no).has_value());
}

TEST_CASE("condition: the first of its type") {
  const Json object = parsed(
      R"({"status":{"conditions":[3,{"type":"A"},{"type":"Ready","status":"True"},{"type":"Ready"}]}})");
  REQUIRE(condition(object, "Ready") != nullptr);
  CHECK(text(*condition(object, "Ready"), {"status"}) == "True");
  CHECK(condition(object, "B") == nullptr);
}

TEST_CASE("projection: keeps paths, identity and nothing else") {
  const Json vm = parsed(kVm, {"spec.template.spec.volumes.name", "status"});
  const Json wanted = Json::parse(R"({"apiVersion":"kubevirt.io/v1","kind":"VirtualMachine",
    "metadata":{"name":"web","namespace":"demo","uid":"u1","resourceVersion":"12","generation":3},
    "spec":{"template":{"spec":{"volumes":[{"name":"root"},{"name":"ci"}]}}},
    "status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}})");
  CHECK(vm == wanted);
  CHECK(parsed(kVm) == Json::parse(kVm));
}

TEST_CASE("projection: a longer path adds nothing to a kept one, in either order") {
  CHECK(parsed(kVm, {"spec", "spec.running"}) == parsed(kVm, {"spec.running", "spec"}));
  CHECK(parsed(kVm, {"metadata"})["metadata"] == Json::parse(kVm)["metadata"]);
  CHECK(parsed(kVm, {"", ".", "spec..x", "..."}).contains("kind"));
}

TEST_CASE("projection: a scalar or a null where a path goes on is dropped") {
  CHECK(parsed(R"({"kind":"A","spec":3})", {"spec.x"}) == parsed(R"({"kind":"A"})"));
  CHECK(parsed(R"({"kind":"A","spec":null})", {"spec.x"}) == parsed(R"({"kind":"A"})"));
  CHECK(parsed(R"({"spec":["a",{"x":1,"y":2},null,[{"x":3}]]})", {"spec.x"}) ==
        parsed(R"({"spec":[{"x":1},[{"x":3}]]})"));
  CHECK(parsed("3", {"spec.x"}) == Json(3));
  CHECK(parsed(R"({"spec":{"x":1},"spec":{"x":2,"y":3}})", {"spec.x"}) == parsed(R"({"spec":{"x":2}})"));
}

TEST_CASE("projection: lists keep their own fields whole") {
  const Json list = parsed(
      R"({"kind":"VirtualMachineList","metadata":{"resourceVersion":"9","continue":"c","remainingItemCount":2},
    "items":[{"metadata":{"name":"a","labels":{}},"spec":{"x":1,"y":2}},{"spec":{"y":2}},7]})",
      {"spec.x"}, Envelope::list);
  CHECK(list["metadata"]["continue"] == "c");
  CHECK(list["metadata"]["remainingItemCount"] == 2);
  CHECK(list["items"] == parsed(R"([{"metadata":{"name":"a"},"spec":{"x":1}},{"spec":{}}])"));
}

TEST_CASE("projection: watch events keep type, and paths apply to the object") {
  const Json event = parsed(
      R"({"type":"MODIFIED","object":{"kind":"A","metadata":{"resourceVersion":"9","labels":{}},"spec":{"x":1,"y":2}}})",
      {"spec.x"}, Envelope::watch_event);
  CHECK(
      event ==
      parsed(
          R"({"type":"MODIFIED","object":{"kind":"A","metadata":{"resourceVersion":"9"},"spec":{"x":1}}})"));
}

TEST_CASE("projection: a Status is kept whole, wherever its kind stands") {
  const std::string_view early =
      R"({"kind":"Status","metadata":{"continue":"c"},"status":"Failure","message":"too old","reason":"Expired","code":410,"details":{"causes":[{"message":"m"}]}})";
  const std::string_view late =
      R"({"code":410,"details":{"causes":[]},"message":"too old","metadata":{},"status":"Failure","kind":"Status"})";
  for (const std::string_view status : {early, late}) {
    for (const Envelope envelope : {Envelope::object, Envelope::list, Envelope::watch_event})
      CHECK(parsed(status, {"spec.x"}, envelope) == Json::parse(status));
    const std::string event = "{\"type\":\"ERROR\",\"object\":" + std::string(status) + "}";
    CHECK(parsed(event, {"spec.x"}, Envelope::watch_event) == Json::parse(event));
  }
}

TEST_CASE("parse_json: says where the text is wrong, without the text") {
  CHECK(refusal(R"({"password":"hunter2" x)").starts_with("not JSON: wrong at byte 23: "));
  CHECK(refusal(R"({"password":"hunter2)").find("hunter") == std::string::npos);
  CHECK(refusal("").starts_with("not JSON: wrong at byte 1: "));
  CHECK(refusal(std::string_view("{}\0x", 4)) == "not JSON: wrong at byte 3: a NUL byte");
}

TEST_CASE("parse_json: hostile text is an error, never a crash") {
  for (const std::string_view bad : {"{",
                                     "[",
                                     "\"",
                                     "{}{}",
                                     "[1,]",
                                     "{\"a\"}",
                                     "{\"a\":}",
                                     "nul",
                                     "01",
                                     "+1",
                                     ".5",
                                     "1e999",
                                     "-1e999",
                                     "NaN",
                                     "{a:1}",
                                     "\"\\ud800\"",
                                     "\"\\udc00x\"",
                                     "\"\\u12\"",
                                     "\"\xff\"",
                                     "\"\xed\xa0\x80\"",
                                     "\"\xc0\x80\"",
                                     "\"a\nb\"",
                                     "// x",
                                     "]",
                                     "}"})
    refusal(bad);
  CHECK(parsed(R"("\u0000")") == Json(std::string(1, '\0')));
  CHECK(parsed("123456789012345678901234567890").is_number_float());
}

TEST_CASE("parse_json: 200 levels, kept or dropped") {
  const auto nested = [](std::size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); };
  CHECK(parse_json(nested(200)).has_value());
  CHECK(refusal(nested(201)) == "not JSON: nested deeper than 200 levels");
  CHECK(refusal(std::string(1'000'000, '[')) == "not JSON: nested deeper than 200 levels");
  const std::string dropped = "{\"junk\":" + nested(199) + ",\"kind\":\"A\"}";
  CHECK(parsed(dropped, {"spec"}) == parsed(R"({"kind":"A"})"));
  CHECK(refusal("{\"junk\":" + nested(200) + "}") == "not JSON: nested deeper than 200 levels");
  std::string objects;
  for (int i = 0; i < 1000; ++i) objects += "{\"junk\":";
  refusal(objects);
}

TEST_CASE("parse_json: every cut of a good text is refused, every changed byte is survived") {
  const std::string whole(kVm);
  for (std::size_t length = 0; length < whole.size(); ++length)
    CHECK_FALSE(parse_json(whole.substr(0, length), Projection{{"spec"}}).has_value());
  std::mt19937 random(1);  // NOLINT(cert-msc51-cpp): the same bytes in every run
  for (int round = 0; round < 3000; ++round) {
    std::string changed = whole;
    changed[random() % changed.size()] = static_cast<char>(random() % 256);
    const bool good = parse_json(changed).has_value();
    CHECK(parse_json(changed, Projection{{"spec.template", "status"}}).has_value() == good);
    CHECK(parse_json(changed, Projection{{"spec.x"}}, Envelope::list).has_value() == good);
  }
}

TEST_CASE("parse_json and dump: round trip") {
  for (const std::string_view written :
       {R"({"a":[1,-2,3.5,true,null,"x\"\\\u0001"],"b":{}})", "[]", "\"\"", "-0.0", "18446744073709551615"}) {
    const Json value = parsed(written);
    CHECK(parsed(dump(value)) == value);
    CHECK(parsed(dump(value, 2)) == value);
  }
  CHECK(dump(parsed(kVm)) == dump(Json::parse(kVm)));
}

TEST_CASE("dump: bytes that are not UTF-8 become U+FFFD") {
  CHECK(dump(Json("a\xff")) == "\"a\xEF\xBF\xBD\"");
  CHECK_NOTHROW((void)dump(Json::object({{"\xed\xa0\x80", "\xc0"}})));
}

TEST_CASE("names of kinds and objects") {
  const ObjectRef vm{gvr::vm(), "demo", "web"};
  CHECK(describe(vm) == "VirtualMachine demo/web");
  CHECK(resource_name(vm) == "virtualmachine.kubevirt.io/web");
  CHECK(describe({gvr::storage_class(), "", "zfs"}) == "StorageClass zfs");
  CHECK(resource_name({gvr::pvc(), "demo", "d"}) == "persistentvolumeclaim/d");
  CHECK(gvr::vm_clone().api_version() == "clone.kubevirt.io/v1beta1");
  CHECK(gvr::pvc().api_version() == "v1");
  CHECK(gvr::vm().qualified() == "virtualmachines.kubevirt.io");
  CHECK(gvr::event().qualified() == "events");
  for (const Gvr& each : {gvr::vm(), gvr::vmi(), gvr::vm_clone(), gvr::vm_snapshot(), gvr::vm_restore(),
                          gvr::pvc(), gvr::data_volume(), gvr::event(), gvr::storage_class(),
                          gvr::storage_profile(), gvr::volume_snapshot(), gvr::volume_snapshot_class(),
                          gvr::kubevirt(), gvr::self_subject_access_review()}) {
    CHECK_FALSE(each.version.empty());
    CHECK(each.resource.ends_with("s"));
    CHECK_FALSE(each.kind.empty());
  }
}

TEST_CASE("skeleton: a namespace only where there is one") {
  CHECK(
      dump(skeleton({gvr::vm(), "demo", "web"})) ==
      R"({"apiVersion":"kubevirt.io/v1","kind":"VirtualMachine","metadata":{"name":"web","namespace":"demo"}})");
  CHECK(dump(skeleton({gvr::storage_class(), "", "z"})) ==
        R"({"apiVersion":"storage.k8s.io/v1","kind":"StorageClass","metadata":{"name":"z"}})");
}

TEST_CASE("same_uid: equal and not empty") {
  const Json a = parsed(R"({"metadata":{"uid":"1"}})");
  CHECK(same_uid(a, a));
  CHECK_FALSE(same_uid(a, parsed(R"({"metadata":{"uid":"2"}})")));
  CHECK_FALSE(same_uid(parsed(R"({"metadata":{"uid":""}})"), parsed(R"({"metadata":{"uid":""}})")));
}

}  // namespace
}  // namespace wukong
