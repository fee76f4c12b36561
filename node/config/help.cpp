#include <algorithm>

#include "node/config/args.hpp"

/// The text of -help.
namespace cairn::node {
namespace {

constexpr std::size_t kScreenWidth = 79, kOptionIndent = 2, kTextIndent = 7;

const char* title(OptionGroup group) {
    switch (group) {
        case OptionGroup::general: return "Options:";
        case OptionGroup::connection: return "Connection options:";
        case OptionGroup::wallet: return "Wallet options:";
        case OptionGroup::wallet_debug: return "Wallet debugging/testing options:";
        case OptionGroup::zmq: return "ZeroMQ notification options:";
        case OptionGroup::debug_test: return "Debugging/Testing options:";
        case OptionGroup::chain_selection: return "Chain selection options:";
        case OptionGroup::node_relay: return "Node relay options:";
        case OptionGroup::block_creation: return "Block creation options:";
        case OptionGroup::rpc: return "RPC server options:";
        case OptionGroup::ipc: return "IPC interprocess connection options:";
        case OptionGroup::cli_commands: return "CLI Commands:";
        case OptionGroup::hidden: break;
    }
    return "";
}

}  // namespace

std::string format_paragraph(std::string_view text, std::size_t width, std::size_t indent) {
    std::string out;
    std::size_t column = 0;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find_first_of(" \n"), text.size());
        const std::string_view word = text.substr(0, end);
        if (column != 0 && column + 1 + word.size() > width) {
            out += '\n';
            out.append(indent, ' ');
            column = 0;
        }
        if (column != 0) {
            out += ' ';
            ++column;
        }
        out += word;
        column += word.size();
        if (end < text.size() && text[end] == '\n') {
            out += '\n';
            column = 0;
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
}

std::string Args::help(bool with_debug) const {
    std::string text;
    for (int g = 0; g < static_cast<int>(OptionGroup::hidden); ++g) {
        const auto group = static_cast<OptionGroup>(g);
        std::string part;
        for (const auto& [name, option] : options_) {
            if (option.group != group || (!with_debug && (option.flags & kDebugOnly))) continue;
            part += std::string(kOptionIndent, ' ') + name + option.value + "\n" + std::string(kTextIndent, ' ') +
                    format_paragraph(option.help, kScreenWidth - kTextIndent, kTextIndent) + "\n\n";
        }
        if (!part.empty()) text += std::string(title(group)) + "\n\n" + part;
    }
    return text;
}

}  // namespace cairn::node
