#include "light/descriptors/miniscript_satisfy.hpp"

#include <algorithm>

#include "consensus/base/codec.hpp"

namespace cairn::light::miniscript {
namespace {

/// One way to satisfy or dissatisfy something, with what is to be known of it for choosing among ways.
struct Way {
    Availability available = Availability::yes;
    bool has_signature = false;
    bool malleable = false;
    bool unusual = false;  ///< there is a dissatisfaction that is always better
    std::size_t size = 0;  ///< bytes with the items' lengths
    std::vector<Bytes> stack;

    static Way item(Bytes bytes) {
        Way way;
        way.size = compact_size_length(bytes.size()) + bytes.size();
        way.stack.push_back(std::move(bytes));
        return way;
    }
    static Way impossible() {
        Way way;
        way.available = Availability::no;
        return way;
    }
    Way& with(Availability a) {
        available = a;
        if (a == Availability::no) *this = impossible();
        return *this;
    }
    Way& with_signature() {
        has_signature = true;
        return *this;
    }
    Way& as_malleable(bool is = true) {
        malleable = malleable || is;
        return *this;
    }
    Way& as_unusual() {
        unusual = true;
        return *this;
    }
};
struct Ways {
    Way dissatisfied, satisfied;
};

/// Both: first what lies deeper on the stack.
Way both(Way a, Way b) {
    if (a.available == Availability::no || b.available == Availability::no) return Way::impossible();
    for (Bytes& item : b.stack) a.stack.push_back(std::move(item));
    if (b.available == Availability::maybe) a.available = Availability::maybe;
    a.size += b.size;
    a.has_signature = a.has_signature || b.has_signature;
    a.malleable = a.malleable || b.malleable;
    a.unusual = a.unusual || b.unusual;
    return a;
}

/// The better of two, for somebody who does not want others to exchange one for the other.
Way best(Way a, Way b) {
    if (a.available == Availability::no) return b;
    if (b.available == Availability::no) return a;
    // Where only one needs a signature, anybody could use the other.
    if (a.has_signature != b.has_signature) return a.has_signature ? b : a;
    if (!a.has_signature) {
        a.malleable = b.malleable = true;
    } else if (a.malleable != b.malleable) {
        return a.malleable ? b : a;
    }
    // Of those at hand the smaller, of those to be measured the larger.
    if (a.available != b.available) return a.available == Availability::yes ? a : b;
    const bool smaller = a.size <= b.size, larger = a.size >= b.size;
    return (a.available == Availability::yes ? smaller : larger) ? a : b;
}

Way zero() { return Way::item({}); }
Way one() { return Way::item({1}); }

class Satisfier {
public:
    explicit Satisfier(const Provisions& provisions) : provisions_(provisions) {}

    Ways ways(const Node& node) const {
        switch (node.fragment) {
            case Fragment::just_0: return {Way(), Way::impossible()};
            case Fragment::just_1: return {Way::impossible(), Way()};
            case Fragment::pk_k: return {zero(), signature(node.keys[0])};
            case Fragment::pk_h: {
                const Way key = Way::item(provisions_.key_bytes(node.keys[0]));
                return {both(zero(), key), both(signature(node.keys[0]), key)};
            }
            case Fragment::older: return {Way::impossible(), provisions_.meets_older(node.number) ? Way() : Way::impossible()};
            case Fragment::after: return {Way::impossible(), provisions_.meets_after(node.number) ? Way() : Way::impossible()};
            case Fragment::sha256:
            case Fragment::hash256:
            case Fragment::ripemd160:
            case Fragment::hash160: {
                Bytes preimage;
                const Availability available = provisions_.preimage(node.fragment, node.hash, preimage);
                return {Way::item(Bytes(32, 0)).as_malleable(), Way::item(std::move(preimage)).with(available)};
            }
            case Fragment::multi: return multi(node);
            case Fragment::multi_a: return multi_a(node);
            case Fragment::thresh: return threshold(node);
            default: return node.subs.size() == 1 ? wrapper(node) : combination(node);
        }
    }

private:
    Way signature(std::size_t key) const {
        Bytes bytes;
        const Availability available = provisions_.sign(key, bytes);
        return Way::item(std::move(bytes)).with_signature().with(available);
    }

    /// `more[j]`: j of the parts so far satisfied. Adds one part.
    static void extend(std::vector<Way>& more, const Way& no, const Way& yes) {
        std::vector<Way> next{both(no, more[0])};
        for (std::size_t j = 1; j < more.size(); ++j) next.push_back(best(both(no, more[j]), both(yes, more[j - 1])));
        next.push_back(both(yes, more.back()));
        more = std::move(next);
    }

