# bench/X_bench.cpp measures parts of the library with Google Benchmark; any other bench/X.cpp is a program with a main
# of its own; bench/baseline/X.cpp is one that does not use Parley, to compare with. All land in bench/ of the build.
file(GLOB parley_bench CONFIGURE_DEPENDS bench/*.cpp)
file(GLOB parley_baselines CONFIGURE_DEPENDS bench/baseline/*.cpp)

function(parley_bench_program source name folder)
  add_executable(bench_${name} ${source})
  parley_compile(bench_${name})
  set_target_properties(bench_${name} PROPERTIES
    OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/${folder})
endfunction()

foreach(source IN LISTS parley_bench)
  cmake_path(GET source STEM name)
  parley_bench_program(${source} ${name} bench)
  target_include_directories(bench_${name} PRIVATE src)
  target_link_libraries(bench_${name} PRIVATE parley::parley ZLIB::ZLIB Threads::Threads)
  if(name MATCHES "_bench$")
    find_package(benchmark REQUIRED)
    target_link_libraries(bench_${name} PRIVATE benchmark::benchmark_main)
  endif()
endforeach()
# bench/rivals/X.cpp are echo servers of other libraries, built where those are there, by
# `cmake --build DIR --target rivals`.
add_custom_target(rivals)
function(parley_rival name header)
  find_path(PARLEY_RIVAL_${name} ${header})
  mark_as_advanced(PARLEY_RIVAL_${name})
  if(PARLEY_RIVAL_${name})
    add_executable(rival_${name} EXCLUDE_FROM_ALL bench/rivals/${name}_echo.cpp)
    set_target_properties(rival_${name} PROPERTIES CXX_STANDARD 17
      OUTPUT_NAME ${name}_echo RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bench/rivals)
    target_link_libraries(rival_${name} PRIVATE Threads::Threads ${ARGN})
    add_dependencies(rivals rival_${name})
  endif()
endfunction()
parley_rival(beast boost/beast/websocket.hpp ZLIB::ZLIB OpenSSL::SSL)
parley_rival(libwebsockets libwebsockets.h websockets)
parley_rival(websocketpp websocketpp/server.hpp ZLIB::ZLIB)

foreach(source IN LISTS parley_baselines)
  cmake_path(GET source STEM name)
  parley_bench_program(${source} baseline_${name} bench)
endforeach()
