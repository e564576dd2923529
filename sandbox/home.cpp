#include "sandbox/home.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

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

/// Everything that follows "users:" differs; the rest does not.
std::string kubeconfig(const std::string& url, const Certificates& certificates, std::string_view contexts,
                       std::string_view users) {
  return fmt::format(
      "apiVersion: v1\nkind: Config\ncurrent-context: sandbox\n"
      "clusters:\n- name: sandbox\n  cluster:\n    server: {}\n    certificate-authority-data: {}\n"
      "contexts:\n{}users:\n{}",
      url, base64(certificates.authority.certificate), contexts, users);
}

std::string context(std::string_view name, std::string_view user) {
  return fmt::format("- name: {}\n  context:\n    cluster: sandbox\n    user: {}\n    namespace: demo\n",
                     name, user);
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
               .hint = "wukong-sandbox status, or end it: wukong-sandbox down"};
}

Result<void> Home::write(const std::string& path, const std::string& text) const {
  ::unlink(path.c_str());
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return problem_with(path);
  const bool whole = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(file);
  return whole ? Result<void>{} : Result<void>{problem_with(path)};
}

void Home::clear() const {
  for (const char* name : {"/kubeconfig", "/viewer.kubeconfig", "/state.json", "/lock"})
    ::unlink((folder_ + name).c_str());
  ::rmdir(folder_.c_str());
}

Result<void> Home::write_state(const Json& state) const {
  return write(folder_ + "/state.json", dump(state));
}

Json Home::read_state() const {
  std::stringstream words;
  words << std::ifstream(folder_ + "/state.json").rdbuf();
  auto state = parse_json(words.str());
  return state ? *std::move(state) : Json::object();
}

std::string admin_kubeconfig(const std::string& url, const Certificates& certificates,
                             const std::string& token) {
  const std::string users = fmt::format(
      "- name: admin\n  user:\n    client-certificate-data: {}\n    client-key-data: {}\n"
      "- name: admin-by-token\n  user:\n    token: {}\n",
      base64(certificates.admin.certificate), base64(certificates.admin.key), token);
  return kubeconfig(url, certificates,
                    context("sandbox", "admin") + context("sandbox-token", "admin-by-token"), users);
}

std::string viewer_kubeconfig(const std::string& url, const Certificates& certificates,
                              const std::string& token) {
  return kubeconfig(url, certificates, context("sandbox", kViewer),
                    fmt::format("- name: {}\n  user:\n    token: {}\n", kViewer, token));
}

}  // namespace wukong::sandbox
