#include "kube/kubeconfig_edit.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/object.h"
#include "kube/kubeconfig.h"
#include "kube/subprocess.h"
#include "kube/yaml_json.h"
#include "kube/yaml_scalar.h"

namespace wukong::kube {
namespace {

/// The value under `key`; of a key that stands twice the last.
const YamlNode* value_of(const YamlTree& tree, const YamlNode* mapping, std::string_view key) {
  const YamlNode* found = nullptr;
  if (mapping == nullptr) return found;
  for (const auto& [name, value] : mapping->entries) {
    const auto word = yaml_key(tree.at(name));
    if (word && *word == key) found = &tree.at(value);
  }
  return found;
}

const YamlNode* settings_node(const YamlTree& tree, const std::string& user) {
  const YamlNode* users = tree.any() ? value_of(tree, &tree.at(tree.root), "users") : nullptr;
  if (users == nullptr) return nullptr;
  for (const std::size_t item : users->items) {
    const YamlNode* name = value_of(tree, &tree.at(item), "name");
    if (name == nullptr || name->text != user) continue;
    return value_of(tree, value_of(tree, value_of(tree, &tree.at(item), "user"), "auth-provider"), "config");
  }
  return nullptr;
}

Json* member(Json* object, const char* key) {
  if (object == nullptr || !object->is_object()) return nullptr;
  const auto found = object->find(key);
  return found == object->end() ? nullptr : &*found;
}

/// The same place in the file as data.
Json* settings_of(Json& file, const std::string& user) {
  Json* const users = member(&file, "users");
  if (users == nullptr || !users->is_array()) return nullptr;
  for (Json& item : *users)
    if (text(item, {"name"}) == user) return member(member(member(&item, "user"), "auth-provider"), "config");
  return nullptr;
}

struct Change {
  std::size_t begin{};
  std::size_t end{};
  std::string text{};
};

/// A new entry in front of the others. Nothing where the first one does not stand alone on its line.
std::optional<Change> added(const std::string& text, const YamlTree& tree, const YamlNode& settings,
                            const std::string& key, const std::string& value) {
  if (settings.entries.empty()) return std::nullopt;
  const std::size_t at = tree.at(settings.entries.front().first).begin;
  if (settings.flow) return Change{at, at, fmt::format("\"{}\": {}, ", key, value)};
  const std::size_t line = at == 0 ? 0 : text.rfind('\n', at - 1) + 1;
  const std::string indent = text.substr(line, at - line);
  if (indent.find_first_not_of(' ') != std::string::npos) return std::nullopt;
  return Change{at, at, fmt::format("{}: {}\n{}", key, value, indent)};
}

std::optional<std::string> edited(std::string text, const YamlTree& tree, const YamlNode& settings,
                                  const std::map<std::string, std::string>& wanted) {
  std::vector<Change> changes{};
  for (const auto& [key, value] : wanted) {
    const std::string quoted = dump(Json(value));
    if (const YamlNode* old = value_of(tree, &settings, key)) {
      const bool line_break = old->end > old->begin && old->end <= text.size() && text[old->end - 1] == '\n';
      changes.push_back({old->begin, old->end, quoted + (line_break ? "\n" : "")});
    } else if (auto change = added(text, tree, settings, key, value.empty() ? "\"\"" : quoted)) {
      changes.push_back(std::move(*change));
    } else {
      return std::nullopt;
    }
  }
  // From the end, so that places stay true.
  std::stable_sort(changes.begin(), changes.end(),
                   [](const Change& a, const Change& b) { return a.begin > b.begin; });
  for (const Change& change : changes) {
    if (change.begin > text.size() || change.end < change.begin || change.end > text.size())
      return std::nullopt;
    text.replace(change.begin, change.end - change.begin, change.text);
  }
  return text;
}

Error io_error(std::string_view what, const std::string& path, int error) {
  return {.message = fmt::format("cannot {} {}: {}", what, path, std::generic_category().message(error))};
}

/// The file itself, where `path` is a link.
std::string real_path(const std::string& path) {
  std::error_code problem{};
  const auto real = std::filesystem::canonical(path, problem);
  return problem ? path : real.string();
}

/// kubectl's lock: a file that only one can make.
class Lock {
 public:
  explicit Lock(std::string path) : path_(std::move(path)) {}
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  ~Lock() {
    if (held_) ::unlink(path_.c_str());
  }
  Result<void> take() {
    constexpr int kTries = 40;
    for (int i = 0; i < kTries; ++i) {
      const Fd made(::open(path_.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0));
      held_ = static_cast<bool>(made);
      if (held_) return {};
      if (errno != EEXIST) return io_error("make", path_, errno);
      std::this_thread::sleep_for(std::chrono::milliseconds{50});
    }
    return Error{.message = fmt::format("{} is there: somebody else is writing the kubeconfig", path_),
                 .hint = "remove it when no kubectl is running"};
  }

