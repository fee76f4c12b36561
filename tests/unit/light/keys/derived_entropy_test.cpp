#include "light/keys/derived_entropy.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace cairn::light {
namespace {

TEST(DerivedEntropy, RefusesArgumentsOutOfRange) {
    const ExtendedKey master = *ExtendedKey::from_seed(Bytes(32, 1));
    EXPECT_TRUE(derived_mnemonic(master, Language::french, 12, 0).has_value());
    for (const std::uint32_t words : {0, 9, 13, 27}) EXPECT_FALSE(derived_mnemonic(master, Language::english, words, 0).has_value());
    EXPECT_FALSE(derived_mnemonic(master, Language::english, 12, kHardened).has_value());
    EXPECT_EQ(derived_bytes(master, 16, 0)->size(), 16u);
    EXPECT_FALSE(derived_bytes(master, 15, 0) || derived_bytes(master, 65, 0));
    EXPECT_FALSE(derived_password(master, 19, 0) || derived_password(master, 87, 0) || derived_dense_password(master, 9, 0) || derived_dense_password(master, 81, 0));
    EXPECT_EQ(derived_password(master, 86, 0)->size(), 86u);
    EXPECT_EQ(derived_dense_password(master, 80, 0)->size(), 80u);
    EXPECT_FALSE(derived_rolls(master, 1, 5, 0) || derived_rolls(master, 6, 0, 0) || derived_rolls(master, 6, kMaxRolls + 1, 0) || derived_rolls(master, kHardened, 1, 0));
    for (const std::uint32_t sides : {2u, 3u, 6u, 256u, 257u, 65'537u, kHardened - 1}) {
        const auto rolls = derived_rolls(master, sides, 1000, 0);
        ASSERT_TRUE(rolls && rolls->size() == 1000);
        EXPECT_LT(*std::max_element(rolls->begin(), rolls->end()), sides);
        EXPECT_GE(*std::max_element(rolls->begin(), rolls->end()), sides / 2);
    }
    EXPECT_FALSE(derived_key(master.neutered(), 0) || derived_master(master.neutered(), 0));
}

TEST(DerivedEntropy, DiffersByEveryStep) {
    const ExtendedKey master = *ExtendedKey::from_seed(Bytes(32, 1)), other = *ExtendedKey::from_seed(Bytes(32, 2));
    const auto sentence = derived_mnemonic(master, Language::english, 24, 0);
    EXPECT_EQ(derived_mnemonic(master, Language::english, 24, 0), sentence);
    EXPECT_NE(derived_mnemonic(master, Language::english, 24, 1), sentence);
    EXPECT_NE(derived_mnemonic(master, Language::english, 12, 0)->substr(0, 20), sentence->substr(0, 20));
    EXPECT_NE(derived_mnemonic(other, Language::english, 24, 0), sentence);
}

}  // namespace
}  // namespace cairn::light
