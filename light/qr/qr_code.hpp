#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "consensus/primitives/amount.hpp"

/// QR codes, and what wallets put into them.
namespace cairn::light {

/// A square of dark and light modules, without its light margin.
/// Thread: any (a value).
struct QrCode {
    int size = 0;  ///< modules on each side
    std::vector<bool> modules;  ///< row by row; true: dark

    /// Outside the square everything is light.
    bool dark(int x, int y) const {
        return x >= 0 && y >= 0 && x < size && y < size && modules[static_cast<std::size_t>(y) * static_cast<std::size_t>(size) +
                                                                   static_cast<std::size_t>(x)];
    }
};

/// nullopt when the text is empty, or longer than a QR code holds (about 2300 bytes).
std::optional<QrCode> make_qr_code(std::string_view text);

/// Lines of half blocks, two rows of modules each, with a margin. `colour`: sets black on white by escape sequences; without it
/// the terminal's background is taken to be dark.
std::string draw_for_terminal(const QrCode& code, bool colour);

/// "bitcoin:<address>?amount=0.1&label=x" (BIP21). Zero and empty values are left out.
std::string payment_uri(std::string_view address, Amount amount = 0, std::string_view label = {}, std::string_view message = {});

}  // namespace cairn::light
