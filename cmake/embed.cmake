# fv_embed(TARGET SYMBOL FILE): the file's bytes as `const unsigned char SYMBOL[]`, followed by a zero, and
# `const unsigned long SYMBOL_size`.
function(fv_embed target symbol file)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/embed_${symbol}.S)
  file(CONFIGURE OUTPUT ${out} @ONLY CONTENT
".section .rodata
.global @symbol@
.balign 16
@symbol@: .incbin \"@file@\"
@symbol@_end: .byte 0
.balign 8
.global @symbol@_size
@symbol@_size: .quad @symbol@_end - @symbol@
.section .note.GNU-stack,\"\",%progbits
")
  # Seen by the target, which may live in another directory than the caller.
  set_source_files_properties(${out} TARGET_DIRECTORY ${target} PROPERTIES OBJECT_DEPENDS ${file})
  target_sources(${target} PRIVATE ${out})
endfunction()
