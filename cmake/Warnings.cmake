# Warnings for our own code only.
add_library(wukong_warnings INTERFACE)
target_compile_options(wukong_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
  -Wnon-virtual-dtor -Woverloaded-virtual -Wnull-dereference -Wdouble-promotion -Wformat=2 -Wimplicit-fallthrough)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  target_compile_options(wukong_warnings INTERFACE -Wduplicated-cond -Wduplicated-branches -Wlogical-op)
endif()
option(WUKONG_WERROR "Treat warnings as errors" OFF)
if(WUKONG_WERROR)
  target_compile_options(wukong_warnings INTERFACE -Werror)
endif()
