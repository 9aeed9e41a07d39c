# tests/interop/X.cpp becomes the program interop/X of the build folder: the library's side of the conversations.
file(GLOB sources CONFIGURE_DEPENDS tests/interop/*.cpp)
foreach(source IN LISTS sources)
  cmake_path(GET source STEM name)
  add_executable(interop_${name} ${source})
  parley_compile(interop_${name})
  set_target_properties(interop_${name} PROPERTIES
    OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/interop)
  target_link_libraries(interop_${name} PRIVATE parley::parley)
endforeach()
