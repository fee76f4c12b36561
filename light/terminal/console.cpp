#include "light/terminal/console.hpp"

#include <termios.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>

namespace cairn::light {
namespace {

/// Keeps what is typed off the screen.
class NoEcho {
public:
    NoEcho() : active_(isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before_) == 0) {
        if (!active_) return;
        termios quiet = before_;
        quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        tcsetattr(STDIN_FILENO, TCSANOW, &quiet);
    }
    ~NoEcho() {
        if (!active_) return;
        tcsetattr(STDIN_FILENO, TCSANOW, &before_);
        std::cerr << std::endl;
    }
    NoEcho(const NoEcho&) = delete;
    NoEcho& operator=(const NoEcho&) = delete;

private:
    termios before_{};
    bool active_;
};

}  // namespace

void TerminalConsole::show(std::string_view text) { std::cout << text << std::flush; }

std::optional<std::string> TerminalConsole::ask(std::string_view question) {
    std::cerr << question << std::flush;
    std::string line;
    if (!std::getline(std::cin, line)) return std::nullopt;
    return line;
}

std::optional<std::string> TerminalConsole::ask_secret(std::string_view question) {
    const NoEcho quiet;
    return ask(question);
}

void TerminalConsole::clear() {
    // The screen, and the lines that scrolled out of it.
    if (colour()) std::cout << "\x1b[2J\x1b[3J\x1b[H" << std::flush;
}

bool TerminalConsole::interactive() const { return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO); }

bool TerminalConsole::colour() const {
    const char* kind = std::getenv("TERM");
    return isatty(STDOUT_FILENO) && kind && std::string_view(kind) != "dumb";
}

}  // namespace cairn::light
