#include "sandbox/home.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "sandbox/access.h"

namespace wukong::sandbox {
namespace {

struct flock whole_file() {
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

Error problem_with(const std::string& path) {
  return Error{.message =
                   fmt::format("{}: {}", path, std::strerror(errno))};  // NOLINT(concurrency-mt-unsafe)
}

Result<void> write_file(const std::string& path, const std::string& text) {
  ::unlink(path.c_str());
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return problem_with(path);
  const bool whole = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(file);
  return whole ? Result<void>{} : Result<void>{problem_with(path)};
}

/// A kubeconfig in JSON, which is YAML, too. `users`: context -> how its user proves who it is.
std::string kubeconfig(const std::string& url, const std::string& authority, const Json& users) {
  Json config = {{"apiVersion", "v1"}, {"kind", "Config"}, {"current-context", "sandbox"}};
  const Json cluster = {{"server", url}, {"certificate-authority-data", base64(authority)}};
  config["clusters"] = Json::array({{{"name", "sandbox"}, {"cluster", cluster}}});
  for (const auto& [name, user] : users.items()) {
    const Json context = {{"cluster", "sandbox"}, {"user", name}, {"namespace", "demo"}};
    config["contexts"].push_back({{"name", name}, {"context", context}});
    config["users"].push_back({{"name", name}, {"user", user}});
  }
  return dump(config, 2) + "\n";
}

}  // namespace

Home::Home(std::string folder) : folder_(std::move(folder)) {
  if (!folder_.empty()) return;
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");  // NOLINT(concurrency-mt-unsafe): before any thread
  folder_ = fmt::format("{}/wukong-sandbox-{}", runtime == nullptr || *runtime == '\0' ? "/tmp" : runtime,
                        ::getuid());
}

std::optional<pid_t> Home::holder() const {
  const int file = ::open((folder_ + "/lock").c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0) return std::nullopt;
  struct flock lock = whole_file();
  const bool asked = ::fcntl(file, F_GETLK, &lock) == 0;
  ::close(file);
  return asked && lock.l_type != F_UNLCK ? std::optional(lock.l_pid) : std::nullopt;
}

Result<void> Home::hold() {
  if (::mkdir(folder_.c_str(), 0700) != 0 && errno != EEXIST) return problem_with(folder_);
  struct stat found{};
  if (::lstat(folder_.c_str(), &found) != 0) return problem_with(folder_);
  if (!S_ISDIR(found.st_mode) || found.st_uid != ::getuid() || (found.st_mode & 022U) != 0)
    return Error{.message = fmt::format("{} is not a folder of yours that only you can write to", folder_)};
  const std::string path = folder_ + "/lock";
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) return problem_with(path);
  // Never closed: the lock ends with the process, however that ends.
  struct flock lock = whole_file();
  if (::fcntl(file, F_SETLK, &lock) == 0) return {};
  ::close(file);
  return Error{.message = fmt::format("a sandbox runs in {} already", folder_),
               .hint = fmt::format("use it: export KUBECONFIG={}; or end it: wukong-sandbox down --dir {}",
                                   kubeconfig(), folder_)};
}

Result<void> Home::write(const std::string& url, const Certificates& certificates,
                         const std::string& admin_token, const std::string& viewer_token) const {
  const std::string& authority = certificates.authority.certificate;
  const Json admin = {{"client-certificate-data", base64(certificates.admin.certificate)},
                      {"client-key-data", base64(certificates.admin.key)}};
  const Json users = {{"sandbox", admin}, {"sandbox-token", {{"token", admin_token}}}};
  const Json viewer = {{"sandbox", {{"token", viewer_token}}}};
  WUKONG_CHECK(write_file(kubeconfig(), sandbox::kubeconfig(url, authority, users)));
  return write_file(viewer_kubeconfig(), sandbox::kubeconfig(url, authority, viewer));
}

void Home::clear() const {
  for (const char* name : {"/kubeconfig", "/viewer.kubeconfig", "/lock"}) ::unlink((folder_ + name).c_str());
  ::rmdir(folder_.c_str());
}

}  // namespace wukong::sandbox
