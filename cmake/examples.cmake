# examples/X.cpp becomes the program examples/X of the build folder.
file(GLOB parley_examples CONFIGURE_DEPENDS examples/*.cpp)
foreach(source IN LISTS parley_examples)
  cmake_path(GET source STEM name)
  add_executable(example_${name} ${source})
  parley_compile(example_${name})
  target_link_libraries(example_${name} PRIVATE parley::parley)
  set_target_properties(example_${name} PROPERTIES
    OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/examples)
endforeach()
