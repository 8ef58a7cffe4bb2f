# What libfovea stands on: PkgConfig::<NAME> for each, seen by every folder; FOVEA_DEPENDENCIES names
# them, FOVEA_REQUIRES is for those who link with the static library.
foreach(dependency ZLIB=zlib PNG=libpng JANSSON=jansson LIBMD=libmd PROTOBUF_C=libprotobuf-c)
  string(REPLACE = ";" dependency ${dependency})
  list(GET dependency 0 name)
  list(GET dependency 1 module)
  pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${module})
  list(APPEND FOVEA_DEPENDENCIES ${name})
  string(APPEND FOVEA_REQUIRES "${module} ")
endforeach()
string(STRIP "${FOVEA_REQUIRES}" FOVEA_REQUIRES)

# Opened at run time (src/formats/vips.h, library_load.h, src/explain/openblas.h say why): their headers are needed, nobody links with them but
# tests that make zip archives.
pkg_check_modules(VIPS REQUIRED vips)
pkg_check_modules(LIBZIP REQUIRED IMPORTED_TARGET libzip)
pkg_check_modules(CURL REQUIRED libcurl)
pkg_check_modules(OPENBLAS REQUIRED openblas)
pkg_check_modules(LAPACKE REQUIRED lapacke)
