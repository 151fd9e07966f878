# Turns the files of src/http/page/ into C: one page with its style and its script in it, the policy that allows
# just these two, and the schema. Run as
#   cmake -DSOURCE=<folder> -DOUT=<file> -P embed_page.cmake

set(scripts format.js plot.js token.js dead.js cards.js page.js)

# A SHA-256 as base64, three hex digits to two of its characters: "0" fills the last three up.
function(digest text out)
  set(alphabet ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/)
  string(SHA256 hex "${text}")
  string(APPEND hex "00")
  set(result "")
  foreach(at RANGE 0 63 3)
    string(SUBSTRING ${hex} ${at} 3 digits)
    math(EXPR high "0x${digits} >> 6")
    math(EXPR low "0x${digits} & 63")
    string(SUBSTRING ${alphabet} ${high} 1 first)
    string(SUBSTRING ${alphabet} ${low} 1 second)
    string(APPEND result ${first}${second})
  endforeach()
  string(SUBSTRING ${result} 0 43 result)
  set(${out} "${result}=" PARENT_SCOPE)
endfunction()

function(bytes text out)
  string(HEX "${text}" hex)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," list "${hex}")
  set(${out} "{${list}0}" PARENT_SCOPE)
endfunction()

file(READ "${SOURCE}/index.html" page)
file(READ "${SOURCE}/page.css" style)
set(script "\"use strict\";\n")
foreach(file ${scripts})
  file(READ "${SOURCE}/${file}" text)
  string(APPEND script "\n${text}")
endforeach()
digest("${style}" style_digest)
digest("${script}" script_digest)
string(REPLACE "@STYLE@" "${style}" page "${page}")
string(REPLACE "@SCRIPT@" "${script}" page "${page}")
file(READ "${SOURCE}/schema.json" schema)
bytes("${page}" page)
bytes("${schema}" schema)
file(WRITE "${OUT}" "/* Generated from src/http/page/ by cmake/embed_page.cmake. */
#include \"http/assets.h\"

static const unsigned char page[] = ${page};
static const unsigned char schema[] = ${schema};

const char page_policy[] = \"default-src 'none'; script-src 'sha256-${script_digest}'; \"
	\"style-src 'sha256-${style_digest}'; connect-src 'self'; img-src data:; base-uri 'none'; \"
	\"form-action 'none'; frame-ancestors 'none'\";

const struct asset assets[] = {
	{ \"/\", \"text/html; charset=utf-8\", page, sizeof(page) - 1 },
	{ \"/api/v1/schema\", \"application/schema+json\", schema, sizeof(schema) - 1 },
	{ 0 },
};
")
