#include "storage/datadir.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "tests/support/temp_dir.hpp"

namespace cairn::storage::test {

using cairn::test::TempDir;

TEST(DirectoryLock, KeepsASecondHolderOut) {
    const TempDir dir;
    {
        const auto lock = DirectoryLock::acquire(dir.path(), "Cairn");
        ASSERT_TRUE(lock);
        const auto second = DirectoryLock::acquire(dir.path(), "Cairn");
        ASSERT_FALSE(second);
        EXPECT_EQ(second.error().kind, StorageError::Kind::locked);
        EXPECT_EQ(second.error().message,
                  "Cannot obtain a lock on directory " + dir.path().string() + ". Cairn is probably already running.");
    }
    EXPECT_TRUE(DirectoryLock::acquire(dir.path(), "Cairn"));
}

TEST(DirectoryLock, SaysWhenTheDirectoryCannotBeWritten) {
    const TempDir dir;
    const auto lock = DirectoryLock::acquire(dir.path() / "missing", "Cairn");
    ASSERT_FALSE(lock);
    EXPECT_EQ(lock.error().kind, StorageError::Kind::permission);
    EXPECT_EQ(lock.error().message,
              "Cannot write to directory '" + (dir.path() / "missing").string() + "'; check permissions.");
}

TEST(DataDir, MakesDirectoriesThatOnlyTheirOwnerReads) {
    const TempDir dir;
    const auto deep = dir.path() / "a" / "b";
    ASSERT_TRUE(make_directories(deep));
    ASSERT_TRUE(make_directories(deep));
    struct stat info {};
    ASSERT_EQ(::stat(deep.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0700u);
}

TEST(DataDir, RefusesADirectoryWhereAFileIs) {
    const TempDir dir;
    ASSERT_TRUE(DirectoryLock::acquire(dir.path(), "Cairn"));
    EXPECT_FALSE(make_directories(dir.path() / ".lock"));
    EXPECT_FALSE(make_directories(dir.path() / ".lock" / "below"));
}

TEST(DataDir, ComparesFreeSpaceWithTheNeed) {
    const TempDir dir;
    const auto space = free_space(dir.path());
    ASSERT_TRUE(space);
    EXPECT_GT(*space, 0u);
    const auto impossible = check_free_space(dir.path(), ~std::uint64_t{0} / 2);
    ASSERT_FALSE(impossible);
    EXPECT_EQ(impossible.error().kind, StorageError::Kind::no_space);
    EXPECT_FALSE(free_space(dir.path() / "missing"));
}

TEST(DataDir, OfAnotherProgramIsRefusedAndLeftAlone) {
    for (const char* mark : {"chainstate/CURRENT", "blocks/index/CURRENT", "blocks/blk00000.dat"}) {
        const TempDir dir;
        EXPECT_TRUE(refuse_foreign(dir.path(), dir.path() / "blocks"));
        const auto path = dir.path() / mark;
        ASSERT_TRUE(make_directories(path.parent_path()));
        EXPECT_TRUE(refuse_foreign(dir.path(), dir.path() / "blocks")) << "folders alone may be ours";
        std::ofstream(path) << "x";
        const auto refused = refuse_foreign(dir.path(), dir.path() / "blocks");
        ASSERT_FALSE(refused) << mark;
        EXPECT_EQ(refused.error().kind, StorageError::Kind::foreign);
        EXPECT_NE(refused.error().message.find(path.string()), std::string::npos) << refused.error().message;
        EXPECT_FALSE(std::filesystem::exists(dir.path() / ".lock"));
    }
}

}  // namespace cairn::storage::test
