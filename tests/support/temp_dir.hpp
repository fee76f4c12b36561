#pragma once

#include <unistd.h>

#include <filesystem>
#include <string>

namespace cairn::test {

/// An empty directory of its own that goes away with the object. Copies are not possible, moves neither.
class TempDir {
public:
    TempDir() {
        std::string name = (std::filesystem::temp_directory_path() / "cairn-test-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) std::abort();
        path_ = name;
    }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    ~TempDir() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

}  // namespace cairn::test
