# Tests are found by folder. tests/base/*_test.cpp are one program test_base, each of its tests one CTest test with the
# label "base"; *threads_test.cpp are test_base_threads with the label "base_threads". tests/e2e/X_test.py and
# tools/X_test.py are one CTest test each, "e2e.X" and "tools.X", with the labels "e2e" (or "e2e_threads") and "tools";
# so are tests/interop/X_test.py, tests/install/X_test.py and tests/bench/X_test.py.
# A test's limit of time is for what hangs: five times what it takes with sanitizers on a machine that is busy.
# So `ctest -L threads`, a regular expression, is every multi-threaded test: what runs under TSan.
include(GoogleTest)
set(parley_script_folders e2e interop install bench)

function(parley_test_program name label)
  find_package(GTest REQUIRED)
  find_package(rapidcheck REQUIRED)
  add_executable(${name} ${ARGN})
  parley_compile(${name})
  target_include_directories(${name} PRIVATE src tests)
  target_link_libraries(${name} PRIVATE
    parley::parley GTest::gmock GTest::gtest_main rapidcheck rapidcheck_gtest OpenSSL::SSL OpenSSL::Crypto ZLIB::ZLIB
    Threads::Threads)
  if(label MATCHES "cli" AND TARGET parley_cli_parts)
    target_link_libraries(${name} PRIVATE parley_cli_parts)
  endif()
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
    TEST_PREFIX ${name}. PROPERTIES TIMEOUT 300 LABELS "${label}")
endfunction()

# Only here, so that what is compiled elsewhere is the same in every clone.
set_source_files_properties(tests/codec/wire_pages_test.cpp PROPERTIES
  COMPILE_DEFINITIONS "PARLEY_SOURCE_DIR=\"${PROJECT_SOURCE_DIR}\"")

file(GLOB folders CONFIGURE_DEPENDS LIST_DIRECTORIES true tests/*)
set(parley_threads_programs "")
foreach(folder IN LISTS folders)
  cmake_path(GET folder FILENAME name)
  if(NOT IS_DIRECTORY ${folder} OR name IN_LIST parley_script_folders)
    continue()
  endif()
  file(GLOB_RECURSE threads CONFIGURE_DEPENDS ${folder}/*threads_test.cpp)
  file(GLOB_RECURSE plain CONFIGURE_DEPENDS ${folder}/*_test.cpp)
  file(GLOB_RECURSE helpers CONFIGURE_DEPENDS ${folder}/*.cpp)
  list(REMOVE_ITEM helpers ${plain})
  list(REMOVE_ITEM plain ${threads})
  if(plain)
    parley_test_program(test_${name} ${name} ${plain} ${helpers})
  endif()
  if(threads)
    parley_test_program(test_${name}_threads ${name}_threads ${threads} ${helpers})
    list(APPEND parley_threads_programs test_${name}_threads)
  endif()
endforeach()

# Everything that the multi-threaded tests need: `cmake --build DIR --target threads_tests`.
add_custom_target(threads_tests)
if(parley_threads_programs)
  add_dependencies(threads_tests ${parley_threads_programs})
endif()
if(TARGET parley_cli)
  add_dependencies(threads_tests parley_cli)
endif()

find_package(Python3 REQUIRED COMPONENTS Interpreter)
function(parley_test_script source label seconds)
  cmake_path(GET source PARENT_PATH folder)
  cmake_path(GET source STEM module)
  string(REGEX REPLACE "_test$" "" name ${module})
  set(group ${label})
  if(module MATCHES "threads_test$")
    set(group ${label}_threads)
  endif()
  add_test(NAME ${label}.${name} COMMAND ${Python3_EXECUTABLE} -B -m unittest -v ${module} WORKING_DIRECTORY ${folder})
  set(environment PARLEY=${PROJECT_BINARY_DIR}/parley PARLEY_BUILD=${PROJECT_BINARY_DIR}
    PARLEY_SOURCE=${PROJECT_SOURCE_DIR} CXX=${CMAKE_CXX_COMPILER})
  set_tests_properties(${label}.${name} PROPERTIES TIMEOUT ${seconds} LABELS "${group}" ENVIRONMENT "${environment}")
  if(module MATCHES "^default_ports")
    set_tests_properties(${label}.${name} PROPERTIES RESOURCE_LOCK default_ports)
  elseif(module MATCHES "^load_")
    set_tests_properties(${label}.${name} PROPERTIES PROCESSORS 2)  # it keeps both cores of a small machine busy
  endif()
endfunction()

if(TARGET parley_cli)
  file(GLOB scripts CONFIGURE_DEPENDS tests/e2e/*_test.py)
  foreach(script IN LISTS scripts)
    parley_test_script(${script} e2e 300)
  endforeach()
  include(cmake/interop.cmake)
  file(GLOB scripts CONFIGURE_DEPENDS tests/interop/*_test.py)
  foreach(script IN LISTS scripts)
    parley_test_script(${script} interop 600)
  endforeach()
endif()
if(PARLEY_BENCH)
  file(GLOB scripts CONFIGURE_DEPENDS tests/bench/*_test.py)
  foreach(script IN LISTS scripts)
    parley_test_script(${script} bench 300)
  endforeach()
endif()
if(NOT PARLEY_SANITIZE)  # these don't depend on how the library is compiled
  file(GLOB scripts CONFIGURE_DEPENDS tests/install/*_test.py)
  foreach(script IN LISTS scripts)
    parley_test_script(${script} install 600)
  endforeach()
  file(GLOB scripts CONFIGURE_DEPENDS tools/*_test.py)
  foreach(script IN LISTS scripts)
    parley_test_script(${script} tools 300)
  endforeach()
endif()