    Ways multi(const Node& node) const {
        std::vector<Way> found{zero()};
        for (const std::size_t key : node.keys) {
            // Signatures follow each other in the order of the keys; there is nothing for keys that do not sign.
            const Way sign = signature(key);
            std::vector<Way> next{found[0]};
            for (std::size_t j = 1; j < found.size(); ++j) next.push_back(best(found[j], both(found[j - 1], sign)));
            next.push_back(both(found.back(), sign));
            found = std::move(next);
        }
        Way none = zero();
        for (std::uint32_t i = 0; i < node.number; ++i) none = both(none, zero());
        return {none, found[node.number]};
    }

    /// Every key has an item of its own, so that the best signatures can be picked one by one: there may be hundreds.
    Ways multi_a(const Node& node) const {
        std::vector<Way> signatures;
        std::vector<std::size_t> usable;
        for (std::size_t i = 0; i < node.keys.size(); ++i) {
            signatures.push_back(signature(node.keys[i]));
            if (signatures[i].available != Availability::no) usable.push_back(i);
        }
        const auto better = [&](std::size_t a, std::size_t b) {
            const Way &x = signatures[a], &y = signatures[b];
            if (x.available != y.available) return x.available == Availability::yes;
            if (x.size != y.size) return (x.size < y.size) == (x.available == Availability::yes);
            return a > b;
        };
        Ways ways{Way(), usable.size() < node.number ? Way::impossible() : Way()};
        std::sort(usable.begin(), usable.end(), better);
        usable.resize(std::min<std::size_t>(usable.size(), node.number));
        std::vector<bool> used(node.keys.size(), false);
        for (const std::size_t i : usable) used[i] = true;
        for (std::size_t i = node.keys.size(); i-- > 0;) {  // the first key's item is the last
            ways.dissatisfied = both(std::move(ways.dissatisfied), zero());
            ways.satisfied = both(std::move(ways.satisfied), used[i] ? std::move(signatures[i]) : zero());
        }
        return ways;
    }

    Ways threshold(const Node& node) const {
        std::vector<Way> found{Way()};
        for (const NodePtr& sub : node.subs) {
            const Ways part = ways(*sub);
            extend(found, part.dissatisfied, part.satisfied);
        }
        Way none = Way::impossible();
        for (std::size_t i = 0; i < found.size(); ++i) {
            if (i == node.number) continue;
            if (i != 0) found[i].as_malleable().as_unusual();
            none = best(none, found[i]);
        }
        return {none, found[node.number]};
    }

    Ways wrapper(const Node& node) const {
        Ways x = ways(*node.subs[0]);
        switch (node.fragment) {
            case Fragment::wrap_d: return {zero(), both(x.satisfied, one())};
            case Fragment::wrap_v: return {Way::impossible(), x.satisfied};
            case Fragment::wrap_j: {
                // A dissatisfaction that begins with something else than zero may exist: then this one can be exchanged for it.
                const bool other = x.dissatisfied.available != Availability::no && !x.dissatisfied.has_signature;
                return {zero().as_malleable(other), x.satisfied};
            }
            default: return x;
        }
    }

    Ways combination(const Node& node) const {
        const Ways x = ways(*node.subs[0]), y = ways(*node.subs[1]);
        switch (node.fragment) {
            case Fragment::and_v: return {both(y.dissatisfied, x.satisfied).as_unusual(), both(y.satisfied, x.satisfied)};
            case Fragment::and_b:
                return {best(best(both(y.dissatisfied, x.dissatisfied), both(y.satisfied, x.dissatisfied).as_malleable().as_unusual()),
                             both(y.dissatisfied, x.satisfied).as_malleable().as_unusual()),
                        both(y.satisfied, x.satisfied)};
            case Fragment::or_b:
                return {both(y.dissatisfied, x.dissatisfied),
                        best(best(both(y.dissatisfied, x.satisfied), both(y.satisfied, x.dissatisfied)),
                             both(y.satisfied, x.satisfied).as_malleable().as_unusual())};
            case Fragment::or_c: return {Way::impossible(), best(x.satisfied, both(y.satisfied, x.dissatisfied))};
            case Fragment::or_d: return {both(y.dissatisfied, x.dissatisfied), best(x.satisfied, both(y.satisfied, x.dissatisfied))};
            case Fragment::or_i:
                return {best(both(x.dissatisfied, one()), both(y.dissatisfied, zero())), best(both(x.satisfied, one()), both(y.satisfied, zero()))};
            default: break;
        }
        const Ways z = ways(*node.subs[2]);  // andor
        return {best(both(y.dissatisfied, x.satisfied).as_unusual(), both(z.dissatisfied, x.dissatisfied)),
                best(both(y.satisfied, x.satisfied), both(z.satisfied, x.dissatisfied))};
    }

    const Provisions& provisions_;
};

}  // namespace

Satisfaction satisfy(const Node& node, const Provisions& provisions, bool allow_malleable) {
    Way way = Satisfier(provisions).ways(node).satisfied;
    if (!allow_malleable && (way.malleable || !way.has_signature)) return {};
    if (way.available == Availability::no) return {};
    return {way.available, std::move(way.stack)};
}

}  // namespace cairn::light::miniscript
