# Between installing into CPack's folder and packing it: what Debian wants compressed.
file(GLOB_RECURSE files ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr/share/man/*.1
  ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr/share/doc/dray/changelog*)
foreach(file ${files})
  execute_process(COMMAND gzip -9n ${file} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
