#include "net/swarm/embedded_asmap.hpp"

#ifdef CAIRN_ASMAP_FILE
// The assembler takes the file in as it is: a megabyte as a list of numbers would cost the compiler seconds.
asm(".section .rodata\n"
    ".balign 16\n"
    ".globl cairn_asmap_begin\n"
    ".hidden cairn_asmap_begin\n"
    "cairn_asmap_begin:\n"
    ".incbin \"" CAIRN_ASMAP_FILE "\"\n"
    ".globl cairn_asmap_end\n"
    ".hidden cairn_asmap_end\n"
    "cairn_asmap_end:\n"
    ".byte 0\n"
    ".previous\n");
extern "C" __attribute__((visibility("hidden"))) const std::uint8_t cairn_asmap_begin[], cairn_asmap_end[];
#endif

namespace cairn::net {

ByteSpan embedded_asmap() {
#ifdef CAIRN_ASMAP_FILE
    return {cairn_asmap_begin, static_cast<std::size_t>(cairn_asmap_end - cairn_asmap_begin)};
#else
    return {};
#endif
}

}  // namespace cairn::net
