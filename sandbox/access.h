// Who may do what. There are two users: one may do everything, one may look at most things.
#pragma once

#include "sandbox/refusal.h"
#include "sandbox/request.h"

namespace wukong::sandbox {

inline constexpr const char* kAdmin = "sandbox-admin";  // in the group system:masters
inline constexpr const char* kViewer = "viewer";
inline constexpr const char* kAnonymous = "system:anonymous";

/// What somebody wants to do, in RBAC's words.
struct Act {
  std::string verb{};
  std::string group{};
  std::string resource{};  // with its subresource: "virtualmachines/start"
  std::string ns{};
  std::string name{};
};

bool may(const User& user, const Act& act);
Refusal forbidden_act(const User& user, const Act& act);
/// A SelfSubjectAccessReview with its status.
Json review_access(const User& user, Json review);

}  // namespace wukong::sandbox
