# Puts the parts of the console page together and writes them as a string: cmake -DPARTS=DIR -DOUT=FILE -P console.cmake
cmake_minimum_required(VERSION 3.25)
file(READ ${PARTS}/page.html page)
file(READ ${PARTS}/style.css style)
file(READ ${PARTS}/script.js script)
string(REPLACE "@style@" "${style}" page "${page}")
string(REPLACE "@script@" "${script}" page "${page}")
string(FIND "${page}" ")parley\"" end)
if(NOT end EQUAL -1)
  message(FATAL_ERROR "the console page holds )parley\", which ends the string that it becomes")
endif()
file(WRITE ${OUT} "#include \"cli/console.h\"

namespace parley::cli {

std::string_view console_page() noexcept {
  return R\"parley(${page})parley\";
}

}  // namespace parley::cli
")
