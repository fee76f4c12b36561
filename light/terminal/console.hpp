#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace cairn::light {

/// Somebody at a terminal, or a script in their place.
class Console {
public:
    virtual ~Console() = default;
    virtual void show(std::string_view text) = 0;
    /// One line without its end; nullopt at the end of the input.
    virtual std::optional<std::string> ask(std::string_view question) = 0;
    /// The same without showing what is typed.
    virtual std::optional<std::string> ask_secret(std::string_view question) = 0;
    /// Takes what was shown off the screen, as far as the terminal can; nothing when there is none.
    virtual void clear() = 0;
    /// Is there a person who reads and types?
    virtual bool interactive() const = 0;
    /// May escape sequences be shown?
    virtual bool colour() const = 0;
};

/// Standard input and output.
class TerminalConsole final : public Console {
public:
    void show(std::string_view text) override;
    std::optional<std::string> ask(std::string_view question) override;
    std::optional<std::string> ask_secret(std::string_view question) override;
    void clear() override;
    bool interactive() const override;
    bool colour() const override;
};

}  // namespace cairn::light
