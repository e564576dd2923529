// Errors as values: Result<T>, Error, Code, WUKONG_TRY.
#pragma once

#include <csignal>
#include <string>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

namespace wukong {

/// Why something ended without success. Each maps to one process exit code.
enum class Code {
  failed,           // 1: the operation failed
  usage,            // 2: the words typed cannot be right
  precondition,     // 3: refused before any write
  not_found,        // 1: the API answered 404
  already_exists,   // 1: the API answered 409 AlreadyExists
  conflict,         // 1: the API answered 409 Conflict (resourceVersion or uid differs)
  invalid,          // 1: the API answered 400, 413 or 422
  expired,          // 1: the API answered 410 (resourceVersion or continue token too old)
  unreachable,      // 4: no answer from the cluster
  overloaded,       // 4: the API answered 429 to the last try, and nothing was carried out
  unauthenticated,  // 4
  forbidden,        // 4
  timed_out,        // 5: objects left in place
  partly,           // 6: some of many failed
  integrity,        // 7: length or checksum differs
  hung_up,          // 129: SIGHUP, the terminal has gone
  interrupted,      // 130: SIGINT
  terminated,       // 143: SIGTERM
};

/// Process exit code for `code`.
constexpr int exit_code(Code code) {
  switch (code) {
    case Code::usage:
      return 2;
    case Code::precondition:
      return 3;
    case Code::unreachable:
    case Code::overloaded:
    case Code::unauthenticated:
    case Code::forbidden:
      return 4;
    case Code::timed_out:
      return 5;
    case Code::partly:
      return 6;
    case Code::integrity:
      return 7;
    case Code::hung_up:
      return 129;
    case Code::interrupted:
      return 130;
    case Code::terminated:
      return 143;
    default:
      return 1;
  }
}

/// Why something ended that `signal` has ended.
constexpr Code ended_by(int signal) {
  if (signal == SIGHUP) return Code::hung_up;
  return signal == SIGTERM ? Code::terminated : Code::interrupted;
}

constexpr bool is_by_signal(Code code) {
  return code == Code::hung_up || code == Code::interrupted || code == Code::terminated;
}

/// What went wrong, in words for a person: the message names the object and starts in lower case unless
/// a proper name does; the hint is the next thing to type or ask for, and may have several lines.
struct Error {
  Code code{Code::failed};
  std::string message{};
  std::string hint{};
  std::vector<std::string> context{};  // "while ...", innermost first
  std::vector<std::string> causes{};   // what the API said, one per line
};

/// What was typed cannot be right.
inline Error usage(std::string message, std::string hint = {}) {
  return {.code = Code::usage, .message = std::move(message), .hint = std::move(hint)};
}

/// A value or an Error. Derived from tl::expected once, so that dropping one is a warning and an Error converts.
template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
  Result(Error error)
      : tl::expected<T, Error>(tl::unexpect, std::move(error)) {}  // NOLINT(google-explicit-constructor)
};

/// `result` with one more context line, when it is an error.
template <class T>
Result<T> with_context(Result<T> result, std::string context) {
  if (!result) result.error().context.push_back(std::move(context));
  return result;
}

}  // namespace wukong

#define WUKONG_CONCAT_(a, b) a##b
#define WUKONG_CONCAT(a, b) WUKONG_CONCAT_(a, b)
#define WUKONG_TRY_ASSIGN_(tmp, decl, ...) \
  auto tmp = (__VA_ARGS__);                \
  if (!tmp) return std::move(tmp.error()); \
  decl = std::move(*tmp)  // NOLINT(bugprone-macro-parentheses): decl is a declaration
#define WUKONG_TRY_CHECK_(tmp, ...) \
  if (auto tmp = (__VA_ARGS__); !tmp) return std::move(tmp.error())

/// `WUKONG_TRY(auto value, expression);` returns the error of `expression`, or names its value.
#define WUKONG_TRY(decl, ...) WUKONG_TRY_ASSIGN_(WUKONG_CONCAT(wukong_try_, __LINE__), decl, __VA_ARGS__)
/// `WUKONG_CHECK(expression);` returns the error of a Result<void>.
#define WUKONG_CHECK(...) WUKONG_TRY_CHECK_(WUKONG_CONCAT(wukong_try_, __LINE__), __VA_ARGS__)
