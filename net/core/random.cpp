#include "net/core/random.hpp"

#include <random>

namespace cairn::net {

Random Random::from_system() {
    std::random_device device;
    Uint256 seed;
    for (std::size_t i = 0; i < Uint256::kSize; i += 4) {
        const std::uint32_t part = device();
        std::memcpy(seed.data() + i, &part, sizeof part);
    }
    return Random(seed);
}

}  // namespace cairn::net
