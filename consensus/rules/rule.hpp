#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace cairn::rules {

/// One line of a rule table. The rules of a table are checked in its order and the first that is broken is the verdict.
template <class Subject, class Error>
struct Rule {
    std::string_view name;          ///< Bitcoin Core's reject token
    Error error;                    ///< what a subject that breaks the rule is refused with
    bool (*holds)(const Subject&);  ///< true when the subject obeys
    std::string_view source;        ///< where the rule is written down
};

/// The error of the first rule that does not hold.
template <class Subject, class Error>
std::optional<Error> first_broken(std::span<const Rule<Subject, Error>> table, const Subject& subject) {
    for (const auto& rule : table) {
        if (!rule.holds(subject)) return rule.error;
    }
    return std::nullopt;
}

}  // namespace cairn::rules
