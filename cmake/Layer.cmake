# wukong_layer(NAME SOURCES … LINK …): the static library wukong_NAME from sources of the calling folder.
function(wukong_layer name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
  set(target wukong_${name})
  add_library(${target} STATIC ${arg_SOURCES})
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(${target} PUBLIC ${arg_LINK} PRIVATE wukong_warnings)
  target_precompile_headers(${target} REUSE_FROM wukong_pch)
endfunction()

# The headers of JSON, fmt and std, compiled once. A target of its own: one with more definitions could not be shared.
function(wukong_precompile)
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/generated/pch.cpp CONTENT "")
  add_library(wukong_pch OBJECT ${PROJECT_BINARY_DIR}/generated/pch.cpp)
  target_link_libraries(wukong_pch PRIVATE nlohmann_json::nlohmann_json tl::expected wukong_fmt wukong_warnings)
  target_precompile_headers(wukong_pch PRIVATE
    <nlohmann/json.hpp> <fmt/format.h> <fmt/ranges.h> <tl/expected.hpp>
    <algorithm> <chrono> <functional> <map> <memory> <optional> <string> <string_view> <variant> <vector>)
endfunction()
