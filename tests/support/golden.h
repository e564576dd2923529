// Compares text with a reviewed file under tests/. WUKONG_TEST_ACCEPT=1 rewrites the file instead.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace wukong::testing {

/// The folder tests/ of the sources; main.cpp of a test binary has it (one file with a path in its command line: the
/// others are found in ccache from any checkout).
std::filesystem::path tests_dir();

inline int& goldens_rewritten() {  // test binaries only: counts for the exit code
  static int count = 0;
  return count;
}

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

/// The content of tests/<name>, to be compared with `actual` (CHECK(golden("golden/x.txt", actual) == actual)).
inline std::string golden(const std::string& name, const std::string& actual) {
  const std::filesystem::path path = tests_dir() / name;
  const char* accept = std::getenv("WUKONG_TEST_ACCEPT");
  if (accept != nullptr && *accept == '1' && read_file(path) != actual) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << actual;
    ++goldens_rewritten();
    return actual;
  }
  return read_file(path);
}

}  // namespace wukong::testing
