// The main of every unit test binary. WUKONG_TEST_ACCEPT=1 rewrites goldens; the run then counts as skipped (77).
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include "support/golden.h"

std::filesystem::path wukong::testing::tests_dir() { return WUKONG_TESTS_DIR; }

int main(int argc, char** argv) {
  doctest::Context context(argc, argv);
  const int result = context.run();
  if (result == 0 && wukong::testing::goldens_rewritten() > 0) return 77;
  return result;
}
