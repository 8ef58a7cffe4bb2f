# What libfovea stands on: PkgConfig::<NAME> for each, seen by every folder; FOVEA_REQUIRES for those who link with it.
foreach(dependency ZLIB=zlib PNG=libpng JANSSON=jansson LIBMD=libmd LIBZIP=libzip OPENBLAS=openblas LAPACKE=lapacke
        PROTOBUF_C=libprotobuf-c)
  string(REPLACE = ";" dependency ${dependency})
  list(GET dependency 0 name)
  list(GET dependency 1 module)
  pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${module})
  string(APPEND FOVEA_REQUIRES "${module} ")
endforeach()
string(STRIP "${FOVEA_REQUIRES}" FOVEA_REQUIRES)

# libvips is opened at run time (src/formats/vips.h says why): its headers are needed, nobody links with it.
pkg_check_modules(VIPS REQUIRED vips)
