#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "consensus/base/bytes.hpp"

namespace cairn::test {

/// The folder with test vectors: $CAIRN_VECTORS, or ../shared/vectors beside the source tree; nullopt when neither exists.
std::optional<std::filesystem::path> vectors_root();

/// The files below `folder` (a path under the root, such as "script") whose name matches the shell pattern
/// (`*` and `?`, an .xz ending allowed on top of it), sorted. Looks into subfolders too.
std::vector<std::filesystem::path> vector_files(const std::string& folder, const std::string& pattern);

/// The whole file; .xz files are unpacked.
Bytes read_file(const std::filesystem::path& path);
std::string read_text(const std::filesystem::path& path);
/// Lines without their line ends; empty lines are left out.
std::vector<std::string> read_lines(const std::filesystem::path& path);

}  // namespace cairn::test

/// At the start of a test that needs vectors: says that it skipped when there are none.
#define CAIRN_SKIP_WITHOUT_VECTORS()                                                               \
    do {                                                                                           \
        if (!::cairn::test::vectors_root())                                                        \
            GTEST_SKIP() << "no test vectors: set CAIRN_VECTORS or put them in ../shared/vectors"; \
    } while (false)
