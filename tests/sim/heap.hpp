#pragma once

#include <cstdint>

namespace cairn::sim {

/// Whose memory is whose: every allocation of this program is counted for the owner that was current when it was made, and
/// taken off him when it is freed, whoever frees it. Owner 0 is the simulation itself.
namespace heap {

inline constexpr std::uint32_t kOwners = 4096;

/// Gives who was it before.
std::uint32_t set_owner(std::uint32_t owner);
/// Bytes that the owner holds now, as it asked for them.
std::int64_t held(std::uint32_t owner);

/// Makes somebody the owner of what is allocated in a scope.
class As {
public:
    explicit As(std::uint32_t owner) : before_(set_owner(owner)) {}
    ~As() { set_owner(before_); }
    As(const As&) = delete;
    As& operator=(const As&) = delete;

private:
    std::uint32_t before_;
};

}  // namespace heap
}  // namespace cairn::sim
