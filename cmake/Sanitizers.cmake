# WUKONG_SANITIZE: a list for -fsanitize= ("address,undefined", "thread"), for everything built here.
set(WUKONG_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize=")
if(WUKONG_SANITIZE)
  add_compile_options(-fsanitize=${WUKONG_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${WUKONG_SANITIZE})
endif()
