#include "tests/sim/heap.hpp"

#include <array>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace cairn::sim::heap {
namespace {

/// Stands before every allocation; as large as the strictest alignment of plain new.
struct alignas(alignof(std::max_align_t)) Label {
    std::size_t size;
    std::uint32_t owner;
};

std::uint32_t current = 0;
std::array<std::int64_t, kOwners> totals{};

void* take(std::size_t size) noexcept {
    auto* label = static_cast<Label*>(std::malloc(size + sizeof(Label)));
    if (!label) return nullptr;
    label->size = size;
    label->owner = current;
    totals[current] += static_cast<std::int64_t>(size);
    return label + 1;
}

void give_back(void* memory) noexcept {
    if (!memory) return;
    auto* label = static_cast<Label*>(memory) - 1;
    totals[label->owner] -= static_cast<std::int64_t>(label->size);
    std::free(label);
}

}  // namespace

std::uint32_t set_owner(std::uint32_t owner) {
    const std::uint32_t before = current;
    current = owner % kOwners;
    return before;
}

std::int64_t held(std::uint32_t owner) { return totals[owner % kOwners]; }

}  // namespace cairn::sim::heap

void* operator new(std::size_t size) {
    if (void* memory = cairn::sim::heap::take(size)) return memory;
    throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return cairn::sim::heap::take(size); }
void operator delete(void* memory) noexcept { cairn::sim::heap::give_back(memory); }
void operator delete(void* memory, std::size_t) noexcept { cairn::sim::heap::give_back(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { cairn::sim::heap::give_back(memory); }
