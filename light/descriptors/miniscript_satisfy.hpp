#pragma once

#include "light/descriptors/miniscript_node.hpp"

namespace cairn::light::miniscript {

/// Is it at hand? `maybe`: not now, but its size is known, as when a witness is only to be measured.
enum class Availability { no, yes, maybe };

/// What a satisfier may use. Numbers of keys are those of the expression.
class Provisions {
public:
    virtual ~Provisions() = default;
    virtual Availability sign(std::size_t key, Bytes& signature) const = 0;
    virtual Bytes key_bytes(std::size_t key) const = 0;
    /// The 32 bytes behind a hash of this fragment's kind.
    virtual Availability preimage(Fragment kind, const Bytes& hash, Bytes& preimage) const = 0;
    virtual bool meets_older(std::uint32_t sequence) const = 0;
    virtual bool meets_after(std::uint32_t lock_time) const = 0;
};

struct Satisfaction {
    Availability available = Availability::no;
    std::vector<Bytes> stack;  ///< bottom first, without the script
};

/// The smallest witness that nobody can change (BIP379). With `malleable` allowed also one that somebody could.
Satisfaction satisfy(const Node& node, const Provisions& provisions, bool allow_malleable = false);

}  // namespace cairn::light::miniscript
