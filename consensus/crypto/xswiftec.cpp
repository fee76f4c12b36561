#include "consensus/crypto/detail/residue.hpp"
#include "consensus/crypto/ellswift.hpp"

namespace cairn {

using detail::FieldElement;
using detail::square_root;

std::optional<Uint256> xswiftec_inverse(const Uint256& x_bytes, const Uint256& u_bytes, unsigned which) {
    const FieldElement x = FieldElement::reduced(x_bytes.span()), u = FieldElement::reduced(u_bytes.span());
    const FieldElement one(1), two(2), three(3), four(4), seven(7);
    const FieldElement g = u * u * u + seven;
    FieldElement s, v;
    if ((which & 2) == 0) {
        // x is the first or second candidate of the decoder; the third, -x - u, must then not be on the curve.
        const FieldElement third = -x - u;
        if (square_root(third * third * third + seven)) return std::nullopt;
        v = x;
        s = -g / (u * u + u * v + v * v);
    } else {
        s = x - u;
        if (s.is_zero()) return std::nullopt;
        const auto r = square_root(-s * (four * g + three * s * u * u));
        if (!r || ((which & 1) && r->is_zero())) return std::nullopt;
        v = (*r / s - u) / two;
    }
    const auto w = square_root(s);
    if (!w) return std::nullopt;
    const FieldElement root = *square_root(-three);
    const FieldElement t = *w * (u * ((which & 1) ? one + root : one - root) / two + v);
    const bool negate = (which & 5) == 0 || (which & 5) == 5;
    return (negate ? -t : t).bytes();
}

}  // namespace cairn
