#include "light/qr/qr_code.hpp"

#include <memory>

#include <qrencode.h>

#include <fmt/format.h>

namespace cairn::light {
namespace {

constexpr int kMargin = 2;  ///< readers of today need no more, and small terminals no less

struct Free {
    void operator()(QRcode* code) const { QRcode_free(code); }
};

/// Percent-encodes all that RFC 3986 does not call unreserved.
std::string escape(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
        if (plain) out += c;
        else out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

}  // namespace

std::optional<QrCode> make_qr_code(std::string_view text) {
    if (text.empty()) return std::nullopt;
    const std::unique_ptr<QRcode, Free> drawn(
        QRcode_encodeData(static_cast<int>(text.size()), reinterpret_cast<const unsigned char*>(text.data()), 0, QR_ECLEVEL_M));
    if (!drawn) return std::nullopt;
    QrCode code;
    code.size = drawn->width;
    const auto count = static_cast<std::size_t>(drawn->width) * static_cast<std::size_t>(drawn->width);
    code.modules.reserve(count);
    for (std::size_t i = 0; i < count; ++i) code.modules.push_back(drawn->data[i] & 1);
    return code;
}

std::string draw_for_terminal(const QrCode& code, bool colour) {
    std::string out;
    for (int y = -kMargin; y < code.size + kMargin; y += 2) {
        if (colour) out += "\x1b[37;40;1m";
        for (int x = -kMargin; x < code.size + kMargin; ++x) {
            // The foreground is light: what is drawn are the light modules. Below the last row nothing is drawn.
            const bool upper = !code.dark(x, y), lower = !code.dark(x, y + 1) && y + 1 < code.size + kMargin;
            out += upper && lower ? "\u2588" : upper ? "\u2580" : lower ? "\u2584" : " ";
        }
        if (colour) out += "\x1b[0m";
        out += '\n';
    }
    return out;
}

std::string payment_uri(std::string_view address, Amount amount, std::string_view label, std::string_view message) {
    std::string uri = "bitcoin:" + std::string(address);
    char separator = '?';
    const auto add = [&](const char* name, const std::string& value) {
        uri += separator;
        uri += name;
        uri += '=' + value;
        separator = '&';
    };
    if (amount > 0) {
        std::string text = fmt::format("{}.{:08}", amount / kCoin, amount % kCoin);
        text.erase(text.find_last_not_of('0') + 1);
        if (text.back() == '.') text.pop_back();
        add("amount", text);
    }
    if (!label.empty()) add("label", escape(label));
    if (!message.empty()) add("message", escape(message));
    return uri;
}

}  // namespace cairn::light
