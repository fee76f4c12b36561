#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace cairn::node::detail {

/// A heap of numbers that can also be taken out of its middle: whoever owns what the numbers stand for keeps the place of each.
///
/// `Facts` has `bool before(Id, Id) const` (the one that comes first is on top) and `std::uint32_t& place(Id)`.
/// Memory: 4 to 8 bytes each. Cost: logarithmic, four ways.
/// Owner: one thread.
class PlacedHeap {
public:
    using Id = std::uint32_t;

    bool empty() const { return ids_.empty(); }
    Id top() const { return ids_.front(); }
    std::size_t memory_usage() const { return ids_.capacity() * sizeof(Id); }

    template <class Facts>
    void push(Id id, Facts&& facts) {
        ids_.push_back(id);
        up(ids_.size() - 1, facts);
    }
    template <class Facts>
    void erase(Id id, Facts&& facts) {
        const std::size_t place = facts.place(id);
        const Id last = ids_.back();
        ids_.pop_back();
        if (ids_.capacity() > kSpare && ids_.size() < ids_.capacity() / 4) ids_.shrink_to_fit();
        if (place == ids_.size()) return;
        ids_[place] = last;
        up(place, facts);
        down(facts.place(last), facts);
    }

private:
    static constexpr std::size_t kWays = 4, kSpare = 4'096;

    template <class Facts>
    void up(std::size_t place, Facts& facts) {
        const Id id = ids_[place];
        while (place > 0) {
            const std::size_t above = (place - 1) / kWays;
            if (!facts.before(id, ids_[above])) break;
            ids_[place] = ids_[above];
            facts.place(ids_[place]) = static_cast<std::uint32_t>(place);
            place = above;
        }
        ids_[place] = id;
        facts.place(id) = static_cast<std::uint32_t>(place);
    }
    template <class Facts>
    void down(std::size_t place, Facts& facts) {
        const Id id = ids_[place];
        for (std::size_t first = place * kWays + 1; first < ids_.size(); first = place * kWays + 1) {
            std::size_t best = first;
            for (std::size_t below = first + 1; below < ids_.size() && below < first + kWays; ++below)
                if (facts.before(ids_[below], ids_[best])) best = below;
            if (!facts.before(ids_[best], id)) break;
            ids_[place] = ids_[best];
            facts.place(ids_[place]) = static_cast<std::uint32_t>(place);
            place = best;
        }
        ids_[place] = id;
        facts.place(id) = static_cast<std::uint32_t>(place);
    }

    std::vector<Id> ids_;
};

}  // namespace cairn::node::detail
