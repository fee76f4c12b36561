#include "light/client/header_chain.hpp"

#include <gtest/gtest.h>

#include "tests/support/chain_builder.hpp"

namespace cairn::light {
namespace {

std::vector<BlockHeader> headers_to(const HeaderNode* tip) {
    std::vector<BlockHeader> headers;
    for (; tip->parent; tip = tip->parent) headers.push_back(tip->header);
    std::ranges::reverse(headers);
    return headers;
}

TEST(HeaderChain, KeepsWhatCameBeforeABadHeaderAndRefusesTheRest) {
    test::ChainBuilder builder;
    builder.mine_many(20);
    std::vector<BlockHeader> headers = headers_to(builder.tip());
    HeaderChain chain(builder.params());
    chain.set_now((std::int64_t{builder.tip()->header.time} + 100) * 1'000'000);
    headers[15].time = 0;
    while (!rules::check_proof_of_work(headers[15].hash(), headers[15].bits, builder.params())) ++headers[15].nonce;
    const auto result = chain.accept_headers(headers);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error(), HeaderError::time_too_old);
    EXPECT_EQ(chain.tip()->height, 15);
    EXPECT_EQ(chain.take_new().size(), 15u);
}

TEST(HeaderChain, RestoresBranchesAndRefusesWhatDoesNotFit) {
    test::ChainBuilder builder;
    const HeaderNode* fork = builder.mine_many(10);
    const HeaderNode* stale = builder.mine_many(2);
    builder.set_tip(fork);
    const HeaderNode* best = builder.mine_many(3);
    HeaderChain chain(builder.params());
    for (std::uint32_t id = 1; id < builder.headers().size(); ++id) ASSERT_TRUE(chain.restore(builder.headers().at(id)->header));
    EXPECT_EQ(chain.tip()->hash, best->hash);
    EXPECT_NE(chain.find(stale->hash), nullptr);
    BlockHeader orphan = best->header;
    orphan.previous = BlockHash(sha256(Bytes{1}));
    EXPECT_FALSE(chain.restore(orphan));
}

TEST(HeaderChain, FindsAHeightByDateWithTwoDaysOfSlack) {
    test::ChainBuilder builder;
    for (int i = 0; i < 30; ++i) {
        test::BlockDraft draft = builder.draft(builder.tip());
        draft.header.time = builder.tip()->header.time + 86'400;
        builder.add(draft.mine(builder.params()).finish());
    }
    HeaderChain chain(builder.params());
    chain.set_now((std::int64_t{builder.tip()->header.time} + 100) * 1'000'000);
    ASSERT_TRUE(chain.accept_headers(headers_to(builder.tip())));
    EXPECT_EQ(chain.height_at(builder.tip()->ancestor(20)->header.time), 18);
    EXPECT_EQ(chain.height_at(0), 0);
    EXPECT_EQ(chain.height_at(std::int64_t{builder.tip()->header.time} + 400 * 86'400), 30);
}

}  // namespace
}  // namespace cairn::light
