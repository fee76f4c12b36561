#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string_view>

#include "consensus/base/bytes.hpp"

namespace cairn::test {

/// How many mutated inputs a garbage test tries: CAIRN_GARBAGE_ROUNDS, or the given default.
inline std::uint64_t garbage_rounds(std::uint64_t usual) {
    const char* given = std::getenv("CAIRN_GARBAGE_ROUNDS");
    return given && *given ? std::strtoull(given, nullptr, 10) : usual;
}

/// Spoils valid inputs in the ways that decoders trip over: flipped bits, cut and repeated pieces, extreme lengths.
/// The same seed gives the same inputs.
class Mutator {
public:
    explicit Mutator(std::uint64_t seed) : random_(seed) {}

    std::uint64_t below(std::uint64_t limit) { return limit == 0 ? 0 : random_() % limit; }

    Bytes mutate(Bytes input) {
        const std::uint64_t changes = 1 + below(8);
        for (std::uint64_t i = 0; i < changes; ++i) change(input);
        return input;
    }

    /// One or two characters changed, cut or doubled: text that mostly stays well-formed where its syntax is JSON or hex.
    Bytes mutate_text(std::string_view text) {
        if (below(4) == 0) return mutate(to_bytes(as_bytes(text)));
        static constexpr std::string_view kLikely = "0123456789abcdef(),:{}[]\"'/#*-.h ";
        Bytes bytes = to_bytes(as_bytes(text));
        for (std::uint64_t changes = 1 + below(2); changes > 0 && !bytes.empty(); --changes) {
            const auto at = bytes.begin() + static_cast<std::ptrdiff_t>(below(bytes.size()));
            const auto character = static_cast<std::uint8_t>(kLikely[below(kLikely.size())]);
            switch (below(4)) {
                case 0: bytes.erase(at); break;
                case 1: bytes.insert(at, character); break;
                default: *at = character; break;
            }
        }
        return bytes;
    }

private:
    void change(Bytes& bytes) {
        if (bytes.empty()) {
            bytes.push_back(static_cast<std::uint8_t>(random_()));
            return;
        }
        const std::size_t at = below(bytes.size());
        switch (below(7)) {
            case 0: bytes[at] ^= static_cast<std::uint8_t>(1u << below(8)); break;
            case 1: bytes[at] = static_cast<std::uint8_t>(random_()); break;
            case 2: bytes.resize(at); break;
            case 3: {  // a length or count at its extremes
                static constexpr std::uint8_t kExtremes[] = {0, 1, 0x7f, 0x80, 0xfc, 0xfd, 0xfe, 0xff};
                for (std::size_t i = at; i < bytes.size() && i < at + 1 + below(8); ++i) bytes[i] = kExtremes[below(8)];
                break;
            }
            case 4: {  // a piece again
                const std::size_t count = below(std::min<std::size_t>(bytes.size() - at, 64)) + 1;
                const Bytes piece(bytes.begin() + at, bytes.begin() + at + count);
                bytes.insert(bytes.begin() + below(bytes.size()), piece.begin(), piece.end());
                break;
            }
            case 5: bytes.erase(bytes.begin() + at, bytes.begin() + at + below(std::min<std::size_t>(bytes.size() - at, 16)) + 1); break;
            case 6: bytes.insert(bytes.begin() + at, 1 + below(16), static_cast<std::uint8_t>(random_())); break;
        }
    }

    std::mt19937_64 random_;
};

}  // namespace cairn::test
