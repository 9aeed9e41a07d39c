# tests/interop/X.cpp becomes the program interop/X of the build folder: the library's side of the conversations, and
# peers of libraries in C and C++, each if its library is there.
function(parley_interop_program name)
  add_executable(interop_${name} tests/interop/${name}.cpp)
  set_target_properties(interop_${name} PROPERTIES
    OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/interop
    CXX_STANDARD 23 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF)
endfunction()

foreach(name echo_server script_client)
  parley_interop_program(${name})
  parley_compile(interop_${name})
  target_link_libraries(interop_${name} PRIVATE parley::parley)
endforeach()

# The peers are not sanitized: they are not what is tested.
find_path(PARLEY_BEAST boost/beast/websocket.hpp)
if(PARLEY_BEAST)
  parley_interop_program(beast_peer)
  target_link_libraries(interop_beast_peer PRIVATE Threads::Threads)
else()
  message(STATUS "Not found: libboost1.81-dev. tests/interop/beast_test.py is skipped")
endif()

find_path(PARLEY_LIBWEBSOCKETS_INCLUDE libwebsockets.h)
find_library(PARLEY_LIBWEBSOCKETS websockets)
if(PARLEY_LIBWEBSOCKETS_INCLUDE AND PARLEY_LIBWEBSOCKETS)
  parley_interop_program(libwebsockets_peer)
  target_link_libraries(interop_libwebsockets_peer PRIVATE ${PARLEY_LIBWEBSOCKETS})
else()
  message(STATUS "Not found: libwebsockets-dev. tests/interop/libwebsockets_test.py is skipped")
endif()
