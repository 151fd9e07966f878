# The Debian package, by CPack. scripts/package configures with DEBIAN_PACKAGE=ON and CMAKE_INSTALL_PREFIX=/usr.
set(PACKAGE_RELEASE 1 CACHE STRING "Debian's revision of the package")
set(PACKAGE_MAINTAINER "The authors of Dray <dray@localhost>" CACHE STRING
  "who answers for the package")

set(from ${CMAKE_CURRENT_LIST_DIR})
set(made ${CMAKE_BINARY_DIR}/package)
set(documents ${CMAKE_INSTALL_DATADIR}/doc/dray)

string(TIMESTAMP PACKAGE_DATE "%a, %d %b %Y %H:%M:%S +0000" UTC)
configure_file(${from}/changelog.in ${made}/changelog.Debian @ONLY)
configure_file(CHANGELOG.md ${made}/changelog COPYONLY)

# Every setting with its default, as the program itself says.
add_custom_command(OUTPUT ${made}/dray.yaml COMMAND dray init - >${made}/dray.yaml DEPENDS dray)
add_custom_target(full_config ALL DEPENDS ${made}/dray.yaml)

install(FILES ${from}/dray.yaml ${from}/environment DESTINATION /etc/dray
  PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ)
install(DIRECTORY DESTINATION /var/lib/dray)
install(FILES ${from}/copyright ${made}/changelog.Debian ${made}/changelog README.md DESTINATION ${documents})
file(GLOB pages docs/*.md)
install(FILES ${pages} DESTINATION ${documents}/docs)
file(GLOB examples docs/*.conf docs/*.sql docs/*.yml docs/*.json)
install(FILES ${examples} ${made}/dray.yaml DESTINATION ${documents}/examples)

set(CPACK_GENERATOR DEB)
set(CPACK_SET_DESTDIR ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
  WORLD_READ WORLD_EXECUTE)
set(CPACK_PRE_BUILD_SCRIPTS ${from}/compress.cmake)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE ${PACKAGE_RELEASE})
set(CPACK_DEBIAN_PACKAGE_MAINTAINER ${PACKAGE_MAINTAINER})
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS adduser)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS ca-certificates)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "nats-server, postgresql, sqlite3")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "durable bridge between SQL tables and NATS JetStream")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "Dray carries events between tables of SQLite and PostgreSQL and streams of NATS
JetStream, both ways, and loses none: an application inserts an event into an
outbox table in its own transaction, Dray publishes it, waits for the stream's
acknowledgement, and only then marks it delivered. In the other direction it
writes a stream's events into tables, each effectively once.")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${from}/postinst ${from}/prerm ${from}/postrm ${from}/conffiles)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION TRUE)
include(CPack)
