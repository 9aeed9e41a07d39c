# The program parley. All of src/cli but main.cpp is a library, so that tests/cli can link it.
file(GLOB parley_cli_sources CONFIGURE_DEPENDS src/cli/*.cpp)
set(parley_cli_main ${PROJECT_SOURCE_DIR}/src/cli/main.cpp)
list(REMOVE_ITEM parley_cli_sources ${parley_cli_main})

if(EXISTS ${parley_cli_main})
  find_package(CLI11 REQUIRED)
  find_package(fmt REQUIRED)
  find_package(spdlog REQUIRED)
  find_package(nlohmann_json REQUIRED)
  find_package(PkgConfig REQUIRED)
  pkg_check_modules(libedit REQUIRED IMPORTED_TARGET libedit)

  add_library(parley_cli_parts STATIC ${parley_cli_sources})
  parley_compile(parley_cli_parts)
  target_include_directories(parley_cli_parts PUBLIC src)
  target_compile_definitions(parley_cli_parts PRIVATE PARLEY_VERSION="${PROJECT_VERSION}")
  target_link_libraries(parley_cli_parts PUBLIC
    parley CLI11::CLI11 fmt::fmt spdlog::spdlog nlohmann_json::nlohmann_json PkgConfig::libedit)

  add_executable(parley_cli ${parley_cli_main})
  parley_compile(parley_cli)
  target_link_libraries(parley_cli PRIVATE parley_cli_parts)
  set_target_properties(parley_cli PROPERTIES
    OUTPUT_NAME parley RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
endif()
