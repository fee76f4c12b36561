#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "consensus/base/bytes.hpp"

namespace cairn::light::miniscript {

enum class Fragment {
    just_0,
    just_1,
    pk_k,
    older,
    after,
    sha256,
    hash256,
    ripemd160,
    hash160,
    multi,
    wrap_a,
    wrap_s,
    wrap_c,
    wrap_d,
    wrap_v,
    wrap_j,
    wrap_n,
    and_v,
    and_b,
    or_b,
    or_c,
    or_d,
    or_i,
    andor,
    thresh,
};

/// A set of the type properties of BIP379, one bit for each letter: B V K W z o n d u e f s m x, and g h i j k for time
/// locks (g: older in seconds, h: older in blocks, i: after in seconds, j: after in blocks, k: no conflicting mix).
class Type {
public:
    constexpr Type() = default;
    constexpr Type(const char* letters) {  // NOLINT: a word of letters is a type
        for (; *letters; ++letters) bits_ |= bit(*letters);
    }
    /// Has all properties of `other`?
    constexpr bool has(Type other) const { return (bits_ & other.bits_) == other.bits_; }
    constexpr Type when(bool condition) const { return condition ? *this : Type(); }
    constexpr bool empty() const { return bits_ == 0; }
    friend constexpr Type operator|(Type a, Type b) { return from(a.bits_ | b.bits_); }
    friend constexpr Type operator&(Type a, Type b) { return from(a.bits_ & b.bits_); }

private:
    static constexpr std::uint32_t bit(char letter) {
        return 1u << (letter >= 'a' ? letter - 'a'
                                    : 26 + (letter == 'B'   ? 0
                                            : letter == 'V' ? 1
                                            : letter == 'K' ? 2
                                                            : 3));
    }
    static constexpr Type from(std::uint32_t bits) {
        Type type;
        type.bits_ = bits;
        return type;
    }
    std::uint32_t bits_ = 0;
};

/// What satisfying or dissatisfying may cost at most; no value where it is impossible.
using Cost = std::optional<int>;
struct Costs {
    Cost satisfied, dissatisfied;
};

struct Node;
using NodePtr = std::unique_ptr<Node>;

/// An expression with everything that is known of it from its parts.
struct Node {
    Fragment fragment;
    std::vector<NodePtr> subs;
    std::vector<Bytes> keys;
    std::uint32_t number = 0;  ///< of older, after, multi, thresh
    Bytes hash;
    Type type;
    int opcodes = 0;     ///< that count towards the limit whichever way is taken
    Costs more_opcodes;  ///< that are counted only when executed
    Costs stack;         ///< witness items
};

/// Puts an expression together and works out type and costs. An empty type: the parts do not fit.
NodePtr make_node(Fragment fragment, std::vector<NodePtr> subs, std::uint32_t number = 0, std::vector<Bytes> keys = {},
                  Bytes hash = {});

std::string to_string(const Node& node);

}  // namespace cairn::light::miniscript
