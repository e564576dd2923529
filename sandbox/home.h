// The folder of a running sandbox: who holds it, and the kubeconfigs in it. Only its owner can look inside.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/object.h"
#include "sandbox/certificates.h"

namespace wukong::sandbox {

class Home {
 public:
  /// `folder` "" means ${XDG_RUNTIME_DIR:-/tmp}/wukong-sandbox-UID.
  explicit Home(std::string folder);

  const std::string& folder() const { return folder_; }
  std::string kubeconfig() const { return folder_ + "/kubeconfig"; }
  std::string viewer_kubeconfig() const { return folder_ + "/viewer.kubeconfig"; }

  /// The process that holds the folder, if one does.
  std::optional<pid_t> holder() const;
  /// Makes the folder and holds it until this process ends. Errors: `failed`: somebody else's, or held already.
  Result<void> hold();
  /// Writes the kubeconfigs. The admin has a context with a certificate and one with a token; the viewer has a token.
  Result<void> write(const std::string& url, const Certificates& certificates, const std::string& admin_token,
                     const std::string& viewer_token) const;
  /// Removes all that the sandbox wrote.
  void clear() const;

 private:
  std::string folder_{};
};

}  // namespace wukong::sandbox
