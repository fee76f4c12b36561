#pragma once

#include "tests/support/light_world.hpp"

/// What tests of the light client begin with.
namespace cairn::test {

/// A script that nothing else pays.
inline Bytes script(std::uint8_t tag) { return make_witness_program(0, Bytes(20, tag)); }

/// Mines a block that pays `to`, from the coinbase of the block at `from` (it is spent 100 blocks later at the earliest).
inline const HeaderNode* pay(ChainBuilder& chain, Height from, const Bytes& to) {
    const TestCoin coin = chain.coin(from);
    return chain.mine({chain.spend({coin}, {{coin.coin.value, to}})});
}

/// A chain of 120 blocks; those at 121 and 125 pay script(1).
inline void make_chain(LightWorld& world) {
    world.chain.mine_many(120);
    pay(world.chain, 1, script(1));
    world.chain.mine_many(3);
    pay(world.chain, 2, script(1));
    world.chain.mine_many(5);
    world.wallet.watch_script(script(1));
    world.role->watch_changed();
}

inline std::vector<Height> found(const LightWorld& world) {
    std::vector<Height> heights;
    for (const auto& [height, hash] : world.wallet.blocks) heights.push_back(height);
    return heights;
}

}  // namespace cairn::test
