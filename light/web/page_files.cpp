#include "light/web/page_files.hpp"

#include <array>

// The assembler takes the files in as they are; CMake says where they lie and builds this again when they change.
#define CAIRN_PAGE_FILE(name, file)                    \
    asm(".section .rodata\n"                           \
        ".hidden cairn_page_" #name "_begin\n"         \
        ".globl cairn_page_" #name "_begin\n"          \
        "cairn_page_" #name "_begin:\n"                \
        ".incbin \"" CAIRN_PAGE_FOLDER "/" file "\"\n" \
        ".hidden cairn_page_" #name "_end\n"           \
        ".globl cairn_page_" #name "_end\n"            \
        "cairn_page_" #name "_end:\n"                  \
        ".byte 0\n"                                    \
        ".previous\n");                                \
    extern "C" __attribute__((visibility("hidden"))) const char cairn_page_##name##_begin[], cairn_page_##name##_end[]

CAIRN_PAGE_FILE(html, "page.html");
CAIRN_PAGE_FILE(css, "page.css");
CAIRN_PAGE_FILE(js, "page.js");

namespace cairn::light {
namespace {

std::string_view between(const char* begin, const char* end) { return {begin, static_cast<std::size_t>(end - begin)}; }

}  // namespace

std::span<const PageFile> page_files() {
    static const std::array<PageFile, 3> files = {{
        {"/", "text/html; charset=utf-8", between(cairn_page_html_begin, cairn_page_html_end)},
        {"/page.css", "text/css; charset=utf-8", between(cairn_page_css_begin, cairn_page_css_end)},
        {"/page.js", "text/javascript; charset=utf-8", between(cairn_page_js_begin, cairn_page_js_end)},
    }};
    return files;
}

}  // namespace cairn::light
