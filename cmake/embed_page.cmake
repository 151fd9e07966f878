# Turns the files of src/http/page/ into C, as they are. Run as
#   cmake -DSOURCE=<folder> -DOUT=<file> -P embed_page.cmake

set(source "/* Generated from src/http/page/ by cmake/embed_page.cmake. */\n#include \"http/assets.h\"\n\n")
set(table "")

function(embed file path type)
  string(MAKE_C_IDENTIFIER "${file}" name)
  file(READ "${SOURCE}/${file}" hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," list "${hex}")
  string(APPEND source "static const unsigned char ${name}[] = {${list}0};\n")
  string(APPEND table "\t{ \"${path}\", \"${type}\", ${name}, sizeof(${name}) - 1 },\n")
  set(source "${source}" PARENT_SCOPE)
  set(table "${table}" PARENT_SCOPE)
endfunction()

embed(index.html / "text/html; charset=utf-8")
embed(page.css /page.css "text/css; charset=utf-8")
embed(page.js /page.js "text/javascript; charset=utf-8")
embed(schema.json /api/v1/schema application/schema+json)
file(WRITE "${OUT}" "${source}\nconst struct asset assets[] = {\n${table}\t{ 0 },\n};\n")
