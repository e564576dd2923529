# wukong_fmt, wukong_yaml, wukong_utf8proc: the small libraries, shared or compiled in.
#
# Start-up is most of what a short command costs, and half of what we can decide of it is the dynamic linker's work on
# C++ libraries. libcurl and OpenSSL stay shared: they get security updates.
option(WUKONG_STATIC_LIBRARIES "Compile fmt, libyaml, utf8proc and the C++ runtime in" OFF)

add_library(wukong_fmt INTERFACE)
add_library(wukong_yaml INTERFACE)
add_library(wukong_utf8proc INTERFACE)
if(WUKONG_STATIC_LIBRARIES)
  find_library(YAML_STATIC libyaml.a REQUIRED)
  find_library(UTF8PROC_STATIC libutf8proc.a REQUIRED)
  target_link_libraries(wukong_fmt INTERFACE fmt::fmt-header-only)
  target_link_libraries(wukong_yaml INTERFACE ${YAML_STATIC})
  target_link_libraries(wukong_utf8proc INTERFACE ${UTF8PROC_STATIC})
  add_link_options(-static-libstdc++ -static-libgcc)
else()
  target_link_libraries(wukong_fmt INTERFACE fmt::fmt)
  target_link_libraries(wukong_yaml INTERFACE PkgConfig::yaml)
  target_link_libraries(wukong_utf8proc INTERFACE PkgConfig::utf8proc)
endif()
