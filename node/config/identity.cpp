#include "node/config/identity.hpp"

#include <charconv>

namespace cairn::node {

bool split_host_port(std::string_view text, std::string& host, std::uint16_t& port) {
    const std::size_t colon = text.rfind(':');
    const bool bracketed = !text.empty() && text.front() == '[' && colon != std::string_view::npos && colon > 0 && text[colon - 1] == ']';
    const bool several = colon != std::string_view::npos && text.find(':') != colon;
    bool valid = true;
    if (colon != std::string_view::npos && (colon == 0 || bracketed || !several)) {
        const std::string_view digits = text.substr(colon + 1);
        std::uint16_t parsed = 0;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), parsed);
        valid = error == std::errc{} && end == digits.data() + digits.size() && parsed != 0;
        if (valid) {
            text = text.substr(0, colon);
            port = parsed;
        }
    }
    if (text.size() > 1 && text.front() == '[' && text.back() == ']') text = text.substr(1, text.size() - 2);
    host = std::string(text);
    return valid;
}

}  // namespace cairn::node
