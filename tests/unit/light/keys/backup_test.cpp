#include "light/keys/backup.hpp"

#include <gtest/gtest.h>

#include "consensus/base/codec.hpp"
#include "consensus/crypto/hash.hpp"

namespace cairn::light {
namespace {

constexpr ScryptCost kCheap{4, 1, 1};
constexpr std::size_t kCostAt = 9;

Bytes contents() {
    Bytes bytes;
    for (int n = 0; n < 100; ++n) bytes.push_back(static_cast<std::uint8_t>(n * 7));
    return bytes;
}
/// With a checksum that fits again.
Bytes mended(Bytes backup) {
    backup.resize(backup.size() - 32);
    const Uint256 sum = hash256(backup);
    Writer(backup).uint256(sum);
    return backup;
}

TEST(Backup, GivesBackWhatWentIn) {
    for (const Bytes& bytes : {Bytes(), Bytes{1}, contents(), Bytes(300'000, 5)}) {
        const auto backup = make_backup(bytes, "right", kCheap);
        ASSERT_TRUE(backup.has_value());
        const auto back = open_backup(*backup, "right");
        ASSERT_TRUE(back.has_value()) << to_string(back.error());
        EXPECT_EQ(Bytes(back->begin(), back->end()), bytes);
        EXPECT_EQ(open_backup(*backup, "Right").error(), BackupError::wrong_passphrase);
        EXPECT_EQ(open_backup(*backup, "").error(), BackupError::wrong_passphrase);
    }
    EXPECT_EQ(make_backup(contents(), "", kCheap).error(), BackupError::empty_passphrase);
    EXPECT_EQ(make_backup(contents(), "x", {40, 8, 1}).error(), BackupError::bad_parameters);
    EXPECT_NE(*make_backup(contents(), "right", kCheap), *make_backup(contents(), "right", kCheap));
}

TEST(Backup, SaysOfEveryLengthThatItIsCutOff) {
    const Bytes backup = *make_backup(contents(), "right", kCheap);
    for (std::size_t size = 1; size < backup.size(); ++size) {
        const auto back = open_backup(ByteSpan(backup).first(size), "right");
        ASSERT_FALSE(back.has_value());
        EXPECT_EQ(back.error(), BackupError::truncated) << size;
    }
    EXPECT_EQ(open_backup({}, "right").error(), BackupError::not_a_backup);
    Bytes longer = backup;
    longer.push_back(0);
    EXPECT_EQ(open_backup(longer, "right").error(), BackupError::damaged);
}

TEST(Backup, NoticesEveryChangedByte) {
    const Bytes backup = *make_backup(contents(), "right", kCheap);
    for (std::size_t at = 0; at < backup.size(); ++at)
        for (const std::uint8_t change : {0x01, 0x80, 0xff}) {
            Bytes wrong = backup;
            wrong[at] ^= change;
            EXPECT_FALSE(open_backup(wrong, "right").has_value()) << at;
            // Whoever mends the checksum too is found out by the seal.
            if (at < backup.size() - 32) {
                EXPECT_FALSE(open_backup(mended(wrong), "right").has_value()) << at;
            } else {
                EXPECT_EQ(open_backup(wrong, "right").error(), BackupError::damaged) << at;
            }
        }
    Bytes wrong = backup;
    wrong[backup.size() - 40] ^= 1;
    EXPECT_EQ(open_backup(wrong, "right").error(), BackupError::damaged);
    EXPECT_EQ(open_backup(mended(wrong), "right").error(), BackupError::wrong_passphrase);
}

TEST(Backup, TellsWhatItIsNot) {
    Bytes backup = *make_backup(contents(), "right", kCheap);
    Bytes wrong = backup;
    wrong[0] = 'c';
    EXPECT_EQ(open_backup(wrong, "right").error(), BackupError::not_a_backup);
    wrong = backup;
    wrong[8] = 2;
    EXPECT_EQ(open_backup(wrong, "right").error(), BackupError::newer_format);
    wrong = backup;
    wrong[kCostAt] = 40;
    EXPECT_EQ(open_backup(mended(wrong), "right").error(), BackupError::bad_parameters);
    wrong = backup;
    wrong[kCostAt + 11] = 0xff;
    EXPECT_EQ(open_backup(mended(wrong), "right").error(), BackupError::bad_parameters);
}

}  // namespace
}  // namespace cairn::light
