#include "base/result.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <type_traits>

namespace wukong {
namespace {

static_assert(std::is_convertible_v<Error, Result<int>>);
static_assert(std::is_convertible_v<Error, Result<void>>);
static_assert(std::is_convertible_v<int, Result<int>>);
static_assert(std::is_default_constructible_v<Result<void>>);
static_assert(std::is_nothrow_move_constructible_v<Result<std::unique_ptr<int>>>);
static_assert(!std::is_copy_constructible_v<Result<std::unique_ptr<int>>>);

Result<std::unique_ptr<int>> boxed(int value) {
  if (value < 0) return Error{.code = Code::usage, .message = "negative"};
  return std::make_unique<int>(value);
}

Result<void> check(int value) {
  if (value > 9) return Error{.code = Code::precondition, .message = "too large"};
  return {};
}

Result<std::string> describe_value(int value) {
  WUKONG_CHECK(check(value));
  WUKONG_TRY(const auto box, boxed(value));
  return std::to_string(*box);
}

// A Result that is dropped is an error here; one that is looked at is none.
#pragma GCC diagnostic push
#pragma GCC diagnostic error "-Wunused-result"
bool looks_at_it() { return check(1).has_value(); }
#pragma GCC diagnostic pop

TEST_CASE("a Result carries a value or the Error, through WUKONG_TRY and WUKONG_CHECK") {
  CHECK(looks_at_it());
  CHECK(describe_value(7).value() == "7");
  CHECK(describe_value(-1).error().code == Code::usage);
  CHECK(describe_value(10).error().message == "too large");
}

TEST_CASE("with_context adds to errors only") {
  CHECK(with_context(describe_value(7), "while testing").value() == "7");
  const auto failed = with_context(with_context(describe_value(-1), "inner"), "outer");
  CHECK(failed.error().context == std::vector<std::string>{"inner", "outer"});
}

TEST_CASE("every code has its exit code") {
  CHECK(exit_code(Code::failed) == 1);
  CHECK(exit_code(Code::usage) == 2);
  CHECK(exit_code(Code::precondition) == 3);
  for (const Code code : {Code::unreachable, Code::overloaded, Code::unauthenticated, Code::forbidden})
    CHECK(exit_code(code) == 4);
  CHECK(exit_code(Code::timed_out) == 5);
  CHECK(exit_code(Code::partly) == 6);
  CHECK(exit_code(Code::integrity) == 7);
  CHECK(exit_code(Code::interrupted) == 130);
  CHECK(exit_code(Code::terminated) == 143);
}

}  // namespace
}  // namespace wukong
