#pragma once

#include <span>
#include <string_view>

namespace cairn::light {

/// A file of the page, as it is served.
struct PageFile {
    const char* path;
    const char* type;
    std::string_view content;
};
/// All of them; they are part of the program.
std::span<const PageFile> page_files();

}  // namespace cairn::light
