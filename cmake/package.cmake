# Debian packages by cpack: fovea, libfovea<interface>, libfovea-dev. What they depend on is read from their files by
# dpkg-shlibdeps; what is opened at run time is recommended.
set(CPACK_GENERATOR DEB)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL program library development)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON) # the Makefile builds what is installed, not the tests
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
    WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
if("$ENV{DEBEMAIL}" STREQUAL "")
  set(CPACK_DEBIAN_PACKAGE_MAINTAINER "Whoever built it <root@localhost>") # DEBFULLNAME and DEBEMAIL name another
else()
  set(CPACK_DEBIAN_PACKAGE_MAINTAINER "$ENV{DEBFULLNAME} <$ENV{DEBEMAIL}>")
endif()

set(opened "libvips42 | libvips42t64, libzip4 | libzip5, libcurl4 | libcurl4t64")
set(opened_always "libopenblas0, liblapacke") # every study needs them
set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME fovea)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_RECOMMENDS ${opened})
set(CPACK_DEBIAN_PROGRAM_PACKAGE_DEPENDS ${opened_always})
set(CPACK_DEBIAN_PROGRAM_DESCRIPTION "One command takes a dataset and answers what every report on a classifier
asks, in one page that opens offline.")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME libfovea${FOVEA_ABI})
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_RECOMMENDS ${opened})
set(CPACK_DEBIAN_LIBRARY_PACKAGE_DEPENDS ${opened_always})
set(CPACK_DEBIAN_LIBRARY_DESCRIPTION "The shared library, for programs that were built with it.")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA ${CMAKE_CURRENT_BINARY_DIR}/triggers)
file(CONFIGURE OUTPUT triggers CONTENT "activate-noawait ldconfig\n")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libfovea-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "libfovea${FOVEA_ABI} (= ${PROJECT_VERSION})")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SUGGESTS # what the static library stands on
    "zlib1g-dev, libpng-dev, libjansson-dev, libmd-dev, libprotobuf-c-dev")
set(CPACK_DEBIAN_DEVELOPMENT_DESCRIPTION "Headers, static library, pkg-config and CMake package files.")

file(READ NOTICE notice)
file(CONFIGURE OUTPUT copyright CONTENT "Copyright 2026 the authors of Fovea.

${notice}
On Debian the Apache License 2.0 is /usr/share/common-licenses/Apache-2.0.
")
file(CONFIGURE OUTPUT changelog CONTENT "fovea (${PROJECT_VERSION}) unstable; urgency=medium

  * Built by make package; see CHANGELOG.md.

 -- ${CPACK_DEBIAN_PACKAGE_MAINTAINER}  Thu, 01 Jan 1970 00:00:00 +0000
")
execute_process(COMMAND gzip -9nf changelog WORKING_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR} COMMAND_ERROR_IS_FATAL ANY)
foreach(component program library development)
  string(TOUPPER ${component} upper)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/copyright ${CMAKE_CURRENT_BINARY_DIR}/changelog.gz COMPONENT ${component}
          DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${CPACK_DEBIAN_${upper}_PACKAGE_NAME})
endforeach()
include(CPack)
