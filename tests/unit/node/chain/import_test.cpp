#include <gtest/gtest.h>

#include <fstream>
#include <random>

#include "tests/support/chain_harness.hpp"
#include "tests/support/temp_dir.hpp"

namespace cairn::node {
namespace {

using test::ChainBuilder;
using test::ChainHarness;
using test::TempDir;

// A file as -loadblock reads it.
class BlocksFile {
public:
    explicit BlocksFile(const ChainParams& params) : magic_(params.magic) {}

    BlocksFile& block(const Block& block) {
        prefix(static_cast<std::uint32_t>(block.raw().size()));
        return bytes(block.raw());
    }
    BlocksFile& prefix(std::uint32_t size) {
        Writer writer(content_);
        writer.bytes(magic_);
        writer.u32(size);
        return *this;
    }
    BlocksFile& bytes(ByteSpan data) {
        content_.insert(content_.end(), data.begin(), data.end());
        return *this;
    }
    BlocksFile& cut(std::size_t count) {
        content_.resize(content_.size() - count);
        return *this;
    }
    void write(const std::filesystem::path& path) const {
        std::ofstream file(path, std::ios::binary);
        file.write(reinterpret_cast<const char*>(content_.data()), static_cast<std::streamsize>(content_.size()));
        ASSERT_TRUE(file.good());
    }

private:
    std::array<std::uint8_t, 4> magic_;
    Bytes content_;
};

class Import : public testing::Test {
protected:
    Import() { builder.mine_many(30); }

    std::filesystem::path path() const { return dir.path() / "blocks.dat"; }
    // A node that was started with the file.
    Height import(const BlocksFile& blocks) {
        blocks.write(path());
        node.options.load_blocks = {path()};
        EXPECT_TRUE(node.start()) << node.start_error;
        return node.tip()->height;
    }

    TempDir dir;
    ChainBuilder builder;
    ChainHarness node;
    BlocksFile file{builder.params()};
};

TEST_F(Import, ReadsBootstrapOnceAndRenamesIt) {
    file.block(*builder.params().genesis);
    for (Height h = 1; h <= 30; ++h) file.block(*builder.block_at(h));
    file.write(dir.path() / "bootstrap.dat");
    node.options.datadir = dir.path();
    ASSERT_TRUE(node.start());
    EXPECT_EQ(node.tip()->hash, builder.tip()->hash);
    EXPECT_FALSE(std::filesystem::exists(dir.path() / "bootstrap.dat"));
    EXPECT_TRUE(std::filesystem::exists(dir.path() / "bootstrap.dat.old"));
    node.stop();
    ASSERT_TRUE(node.start());
    EXPECT_EQ(node.tip()->hash, builder.tip()->hash);
}

TEST_F(Import, PassesOverGarbageBetweenBlocks) {
    std::mt19937 random(3);
    const ByteSpan magic = builder.params().magic;
    for (Height h = 1; h <= 30; ++h) {
        Bytes garbage(random() % 3000);
        for (auto& byte : garbage) byte = static_cast<std::uint8_t>(random());
        file.bytes(garbage);
        switch (h % 6) {
            case 0: file.prefix(0); break;                // nothing behind it
            case 1: file.prefix(0xffffffff); break;       // longer than any block
            case 2: file.prefix(3'999'999); break;        // longer than the file
            case 3: file.bytes(magic.first(3)); break;    // nearly the magic
            case 4: file.prefix(100).bytes(Bytes(100, 0)); break;  // no block
            case 5: file.bytes(magic).bytes(magic); break;
        }
        file.block(*builder.block_at(h));
    }
    file.bytes(magic);
    EXPECT_EQ(import(file), 30);
    EXPECT_EQ(node.tip()->hash, builder.tip()->hash);
}

TEST_F(Import, TakesBlocksInAnyOrder) {
    std::vector<Height> order;
    for (Height h = 1; h <= 30; ++h) order.push_back(h);
    for (unsigned seed = 0; seed < 4; ++seed) {
        std::ranges::shuffle(order, std::mt19937(seed));
        if (seed == 0) std::ranges::sort(order, std::greater());
        BlocksFile shuffled(builder.params());
        for (const Height h : order) shuffled.block(*builder.block_at(h));
        shuffled.write(path());
        ChainHarness other;
        other.options.load_blocks = {path()};
        ASSERT_TRUE(other.start());
        EXPECT_EQ(other.tip()->hash, builder.tip()->hash);
    }
}

TEST_F(Import, FindsParentsInALaterFile) {
    BlocksFile upper(builder.params());
    for (Height h = 1; h <= 30; ++h) (h <= 15 ? file : upper).block(*builder.block_at(h));
    upper.write(dir.path() / "upper.dat");
    file.write(path());
    node.options.load_blocks = {dir.path() / "upper.dat", path(), dir.path() / "upper.dat"};
    ASSERT_TRUE(node.start());
    EXPECT_EQ(node.tip()->hash, builder.tip()->hash);
}

TEST_F(Import, StopsAtATruncatedBlock) {
    for (Height h = 1; h <= 30; ++h) file.block(*builder.block_at(h));
    file.cut(10);
    EXPECT_EQ(import(file), 29);
    EXPECT_TRUE(node.fatal_message.empty());
}

TEST_F(Import, LeavesOutABlockThatIsCutInTheMiddleAndWhatBuildsOnIt) {
    for (Height h = 1; h <= 30; ++h) {
        file.block(*builder.block_at(h));
        if (h == 20) file.cut(40);
    }
    EXPECT_EQ(import(file), 19);
    EXPECT_TRUE(node.fatal_message.empty());
    node.submit_chain(builder, builder.tip());
    EXPECT_EQ(node.tip()->hash, builder.tip()->hash) << "no block is blamed for the file";
}

TEST_F(Import, GoesOnWithTheGoodBranchAfterAnInvalidBlock) {
    const HeaderNode* good = builder.tip();
    const BlockPtr greedy = builder.draft(good->ancestor(28), {}, 1).finish();  // pays one more than the subsidy
    const HeaderNode* bad = builder.add(greedy);
    for (int i = 0; i < 5; ++i) bad = builder.mine_on(bad);
    for (Height h = 1; h <= bad->height; ++h) file.block(*builder.block(bad->ancestor(h)));
    for (Height h = 29; h <= 30; ++h) file.block(*builder.block(good->ancestor(h)));
    import(file);
    EXPECT_EQ(node.tip()->hash, good->hash);
}

TEST_F(Import, StartsWithoutAFileThatIsNotThere) {
    node.options.load_blocks = {dir.path() / "missing.dat", dir.path()};
    ASSERT_TRUE(node.start());
    EXPECT_EQ(node.tip()->height, 0);
    EXPECT_TRUE(node.fatal_message.empty());
}

TEST_F(Import, StartsWithAnEmptyFile) { EXPECT_EQ(import(file), 0); }

}  // namespace
}  // namespace cairn::node
