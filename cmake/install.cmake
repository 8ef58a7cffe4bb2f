# make install: the program with its manual pages and completions, the library, its headers, and what lets others find it
# (pkg-config, find_package). make package: the same as three Debian packages.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# The manual pages are what the program says of itself, so they are made when it is there.
find_program(HELP2MAN help2man REQUIRED)
set(man ${CMAKE_BINARY_DIR}/man)
list(JOIN CMAKE_CROSSCOMPILING_EMULATOR " " emulator)
add_custom_command(
  OUTPUT ${man}/fovea.1.gz
  COMMAND ${CMAKE_SOURCE_DIR}/cmake/man.sh "${emulator} $<TARGET_FILE:fovea>" ${PROJECT_VERSION}
          ${CMAKE_SOURCE_DIR}/docs/man ${man}
  DEPENDS fovea cmake/man.sh docs/man/fovea.h2m docs/man/verb.h2m
  COMMENT "Writing the manual pages"
  VERBATIM)
add_custom_target(fovea_man ALL DEPENDS ${man}/fovea.1.gz)

install(TARGETS fovea RUNTIME COMPONENT program)
install(DIRECTORY ${man}/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT program)
install(FILES completions/fovea.bash RENAME fovea COMPONENT program
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES completions/fovea.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d COMPONENT program)
foreach(folder site-functions vendor-completions) # zsh looks into the first below /usr/local, Debian's also into the second
  install(FILES completions/_fovea DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/${folder} COMPONENT program)
endforeach()
install(FILES LICENSE NOTICE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program)

install(TARGETS libfovea_shared LIBRARY COMPONENT library NAMELINK_COMPONENT development)
install(TARGETS libfovea ARCHIVE COMPONENT development)
install(DIRECTORY include/fovea DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)

file(RELATIVE_PATH FOVEA_PC_TO_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cmake/fovea.pc.in fovea.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/fovea.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/fovea)
configure_package_config_file(cmake/fovea-config.cmake.in fovea-config.cmake INSTALL_DESTINATION ${package}
                              PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file(fovea-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/fovea-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/fovea-config-version.cmake
        DESTINATION ${package} COMPONENT development)

include(cmake/package.cmake)