 private:
  std::string path_;
  bool held_{};
};

Result<void> write_all(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno != EINTR) return io_error("write", path, errno);
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(fd) != 0) return io_error("write", path, errno);
  return {};
}

/// A mounted file cannot be replaced, only written over.
Result<void> write_over(const std::string& path, const std::string& text) {
  const Fd file(::open(path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
  if (!file) return io_error("write", path, errno);
  return write_all(file.get(), text, path);
}

Result<void> replace(const std::string& path, const std::string& text) {
  struct stat about{};
  if (::stat(path.c_str(), &about) != 0) return io_error("read", path, errno);
  std::string successor = path + ".XXXXXX";
  const Fd file(::mkostemp(successor.data(), O_CLOEXEC));
  if (!file) return io_error("write beside", path, errno);
  auto done = write_all(file.get(), text, successor);
  if (done && (::fchmod(file.get(), about.st_mode & 07777U) != 0)) done = io_error("write", successor, errno);
  const bool owner = about.st_uid == ::geteuid() || ::fchown(file.get(), about.st_uid, about.st_gid) == 0;
  if (done && owner && ::rename(successor.c_str(), path.c_str()) == 0) return {};
  ::unlink(successor.c_str());
  return done ? write_over(path, text) : done;
}

}  // namespace

Result<std::string> with_settings(const std::string& text, const std::string& user,
                                  const std::map<std::string, std::string>& settings) {
  WUKONG_TRY(const YamlTree tree, parse_yaml(text));
  WUKONG_TRY(Json file, yaml_to_json(tree));
  Json* const place = settings_of(file, user);
  if (place == nullptr || !place->is_object())
    return Error{.code = Code::not_found,
                 .message = fmt::format("no user \"{}\" with an auth-provider", user)};
  for (const auto& [key, value] : settings) (*place)[key] = value;
  if (const YamlNode* node = settings_node(tree, user)) {
    const auto out = edited(text, tree, *node, settings);
    const auto again = out ? yaml_to_json(*out) : Result<Json>(Json());
    if (out && again && *again == file) return *out;
  }
  return dump(file, 2) + "\n";
}

Result<void> check_writable(const std::string& path) {
  const std::string real = real_path(path);
  const std::string folder = std::filesystem::path(real).parent_path().string();
  if (::access(real.c_str(), R_OK | W_OK) != 0) return io_error("write", real, errno);
  if (::access(folder.empty() ? "." : folder.c_str(), W_OK) != 0) return io_error("write in", folder, errno);
  return {};
}

Result<void> rewrite_file(const std::string& path,
                          const std::function<Result<std::string>(const std::string&)>& edit) {
  Lock lock(path + ".lock");
  WUKONG_CHECK(lock.take());
  const std::string real = real_path(path);
  WUKONG_TRY(const std::string old, read_file(real));
  WUKONG_TRY(const std::string text, edit(old));
  return text == old ? Result<void>{} : replace(real, text);
}

}  // namespace wukong::kube
