#include "net/peer/rate_schedule.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/core.h>

namespace cairn::net {
namespace {

constexpr std::array<std::string_view, 7> kDays = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
constexpr std::int64_t kDay_s = 86'400;
constexpr std::uint64_t kMaxRate = 100'000'000;  // kB/s: more is a typing error

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// Minutes since midnight, 24:00 being the end of the day.
std::optional<int> time_of_day(std::string_view text) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos || text.size() - colon != 3 || colon == 0 || colon > 2) return std::nullopt;
    const auto hours = number(text.substr(0, colon)), minutes = number(text.substr(colon + 1));
    if (!hours || !minutes || *minutes > 59 || *hours > 24 || (*hours == 24 && *minutes != 0)) return std::nullopt;
    return static_cast<int>(*hours * 60 + *minutes);
}

std::optional<std::size_t> day_of_week(std::string_view text) {
    const auto found = std::find(kDays.begin(), kDays.end(), text);
    if (found == kDays.end()) return std::nullopt;
    return static_cast<std::size_t>(found - kDays.begin());
}

}  // namespace

bool RateSchedule::Entry::holds(int day, int minute) const {
    const auto on = [this](int which) { return days[static_cast<std::size_t>(which)]; };
    if (begin_minute < end_minute) return on(day) && minute >= begin_minute && minute < end_minute;
    return (on(day) && minute >= begin_minute) || (on((day + 6) % 7) && minute < end_minute);
}

Result<RateSchedule::Entry, std::string> RateSchedule::parse_entry(std::string_view text) {
    Entry entry;
    const std::size_t at = text.find('@');
    const auto rate = number(text.substr(0, at));
    if (!rate || *rate > kMaxRate) return fail(fmt::format("'{}' is not a number of kB/s from 0 to {}", text.substr(0, at), kMaxRate));
    entry.bytes_a_second = static_cast<double>(*rate) * 1000;
    if (at == std::string_view::npos) return entry;
    bool any_day = false;
    std::string_view rest = text.substr(at + 1);
    for (bool first = true;; first = false) {
        const std::string_view part = rest.substr(0, rest.find(','));
        const std::size_t dash = part.find('-');
        const std::string_view from = part.substr(0, dash), to = dash == std::string_view::npos ? from : part.substr(dash + 1);
        const auto first_day = day_of_week(from), last_day = day_of_week(to);
        if (first && part.find(':') != std::string_view::npos) {
            const auto begin = time_of_day(from), end = time_of_day(to);
            if (!begin || !end || dash == std::string_view::npos || *begin == *end || *begin == 24 * 60)
                return fail(fmt::format("'{}' is not a span of time as 08:00-18:30", part));
            entry.begin_minute = *begin;
            entry.end_minute = *end;
        } else if (first_day && last_day) {
            if (!std::exchange(any_day, true)) entry.days.fill(false);
            for (std::size_t day = *first_day;; day = (day + 1) % 7) {
                entry.days[day] = true;
                if (day == *last_day) break;
            }
        } else {
            return fail(fmt::format("'{}' is neither a span of time as 08:00-18:30 nor a day as mon or mon-fri", part));
        }
        if (part.size() == rest.size()) return entry;
        rest.remove_prefix(part.size() + 1);
    }
}

Result<RateSchedule, std::string> RateSchedule::parse(std::string_view option, const std::vector<std::string>& entries) {
    RateSchedule schedule;
    for (const std::string& text : entries) {
        auto entry = parse_entry(text);
        if (!entry) return fail(fmt::format("Invalid {}='{}': {}. It is <kB/s>[@[hh:mm-hh:mm][,days]].", option, text, entry.error()));
        schedule.entries_.push_back(*entry);
    }
    return schedule;
}

double RateSchedule::rate_at(std::int64_t local_s) const {
    const std::int64_t days = local_s >= 0 ? local_s / kDay_s : (local_s - kDay_s + 1) / kDay_s;
    const int day = static_cast<int>(((days + 3) % 7 + 7) % 7);  // the first of January 1970 was a Thursday
    const int minute = static_cast<int>((local_s - days * kDay_s) / 60);
    for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry)
        if (entry->holds(day, minute)) return entry->bytes_a_second;
    return 0;
}

}  // namespace cairn::net
