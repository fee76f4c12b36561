#include "storage/scratch_memory.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <random>
#include <string>

namespace cairn::storage {
namespace {

namespace fs = std::filesystem;

class ScratchMemoryTest : public testing::Test {
protected:
    fs::path folder_ = fs::temp_directory_path() / ("cairn-scratch-" + std::to_string(::testing::UnitTest::GetInstance()->random_seed()) + "-" + std::to_string(::getpid()));
    void SetUp() override { fs::create_directories(folder_); }
    void TearDown() override { fs::remove_all(folder_); }
};

std::size_t resident_kilobytes() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("VmRSS:")) return std::stoul(line.substr(6));
    return 0;
}

TEST_F(ScratchMemoryTest, KeepsWhatIsInItWhileNothingIsResident) {
    ScratchMemory memory(folder_);
    std::mt19937 random(1);
    std::vector<std::pair<unsigned char*, std::size_t>> parts;
    for (int i = 0; i < 3000; ++i) {
        const std::size_t size = 1 + random() % 20'000, alignment = std::size_t{1} << (random() % 7);
        auto* part = static_cast<unsigned char*>(memory.allocate(size, alignment));
        ASSERT_EQ(reinterpret_cast<std::uintptr_t>(part) % alignment, 0u);
        std::memset(part, i % 251, size);
        parts.emplace_back(part, size);
    }
    EXPECT_GE(memory.mapped_bytes(), 20u << 20);
    const std::size_t before = resident_kilobytes();
    memory.rest();
    EXPECT_LT(resident_kilobytes() + 15 * 1024, before);
    for (std::size_t i = 0; i < parts.size(); ++i)
        for (const std::size_t at : {std::size_t{0}, parts[i].second / 2, parts[i].second - 1}) ASSERT_EQ(parts[i].first[at], i % 251);
}

TEST_F(ScratchMemoryTest, LeavesNoFileBehind) {
    {
        ScratchMemory memory(folder_);
        (void)memory.allocate(1 << 20);
        EXPECT_TRUE(fs::is_empty(folder_));
    }
    EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(ScratchMemoryTest, ServesOrdinaryMemoryWhereNoFileCanBe) {
    for (const fs::path& nowhere : {fs::path(), folder_ / "missing"}) {
        ScratchMemory memory(nowhere);
        void* part = memory.allocate(9 << 20);
        std::memset(part, 7, 9 << 20);
        memory.rest();
        EXPECT_EQ(static_cast<unsigned char*>(part)[8 << 20], 7);
        EXPECT_EQ(memory.mapped_bytes(), 0u);
    }
}

TEST_F(ScratchMemoryTest, TakesPiecesLargerThanItsGrowth) {
    ScratchMemory memory(folder_);
    const std::size_t size = 3 * ScratchMemory::kGrowth + 5;
    auto* part = static_cast<unsigned char*>(memory.allocate(size));
    part[size - 1] = 9;
    memory.rest();
    EXPECT_EQ(part[size - 1], 9);
}

}  // namespace
}  // namespace cairn::storage
