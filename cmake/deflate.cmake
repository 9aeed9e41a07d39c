# The libraries that compress and inflate faster than zlib: parley_deflate_libraries, and parley_deflate_links for
# pkg-config.
set(parley_deflate_libraries "")
set(parley_deflate_links "")

macro(parley_deflate_library library header definition source)
  if(PARLEY_FAST_DEFLATE)
    find_library(PARLEY_${library} ${library})
    find_path(PARLEY_${library}_INCLUDE ${header})
    mark_as_advanced(PARLEY_${library} PARLEY_${library}_INCLUDE)
    if(PARLEY_${library} AND PARLEY_${library}_INCLUDE)
      list(APPEND parley_deflate_libraries ${library})
      string(APPEND parley_deflate_links " -l${library}")
      set_property(SOURCE src/codec/deflate_engines.cpp ${source} APPEND PROPERTY COMPILE_DEFINITIONS ${definition})
    else()
      message(STATUS "parley: without ${library}: permessage-deflate will be slower")
    endif()
  endif()
endmacro()

parley_deflate_library(isal isa-l/igzip_lib.h PARLEY_ISAL src/codec/deflate_isal.cpp)
parley_deflate_library(deflate libdeflate.h PARLEY_LIBDEFLATE src/codec/deflate_libdeflate.cpp)
