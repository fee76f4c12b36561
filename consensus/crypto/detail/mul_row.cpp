#include "consensus/crypto/detail/mul_row.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace cairn::detail {

std::uint64_t mul_add_row48_portable(std::uint64_t* sum, const std::uint64_t* factors, std::uint64_t factor) {
    unsigned __int128 carry = 0;
    for (int i = 0; i < 48; ++i) {
        carry += static_cast<unsigned __int128>(factors[i]) * factor + sum[i];
        sum[i] = static_cast<std::uint64_t>(carry);
        carry >>= 64;
    }
    return static_cast<std::uint64_t>(carry);
}

#if defined(__x86_64__)

// One limb: the low half joins the sum in the carry flag's chain, the previous limb's high half in the overflow flag's.
// clang-format off
#define CAIRN_LIMB(offset, high, previous)             \
    "mulx " #offset "(%[factors]), %%r9, %%" high "\n" \
    "adcx " #offset "(%[sum]), %%r9\n"                 \
    "adox %%" previous ", %%r9\n"                      \
    "mov %%r9, " #offset "(%[sum])\n"
// clang-format on
#define CAIRN_FOUR_LIMBS(a, b, c, d) \
    CAIRN_LIMB(a, "r10", "r11") CAIRN_LIMB(b, "r11", "r10") CAIRN_LIMB(c, "r10", "r11") CAIRN_LIMB(d, "r11", "r10")

std::uint64_t mul_add_row48_adx(std::uint64_t* sum, const std::uint64_t* factors, std::uint64_t factor) {
    std::uint64_t carry;
    __asm__ volatile(
        "xor %%r11d, %%r11d\n"  // no high half yet, both flags clear
        CAIRN_FOUR_LIMBS(0, 8, 16, 24) CAIRN_FOUR_LIMBS(32, 40, 48, 56)
        CAIRN_FOUR_LIMBS(64, 72, 80, 88) CAIRN_FOUR_LIMBS(96, 104, 112, 120)
        CAIRN_FOUR_LIMBS(128, 136, 144, 152) CAIRN_FOUR_LIMBS(160, 168, 176, 184)
        CAIRN_FOUR_LIMBS(192, 200, 208, 216) CAIRN_FOUR_LIMBS(224, 232, 240, 248)
        CAIRN_FOUR_LIMBS(256, 264, 272, 280) CAIRN_FOUR_LIMBS(288, 296, 304, 312)
        CAIRN_FOUR_LIMBS(320, 328, 336, 344) CAIRN_FOUR_LIMBS(352, 360, 368, 376)
        "mov $0, %%r9d\n"  // leaves the flags alone
        "adcx %%r9, %%r11\n"
        "adox %%r9, %%r11\n"
        "mov %%r11, %[carry]\n"
        : [carry] "=r"(carry)
        : [sum] "r"(sum), [factors] "r"(factors), "d"(factor)
        : "r9", "r10", "r11", "cc", "memory");
    return carry;
}

MulAddRow48 mul_add_row48() {
    static const MulAddRow48 chosen = [] {
        unsigned a = 0, b = 0, c = 0, d = 0;
        const bool fast = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b >> 8 & 1) && (b >> 19 & 1);  // BMI2, ADX
        return fast ? mul_add_row48_adx : mul_add_row48_portable;
    }();
    return chosen;
}

#else

MulAddRow48 mul_add_row48() {
    return mul_add_row48_portable;
}

#endif

}  // namespace cairn::detail
