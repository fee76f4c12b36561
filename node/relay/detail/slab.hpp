#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <vector>

namespace cairn::node::detail {

/// Many small things of one type by number, without a heap block for each: they lie in pages and never move.
///
/// Numbers are reused after take_back(). A page that holds nothing any more goes back to the heap.
/// Memory: of the things, rounded up to a page. Cost: constant.
/// Owner: one thread.
template <class T, std::uint32_t kPage = 512>
class Slab {
    static_assert(std::is_trivially_copyable_v<T> && kPage <= 0xffff);

public:
    using Id = std::uint32_t;
    static constexpr Id kNone = 0xffffffff;

    Id give(const T& value) {
        if (open_.empty()) {
            open_.push_back(static_cast<Id>(pages_.size()));
            pages_.emplace_back();
        }
        const Id number = open_.back();
        auto& page = pages_[number];
        if (!page) page = std::make_unique<Page>();
        std::uint32_t place = page->free;
        if (place == kEnd) place = page->fresh++;
        else page->free = page->next_free[place];
        if (++page->live == kPage) open_.pop_back();
        page->things[place] = value;
        ++size_;
        return number * kPage + place;
    }
    void take_back(Id id) {
        const Id number = id / kPage;
        Page& page = *pages_[number];
        if (page.live == kPage) open_.push_back(number);
        --size_;
        if (--page.live == 0) {
            pages_[number] = nullptr;
            return;
        }
        page.next_free[id % kPage] = page.free;
        page.free = static_cast<std::uint16_t>(id % kPage);
    }
    T& operator[](Id id) { return pages_[id / kPage]->things[id % kPage]; }
    const T& operator[](Id id) const { return pages_[id / kPage]->things[id % kPage]; }
    std::size_t size() const { return size_; }
    std::size_t memory_usage() const {
        std::size_t bytes = pages_.capacity() * sizeof(void*) + open_.capacity() * sizeof(Id);
        for (const auto& page : pages_) bytes += page ? sizeof(Page) : 0;
        return bytes;
    }
    /// Every thing with its number, in order of numbers.
    template <class Visit>
    void for_each(Visit visit) {
        std::array<bool, kPage> unused;
        for (Id number = 0; number < pages_.size(); ++number) {
            Page* const page = pages_[number].get();
            if (!page) continue;
            unused.fill(false);
            for (std::uint32_t place = page->free; place != kEnd; place = page->next_free[place]) unused[place] = true;
            for (std::uint32_t place = 0; place < page->fresh; ++place)
                if (!unused[place]) visit(number * kPage + place, page->things[place]);
        }
    }

private:
    static constexpr std::uint16_t kEnd = 0xffff;
    struct Page {
        std::uint16_t free = kEnd, fresh = 0, live = 0;
        std::array<std::uint16_t, kPage> next_free;
        std::array<T, kPage> things;
    };

    std::vector<std::unique_ptr<Page>> pages_;
    std::vector<Id> open_;  ///< pages with room, or that are not there
    std::size_t size_ = 0;
};

}  // namespace cairn::node::detail
