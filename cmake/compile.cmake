# How every target of this project is compiled: parley_compile(TARGET).
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

find_program(PARLEY_CCACHE ccache)
if(PARLEY_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${PARLEY_CCACHE})
endif()

set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(PARLEY_SANITIZE STREQUAL "address")
  # Not vptr: to look at an object it opens a pipe, so a test that uses up the descriptors looks wrong to it.
  set(parley_sanitize -fsanitize=address,undefined -fno-sanitize=vptr -fno-sanitize-recover=all)
elseif(PARLEY_SANITIZE STREQUAL "thread")
  set(parley_sanitize -fsanitize=thread)
elseif(PARLEY_SANITIZE)
  message(FATAL_ERROR "PARLEY_SANITIZE is '${PARLEY_SANITIZE}': say address, thread or nothing")
endif()

function(parley_compile target)
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion $<$<BOOL:${PARLEY_WERROR}>:-Werror>
    $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>)  # false: GCC bug 105651
  set_target_properties(${target} PROPERTIES CXX_STANDARD 23 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF)
  if(PARLEY_SANITIZE)
    target_compile_options(${target} PRIVATE ${parley_sanitize} -fno-omit-frame-pointer)
    target_link_options(${target} PRIVATE ${parley_sanitize})
  endif()
endfunction()
