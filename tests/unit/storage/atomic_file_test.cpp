#include "storage/atomic_file.hpp"

#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace cairn::storage {
namespace {
namespace fs = std::filesystem;

class AtomicFile : public ::testing::Test {
protected:
    AtomicFile() {
        char name[] = "/tmp/cairn_atomic_XXXXXX";
        folder_ = mkdtemp(name);
    }
    ~AtomicFile() override { fs::remove_all(folder_); }
    std::size_t files() const { return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_), {})); }
    fs::path folder_;
};

TEST_F(AtomicFile, ReplacesTheWholeFileForItsOwnerOnly) {
    const fs::path file = folder_ / "backup";
    std::ofstream(folder_ / "backup.new") << "what a crash left";
    for (const Bytes& bytes : {Bytes(100'000, 1), Bytes{2, 3}, Bytes()}) {
        ASSERT_TRUE(write_file_atomically(file, bytes).has_value());
        EXPECT_EQ(*read_whole_file(file, 100'000), bytes);
        EXPECT_EQ(files(), 1u);
    }
    struct stat info {};
    ASSERT_EQ(stat(file.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(AtomicFile, LeavesTheOldFileWhenItCannotBeWritten) {
    EXPECT_EQ(write_file_atomically(folder_ / "none" / "file", Bytes{1}).error().kind, StorageError::Kind::not_found);
    fs::create_directories(folder_ / "taken" / "x");
    EXPECT_FALSE(write_file_atomically(folder_ / "taken", Bytes{1}).has_value());
    EXPECT_EQ(files(), 1u);
}

TEST_F(AtomicFile, ReadsNothingTooLargeAndNoFolder) {
    ASSERT_TRUE(write_file_atomically(folder_ / "file", Bytes(10)).has_value());
    EXPECT_FALSE(read_whole_file(folder_ / "file", 9).has_value());
    EXPECT_FALSE(read_whole_file(folder_, 1000).has_value());
    EXPECT_EQ(read_whole_file(folder_ / "none", 9).error().kind, StorageError::Kind::not_found);
}

}  // namespace
}  // namespace cairn::storage
