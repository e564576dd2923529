// One HTTP request and its answer, without sockets; what a URL asks for.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/watch.h"

namespace wukong::sandbox {

struct User {
  std::string name{};
  std::vector<std::string> groups{};
};

struct Request {
  std::string method{};
  std::string target{};  // path and query, as in the request line
  std::string accept{};
  std::string content_type{};
  std::string body{};
  User user{};
};

struct Response {
  int status{200};
  std::string content_type{"application/json"};
  std::string body{};
  std::string warning{};           // for kubectl to show
  std::unique_ptr<Watch> watch{};  // when set, the body is what the watch has to tell, without end
};

/// A URL, taken apart.
struct Url {
  std::string path{};
  std::vector<std::string> parts{};  // of the path
  std::map<std::string, std::string> query{};

  bool flag(const std::string& name) const { return value(name) == "true" || value(name) == "1"; }
  std::string value(const std::string& name) const;
};

Url parse_url(std::string_view target);

/// What the path of a stored kind names: /api/v1/... or /apis/GROUP/VERSION/....
struct Place {
  const Kind* kind{};  // nullptr: the path names no kind that is served
  std::string ns{};
  std::string name{};
  std::string subresource{};
};

Place place_of(const Url& url);

}  // namespace wukong::sandbox
