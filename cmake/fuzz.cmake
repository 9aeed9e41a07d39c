# Fuzzers: fuzz/X_fuzz.cpp becomes fuzz/X of the build folder, a libFuzzer program. `./dev fuzz X` builds it and runs it
# from the inputs in fuzz/corpus/X. The library is compiled so that libFuzzer sees which branches an input takes.
if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang" OR NOT PARLEY_SANITIZE STREQUAL "address")
  message(FATAL_ERROR "PARLEY_FUZZ needs clang++ and PARLEY_SANITIZE=address: cmake --preset fuzz")
endif()

target_compile_options(parley PRIVATE -fsanitize=fuzzer-no-link)

file(GLOB parley_fuzzers CONFIGURE_DEPENDS fuzz/*_fuzz.cpp)
foreach(source IN LISTS parley_fuzzers)
  cmake_path(GET source STEM name)
  string(REGEX REPLACE "_fuzz$" "" name ${name})
  add_executable(fuzz_${name} ${source})
  parley_compile(fuzz_${name})
  target_compile_options(fuzz_${name} PRIVATE -fsanitize=fuzzer-no-link)
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  target_include_directories(fuzz_${name} PRIVATE src tests)  # the slow references of the tests
  target_link_libraries(fuzz_${name} PRIVATE parley::parley Threads::Threads)
  set_target_properties(fuzz_${name} PROPERTIES
    OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzz)
endforeach()
