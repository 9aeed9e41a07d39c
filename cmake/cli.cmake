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

  set(parley_console ${PROJECT_SOURCE_DIR}/src/cli/console)
  set(parley_console_source ${PROJECT_BINARY_DIR}/console_page.cpp)
  add_custom_command(OUTPUT ${parley_console_source}
    COMMAND ${CMAKE_COMMAND} -DPARTS=${parley_console} -DOUT=${parley_console_source}
      -P ${PROJECT_SOURCE_DIR}/cmake/console.cmake
    DEPENDS ${PROJECT_SOURCE_DIR}/cmake/console.cmake
      ${parley_console}/page.html ${parley_console}/style.css ${parley_console}/script.js
    COMMENT "Putting the console page together" VERBATIM)

  add_library(parley_cli_parts STATIC ${parley_cli_sources} ${parley_console_source})
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
