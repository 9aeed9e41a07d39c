# What `cmake --install` lays down: headers, library, program, man page, and what find_package and pkg-config read.
include(CMakePackageConfigHelpers)
set(parley_package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/parley)

install(TARGETS parley EXPORT parley-targets)
install(DIRECTORY include/parley DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
if(TARGET parley_cli)
  if(BUILD_SHARED_LIBS)
    set_target_properties(parley_cli PROPERTIES INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
  endif()
  install(TARGETS parley_cli)
endif()
if(EXISTS ${PROJECT_SOURCE_DIR}/docs/parley.1)
  install(FILES docs/parley.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
endif()

install(EXPORT parley-targets NAMESPACE parley:: DESTINATION ${parley_package_folder})
configure_package_config_file(cmake/parley-config.cmake.in parley-config.cmake
  INSTALL_DESTINATION ${parley_package_folder})
write_basic_package_version_file(parley-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/parley-config.cmake ${PROJECT_BINARY_DIR}/parley-config-version.cmake
  DESTINATION ${parley_package_folder})

# The way up from parley.pc to the prefix, so that an installed copy can be moved.
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX BASE_DIRECTORY ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig
  OUTPUT_VARIABLE parley_up)
configure_file(cmake/parley.pc.in parley.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/parley.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
